"""Sheet, background, eyes, mouth and palette on their own."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from engines import arkit
from engines.api import Portrait
from engines.blendshape.actor import BlendshapeActor
from engines.blendshape.background import clean_plate, person_colours, refined_matte
from engines.blendshape.engine import BlendshapeEngine
from engines.blendshape.eyes import EyePose, draw_eye, eye_poses
from engines.blendshape.flow import dense_flow
from engines.blendshape.palette import Palette
from tests.engines.blendshape.conftest import still


def test_sheet_covers_the_picture_and_is_exact_at_rest(actor: BlendshapeActor) -> None:
    painter = actor.painter()
    still = np.zeros(53, np.float32)
    places, _ = painter.sheet_places(still, np.eye(3), np.zeros(3))
    assert np.array_equal(places, painter.sheet.places)
    low, high = painter.sheet.places.min(0), painter.sheet.places.max(0)
    assert (low < 0).all()
    assert (high > [painter.width, painter.height]).all()


def test_sheet_turns_with_the_head_and_fades_to_the_shoulders(actor: BlendshapeActor) -> None:
    painter = actor.painter()
    sheet, place = painter.sheet, painter.placement
    turn = place.turned(np.array([0, 0.15, 0]))
    moved = np.abs(painter.sheet_places(np.zeros(53, np.float32), turn, np.zeros(3))[0] - sheet.places).max(1)
    nose = np.hypot(*(sheet.places - place.landmarks[1]).T).argmin()
    assert sheet.turn[nose] > 0.95
    assert moved[nose] > 3
    below = sheet.places[:, 1] > place.landmarks[152, 1] + 0.9 * place.face_px
    assert below.any()
    assert sheet.turn[below].max() < 0.5


def test_hair_at_the_border_is_held(actor: BlendshapeActor) -> None:
    sheet = actor.painter().sheet
    held = sheet.held
    assert held.min() >= 0
    assert held.max() == 1
    beyond = sheet.places[:, 1] <= 0
    assert held[1, beyond].max() == 0
    assert held[1, sheet.places[:, 1] > actor.landmarks.box[1]].min() == 1


def test_clean_plate_hides_the_person_and_colours_composite_back() -> None:
    y, x = np.mgrid[:80, :80]
    matte = np.clip((25 - np.hypot(x - 40, y - 40)) / 4, 0, 1).astype(np.float32)
    behind, person = np.array([40, 90, 160.0]), np.array([200, 150, 120.0])
    photo = (behind + matte[..., None] * (person - behind)).round().astype(np.uint8)
    plate = clean_plate(photo, matte, 2)
    assert np.abs(plate[40, 40] - behind).max() < 12
    refined = refined_matte(photo, matte, plate)
    assert np.abs(refined - matte).mean() < 0.03
    colours = person_colours(photo, matte, plate, 4)
    again = plate + matte[..., None] * (colours - plate)
    assert np.abs(again - photo).mean() < 3
    edge = (matte > 0.2) & (matte < 0.8)
    assert np.abs(colours[edge] - person).mean() < np.abs(photo[edge] - person).mean() / 2


def test_blink_shuts_whatever_else_the_lids_do() -> None:
    for name, value in (("eyeWide", 1.0), ("eyeSquint", 1.0), ("eyeLookDown", 0.8), ("eyeLookUp", 1.0)):
        weights = np.zeros(arkit.COUNT)
        weights[list(arkit.indices(name))] = value
        weights[list(arkit.indices("eyeBlink"))] = 1
        for pose in eye_poses(weights, np.zeros(4)):
            assert pose.upper == pytest.approx(1)
            assert pose.lower == pytest.approx(0)


def test_lids_travel_evenly_with_the_blink(actor: BlendshapeActor) -> None:
    painter = actor.painter()
    eye = painter.eyes[0]
    rest = draw_eye(painter.person, eye, EyePose(0, 0, 0, 0))
    changes = [np.abs(draw_eye(painter.person, eye, EyePose(v, 0, 0, 0)) - rest).mean() for v in (0.25, 0.5, 0.75, 1)]
    assert all(a < b for a, b in itertools.pairwise(changes))
    steps = [draw_eye(painter.person, eye, EyePose(v, 0, 0, 0)) for v in np.linspace(0, 1, 41)]
    jumps = [np.abs(b - a).mean() for a, b in itertools.pairwise(steps)]
    assert max(jumps) < 6 * np.median(jumps)  # no frame pops


def test_lower_teeth_follow_the_jaw_and_upper_ones_do_not(actor: BlendshapeActor) -> None:
    mouth = actor.painter().mouth
    moved = np.linalg.norm(mouth.units[arkit.INDEX["jawOpen"]], axis=1)
    kind = actor.painter().placement.mesh.parts_of_vertices()[mouth.rows]
    assert moved[kind == 3].max() == 0
    assert moved[kind == 4].min() > 0.5
    smile = np.linalg.norm(mouth.units[arkit.INDEX["mouthSmileLeft"]], axis=1)
    assert smile[kind == 4].max() == 0


def test_the_line_between_closed_lips_is_left_behind_as_they_part(actor: BlendshapeActor) -> None:
    painter = actor.painter()
    mouth = painter.mouth
    rest = painter.placement.rest_weights.astype(float)
    still = np.zeros(6)
    assert np.abs(painter.mouth_places(rest, 0.0, still)[2] - mouth.uv).max() < 0.05
    open_ = rest.copy()
    open_[arkit.INDEX["jawOpen"]] = 0.6
    moved = painter.mouth_places(open_, 1.0, still)[2][:, 1] - mouth.uv[:, 1]
    upper, lower = (moved[rim[3:-3]] for rim in mouth.lips)
    assert upper.min() <= 0.0 <= lower.max()
    assert np.abs(upper).max() + np.abs(lower).max() > 0.5


def test_the_lining_follows_the_lip_it_hangs_on(actor: BlendshapeActor) -> None:
    mouth = actor.painter().mouth
    behind = np.unique(mouth.inner)
    behind = behind[(mouth.photo[behind] > 0.5) & (mouth.seam[behind] != 0)]
    upper_jaw = np.abs(mouth.units[arkit.INDEX["jawOpen"]][behind]).sum(1) < 0.1
    assert (mouth.seam[behind[upper_jaw]] < 0).all()


def test_teeth_of_a_black_and_white_photo_are_grey() -> None:
    grey = Palette(0.8, (1.0, 1.0, 1.0), 0.0).apply(np.array([[0.9, 0.4, 0.4]]))
    assert np.ptp(grey) < 1e-9
    colour = Palette(0.8, (1.0, 1.0, 1.0), 1.0).apply(np.array([[0.9, 0.4, 0.4]]))
    assert np.ptp(colour) > 50


def test_shade_within_the_mouth_is_warm(draw: Callable[..., np.ndarray], actor: BlendshapeActor) -> None:
    upper, lower = actor.landmarks.points[13, :2], actor.landmarks.points[14, :2]
    x, y = ((upper + lower) / 2).astype(int)
    red, green, blue = draw(jawOpen=0.6)[y : y + 12, x - 4 : x + 5].reshape(-1, 3).mean(0)
    assert red > 1.2 * green
    assert red > 1.2 * blue


def test_an_open_mouth_in_a_black_and_white_photo_is_grey(engine: BlendshapeEngine, portrait: Portrait) -> None:
    grey = np.repeat(portrait.rgb.mean(2, keepdims=True).round().astype(np.uint8), 3, 2)
    frame = next(iter(engine.render(engine.prepare(Portrait(grey)), still(jawOpen=0.6))))
    assert np.ptp(frame.astype(int), axis=2).max() <= 3


def test_flow_is_the_identity_at_rest_and_leaves_the_open_mouth_out(actor: BlendshapeActor) -> None:
    painter = actor.painter()
    rest = painter.placement.rest_weights
    uv, seen = dense_flow(painter, rest, 0.0, np.zeros(6), mouth=False)
    y, x = np.mgrid[: painter.height, : painter.width]
    assert np.abs(uv - np.stack([x, y], -1))[seen].max() < 1e-2
    weights = np.zeros(arkit.COUNT)
    weights[arkit.INDEX["jawOpen"]] = 0.3
    _, seen_open = dense_flow(painter, weights, 1.0, np.zeros(6))
    px, py = painter.placement.landmarks[[13, 14]].mean(0).round().astype(int)
    below = slice(py, py + round(0.06 * painter.placement.face_px))
    assert not seen_open[below, px].all()
    assert seen_open[py - round(0.2 * painter.placement.face_px), px]


def test_shut_eyes_leave_no_eyeball_and_the_skin_around_them_alone(actor: BlendshapeActor) -> None:
    painter = actor.painter()
    for eye in painter.eyes:
        left, top, width, height = eye.box
        before = painter.person[top : top + height, left : left + width, :3]
        shut = draw_eye(painter.person, eye, EyePose(1.0, 0.0, 0.0, 0.0))[..., :3]
        made = eye.lid[..., 3]
        edge = np.ones_like(made, bool)
        edge[2:-2, 2:-2] = False
        assert np.abs(shut - before)[edge].max() < 12  # no seam where the patch ends
        ball = made > 0.95
        white = float(np.quantile(before[ball].min(-1), 0.98))
        skin = float(np.median(eye.lid[..., :3].min(-1)))
        assert np.quantile(shut[ball].min(-1), 0.98) < skin + 0.5 * max(white - skin, 20)
