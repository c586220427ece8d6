"""Portrait to frames through a small network with made-up weights, as official ones would go."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from engines import registry, weights
from engines.api import CancelToken, Performance, Portrait, RenderOptions
from engines.disentangled.expressions import published
from engines.disentangled.net import LIA, Config, EDTalk
from engines.edtalk.actor import NAMES, EDTalkActor
from engines.edtalk.engine import EDTalkEngine
from engines.errors import Cancelled, EngineError, InputError, OutOfMemory, WeightsMissing
from engines.latent import bridge
from engines.speech.audio import load_voice
from engines.teaching.lessons import lessons
from tests.engines.disentangled.test_net import filled
from tests.engines.edtalk.conftest import DEMO, SMALL, store

RATE = Fraction(25)


def still(count: int, **extras: float | np.ndarray) -> Performance:
    """A performance at rest with the artist's curves or a source's on the engine's numbers."""
    pairs = {n: np.stack([np.zeros(count), np.broadcast_to(v, (count,))], 1) for n, v in extras.items()}
    return Performance.rest(count, RATE).with_(extras=pairs)


def drawn(engine: EDTalkEngine, actor: EDTalkActor, performance: Performance, **options: object) -> np.ndarray:
    chosen = RenderOptions(size=(160, 160), **options)  # type: ignore[arg-type]
    return np.stack(list(engine.render(actor, performance, options=chosen)))


def test_its_numbers_are_declared() -> None:
    names = [c.name for c in registry.info("edtalk").coordinates]
    assert set(NAMES) <= set(names)
    assert published().keys() <= set(names)
    assert registry.info("edtalk").needs == ("weights:edtalk",)


def test_frames_are_the_networks_pasted_into_the_photo(engine: EDTalkEngine, actor: EDTalkActor, stored: Path) -> None:
    frame = drawn(engine, actor, still(1))[0]
    photo = actor.rig.painter((160, 160)).photo
    assert frame.shape == (160, 160, 3)
    assert np.array_equal(frame[-8:], photo[-8:])  # below the crop nothing changes
    assert np.abs(frame.astype(int) - photo).max() > 20  # made-up weights draw nonsense inside


def test_a_curve_on_a_number_moves_that_number_only(actor: EDTalkActor) -> None:
    alpha = actor.coordinates(still(3, mouth_4=2.5, pose_2=np.array([0, 1, 2])))
    plain = actor.coordinates(still(3))
    np.testing.assert_allclose(alpha[:, 3], 2.5)
    np.testing.assert_allclose(alpha[:, 21], [0, 1, 2])
    others = np.setdiff1d(np.arange(36), [3, 21])
    assert np.array_equal(alpha[:, others], plain[:, others])
    np.testing.assert_allclose(plain, np.tile(actor.start, (3, 1)))


def test_a_number_changes_the_picture(engine: EDTalkEngine, actor: EDTalkActor, stored: Path) -> None:
    frames = drawn(engine, actor, still(3, mouth_4=np.array([0, 0, 30])))
    assert np.array_equal(frames[0], frames[1])
    assert not np.array_equal(frames[0], frames[2])


def test_published_emotions_mix_along_time(actor: EDTalkActor) -> None:
    alpha = actor.coordinates(still(3, happy=np.array([0, 0.5, 1]), sad=np.array([0, 0.5, 0])))
    happy, sad, neutral = (published()[n] for n in ("happy", "sad", "neutral"))
    np.testing.assert_allclose(alpha[:, 26:], [neutral, (happy + sad) / 2, happy], atol=1e-5)
    np.testing.assert_allclose(alpha[:, :26], np.tile(actor.start[:26], (3, 1)))


def test_voice_and_video_move_the_banks_they_are_given(actor: EDTalkActor) -> None:
    heard = {f"heard_{i + 1}": 1.0 for i in range(20)}
    seen = {f"seen_{i + 1}": 2.0 for i in range(36)}
    alpha = actor.coordinates(still(2, **heard))
    np.testing.assert_allclose(alpha[:, :20], 1)  # no bridge, so the voice has the mouth
    np.testing.assert_allclose(alpha[:, 20:], np.tile(actor.start[20:], (2, 1)))
    np.testing.assert_allclose(actor.coordinates(still(2, **seen)), 2)
    alpha = actor.coordinates(still(2, **heard, **seen, video_pose=0.0, voice=1.0))
    np.testing.assert_allclose(alpha[:, :20], 1)
    np.testing.assert_allclose(alpha[:, 20:26], np.tile(actor.start[20:26], (2, 1)))
    np.testing.assert_allclose(alpha[:, 26:], 2)


def test_the_timeline_keeps_the_mouth_where_its_bridge_is_good(actor: EDTalkActor) -> None:
    good = bridge.Exam("mouth", 0.9, 1.0, 0.0, 0.0, 0.9)
    mouth = np.zeros_like(actor.bridge.mouth)
    mouth[:, :20] = 0.5
    fitted = replace(actor.bridge, mouth=mouth, exams=(good,))
    crossed = replace(actor, bridge=fitted)
    talk = lessons(3, seed=4, head=False, expression=False)
    heard = {n: np.tile([0.0, 5.0], (3, 1)) for n in (f"heard_{i + 1}" for i in range(20))}
    alpha = crossed.coordinates(talk.with_(extras=heard))
    assert np.abs(alpha[:, :20] - actor.start[:20]).max() > 1e-4
    assert not np.allclose(alpha[:, :20], 5)
    np.testing.assert_allclose(alpha[:, 20:], np.tile(actor.start[20:], (3, 1)))
    voiced = {**heard, "voice": np.tile([0.0, 1.0], (3, 1))}
    np.testing.assert_allclose(crossed.coordinates(talk.with_(extras=voiced))[:, :20], 5)


def test_a_voice_is_heard(engine: EDTalkEngine, actor: EDTalkActor, stored: Path) -> None:
    found = engine.sources(actor, load_voice(DEMO / "voice.wav"), None, Fraction(30), 300)
    assert sorted(found) == sorted(f"heard_{i + 1}" for i in range(20))
    assert all(v.shape == (300,) for v in found.values())
    assert np.ptp(found["heard_1"]) > 0


def test_frames_depend_on_their_index_only(engine: EDTalkEngine, actor: EDTalkActor, stored: Path) -> None:
    performance = still(6, happy=np.linspace(0, 1, 6), mouth_1=np.arange(6))
    whole = drawn(engine, actor, performance)
    part = list(engine.render(actor, performance, options=RenderOptions(size=(160, 160)), start=2, stop=5))
    assert np.array_equal(whole[2:5], np.stack(part))


def test_the_head_alone_has_the_rigs_matte(engine: EDTalkEngine, actor: EDTalkActor, stored: Path) -> None:
    frame = drawn(engine, actor, still(1), alpha=True)[0]
    assert frame.shape == (160, 160, 4)
    assert frame[2, 2, 3] == 0
    assert frame[80, 80, 3] > 250


def test_unload_gives_everything_back(engine: EDTalkEngine, actor: EDTalkActor, stored: Path) -> None:
    before = drawn(engine, actor, still(1))
    engine.unload()
    assert engine._loaded is None
    assert not engine._sources
    assert np.array_equal(drawn(engine, actor, still(1)), before)


def test_the_bridge_is_kept_with_the_checkpoint(
    engine: EDTalkEngine, actor: EDTalkActor, portrait: Portrait, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge, "fit", None)  # would fail if it were called
    again = engine.prepare(portrait)
    assert again.digest == actor.digest
    assert np.array_equal(again.bridge.mouth, actor.bridge.mouth)
    np.testing.assert_allclose(again.start, actor.start)


def test_cancel_stops_preparing_and_drawing(
    engine: EDTalkEngine, actor: EDTalkActor, portrait: Portrait, stored: Path
) -> None:
    token = CancelToken()
    frames = engine.render(actor, still(3), cancel=token, options=RenderOptions(size=(160, 160)))
    next(frames)
    token.cancel()
    with pytest.raises(Cancelled):
        next(frames)
    with pytest.raises(Cancelled):
        engine.prepare(portrait, cancel=token)


def test_it_refuses_what_it_cannot_do(engine: EDTalkEngine, actor: EDTalkActor, stored: Path) -> None:
    with pytest.raises(EngineError, match="another engine"):
        engine.render(actor.rig, still(1))  # type: ignore[arg-type]
    with pytest.raises(EngineError, match="no device 'cuda"):
        drawn(engine, actor, still(1), device="cuda:7")
    with pytest.raises(InputError, match="face"):
        engine.prepare(Portrait(np.full((200, 200, 3), 128, np.uint8)))


# --- checkpoints ---


def test_missing_weights_say_where_they_come_from(
    engine: EDTalkEngine, portrait: Portrait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOLILOQUY_HOME", str(tmp_path))
    with pytest.raises(WeightsMissing, match=r"EDTalk\.pt from https.*weights import FILE"):
        engine.prepare(portrait)


def test_damaged_and_foreign_files_are_named(
    engine: EDTalkEngine, portrait: Portrait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOLILOQUY_HOME", str(tmp_path))
    path = store(tmp_path, "edtalk", "EDTalk.pt", {"gen": filled(EDTalk(SMALL)).state_dict()})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsMissing, match=r"damaged.*EDTalk\.pt has \d+ bytes, \d+ were imported"):
        engine.prepare(portrait)
    store(tmp_path, "edtalk", "EDTalk.pt", {"gen": {"weight": torch.zeros(3)}})
    with pytest.raises(WeightsMissing, match=r"EDTalk\.pt is not EDTalk"):
        engine.prepare(portrait)


def test_too_little_memory_is_said(
    engine: EDTalkEngine, actor: EDTalkActor, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starved(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(engine, "_draw", starved)
    with pytest.raises(OutOfMemory, match=r"too little memory for drawing with 'EDTalk.*257 MB"):
        drawn(engine, actor, still(1))


def test_lia_and_lip_pose_draw_too(
    engine: EDTalkEngine, portrait: Portrait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOLILOQUY_HOME", str(tmp_path))
    monkeypatch.setattr(bridge, "LESSONS", {"mouth": 3, "pose": 3, "expression": 3})
    monkeypatch.setattr(bridge, "EXAMS", 2)
    fresh = EDTalkEngine(engine.info)
    lia = Config(size=64, style_dim=48, mouth=0, pose=20, expression=0, width=1 / 16, max_channels=32)
    store(tmp_path, "lia-vox", "vox.pt", {"gen": filled(LIA(lia)).state_dict()})
    actor = fresh.prepare(portrait)
    assert actor.relative
    assert actor.names() == list(NAMES[:20])
    seen = {f"seen_{i + 1}": np.arange(3.0) + i for i in range(20)}
    np.testing.assert_allclose(actor.coordinates(still(3, **seen)), actor.start + np.arange(3)[:, None], atol=1e-5)
    assert len(drawn(fresh, actor, still(2))) == 2
    store(
        tmp_path,
        "edtalk-lip-pose",
        "EDTalk_lip_pose.pt",
        {"gen": filled(EDTalk(replace(SMALL, expression=0))).state_dict()},
    )
    actor = fresh.prepare(portrait)
    assert (actor.entry, len(actor.start), actor.relative) == ("edtalk-lip-pose", 26, False)
    assert weights.status("edtalk-lip-pose").state == "ready"
    np.testing.assert_allclose(actor.coordinates(still(1, happy=1.0)), actor.start[None])
    assert len(drawn(fresh, actor, still(2))) == 2


def test_made_up_weights_do_not_pass(actor: EDTalkActor) -> None:
    assert [e.part for e in actor.bridge.exams] == list(bridge.PARTS)
    assert all(e.problem for e in actor.bridge.exams)
