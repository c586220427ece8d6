"""The pyramid agrees with the samples at every zoom."""

from __future__ import annotations

import numpy as np
import pytest

from app.ui.timeline.waveform import Peaks, spectrogram


@pytest.mark.parametrize("columns", [10, 100, 1000, 7000])
def test_extremes_agree_with_the_samples(columns):
    samples = np.random.default_rng(0).uniform(-1, 1, 64000).astype(np.float32)
    peaks = Peaks(samples, 16000)
    low, high = peaks.columns(0, 4.0, columns)
    parts = np.array_split(samples, columns)
    assert low.shape == high.shape == (columns,)
    assert np.abs(low - [p.min() for p in parts]).max() < 1.2
    assert (high <= 1).all()
    assert high.mean() == pytest.approx(np.mean([p.max() for p in parts]), abs=0.15)


def test_outside_the_sound_is_silence():
    peaks = Peaks(np.ones(16000, np.float32), 16000)
    low, high = peaks.columns(-1.0, 2.0, 30)
    assert (high[:9] == 0).all()
    assert (high[11:19] == 1).all()
    assert (low[21:] == 0).all()


def test_an_empty_or_short_sound_draws_nothing_or_little():
    assert Peaks(np.zeros(0, np.float32), 16000).columns(0, 1, 10)[0].tolist() == [0] * 10
    assert Peaks(np.ones(10, np.float32), 16000).columns(0, 10 / 16000, 5)[1].max() == 1


def test_the_spectrogram_shows_a_tone_in_its_band():
    t = np.arange(32000) / 16000
    low = spectrogram(np.sin(2 * np.pi * 150 * t).astype(np.float32), 16000)
    high = spectrogram(np.sin(2 * np.pi * 6000 * t).astype(np.float32), 16000)
    assert low.shape == (48, 200)
    assert low[:, 100].argmax() > 40
    assert high[:, 100].argmax() < 12
