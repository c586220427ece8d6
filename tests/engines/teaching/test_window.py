from __future__ import annotations

import numpy as np
import pytest

from engines.blendshape.actor import BlendshapeActor, Crop
from engines.teaching.window import border, emphasis, face_window, pane


@pytest.fixture(scope="module")
def rig() -> BlendshapeActor:
    from pathlib import Path

    from PIL import Image

    from engines import registry
    from engines.api import Portrait
    from engines.blendshape.engine import BlendshapeEngine

    demo = Path(__file__).resolve().parents[3] / "assets" / "demo" / "portrait.jpg"
    image = Image.open(demo).convert("RGB")
    image.thumbnail((400, 400), Image.Resampling.LANCZOS)
    return BlendshapeEngine(registry.info("blendshape")).prepare(Portrait(np.array(image)))  # type: ignore[return-value]


def test_the_window_holds_the_face(rig: BlendshapeActor) -> None:
    window = face_window(rig, 64)
    places = window.places(rig.landmarks.points[:468, :2])
    assert places.min() > 0
    assert places.max() < 63
    picture = window.picture(rig.portrait.rgb)
    assert picture.shape == (64, 64, 3)
    assert picture.dtype == np.uint8


def test_a_window_shows_the_portrait_where_its_box_says(rig: BlendshapeActor) -> None:
    import cv2

    window = face_window(rig, 64)
    (left, top), (right, bottom) = (np.round(c).astype(int) for c in window.box())
    part = cv2.resize(rig.portrait.rgb[top:bottom, left:right], (64, 64), interpolation=cv2.INTER_AREA)
    assert np.abs(part.astype(float) - window.picture(rig.portrait.rgb)).mean() < 3


def test_what_a_network_left_alone_stays_as_it_is(rig: BlendshapeActor) -> None:
    window = face_window(rig, 64)
    frame = rig.portrait.rgb.copy()
    reference = window.picture(frame).astype(np.float32)
    where = pane(window, rig.crop(None))
    where.paste(frame, reference, reference)
    assert np.array_equal(frame, rig.portrait.rgb)


def test_what_a_network_changed_is_changed_there_and_nowhere_else(rig: BlendshapeActor) -> None:
    window = face_window(rig, 64)
    frame = rig.portrait.rgb.copy()
    reference = window.picture(frame).astype(np.float32)
    drawn = reference.copy()
    drawn[30:34, 30:34] += 10  # less than what makes the photo's detail give way
    where = pane(window, rig.crop(None))
    where.paste(frame, drawn, reference)
    left, top, right, bottom = where.box
    change = frame.astype(int) - rig.portrait.rgb
    middle = change[(top + bottom) // 2, (left + right) // 2]
    assert (middle >= 8).all()
    outside = np.ones(frame.shape[:2], bool)
    outside[top:bottom, left:right] = False
    assert not change[outside].any()


def test_a_window_that_reaches_beyond_the_frame_is_clipped(rig: BlendshapeActor) -> None:
    window = face_window(rig, 64)
    (left, top), _ = window.box()
    shown = Crop(left + 40, top + 40, 1.0, (50, 50))
    frame = np.full((50, 50, 3), 100, np.uint8)
    pane(window, shown).paste(frame, np.full((64, 64, 3), 110, np.float32), np.full((64, 64, 3), 100, np.float32))
    assert (frame > 100).any()


def test_the_border_fades_and_features_count(rig: BlendshapeActor) -> None:
    fade = border(64)
    assert fade[32, 32] == 1
    assert fade[0, 32] < 0.05
    window = face_window(rig, 64)
    weight = emphasis(rig, window, 6, 4)
    x, y = window.places(rig.landmarks.points[[13], :2])[0].astype(int)
    assert weight[y, x] > 5
    assert weight[2, 2] == 1
