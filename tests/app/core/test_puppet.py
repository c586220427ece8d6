"""A clip moves another face: parts, strengths, relative motion, a new voice."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from app.core import commands, project_file
from app.core.history import History
from app.core.perform import perform
from app.core.project import AutoMotion, Project, Puppet
from app.core.puppet import calmest_frame, corrected, driven, hears, lasting, listens
from engines import arkit
from engines.api import SURE, Performance
from engines.errors import InputError
from tests.app.core.passes.test_passes import make_speech

RATE = Fraction(25)
STILL = AutoMotion(head=0, blink=0, gaze=0, breath=0, micro=0)


def clip(count: int = 50) -> Performance:
    """Everything moves, each channel in its own rhythm."""
    t = np.arange(count)[:, None] / 25
    rates = 0.3 + 0.05 * np.arange(52)
    weights = 0.5 + 0.4 * np.sin(2 * np.pi * rates * t)
    head = np.radians(10) * np.cos(2 * np.pi * 0.4 * t + np.arange(6))
    gaze = np.radians(5) * np.cos(2 * np.pi * 0.6 * t + np.arange(4))
    return Performance(RATE, weights, head, gaze, np.full(count, 0.5))


def part(name: str, *others: str) -> Puppet:
    project = Project()
    for each in ("head", "gaze", "mouth", "eyes", "brows", "cheeks"):
        if each not in (name, *others):
            project = commands.set_puppet_part(project, each, 0.0)
    return project.puppet


def test_without_settings_the_clip_is_played_as_it_is() -> None:
    assert driven(clip(), Puppet()) == clip()


@pytest.mark.parametrize(
    ("name", "unit"),
    [("mouth", "jawOpen"), ("eyes", "eyeBlinkLeft"), ("brows", "browInnerUp"), ("cheeks", "cheekPuff")],
)
def test_each_part_moves_alone(name: str, unit: str) -> None:
    result = driven(clip(), part(name))
    assert np.allclose(result.channel(unit), clip().channel(unit))
    moved = {arkit.REGION[n] for n in arkit.NAMES if result.channel(n).any()}
    assert moved <= {"mouth": {"lips", "jaw", "tongue"}}.get(name, {name})
    assert not result.head.any()
    assert not result.gaze.any()


def test_pose_and_expression_are_apart() -> None:
    pose = driven(clip(), part("head"))
    assert np.array_equal(pose.head, clip().head)
    assert not pose.weights.any()
    look = driven(clip(), part("gaze"))
    assert np.array_equal(look.gaze, clip().gaze)
    assert look.channel("eyeLookUpLeft").any()
    assert not look.channel("eyeBlinkLeft").any()


def test_relative_motion_starts_from_the_portrait() -> None:
    result = driven(clip(), Puppet(relative=True, neutral_s=0.4))
    assert not result.weights[10].any()
    assert not result.head[10].any()
    assert np.allclose(np.ptp(result.head, 0), np.ptp(clip().head, 0), atol=1e-6)
    assert result.weights.min() >= 0
    with pytest.raises(InputError, match=r"lasts 2\.00 s"):
        driven(clip(), Puppet(relative=True, neutral_s=2.5))


def test_strength_scales_and_stays_in_range() -> None:
    puppet = replace(Puppet(), parts=(("head", 0.5), ("brows", 2.0)))
    result = driven(clip(), puppet)
    assert np.allclose(result.head, 0.5 * clip().head)
    assert result.channel("browInnerUp").max() == 1
    for wrong in (("ears", 1.0), ("head", 3.0)):
        with pytest.raises(InputError):
            commands.set_puppet_part(Project(), *wrong)


def test_a_clip_that_is_too_short_goes_back_and_forth() -> None:
    long = lasting(clip(), 120)
    assert len(long) == 120
    assert np.array_equal(long.head[:50], clip().head)
    assert np.array_equal(long.head[50], clip().head[48])
    assert np.abs(np.diff(long.head[:, 0])).max() <= np.abs(np.diff(clip().head[:, 0])).max() + 1e-6
    assert len(lasting(clip(1), 3)) == 3


def test_in_a_dubbed_shot_the_voice_moves_the_mouth_and_the_clip_the_rest() -> None:
    speech = make_speech(4)
    project = commands.dub(Project(performance="clip.npz", auto=STILL), "voice.wav")
    assert project.performance == "clip.npz"
    assert hears(project)
    dubbed = perform(project, speech, base=clip(160))
    spoken = perform(Project(voice="voice.wav", auto=STILL), speech)
    assert len(dubbed) == len(spoken) == 100
    jaw = arkit.INDEX["jawOpen"]
    assert np.allclose(dubbed.weights[:, jaw], spoken.weights[:, jaw], atol=0.05)
    assert np.array_equal(dubbed.head, clip(160).head[:100])
    assert np.allclose(dubbed.channel("browInnerUp"), clip(160).channel("browInnerUp")[:100], atol=1e-6)
    smile = dubbed.channel("mouthSmileLeft")
    assert smile.mean() > 0.2, "a smile stays"
    assert np.abs(np.diff(smile)).max() < np.abs(np.diff(clip(160).channel("mouthSmileLeft"))).max()


def test_a_mouth_that_the_clip_does_not_move_follows_the_voice() -> None:
    project = Project(performance="clip.npz", voice="voice.wav", auto=STILL, puppet=part("head"))
    assert hears(project)
    assert not hears(project.with_(voice=""))
    result = perform(project, make_speech(4), base=clip(160))
    spoken = perform(Project(voice="voice.wav", auto=STILL), make_speech(4))
    assert np.allclose(result.channel("jawOpen"), spoken.channel("jawOpen"), atol=1e-6)
    assert np.array_equal(result.head, clip(160).head[:100])


def test_a_voice_beside_a_clip_that_is_not_dubbed_is_only_heard() -> None:
    project = Project(performance="clip.npz", voice="voice.wav", auto=STILL)
    assert not hears(project)
    result = perform(project, make_speech(4), base=clip())
    assert len(result) == len(clip())
    assert np.allclose(result.channel("jawOpen"), clip().channel("jawOpen"), atol=1e-6)


def test_the_voice_of_a_clip_corrects_its_mouth() -> None:
    project = Project(performance="clip.npz", voice="voice.wav", auto=STILL)
    listening = commands.set_puppet(project, listen=1.0)
    assert hears(listening)
    assert listens(listening)
    assert not listens(commands.set_puppet(listening, dub=True))
    speech, taken = make_speech(4), clip(80)
    spoken = perform(Project(voice="voice.wav", auto=STILL), speech).channel("jawOpen")[:80]
    sure = {SURE: np.repeat(np.where(np.arange(80) < 40, 1.0, 0.0)[:, None], 2, 1)}
    result = perform(listening, speech, base=taken.with_(extras=sure))
    assert len(result) == 80, "the shot lasts as long as the clip"
    assert np.array_equal(result.head, taken.head)
    assert np.allclose(result.channel("browInnerUp"), taken.channel("browInnerUp"), atol=1e-6)
    plain = perform(project, speech, base=taken).channel("jawOpen")
    jaw = result.channel("jawOpen")
    off, before = np.abs(jaw - spoken), np.abs(plain - spoken)
    assert off[:40].mean() < 0.8 * before[:40].mean(), "leans on the voice"
    assert off[45:].mean() < 0.5 * off[:40].mean() / before[:40].mean() * before[45:].mean() + 0.05, "most when unseen"


def test_pauses_stay_the_clips() -> None:
    taken = clip(30)
    assert corrected(taken, Performance.rest(30, RATE), np.zeros(30), 1.0) == taken


def test_what_the_clip_does_not_move_moves_by_itself() -> None:
    project = Project(performance="clip.npz", puppet=part("mouth"))
    result = perform(project, None, base=clip(250))
    assert result.head.any()
    assert result.channel("eyeBlinkLeft").max() == 1
    assert not np.allclose(result.head[:, 1], clip(250).head[:, 1])


def test_puppetry_is_saved_and_undone(tmp_path: Path) -> None:
    before = Project(performance="/a/clip.mp4")
    after = commands.set_puppet(before, relative=True, neutral_s=1.2, listen=0.4)
    after = commands.set_puppet_part(after, "head", 0.5)
    project_file.save(after, tmp_path / "a.soliloquy")
    assert project_file.load(tmp_path / "a.soliloquy").puppet == after.puppet
    history = History(before)
    history.do("Puppetry", after)
    assert history.project == after
    history.undo()
    assert history.project == before
    assert commands.set_puppet_part(after, "head", 1.0).puppet.parts == ()


def test_the_calmest_moment_is_found() -> None:
    busy = clip()
    weights, head = busy.weights.copy(), busy.head.copy()
    weights[30], head[30] = 0.05, np.median(busy.head, 0)
    assert calmest_frame(busy.with_(weights=weights, head=head)) == 30
