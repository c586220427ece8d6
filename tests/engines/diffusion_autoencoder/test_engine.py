"""The engine: roughly taught actors, trained ones, what it draws and refuses."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from engines import arkit, registry
from engines.api import CancelToken, Performance, Portrait, RenderOptions
from engines.blendshape.engine import BlendshapeEngine
from engines.diffusion_autoencoder import actor as actors
from engines.diffusion_autoencoder.actor import Card, DiffusionActor, Network
from engines.diffusion_autoencoder.engine import DiffusionEngine, actors_folder
from engines.diffusion_autoencoder.net_student import Student, StudentConfig
from engines.diffusion_autoencoder.train import half
from engines.errors import Cancelled, EngineError, InputError, WeightsMissing
from engines.teaching.lessons import lessons

TINY = StudentConfig(48, 4, 16, (1, 2), (1, 2), groups=4, style_dim=32)
SIZE = RenderOptions(size=(160, 160))
"""Frames that the tests draw; the portrait is 200 pixels wide."""


def drawn(engine: DiffusionEngine, actor: DiffusionActor, performance: Performance, **options: object) -> np.ndarray:
    return np.stack(list(engine.render(actor, performance, options=replace(SIZE, **options))))  # type: ignore[arg-type]


def test_listed_by_the_registry() -> None:
    info = registry.info("diffusion_autoencoder")
    assert {"emotion", "pose", "gaze", "curves", "phones", "blink"} <= info.honours
    assert not info.needs


def test_background_is_kept_and_the_face_moves(engine: DiffusionEngine, actor: DiffusionActor) -> None:
    performance = lessons(3, seed=7, head=False)
    photo = actor.rig.painter(SIZE.size).photo.astype(int)
    change = np.abs(drawn(engine, actor, performance) - photo).mean((0, 3))
    left, top, right, bottom = np.concatenate(actor.window.box()) * 160 / 200
    outside = np.ones(change.shape, bool)
    outside[int(top) - 1 : int(bottom) + 2, int(left) - 1 : int(right) + 2] = False
    assert change[outside].mean() < 0.5
    assert change[~outside].mean() > 1


def test_frames_follow_the_rig(engine: DiffusionEngine, actor: DiffusionActor, portrait: Portrait) -> None:
    performance = lessons(6, seed=77)
    ours = drawn(engine, actor, performance).astype(float)
    rig = BlendshapeEngine(registry.info("blendshape"))
    theirs = np.stack(list(rig.render(rig.prepare(portrait), performance, options=SIZE))).astype(float)
    assert 10 * np.log10(255**2 / np.square(ours - theirs).mean()) > 30


def test_a_frame_depends_on_its_index_only(engine: DiffusionEngine, actor: DiffusionActor) -> None:
    performance = lessons(6, seed=8)
    whole = drawn(engine, actor, performance)
    part = np.stack(list(engine.render(actor, performance, options=SIZE, start=3, stop=5)))
    assert np.abs(whole[3:5].astype(int) - part).max() <= 1  # batches may round differently


def test_drafts_and_the_head_alone(engine: DiffusionEngine, actor: DiffusionActor) -> None:
    performance = lessons(1, seed=9)
    assert drawn(engine, actor, performance, draft=True).shape == (1, 160, 160, 3)
    alone = drawn(engine, actor, performance, alpha=True)
    assert alone.shape == (1, 160, 160, 4)
    assert alone[0, 2, 2, 3] == 0


def test_a_network_that_does_not_help_is_left_out(engine: DiffusionEngine, actor: DiffusionActor) -> None:
    still = replace(actor, network=replace(actor.network, gain=0.0), digest="without")
    performance = lessons(2, seed=10)
    closed = np.stack(list(actor.frames(actor.stage(SIZE.size, False), performance)))
    assert np.array_equal(drawn(engine, still, performance), closed)


def test_trained_actors_are_found_for_their_portrait(
    engine: DiffusionEngine, portrait: Portrait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOLILOQUY_HOME", str(tmp_path))
    portrait = Portrait(portrait.rgb)  # not the one in an actor's folder
    before = engine.fingerprint(portrait)
    folder = actors_folder() / "somebody"
    network = Network(TINY.facts(), half(Student(TINY)), 3, 0.5)
    facts = {"config": network.config, "seed": 3, "gain": 0.5, "digest": actors.digest_of(network)}
    card = Card("somebody", portrait.digest(), "a test", "none", "none", facts)
    actors.save_actor(folder, card, portrait, network, {"codes": np.zeros((1, 64))}, portrait.rgb)
    assert engine.fingerprint(portrait) != before
    assert actors.read_card(folder) == card
    back = actors.read_network(folder)
    assert (back.seed, back.gain) == (3, 0.5)
    assert all(np.array_equal(back.weights[name], value) for name, value in network.weights.items())
    other = Portrait(portrait.rgb[:, ::-1].copy())
    assert engine.fingerprint(other) == before
    from engines.face.portrait import load_portrait

    assert actors.folder_of(load_portrait(folder / actors.PORTRAIT)) == folder
    (folder / actors.NETWORK).write_bytes(b"nothing")
    with pytest.raises(WeightsMissing, match="Train the actor again"):
        actors.read_network(folder)
    (folder / actors.CARD).write_text("{}")
    with pytest.raises(InputError, match="no card"):
        actors.read_card(folder)
    assert actors.folder_of(portrait, actors_folder()) is None


def test_an_actor_can_be_kept_on_disk(actor: DiffusionActor, tmp_path: Path) -> None:
    from app.core import actor_store

    actor_store.save(actor, tmp_path / "actor.npz")
    back = actor_store.load(tmp_path / "actor.npz")
    assert isinstance(back, DiffusionActor)
    assert back.network.config == actor.network.config
    assert back.digest == actor.digest


def test_refuses_what_it_cannot_do(engine: DiffusionEngine, actor: DiffusionActor) -> None:
    still = Performance.rest(1, Fraction(25)).with_(weights=np.zeros((1, arkit.COUNT)))
    with pytest.raises(EngineError, match="another engine"):
        engine.render(actor.rig, still)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="outside the performance"):
        engine.render(actor, still, stop=2)
    with pytest.raises(InputError, match="face"):
        engine.prepare(Portrait(np.full((200, 200, 3), 128, np.uint8)))


def test_cancel_stops_drawing(engine: DiffusionEngine, actor: DiffusionActor) -> None:
    token = CancelToken()
    frames = engine.render(actor, lessons(6, seed=5), options=SIZE, cancel=token)
    next(frames)
    token.cancel()
    with pytest.raises(Cancelled):
        list(frames)
