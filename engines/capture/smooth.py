"""Smoothing of captured curves without delay: every filter here looks forwards as far as back."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from engines import arkit

_QUICK = list(arkit.indices("eyeBlink", "eyeSquint", "eyeWide"))


def smooth_weights(weights: np.ndarray, rate: Fraction) -> np.ndarray:
    """ARKit curves with the detector's tremble taken out, peaks kept.

    A local parabola over about 0.2 s (Savitzky and Golay 1964) keeps the height of closures and openings; lids, which
    shut within 0.1 s, get the shortest window.

    Parameters
    ----------
    weights : (T, 52)
    rate : frames a second
    """
    out = np.array(weights, float)
    quick = np.zeros(arkit.COUNT, bool)
    quick[_QUICK] = True
    out[:, ~quick] = parabola(out[:, ~quick], 0.2, rate)
    out[:, quick] = parabola(out[:, quick], 0.1, rate)
    return out


def smooth_motion(motion: np.ndarray, rate: Fraction, window_s: float = 0.28) -> np.ndarray:
    """Head or eye angles and places, (T, N), evened over ``window_s`` by a local parabola."""
    return parabola(np.asarray(motion, float), window_s, rate)


def parabola(values: np.ndarray, window_s: float, rate: Fraction) -> np.ndarray:
    """Savitzky-Golay filter of second order over a centred window, (T, N); short clips are left as they are."""
    from scipy.signal import savgol_filter

    window = 2 * max(1, round(window_s * float(rate) / 2)) + 1
    if window < 5:
        window = 5 if window_s * float(rate) >= 3.5 else 3
    if window <= 3 or len(values) < window:
        return np.array(values, float)
    return np.asarray(savgol_filter(values, window, 2, axis=0, mode="interp"))


def fill(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Values (T, N) where nothing was seen, led over in a straight line; held at the ends."""
    if seen.all():
        return np.array(values, float)
    at = np.flatnonzero(seen)
    frames = np.arange(len(values))
    return np.stack([np.interp(frames, at, values[at, k]) for k in range(values.shape[1])], 1)
