"""The mel front end against recorded values of the official one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.disentangled import mel
from engines.errors import InputError

RECORDED = Path(__file__).parents[2] / "parity" / "data" / "mel.npz"


def test_spectrogram_is_the_official_one() -> None:
    recorded = np.load(RECORDED)
    got = mel.mel_spectrogram(recorded["wav"])
    np.testing.assert_allclose(got, recorded["mel_reflect"], atol=1e-5)
    frames = mel.frame_count(len(recorded["wav"]))
    np.testing.assert_array_equal(mel.window_index(frames, len(got)), recorded["mel_window_index"])


def test_windows_hold_the_ends() -> None:
    spectrogram = np.arange(10, dtype=np.float32)[:, None].repeat(80, 1)
    cut = mel.windows(spectrogram, 4)
    assert cut.shape == (4, 80, 16)
    np.testing.assert_array_equal(cut[0, 0, :8], [0, 0, 0, 0, 0, 0, 0, 1])
    assert cut[3, 0, -1] == 9


def test_too_short_a_voice_is_refused() -> None:
    with pytest.raises(InputError, match="800 at 16 kHz"):
        mel.mel_spectrogram(np.zeros(100, np.float32))
