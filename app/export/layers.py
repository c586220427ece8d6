"""Imported curves as the artist's own: keys on the timeline over the automatic motion, few enough to edit."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

import numpy as np

from app.core.project import CHANNELS_GAZE, CHANNELS_POSE, Curve, CurveMode, Key
from engines import arkit
from engines.api import Performance


def sparse(values: np.ndarray, tolerance: float) -> list[int]:
    """Frames of a curve between which straight lines stay within ``tolerance`` of every value.

    One pass: from the last kept frame a cone of allowed slopes narrows until a value leaves it (the swinging door of
    Bristol, 1990).

    Parameters
    ----------
    values : (T,)
    """
    count = len(values)
    if count < 2:
        return list(range(count))
    points = values.tolist()
    kept, at, low, high = [0], 0, -np.inf, np.inf
    for i in range(1, count):
        run = i - at
        slope = (points[i] - points[at]) / run
        if not low <= slope <= high:
            at = i - 1
            kept.append(at)
            slope, run, low, high = points[i] - points[at], 1, -np.inf, np.inf
        low = max(low, slope - tolerance / run)
        high = min(high, slope + tolerance / run)
    return [*kept, count - 1]


def as_curves(
    motion: Performance,
    rate: Fraction,
    first: int = 0,
    mode: CurveMode = "replace",
    channels: Collection[str] = (),
    tolerance: float = 0.004,
) -> tuple[Curve, ...]:
    """A performance as curves of the project.

    Parameters
    ----------
    rate : of the project; the motion is resampled to it
    first : frame of the project at which the motion begins; frames before 0 are cut off
    channels : which to take, as in `app.core.project.Curve.channel`; empty: all that move
    tolerance : largest change of a weight by leaving keys out; angles take 25 degrees, offsets 25 cm for 1
    """
    motion = motion.resampled(rate)
    found: dict[str, tuple[np.ndarray, float]] = {n: (motion.channel(n), 1.0) for n in arkit.NAMES}
    head = motion.head * np.array([180 / np.pi] * 3 + [1] * 3)
    found |= {f"pose.{name}": (head[:, i], 25.0) for i, name in enumerate(CHANNELS_POSE)}
    gaze = np.degrees(motion.gaze[:, :2] + motion.gaze[:, 2:]) / 2
    found |= {f"gaze.{name}": (gaze[:, i], 25.0) for i, name in enumerate(CHANNELS_GAZE)}
    curves = []
    for channel, (all_values, scale) in found.items():
        values = all_values[max(-first, 0) :].astype(np.float64)
        wanted = channel in channels if channels else len(values) > 0 and np.abs(values).max() > 1e-3 * scale
        if wanted and len(values):
            frames = sparse(values, tolerance * scale)
            keys = tuple(Key(max(first, 0) + i, round(float(values[i]), 5), "linear") for i in frames)
            curves.append(Curve(channel, keys, mode))
    return tuple(curves)
