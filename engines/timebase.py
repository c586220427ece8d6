"""Time is an integer frame and a rational rate; seconds are only for display and for sound.

Frame ``i`` covers ``[i / rate, (i + 1) / rate)``; its motion is sampled at its start, ``i / rate``.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Final

import numpy as np

from engines.errors import InputError

RATES: Final[dict[str, Fraction]] = {
    "23.976": Fraction(24000, 1001),
    "24": Fraction(24),
    "25": Fraction(25),
    "29.97": Fraction(30000, 1001),
    "30": Fraction(30),
    "50": Fraction(50),
    "59.94": Fraction(60000, 1001),
    "60": Fraction(60),
}
"""The rates that video exports offer, by their usual names."""


def parse_rate(text: str | float | Fraction) -> Fraction:
    """A frame rate from ``25``, ``"29.97"`` or ``"30000/1001"``; NTSC decimals become their exact fractions.

    Raises
    ------
    InputError
        If the text is no number or the rate lies outside 1 to 240 frames a second.
    """
    key = str(text).strip()
    if key in RATES:
        return RATES[key]
    try:
        rate = Fraction(key)
    except (ValueError, ZeroDivisionError):
        raise InputError(f"'{text}' is no frame rate. Use a number such as 25, 29.97 or 30000/1001.") from None
    for exact in RATES.values():
        if exact.denominator != 1 and abs(rate - exact) < Fraction(1, 200):
            return exact
    if not 1 <= rate <= 240:
        raise InputError(f"A frame rate of {text} is outside 1 to 240 frames a second.")
    return rate


def frame_count(samples: int, sample_rate: int, rate: Fraction) -> int:
    """How many frames a sound of ``samples`` has: the last, partly filled frame counts (at least 1 frame)."""
    return max(1, math.ceil(Fraction(samples, sample_rate) * rate))


def frame_to_seconds(frame: int, rate: Fraction) -> float:
    return float(frame / rate)


def seconds_to_frame(t_s: float, rate: Fraction) -> int:
    """The frame nearest to ``t_s``."""
    return round(Fraction(t_s).limit_denominator(1_000_000) * rate)


def frame_to_sample(frame: int, rate: Fraction, sample_rate: int) -> int:
    """First sample that is not before the start of ``frame``."""
    return math.ceil(frame / rate * sample_rate)


def frame_times(count: int, rate: Fraction, start: int = 0) -> np.ndarray:
    """Start times of frames in seconds : float64 (count,)."""
    return np.arange(start, start + count, dtype=np.float64) * rate.denominator / rate.numerator


def resample(values: np.ndarray, rate_from: Fraction, rate_to: Fraction, count: int | None = None) -> np.ndarray:
    """Curves at another rate by linear interpolation in time; the ends are held.

    Parameters
    ----------
    values : (T, ...) sampled at ``rate_from``
    count : number of frames wanted; default covers the same time span

    Returns
    -------
    (count, ...) of the dtype of ``values``
    """
    length = len(values)
    if count is None:
        count = max(1, math.ceil(length / rate_from * rate_to))
    if length == 0:
        raise InputError("There is nothing to resample: the curves have no frame.")
    position = frame_times(count, rate_to) * float(rate_from)
    position = np.clip(position, 0, length - 1)
    low = np.minimum(position.astype(np.int64), max(length - 2, 0))
    high = np.minimum(low + 1, length - 1)
    part = (position - low).reshape(-1, *(1,) * (values.ndim - 1))
    return (values[low] * (1 - part) + values[high] * part).astype(values.dtype)


def timecode(frame: int, rate: Fraction) -> str:
    """Non-drop timecode ``HH:MM:SS:FF`` counted at the nearest integer rate."""
    base = round(rate)
    seconds, frames = divmod(frame, base)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}:{frames:02d}"
