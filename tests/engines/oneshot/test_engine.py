"""The shipped base on a portrait: what it draws beside the rig, and what its reader sees of each bank."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from engines import arkit, registry
from engines.api import CancelToken, Performance, Portrait, RenderOptions
from engines.disentangled import oneshot
from engines.disentangled.actor import NAMES
from engines.disentangled.oneshot import WEIGHTS, OneShotActor, read_coordinates
from engines.errors import Cancelled, InputError, WeightsMissing
from engines.oneshot.engine import OneShotEngine
from engines.teaching.banks import EXPRESSION, MOUTH, POSE
from engines.teaching.lessons import lessons
from tests.engines.disentangled.conftest import demo
from tests.engines.disentangled.test_engine import decibel, lip_box

pytest.importorskip("torch")

SIZE = RenderOptions(size=(320, 320))
LEAST = {"mouth": 0.5, "pose": 0.85, "expression": 0.7}
"""Correlation of what was asked for with what is read again."""
MOST = (
    ("mouth", "pose", 0.08), ("mouth", "expression", 0.08), ("pose", "mouth", 0.2), ("pose", "expression", 0.2),
    ("expression", "pose", 0.16), ("expression", "mouth", 0.2),
)  # fmt: skip
"""Moved, seen, and what of the seen bank's own motion that may look like."""


@pytest.fixture(scope="module")
def engine() -> OneShotEngine:
    found = registry.load("oneshot")
    assert isinstance(found, OneShotEngine)
    return found


@pytest.fixture(scope="module")
def actor(engine: OneShotEngine) -> OneShotActor:
    return engine.prepare(demo(400))


def drawn(engine: OneShotEngine, actor: OneShotActor, performance: Performance) -> np.ndarray:
    return np.stack(list(engine.render(actor, performance, options=SIZE)))


def test_it_is_shipped_with_its_card() -> None:
    assert WEIGHTS.stat().st_size < 20e6
    card = json.loads((WEIGHTS.parent / "card.json").read_text(encoding="utf-8"))
    assert min(card[part]["people"] for part in ("painters", "reader")) >= 50
    assert "command" in card
    assert tuple(c.name for c in registry.info("oneshot").coordinates) == NAMES


def test_still_performance_is_the_photo(engine: OneShotEngine, actor: OneShotActor) -> None:
    frame = drawn(engine, actor, Performance.rest(1, Fraction(25)))[0]
    assert np.array_equal(frame, actor.rig.painter((320, 320)).photo)


def test_close_to_the_rig_on_unseen_motion(engine: OneShotEngine, actor: OneShotActor) -> None:
    performance = lessons(8, seed=77)
    performance = performance.with_(head=0.6 * performance.head)
    ours = drawn(engine, actor, performance)
    rig = np.stack(list(registry.load("blendshape").render(actor.rig, performance, options=SIZE)))
    lips = (slice(None), *lip_box(actor))
    photo = actor.rig.painter((320, 320)).photo
    assert decibel(ours, rig) > 33
    assert decibel(ours[lips], rig[lips]) > 24
    moved, wanted = (np.abs(f[lips].astype(float) - photo[lips[1:]]).mean() for f in (ours, rig))
    assert 0.85 < moved / wanted < 1.15


def test_banks_stay_in_their_regions(engine: OneShotEngine, actor: OneShotActor) -> None:
    photo = actor.rig.painter((320, 320)).photo.astype(float)
    points = actor.rig.crop((320, 320)).places(actor.rig.landmarks.points[:, :2])
    upper = slice(0, int(points[168, 1]))  # above the root of the nose

    def one(**units: float) -> Performance:
        weights = np.zeros((1, 52), np.float32)
        for name, value in units.items():
            weights[0, list(arkit.indices(name))] = value
        return Performance.rest(1, Fraction(25)).with_(weights=weights)

    talk = np.abs(drawn(engine, actor, one(jawOpen=0.6, mouthPucker=0.3))[0] - photo)
    assert talk[lip_box(actor)].mean() > 5
    assert talk[upper].mean() < 0.02
    blink = np.abs(drawn(engine, actor, one(eyeBlink=1.0))[0] - photo)
    assert blink[lip_box(actor)].mean() < 0.05
    assert blink.mean() > 0.1


def test_a_photo_without_colour_gets_none(engine: OneShotEngine) -> None:
    photo = demo(256).rgb
    grey = np.repeat(photo.mean(-1, keepdims=True).astype(np.uint8), 3, -1)
    actor = engine.prepare(Portrait(grey))
    performance = lessons(2, seed=3, head=False)
    frames = np.stack(list(engine.render(actor, performance))).astype(int)
    assert np.ptp(frames, axis=-1).max() <= 2
    assert np.abs(frames - grey).max() > 30


def test_moving_one_bank_leaves_the_codes_of_the_others(engine: OneShotEngine, actor: OneShotActor) -> None:
    """The frames drawn at other coordinates of one bank are encoded again: the other banks are hardly seen to move."""
    count = 12
    asked = actor.banks.coordinates(actor.motion(lessons(count, seed=4)))
    spans = {"mouth": MOUTH, "pose": POSE, "expression": EXPRESSION}
    sizes = {}
    for bank, span in spans.items():
        curves = {n: np.stack([np.zeros(count), asked[:, i]], 1) for i, n in enumerate(NAMES)}
        own = dict(list(curves.items())[span])
        frames = drawn(engine, actor, Performance.rest(count, Fraction(25)).with_(extras=own))
        seen = read_coordinates(actor, list(frames))
        sizes[bank] = {name: np.sqrt(np.square(seen[:, s]).mean()) for name, s in spans.items()}
        assert np.corrcoef(seen[:, span].ravel(), asked[:, span].ravel())[0, 1] > LEAST[bank]
    for moved, seen_as, most in MOST:
        assert sizes[moved][seen_as] < most * sizes[seen_as][seen_as], (moved, seen_as)


def test_what_cannot_be_prepared(
    engine: OneShotEngine, actor: OneShotActor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(InputError):
        engine.prepare(Portrait(np.full((200, 200, 3), 90, np.uint8)))
    with pytest.raises(InputError, match="not heads in 3D"):
        engine.prepare(Portrait(np.full((200, 200, 3), 90, np.uint8), head=actor.head_mesh()))
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        engine.prepare(demo(256), cancel=cancel)
    monkeypatch.setattr(oneshot, "WEIGHTS", tmp_path / "base.safetensors")
    oneshot.base.cache_clear()
    try:
        with pytest.raises(WeightsMissing, match=r"base\.safetensors"):
            oneshot.base()
        from safetensors.numpy import save_file

        save_file({"a": np.zeros(2, np.float32)}, tmp_path / "base.safetensors")
        with pytest.raises(WeightsMissing, match="does not hold the base"):
            oneshot.base()
    finally:
        oneshot.base.cache_clear()
