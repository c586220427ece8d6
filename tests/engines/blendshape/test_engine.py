"""The blendshape engine from portrait to frames: exact rest, control, determinism, errors."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from engines.api import CancelToken, Performance, Portrait, RenderOptions
from engines.blendshape.actor import BlendshapeActor
from engines.blendshape.engine import BlendshapeEngine
from engines.errors import Cancelled, EngineError, InputError
from tests.engines.blendshape.conftest import still


def _psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = float(np.mean((a.astype(float) - b) ** 2))
    return 99.0 if error == 0 else 10 * np.log10(255**2 / error)


def test_rest_is_the_portrait(draw: Callable[..., np.ndarray], portrait: Portrait) -> None:
    assert np.array_equal(draw(), portrait.rgb)


def test_almost_rest_is_almost_the_portrait(draw: Callable[..., np.ndarray], portrait: Portrait) -> None:
    frame = draw(head=(0.001, 0.001, 0, 0, 0, 0), jawOpen=0.002, eyeBlink=0.01)
    assert _psnr(frame, portrait.rgb) > 40


@pytest.mark.parametrize("unit", ["jawOpen", "mouthSmile", "browInnerUp", "eyeBlink", "cheekPuff", "mouthPucker"])
def test_expression_stays_in_the_face(
    unit: str, draw: Callable[..., np.ndarray], portrait: Portrait, actor: BlendshapeActor
) -> None:
    changed = np.abs(draw(**{unit: 0.4}).astype(int) - portrait.rgb).max(-1) > 2
    assert changed.any()
    left, top, right, bottom = actor.landmarks.box
    margin = 0.25 * (right - left)
    ys, xs = np.nonzero(changed)
    assert xs.min() > left - margin
    assert xs.max() < right + margin
    assert ys.min() > top - margin
    assert ys.max() < bottom + 2 * margin


def test_background_keeps_still(draw: Callable[..., np.ndarray], portrait: Portrait, actor: BlendshapeActor) -> None:
    import cv2

    frame = draw(head=(0.08, 0.15, 0.05, 0.3, 0.2, 0))
    far = cv2.dilate((actor.matte > 0.01).astype(np.uint8), np.ones((41, 41), np.uint8)) == 0
    assert far.sum() > 500
    assert np.array_equal(frame[far], portrait.rgb[far])


def test_blink_hides_the_iris(draw: Callable[..., np.ndarray], portrait: Portrait, actor: BlendshapeActor) -> None:
    frame = draw(eyeBlink=1.0).astype(float).mean(-1)
    open_eyes = portrait.rgb.astype(float).mean(-1)
    for pupil in (468, 473):
        x, y = actor.landmarks.points[pupil, :2].round().astype(int)
        area = slice(y - 2, y + 2), slice(x - 2, x + 2)
        assert frame[area].mean() > open_eyes[area].mean() + 15


def test_gaze_moves_the_iris_and_nothing_else(
    draw: Callable[..., np.ndarray], portrait: Portrait, actor: BlendshapeActor
) -> None:
    frame = draw(gaze=(0.3, 0, 0.3, 0))
    changed = np.abs(frame.astype(int) - portrait.rgb).max(-1) > 3
    boxes = [eye.box for eye in actor.painter().eyes]
    inside = np.zeros_like(changed)
    for left, top, width, height in boxes:
        inside[top : top + height, left : left + width] = True
    assert changed[inside].any()
    assert not changed[~inside].any()


def test_frames_are_bit_identical_and_independent(engine: BlendshapeEngine, actor: BlendshapeActor) -> None:
    rng = np.random.default_rng(3)
    performance = Performance(
        Fraction(25),
        rng.uniform(0, 0.4, (9, 52)),
        rng.normal(0, 0.05, (9, 6)),
        rng.normal(0, 0.1, (9, 4)),
        rng.uniform(0, 1, 9),
    )
    all_frames = [f.copy() for f in engine.render(actor, performance)]
    assert len(all_frames) == 9
    again = list(engine.render(actor, performance, start=4, stop=7))
    for first, second in zip(all_frames[4:7], again, strict=True):
        assert np.array_equal(first, second)


def test_mirrored_portrait_and_performance(engine: BlendshapeEngine, actor: BlendshapeActor) -> None:
    portrait = actor.portrait
    flipped = engine.prepare(Portrait(np.ascontiguousarray(portrait.rgb[:, ::-1])))
    performance = still(head=(0.03, 0.12, 0.04, 0.2, 0, 0), jawOpen=0.2, mouthSmileLeft=0.5, eyeBlinkRight=0.7)
    frame = next(iter(engine.render(actor, performance)))
    mirror = next(iter(engine.render(flipped, performance.mirrored())))[:, ::-1]
    assert _psnr(frame, mirror) > 27


def test_size_crop_and_alpha(engine: BlendshapeEngine, actor: BlendshapeActor) -> None:
    performance = still(head=(0, 0.1, 0, 0, 0, 0), jawOpen=0.1)
    options = RenderOptions(size=(180, 256))
    assert next(iter(engine.render(actor, performance, options=options))).shape == (256, 180, 3)
    alone = next(iter(engine.render(actor, performance, options=RenderOptions(alpha=True))))
    assert alone.shape[2] == 4
    assert alone[..., 3].max() == 255
    assert alone[0, 0, 3] == 0
    draft = next(iter(engine.render(actor, performance, options=RenderOptions(draft=True))))
    full = next(iter(engine.render(actor, performance)))
    assert _psnr(draft, full) > 25


def test_actor_survives_pickling(engine: BlendshapeEngine, actor: BlendshapeActor) -> None:
    performance = still(jawOpen=0.2)
    copy = pickle.loads(pickle.dumps(actor))
    assert copy.digest == actor.digest
    ours, theirs = (next(iter(engine.render(a, performance))) for a in (actor, copy))
    assert np.array_equal(ours, theirs)


def test_cancel_between_frames(engine: BlendshapeEngine, actor: BlendshapeActor) -> None:
    cancel = CancelToken()
    frames = engine.render(actor, still(count=20, jawOpen=0.1), cancel=cancel)
    next(frames)
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(frames)


def test_bad_range_and_foreign_actor(engine: BlendshapeEngine, actor: BlendshapeActor) -> None:
    with pytest.raises(InputError, match="which has 1 frame"):
        engine.render(actor, still(), start=2, stop=5)
    with pytest.raises(EngineError, match="another engine"):
        engine.render(object(), still())  # type: ignore[arg-type]


def test_head_mesh_has_a_texture(actor: BlendshapeActor) -> None:
    mesh = actor.head_mesh()
    assert mesh.texture is not None
    assert mesh.texture.dtype == np.uint8
    assert mesh.texture.std() > 10
    assert actor.head_mesh() is mesh


def test_lips_open_and_close(draw: Callable[..., np.ndarray]) -> None:
    import cv2

    from engines.face.landmarks import find_face

    def aperture(**pose: float) -> float:
        frame = cv2.resize(draw(**pose), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        points = find_face(Portrait(frame)).points[:, :2]
        return float(np.hypot(*(points[13] - points[14])) / np.hypot(*(points[33] - points[263])))

    opened = [aperture(jawOpen=v) for v in (0.05, 0.2, 0.35)]
    assert opened[0] < opened[1] < opened[2]
    assert aperture(mouthPress=0.3) < 0.04
