"""Poses read off pictures: found from a rough guess, left alone where a picture says nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engines import registry
from engines.diffusion_autoencoder.actor import DiffusionActor
from engines.diffusion_autoencoder.decode import Decoder
from engines.diffusion_autoencoder.pairs import Pairs, from_footage, from_rig, window_stage
from engines.diffusion_autoencoder.register import Registration, read
from engines.teaching import bridge
from engines.teaching.lessons import lessons


@pytest.fixture(scope="module")
def drawn(actor: DiffusionActor) -> Pairs:
    """Frames of the rig, which the closed form only comes near to."""
    return from_rig(actor, actor.window, lessons(10, seed=91))


def test_the_pose_is_found_from_a_rough_guess(actor: DiffusionActor, drawn: Pairs) -> None:
    guess = drawn.codes.copy()
    guess[:, bridge.HEAD] += np.random.default_rng(1).normal(0, 0.1, (len(guess), 6))
    found = Registration(actor, actor.window).poses(drawn.frames, guess)
    known = drawn.codes[:, bridge.HEAD]
    before, after = (np.abs(p - known).mean(0) for p in (guess[:, bridge.HEAD], found))
    assert after[1] < 0.35 * before[1]  # yaw, the surest
    assert after.mean() < 0.6 * before.mean()


def test_what_shows_no_head_keeps_the_guess(actor: DiffusionActor, drawn: Pairs) -> None:
    empty = np.full_like(drawn.frames, 128)
    found = Registration(actor, actor.window).poses(empty, drawn.codes)
    assert np.abs(found - drawn.codes[:, bridge.HEAD]).max() < 0.3


def test_only_the_head_is_changed(actor: DiffusionActor, drawn: Pairs) -> None:
    decoder = Decoder(actor.network)
    codes, encoded = read(Registration(actor, actor.window), decoder.encode, drawn.frames), decoder.encode(drawn.frames)
    others = np.ones(codes.shape[1], bool)
    others[bridge.HEAD] = False
    assert np.array_equal(codes[:, others], encoded[:, others])
    known = drawn.codes[:, bridge.HEAD]
    assert np.abs(codes[:, bridge.HEAD] - known).mean() < np.abs(encoded[:, bridge.HEAD] - known).mean()


def test_footage_gets_exact_poses(actor: DiffusionActor) -> None:
    true = lessons(4, seed=92)
    rig = registry.load("blendshape")
    pictures = list(rig.render(replace(actor.rig, engine_id="blendshape"), true))
    captured = true.with_(head=true.head + np.float32([0.01, -0.02, 0.015, 0, 0, 0]))
    pairs = from_footage(actor, actor.window, iter(pictures), captured)
    known, before = (bridge.numbers(actor.motion(p))[:, bridge.HEAD] for p in (true, captured))
    assert np.abs(pairs.codes[:, bridge.HEAD] - known).mean() < 0.6 * np.abs(before - known).mean()
    aim = pairs.frames.astype(float)
    rough = list(actor.frames(window_stage(actor, actor.window)[1], captured))
    guessed = np.stack([actor.window.cut(f) for f in rough]).astype(float)
    assert np.square(pairs.references - aim).mean() < 0.8 * np.square(guessed - aim).mean()
