"""Emotions lifted from pairs of clips and of voices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.core import presets, references
from app.core.cache import DiskCache
from app.core.emotion_reference import (
    FARTHEST,
    LOUDNESS_TRUST,
    VoiceCues,
    cue_change,
    emotion_from_clips,
    emotion_from_voices,
    listen,
    shares_of,
)
from app.core.passes import heard
from app.core.perform import perform
from app.core.project import Project
from app.core.studio import Studio
from app.core.style_reference import measure
from engines import arkit
from engines.capture.compare import Held, laid_over
from engines.errors import InputError
from engines.speech.segment import Segment
from tests.app.core.passes.test_passes import make_speech

CALM = VoiceCues(pitch_st=92.0, movement_st=2.0, loudness_db=-25.0, brightness_db=-8.0, syllables_hz=4.5)
HABITS = measure(perform(Project(), make_speech(6)))


def holding(**weights: float) -> Held:
    values = np.full(arkit.COUNT, 0.1)
    for name, value in weights.items():
        values[list(arkit.indices(name))] = value
    return Held(values, np.zeros(3), np.zeros(4))


def test_what_a_face_holds_beyond_the_neutral_one_is_the_emotion() -> None:
    strong = replace(holding(mouthSmile=0.5, jawOpen=0.1), angles_rad=np.radians([5.0, 0.2, 0.0]))
    found = emotion_from_clips("Glad", strong, holding(), HABITS, HABITS)
    assert found.weights["mouthSmile"] == pytest.approx(1.7 * 0.4, abs=0.01)
    assert found.weights["cheekSquint"] > 0.3
    assert set(found.weights) == {"mouthSmile", "cheekSquint"}
    assert found.pitch_deg == 5.0
    assert found.yaw_deg == 0
    assert found.valence > 0.2
    assert found.jaw == found.blink_rate == 1


def test_a_lifted_emotion_is_a_preset_like_any_other() -> None:
    found = emotion_from_clips("Cross", holding(browDown=0.5, noseSneer=0.4), holding(), HABITS, HABITS)
    assert presets.load("emotions", presets.save(found)) == found
    assert found.valence < 0
    same = emotion_from_clips("Same", holding(), holding(), HABITS, HABITS)
    assert same.weights == {}
    assert same.valence == 0


def test_sides_stay_apart() -> None:
    found = emotion_from_clips("Wry", holding(mouthSmileLeft=0.6), holding(), HABITS, HABITS)
    assert set(found.weights) == {"mouthSmileLeft", "cheekSquintLeft"}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"brightness_db": -2.0, "loudness_db": -15.0, "syllables_hz": 5.2, "pitch_st": 93.5}, "angry"),
        ({"pitch_st": 88, "movement_st": 1, "loudness_db": -33.0, "syllables_hz": 3.3, "brightness_db": -11}, "sad"),
        ({"pitch_st": 95.0, "movement_st": 3.2, "loudness_db": -22.0, "syllables_hz": 5.0}, "happy"),
    ],
)  # fmt: skip
def test_textbook_voices_get_their_emotion(changed: dict[str, float], named: str) -> None:
    voice = replace(CALM, **changed)
    shares = shares_of(cue_change(voice, CALM))
    assert max(shares, key=lambda n: shares[n]) == named
    found = emotion_from_voices("X", voice, CALM)
    assert np.sign(found.valence) == np.sign(presets.emotion(named).valence)
    assert found.weights


def test_the_artist_may_say_whether_a_mood_is_pleasant() -> None:
    aroused = replace(CALM, pitch_st=97.0, brightness_db=-4.0)
    assert emotion_from_voices("Joy", aroused, CALM, pleasant=True).valence > 0
    assert emotion_from_voices("Rage", aroused, CALM, pleasant=False).valence < 0


def test_haste_that_is_unpleasant_is_anger_rather_than_fear() -> None:
    """A voice that differs in tempo alone, as recordings of hot anger do."""
    hasty = replace(CALM, syllables_hz=CALM.syllables_hz + 1.5, movement_st=CALM.movement_st + 0.3)
    shares = shares_of(cue_change(hasty, CALM), pleasant=False)
    assert max(shares, key=lambda n: shares[n]) == "angry"
    assert shares["angry"] > 0.4  # to be seen in a face


def test_larger_differences_are_stronger_and_none_is_too_strong() -> None:
    textbook = np.array(heard.EMOTIONS["sad"])
    sizes = [sum(shares_of(size * textbook).values()) for size in (0.1, 0.3, 0.5, 3.0)]
    assert sizes == sorted(sizes)
    assert sizes[0] == 0
    assert sizes[-1] == pytest.approx(1)


def test_voices_that_do_not_differ_tell_nothing() -> None:
    with pytest.raises(InputError, match="differ too little"):
        emotion_from_voices("None", CALM, CALM)


def test_other_speakers_and_microphones_count_no_more_than_a_little() -> None:
    change = cue_change(replace(CALM, pitch_st=120.0, loudness_db=0.0), CALM)
    assert change[0] == FARTHEST
    assert change[1] == pytest.approx(FARTHEST * LOUDNESS_TRUST)


def hum(path: Path, pitch_hz: float, harmonics: int) -> Path:
    t = np.arange(3 * 16000) / 16000
    wave = sum(np.sin(2 * np.pi * pitch_hz * k * t) / k for k in range(1, harmonics + 1))
    soundfile.write(path, 0.1 * wave * (np.sin(2 * np.pi * 3 * t) > -0.7), 16000)
    return path


def test_cues_are_read_from_sound(tmp_path: Path) -> None:
    from engines.speech.audio import load_voice

    plain = replace(make_speech(3), phones=tuple(Segment(k / 4, k / 4 + 0.1, "AA") for k in range(12)))
    dull, bright = (listen(plain, load_voice(hum(tmp_path / f"{k}.wav", 150, k))) for k in (2, 30))
    assert bright.brightness_db > dull.brightness_db + 5
    assert 3.5 < dull.syllables_hz < 6
    assert dull.pitch_st == pytest.approx(12 * np.log2(180), abs=3)
    with pytest.raises(InputError, match="too little speech"):
        listen(replace(make_speech(3), silent=True), load_voice(tmp_path / "2.wav"))


def test_a_video_is_not_compared_with_a_recording(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.wav"):
        (tmp_path / name).write_bytes(b"x")
    studio = Studio(DiskCache(tmp_path / "cache"))
    with pytest.raises(InputError, match="two videos"):
        references.lift_emotion(studio, tmp_path / "a.mp4", tmp_path / "b.wav", "X")
    with pytest.raises(InputError, match="There is no file"):
        references.lift_emotion(studio, tmp_path / "c.mp4", tmp_path / "b.wav", "X")


def test_faces_are_laid_over_each_other() -> None:
    rng = np.random.default_rng(3)
    face = rng.uniform(100, 300, (10, 478, 3))
    moved = laid_over(0.5 * face + [40, 10, 0], face)
    assert np.allclose(moved[:, :, :2], face[:, :, :2], atol=1e-6)
