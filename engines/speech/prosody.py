"""How the voice moves apart from its words: loudness, pitch, pauses, accents, at 50 Hz.

Value ``j`` of every track belongs to second ``j / 50`` and is measured in a window centred there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter, uniform_filter1d

from engines.speech.audio import ANALYSIS_RATE
from engines.speech.segment import SILENCE, Segment

RATE: Final = 50
"""Values a second of every track."""
HOP: Final = ANALYSIS_RATE // RATE
CONTEXT: Final = 512
"""Samples on either side of a value's centre that its window reaches."""

FLOOR_DB: Final = -100.0
SILENT_DB: Final = -60.0
"""A recording that never gets louder than this (RMS, relative to full scale) counts as silent."""

_PITCH_LOW_HZ, _PITCH_HIGH_HZ = 60.0, 500.0
_VOICED = 0.5
_PAUSE_S, _BURST_S = 0.18, 0.06
_WORDLESS, _WORDLESS_S = 0.6, 0.5
_SURE, _NEAR_S, _SURE_LEAST = 0.12, 2.0, 8
"""Frames sure to hold a phone abound near speech; noise is unsure of silence, but never sure of a phone for long."""
_TREMOR, _LEAP = 0.001, 0.1
"""Octaves from one frame to the next: a voice's pitch is never quite steady and seldom leaps, unlike hum and hiss."""
_LIVING, _LIVING_S = 0.2, 0.5


@dataclass(frozen=True)
class Accent:
    """A stressed moment of the voice.

    Attributes
    ----------
    t_s : its peak
    strength : 0 to 1 among the accents of this voice
    """

    t_s: float
    strength: float


def tracks(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Loudness and pitch of one block.

    Parameters
    ----------
    sound : float32 (N + 2 * CONTEXT,), mono `ANALYSIS_RATE`; the first value is centred on sample `CONTEXT`

    Returns
    -------
    loudness_db : float32 (ceil(N / HOP),), RMS over 40 ms in dB relative to full scale, at least `FLOOR_DB`
    pitch_hz : float32, the same length, 0 where unvoiced. Autocorrelation divided by that of the window, with a small
        octave cost (Boersma 1993, "Accurate short-term analysis of the fundamental frequency").
    """
    size = 2 * CONTEXT
    frames = np.lib.stride_tricks.sliding_window_view(sound, size)[: len(sound) - size : HOP]
    middle = frames[:, CONTEXT - HOP : CONTEXT + HOP]
    power = np.einsum("ij,ij->i", middle, middle) / middle.shape[1]
    loudness = np.maximum(10 * np.log10(power + 1e-12), FLOOR_DB).astype(np.float32)

    window = np.hanning(size).astype(np.float32)
    spectrum = np.fft.rfft((frames - frames.mean(1, keepdims=True)) * window, 2 * size, axis=1)
    correlation = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, axis=1)
    own = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * size)) ** 2)
    shortest, longest = int(ANALYSIS_RATE / _PITCH_HIGH_HZ), int(ANALYSIS_RATE / _PITCH_LOW_HZ)
    lags = np.arange(shortest, longest)
    ratio = correlation[:, lags] / np.maximum(correlation[:, :1], 1e-9) * (own[0] / own[lags])
    best = np.argmax(ratio - 0.02 * np.log2(lags / shortest), 1)
    strength = ratio[np.arange(len(ratio)), best]
    voiced = (strength > _VOICED) & (loudness > SILENT_DB)
    return loudness, np.where(voiced, ANALYSIS_RATE / lags[best], 0).astype(np.float32)


def brightness(sound: np.ndarray) -> np.ndarray:
    """How sharp the voice is: energy of 1 to 5 kHz against that of 50 Hz to 1 kHz in dB : float32, as in `tracks`.

    The alpha ratio of Eyben et al. 2016, "The Geneva minimalistic acoustic parameter set": pressed, angry voices have
    more of it than soft ones, at any gain.

    Parameters
    ----------
    sound : as for `tracks`
    """
    size = 2 * CONTEXT
    frames = np.lib.stride_tricks.sliding_window_view(sound, size)[: len(sound) - size : HOP]
    spectrum = np.fft.rfft(frames * np.hanning(size).astype(np.float32), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    hertz = np.fft.rfftfreq(size, 1 / ANALYSIS_RATE)
    high = power[:, (hertz >= 1000) & (hertz < 5000)].sum(1)
    low = power[:, (hertz >= 50) & (hertz < 1000)].sum(1)
    return np.asarray(10 * np.log10((high + 1e-12) / (low + 1e-12)), np.float32)


def speech_mask(loudness_db: np.ndarray) -> np.ndarray:
    """Where somebody speaks : bool (T,). Pauses shorter than 0.18 s and bursts shorter than 0.06 s are bridged."""
    smooth = gaussian_filter1d(loudness_db.astype(np.float64), 1.0)
    floor, top = np.percentile(smooth, (10, 95))
    if top < SILENT_DB:
        return np.zeros(len(smooth), bool)
    # Halfway up a quiet room's range would cut soft consonants; 25-35 dB below the loud parts is a pause anywhere.
    threshold = np.clip(floor + 0.3 * (top - floor), top - 35, top - 18)
    mask = smooth > threshold
    for value, shortest in ((False, _PAUSE_S), (True, _BURST_S)):
        for start, stop in runs(mask == value):
            if stop - start < shortest * RATE and start > 0 and stop < len(mask):
                mask[start:stop] = not value
    return mask


def voiced_by_somebody(mask: np.ndarray, silence: np.ndarray, pitch_hz: np.ndarray) -> np.ndarray:
    """The speech mask without sounds that nobody's mouth makes: hiss, hum, tones, a room as loud as the voice.

    Breaths and other short sounds stay, for mouths do not rest in them, and so do laughing and singing without words.

    Parameters
    ----------
    mask : bool (T,), from `speech_mask`, which knows loudness only
    silence : (T,), probability that no phone is heard
    pitch_hz : (T,), from `tracks`, 0 where unvoiced

    Returns
    -------
    bool (T,)
    """
    octaves = np.log2(np.where(pitch_hz > 0, pitch_hz, np.nan))
    change = np.abs(np.diff(octaves, prepend=np.nan))
    living = _share((change > _TREMOR) & (change < _LEAP), _LIVING_S) > _LIVING
    sure = _smooth(silence, 5) < _SURE
    worded = _share(sure, _NEAR_S) * (2 * round(_NEAR_S * RATE) + 1) > _SURE_LEAST - 0.5
    result = mask & (worded | living)
    for start, stop in runs(mask & ~living & (_smooth(silence, 11) > _WORDLESS)):
        if stop - start >= _WORDLESS_S * RATE:
            result[start:stop] = False
    return result


def _share(mask: np.ndarray, within_s: float) -> np.ndarray:
    """Share of the frames so near either side for which ``mask`` holds, none beyond the ends : float64 (T,)."""
    return np.asarray(uniform_filter1d(mask.astype(np.float64), 2 * round(within_s * RATE) + 1, mode="constant"))


def _smooth(track: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(uniform_filter1d(track.astype(np.float64), size))


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Half-open spans in which ``mask`` holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def pauses(mask: np.ndarray) -> tuple[Segment, ...]:
    """Spans without speech."""
    return tuple(Segment(a / RATE, b / RATE, SILENCE) for a, b in runs(~mask))


def clean_pitch(pitch_hz: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Pitch without single outliers and octave jumps, 0 outside speech : float32 (T,)."""
    voiced = (pitch_hz > 0) & mask
    if voiced.sum() < 5:
        return np.zeros_like(pitch_hz)
    middle = np.median(pitch_hz[voiced])
    octaves = np.log2(np.where(voiced, pitch_hz, middle) / middle)
    octaves -= np.where(np.abs(octaves) > 0.75, np.round(octaves), 0)
    smooth = median_filter(octaves, 5)
    return np.where(voiced, middle * 2**smooth, 0).astype(np.float32)


def accents(loudness_db: np.ndarray, pitch_hz: np.ndarray, mask: np.ndarray) -> tuple[Accent, ...]:
    """Stressed moments: syllable peaks that stand out in loudness and pitch from the two seconds around them."""
    if not mask.any():
        return ()
    quiet = np.percentile(loudness_db[mask], 5)
    loud = gaussian_filter1d(np.maximum(loudness_db, quiet).astype(np.float64), 2.5)
    voiced = pitch_hz > 0
    raw = np.log2(np.maximum(pitch_hz, 1e-3), where=voiced, out=np.zeros(len(pitch_hz)))
    weight = gaussian_filter1d(voiced.astype(np.float64), 2.5)
    pitch = gaussian_filter1d(raw, 2.5) / np.maximum(weight, 1e-6)
    pitch = np.where(weight > 0.2, pitch, np.median(raw[voiced]) if voiced.any() else 0.0)

    def salience(track: np.ndarray) -> np.ndarray:
        local = gaussian_filter1d(track, RATE * 0.8)
        spread = track[mask].std() + 1e-6
        return np.asarray((track - local) / spread)

    total = np.where(mask, salience(loud) + 0.7 * salience(pitch), -np.inf)
    span = round(0.12 * RATE)
    padded = np.pad(total, span, constant_values=-np.inf)
    highest = np.lib.stride_tricks.sliding_window_view(padded, 2 * span + 1).max(1)
    peaks = np.flatnonzero((total == highest) & (total > 0.4))
    if not len(peaks):
        return ()
    top = max(float(np.percentile(total[peaks], 95)), 1e-6)
    return tuple(Accent(float(p / RATE), float(np.clip(total[p] / top, 0, 1))) for p in peaks)
