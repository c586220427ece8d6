"""What the artist's tracks say at each frame: emotion and style mixes, and curves from keys.

This is the only place where clips and keys become arrays; passes see arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from app.core.project import Curve, CurveMode, EmotionClip, Key, Project, RegionSettings, StyleClip
from engines.timebase import parse_rate

STYLE_EASE_S: Final = 0.2


@dataclass(frozen=True, eq=False)
class SampledCurve:
    """A curve at every frame.

    Attributes
    ----------
    values : float32 (T,), in the unit of the channel
    """

    channel: str
    mode: CurveMode
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Controls:
    """The direction of a shot at every frame.

    Attributes
    ----------
    rate : frames a second
    emotions : preset ids, the columns of ``emotion``
    emotion : float32 (T, E), weight of each; rows sum to 1 or less
    styles : preset ids, the columns of ``style``
    style : float32 (T, S), share of each style; rows sum to 1 or less, the rest is the natural style
    curves : those that act, in the order of the project
    regions : strength and time shift by region name
    """

    rate: Fraction
    emotions: tuple[str, ...]
    emotion: np.ndarray
    styles: tuple[str, ...]
    style: np.ndarray
    curves: tuple[SampledCurve, ...]
    regions: dict[str, RegionSettings]

    def __len__(self) -> int:
        return len(self.emotion)


def sample_controls(project: Project, count: int) -> Controls:
    """The project's tracks at frames 0 to ``count``."""
    rate = parse_rate(project.rate)
    emotions, emotion = emotion_mix(project.emotions, count)
    styles, style = style_mix(project.styles, count, rate)
    curves = tuple(
        SampledCurve(c.channel, c.mode, sample_keys(c.keys, count)) for c in acting_curves(project.curves) if c.keys
    )
    return Controls(rate, emotions, emotion, styles, style, curves, dict(project.regions))


def acting_curves(curves: tuple[Curve, ...]) -> tuple[Curve, ...]:
    """Curves that are heard: not muted, and only solo ones if there are any."""
    solo = any(c.solo for c in curves)
    return tuple(c for c in curves if not c.mute and (c.solo or not solo))


def ease(part: np.ndarray) -> np.ndarray:
    """Smooth step from 0 to 1 with no speed and no acceleration at the ends (Perlin's quintic)."""
    x = np.clip(part, 0.0, 1.0)
    return np.asarray(x * x * x * (x * (6 * x - 15) + 10))


def _envelope(start: float, end: float, rise: float, fall: float, frames: np.ndarray) -> np.ndarray:
    """0 to 1 to 0: rises over ``[start, start + rise]`` and falls over ``[end - fall, end]``."""
    rising = ease((frames - start) / rise) if rise > 0 else (frames >= start).astype(np.float64)
    falling = ease((end - frames) / fall) if fall > 0 else (frames < end).astype(np.float64)
    return np.asarray(rising * falling)


def emotion_mix(clips: tuple[EmotionClip, ...], count: int) -> tuple[tuple[str, ...], np.ndarray]:
    """Weights of overlapping emotion clips.

    A clip rises over its ``ease_in`` and falls over its ``ease_out`` frames. Where one clip begins exactly where
    another ends, the two cross over about that frame instead, so that the face does not pass through neutral.
    Where the sum of overlapping clips is above 1 it is scaled to 1.

    Returns
    -------
    ids in the order of first use, and float32 (count, E)
    """
    frames = np.arange(count, dtype=np.float64)
    ids = tuple(dict.fromkeys(c.emotion for c in clips))
    mix = np.zeros((count, len(ids)))
    ends = {c.end: c for c in clips if c.end is not None}
    starts = {c.start: c for c in clips}
    for clip in clips:
        begin, end = float(clip.start), float(count if clip.end is None else clip.end)
        length = max(end - begin, 1.0)
        rise, fall = float(clip.ease_in), float(clip.ease_out)
        scale = min(1.0, length / max(rise + fall, 1.0))
        rise, fall = rise * scale, fall * scale
        before, after = ends.get(clip.start), starts.get(clip.end) if clip.end is not None else None
        if before is not None and before is not clip:
            rise = min(max(clip.ease_in, before.ease_out), 2.0 * clip.start)
            begin -= rise / 2
        if after is not None and after is not clip:
            fall = min(max(clip.ease_out, after.ease_in), 2.0 * after.start)
            end += fall / 2
        elif clip.end is None or end >= count:
            end, fall = end + 1, 0.0  # held to the end of the voice
        if clip.start <= 0 and before is None:
            begin, rise = begin - 1, 0.0  # already there when the shot begins
        mix[:, ids.index(clip.emotion)] += clip.intensity * _envelope(begin, end, rise, fall, frames)
    total = mix.sum(1, keepdims=True)
    mix /= np.maximum(total, 1.0)
    return ids, mix.astype(np.float32)


def style_mix(clips: tuple[StyleClip, ...], count: int, rate: Fraction) -> tuple[tuple[str, ...], np.ndarray]:
    """Shares of style clips, eased over `STYLE_EASE_S` about their edges; float32 (count, S)."""
    frames = np.arange(count, dtype=np.float64)
    ids = tuple(dict.fromkeys(c.style for c in clips))
    mix = np.zeros((count, len(ids)))
    width = STYLE_EASE_S * float(rate)
    for clip in clips:
        begin = -2 * width if clip.start <= 0 else clip.start - width / 2
        end = count + 2 * width if clip.end is None or clip.end >= count else clip.end + width / 2
        mix[:, ids.index(clip.style)] += clip.amount * _envelope(begin, end, width, width, frames)
    mix /= np.maximum(mix.sum(1, keepdims=True), 1.0)
    return ids, mix.astype(np.float32)


def sample_keys(keys: tuple[Key, ...], count: int) -> np.ndarray:
    """A curve through ``keys`` at frames 0 to ``count``, held before the first and after the last : float32 (count,).

    The interpolation of a segment is that of the key it starts at. ``bezier`` segments have automatic tangents that
    never overshoot the keys (Fritsch & Carlson 1980, "Monotone piecewise cubic interpolation").
    """
    if not keys:
        return np.zeros(count, np.float32)
    x = np.array([k.frame for k in keys], np.float64)
    y = np.array([k.value for k in keys], np.float64)
    frames = np.arange(count, dtype=np.float64)
    if len(keys) == 1:
        return np.full(count, y[0], np.float32)
    slopes = _monotone_slopes(x, y)
    segment = np.clip(np.searchsorted(x, frames, "right") - 1, 0, len(x) - 2)
    width = x[segment + 1] - x[segment]
    t = np.clip((frames - x[segment]) / width, 0.0, 1.0)
    y0, y1 = y[segment], y[segment + 1]
    linear = y0 + (y1 - y0) * t
    t2, t3 = t * t, t * t * t
    hermite = (
        (2 * t3 - 3 * t2 + 1) * y0
        + (t3 - 2 * t2 + t) * width * slopes[segment]
        + (3 * t2 - 2 * t3) * y1
        + (t3 - t2) * width * slopes[segment + 1]
    )
    kinds = np.array([k.interpolation for k in keys])[segment]
    stepped = np.where(frames >= x[-1], y[-1], y0)
    return np.select([kinds == "step", kinds == "linear"], [stepped, linear], hermite).astype(np.float32)


def _monotone_slopes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Tangents at the keys : float64 (K,); flat at extremes and at both ends."""
    width, rise = np.diff(x), np.diff(y)
    secant = rise / width
    slopes = np.zeros(len(x))
    left, right = secant[:-1], secant[1:]
    w1, w2 = 2 * width[1:] + width[:-1], width[1:] + 2 * width[:-1]
    same = (np.sign(left) == np.sign(right)) & (np.minimum(np.abs(left), np.abs(right)) > 1e-12)
    safe_left, safe_right = np.where(same, left, 1.0), np.where(same, right, 1.0)
    slopes[1:-1] = np.where(same, (w1 + w2) / (w1 / safe_left + w2 / safe_right), 0.0)
    return slopes
