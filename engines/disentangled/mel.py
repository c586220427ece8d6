"""The mel spectrogram that Audio2Lip hears: 80 bands, 80 frames a second, [-4, 4]."""

from __future__ import annotations

from functools import cache
from typing import Final, Literal

import numpy as np

from engines.errors import InputError

SAMPLE_RATE: Final = 16000
HOP: Final = 200
WINDOW: Final = 800
BANDS: Final = 80
SPAN: Final = 16
"""Mel frames that one video frame sees."""
VIDEO_RATE: Final = 25
SAMPLES_PER_FRAME: Final = SAMPLE_RATE // VIDEO_RATE


@cache
def mel_basis() -> np.ndarray:
    """Slaney mel filters from 55 to 7600 Hz : float32 (80, 401)."""
    from librosa.filters import mel

    basis: np.ndarray = mel(sr=SAMPLE_RATE, n_fft=WINDOW, n_mels=BANDS, fmin=55, fmax=7600)
    return basis


def mel_spectrogram(samples: np.ndarray, pad_mode: Literal["reflect", "constant"] = "reflect") -> np.ndarray:
    """Normalised log-mel spectrogram.

    Parameters
    ----------
    samples : float32 (N,), mono, 16 kHz
    pad_mode : what lies beyond both ends; the official checkpoint was trained with ``reflect``

    Returns
    -------
    float32 (1 + N // 200, 80) in [-4, 4]

    Raises
    ------
    InputError
        If the sound is shorter than one analysis window.
    """
    from librosa import stft

    if len(samples) < WINDOW:
        raise InputError(f"The voice has {len(samples)} samples; Audio2Lip needs at least {WINDOW} at 16 kHz.")
    emphasised = np.append(samples[:1], samples[1:] - 0.97 * samples[:-1]).astype(np.float32)
    spectrum = np.abs(stft(emphasised, n_fft=WINDOW, hop_length=HOP, win_length=WINDOW, pad_mode=pad_mode))
    decibel = 20 * np.log10(np.maximum(1e-5, mel_basis() @ spectrum)) - 20
    return np.asarray(np.clip(8 * ((decibel + 100) / 100) - 4, -4, 4).T, np.float32)


def frame_count(samples: int) -> int:
    """Whole video frames at 25 a second in a sound at 16 kHz."""
    return samples // SAMPLES_PER_FRAME


def window_index(frames: int, mel_frames: int) -> np.ndarray:
    """Mel frames that each video frame sees, held at both ends : int64 (frames, 16)."""
    first = np.trunc(80 * (np.arange(frames) - 2) / VIDEO_RATE).astype(np.int64)
    return np.clip(first[:, None] + np.arange(SPAN), 0, mel_frames - 1)


def windows(mel: np.ndarray, frames: int) -> np.ndarray:
    """Network input for each video frame : float32 (frames, 80, 16)."""
    return np.ascontiguousarray(mel[window_index(frames, len(mel))].transpose(0, 2, 1))
