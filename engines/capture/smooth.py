"""Smoothing of captured curves without delay: filters that look forwards as far as back, and one for live capture."""

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
    out[:, quick] = smooth_lids(out[:, quick], rate)
    return out


def smooth_lids(values: np.ndarray, rate: Fraction) -> np.ndarray:
    """Curves of lids, (T, N), in the same way over half the time."""
    return parabola(values, 0.1, rate)


def smooth_motion(motion: np.ndarray, rate: Fraction, window_s: float = 0.2) -> np.ndarray:
    """Head or eye angles and places, (T, N), evened over ``window_s`` by a local parabola.

    A head that shakes or nods to music turns back within a frame or two, two or three times a second. A window of more
    than 0.2 s cuts those turns off and, as it lets overtones through upside down, bends the ways between them.
    """
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


class OneEuro:
    """A causal filter whose delay vanishes when things move (Casiez, Roussel and Vogel 2012, "1 Euro filter").

    Parameters
    ----------
    cutoff_hz : (N,), frequencies up to which slow motion passes
    beta : (N,), what each unit a second of speed adds to them
    """

    def __init__(self, cutoff_hz: np.ndarray, beta: np.ndarray) -> None:
        self._cutoff, self._beta = cutoff_hz, beta
        self._time = -np.inf
        self._value = np.zeros(len(cutoff_hz))
        self._speed = np.zeros(len(cutoff_hz))

    def __call__(self, value: np.ndarray, time_s: float) -> np.ndarray:
        """The filtered value (N,) of a moment later than the one before."""
        step = time_s - self._time
        self._time = time_s
        if not 0 < step < 1:
            self._value, self._speed = np.array(value, float), np.zeros(len(value))
            return self._value.copy()
        speed = (value - self._value) / step
        self._speed = self._speed + _share(np.ones(len(value)), step) * (speed - self._speed)
        share = _share(self._cutoff + self._beta * np.abs(self._speed), step)
        self._value = self._value + share * (value - self._value)
        return self._value.copy()


def _share(cutoff_hz: np.ndarray, step_s: float) -> np.ndarray:
    """Weight of a new value in a first-order low pass."""
    return np.asarray(1 / (1 + 1 / (2 * np.pi * cutoff_hz * step_s)))
