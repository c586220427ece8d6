"""Voices made on the spot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile


def babble(seconds: float, rate: int = 16000, pitch_hz: float = 120.0) -> np.ndarray:
    """Speech-like: a buzz with moving formants in syllables of a quarter second, a pause every two seconds."""
    t = np.arange(round(seconds * rate)) / rate
    pitch = pitch_hz * (1 + 0.1 * np.sin(2 * np.pi * 0.5 * t))
    phase = 2 * np.pi * pitch_hz * t + 0.2 * pitch_hz * (1 - np.cos(np.pi * t))
    first = 500 + 250 * np.sin(2 * np.pi * 1.7 * t)
    sound = np.zeros(len(t))
    for harmonic in range(1, 26):
        height = np.exp(-0.5 * ((harmonic * pitch - first) / 200) ** 2)
        height += 0.4 * np.exp(-0.5 * ((harmonic * pitch - 1500) / 300) ** 2)
        sound += height * np.sin(harmonic * phase)
    sound *= np.sin(np.pi * 4 * t) ** 2 * (t % 2 < 1.6)
    return (0.2 * sound / np.abs(sound).max()).astype(np.float32)


@pytest.fixture
def voice_file(tmp_path: Path) -> Path:
    path = tmp_path / "voice.wav"
    soundfile.write(path, babble(4.0), 16000)
    return path
