from __future__ import annotations

import numpy as np
import pytest

from engines.speech import prosody
from engines.speech.prosody import CONTEXT, RATE
from tests.engines.speech.conftest import babble


def measure(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return prosody.tracks(np.pad(sound, CONTEXT))


@pytest.mark.parametrize("pitch_hz", [75.0, 120.0, 210.0, 330.0])
def test_pitch_of_a_buzz(pitch_hz: float) -> None:
    t = np.arange(16000) / 16000
    sound = sum(np.sin(2 * np.pi * k * pitch_hz * t) / k for k in range(1, 12)).astype(np.float32) * 0.1
    loudness, pitch = measure(sound)
    assert len(loudness) == len(pitch) == RATE
    assert np.allclose(pitch[3:-3], pitch_hz, rtol=0.02)


def test_noise_has_no_pitch_and_silence_is_the_floor() -> None:
    noise = np.random.default_rng(1).standard_normal(16000).astype(np.float32) * 0.1
    assert (measure(noise)[1] > 0).mean() < 0.1
    loudness, pitch = measure(np.zeros(16000, np.float32))
    assert (loudness == prosody.FLOOR_DB).all()
    assert not pitch.any()


def test_loudness_is_rms_in_decibels() -> None:
    t = np.arange(16000) / 16000
    loudness, _ = measure((0.5 * np.sin(2 * np.pi * 1000 * t)).astype(np.float32))
    assert np.allclose(loudness[2:-2], 20 * np.log10(0.5 / np.sqrt(2)), atol=0.1)


def test_pauses_and_phrases_of_babble() -> None:
    loudness, _ = measure(babble(6.0) + np.random.default_rng(0).normal(0, 1e-3, 96000).astype(np.float32))
    mask = prosody.speech_mask(loudness)
    pauses = prosody.pauses(mask)
    inner = [p for p in pauses if p.start_s > 0.1 and p.end_s < 5.9]
    assert [round(p.middle_s) for p in inner] == [2, 4]


def test_nobody_speaks_in_a_silent_room() -> None:
    room = np.random.default_rng(0).normal(0, 1e-4, 32000).astype(np.float32)
    mask = prosody.speech_mask(measure(room)[0])
    assert not mask.any()
    assert prosody.accents(*measure(room), mask) == ()


def test_the_louder_higher_syllable_is_accented() -> None:
    loudness = np.full(100, -60.0, np.float32)
    pitch = np.zeros(100, np.float32)
    for middle, height, tone in ((20, -25, 110), (50, -12, 160), (80, -26, 105)):
        loudness[middle - 5 : middle + 6] = height
        pitch[middle - 5 : middle + 6] = tone
    found = prosody.accents(loudness, pitch, loudness > -50)
    strongest = max(found, key=lambda a: a.strength)
    assert strongest.t_s == pytest.approx(1.0, abs=0.06)
    assert all(0 <= a.strength <= 1 for a in found)


def test_octave_jumps_are_mended() -> None:
    pitch = np.full(60, 120, np.float32)
    pitch[30] = 240
    assert np.allclose(prosody.clean_pitch(pitch, np.ones(60, bool)), 120)


def test_sounds_that_nobody_makes_are_not_speech() -> None:
    mask = np.ones(400, bool)
    silence = np.full(400, 0.05)
    silence[100:140] = silence[200:205] = silence[300:340] = 0.9
    steady, unvoiced = np.full(400, 100.0), np.zeros(400)
    sung = 200 * 2 ** (0.03 * np.sin(np.arange(400)))
    for pitch in (steady, unvoiced):
        kept = prosody.voiced_by_somebody(mask, silence, pitch)
        assert kept[:95].all()
        assert not kept[105:135].any()
        assert kept[145:295].all()
        assert not prosody.voiced_by_somebody(mask, np.full(400, 0.42), pitch).any()
    assert prosody.voiced_by_somebody(mask, silence, sung)[20:-20].all()
    assert prosody.voiced_by_somebody(mask, np.full(400, 0.42), sung)[20:-20].all()
    assert mask.all()
