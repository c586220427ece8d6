"""What a voice tells of its speaker's mood, on made-up voices whose cues are known."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from app.core.passes import heard
from app.core.perform import make_scene
from app.core.project import EmotionClip, Project
from engines.speech.analysis import SpeechAnalysis
from engines.speech.segment import Segment

SECONDS = 12
COUNT = SECONDS * 50


def voice(
    level_st: float = 0, loudness_db: float = 0, bright_db: float = 0, movement_st: float = 2.6, tempo_hz: float = 4.5
) -> SpeechAnalysis:
    """Four seconds of a plain voice, four as asked for, four plain."""
    t = np.arange(COUNT) / 50
    middle = (t >= 4) & (t < 8)
    moving = np.where(middle, movement_st, 2.6) * np.sqrt(2) * np.sin(2 * np.pi * 1.3 * t)
    pitch = 180 * 2 ** ((np.where(middle, level_st, 0.0) + moving) / 12)
    starts: list[float] = []
    at = 0.0
    while at < SECONDS:
        starts.append(at)
        at += 1 / (tempo_hz if 4 <= at < 8 else 4.5)
    return SpeechAnalysis(
        samples=SECONDS * 16000,
        sample_rate=16000,
        voice_digest=f"{level_st}{loudness_db}{bright_db}{movement_st}{tempo_hz}",
        text="",
        language="en",
        loudness_db=(-25 + np.where(middle, loudness_db, 0.0)).astype(np.float32),
        pitch_hz=pitch.astype(np.float32),
        speaking=np.ones(COUNT, bool),
        mouth={},
        phones=tuple(Segment(s, s + 0.08, "AH") for s in starts),
        brightness_db=(-12 + np.where(middle, bright_db, 0.0)).astype(np.float32),
    )


VOICES: dict[str, dict[str, Any]] = {
    "happy": {"level_st": 2, "loudness_db": 2, "bright_db": 1, "movement_st": 4.2, "tempo_hz": 5.2},
    "angry": {"level_st": 1, "loudness_db": 7, "bright_db": 8, "movement_st": 3.0, "tempo_hz": 5.2},
    "sad": {"level_st": -3, "loudness_db": -6, "bright_db": -5, "movement_st": 1.0, "tempo_hz": 3.0},
    "afraid": {"level_st": 4, "loudness_db": -1, "bright_db": 1, "movement_st": 1.5, "tempo_hz": 6.0},
}


@pytest.mark.parametrize("name", VOICES)
def test_the_cues_of_an_emotion_are_read_as_that_emotion(name: str) -> None:
    mood = heard.listen(voice(**VOICES[name]))
    assert mood is not None
    middle = mood.shares[250:350].mean(0)
    assert mood.emotions[int(middle.argmax())] == name
    assert middle.max() > 0.25
    assert (mood.arousal[300] > 0) == (name != "sad")
    assert name == "angry" or (mood.valence[300] > 0.1) == (name == "happy")
    assert mood.shares.sum(1).max() <= 1.0001


def test_a_plain_voice_tells_little() -> None:
    mood = heard.listen(voice())
    assert mood is not None
    assert mood.shares.max() < 0.05
    assert np.abs(mood.arousal).max() < 0.1


def test_too_little_voice_tells_nothing() -> None:
    quiet = voice()
    still = SpeechAnalysis(**{**quiet.__dict__, "pitch_hz": np.zeros(COUNT, np.float32)})
    assert heard.listen(still) is None


def test_the_share_acts_beside_the_artists_clips() -> None:
    speech = voice(**VOICES["sad"])
    project = Project(auto_emotion=0.5)
    scene = make_scene(project, SECONDS * 25, speech)
    mood = heard.listen(speech)
    assert mood is not None
    column = scene.controls.emotions.index("sad")
    np.testing.assert_allclose(
        scene.controls.emotion[:, column], 0.5 * mood.at_frames(SECONDS * 25, Fraction(25)).shares[:, 2], atol=1e-6
    )
    full = project.with_(emotions=(EmotionClip(0, None, "happy", 1.0),))
    assert make_scene(full, SECONDS * 25, speech).controls.emotion[100:, 1:].max() < 1e-6


def test_baking_makes_clips_that_say_the_same() -> None:
    speech = voice(**VOICES["angry"])
    mood = heard.listen(speech)
    assert mood is not None
    own = EmotionClip(0, 20, "happy", 0.3)
    project = Project(auto_emotion=0.8, emotions=(own,))
    baked = heard.bake(project, mood, 0.8, SECONDS * 25)
    assert baked.auto_emotion == 0
    assert own in baked.emotions
    new = [clip for clip in baked.emotions if clip != own]
    assert "angry" in {clip.emotion for clip in new}
    before = make_scene(project.with_(emotions=()), SECONDS * 25, speech).controls
    after = make_scene(baked.with_(emotions=tuple(new)), SECONDS * 25, speech).controls
    angry = (before.emotion[:, before.emotions.index("angry")], after.emotion[:, after.emotions.index("angry")])
    assert np.abs(angry[0] - angry[1]).max() < 0.2
    assert np.corrcoef(*angry)[0, 1] > 0.95
