"""What passes may look at: the direction and the voice, at the frames of the shot."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from app.core.controls import Controls
from app.core.presets import Emotion, HeadCharacter, Style
from app.core.project import AutoMotion
from engines.timebase import frame_times

if TYPE_CHECKING:
    from engines.speech.analysis import SpeechAnalysis

TRACK_RATE: Final = 50.0
"""Values a second of the voice's tracks (`engines.speech.prosody.RATE`)."""
PHRASE_PAUSE_S: Final = 0.28
"""A pause at least this long ends a phrase."""


@dataclass(frozen=True, eq=False)
class Scene:
    """The shot as passes see it.

    Attributes
    ----------
    rate, count : of the performance
    controls : the artist's tracks at every frame
    emotions, styles : presets of the columns of ``controls.emotion`` and ``controls.style``
    auto : amounts and seed of automatic motion
    character : how the head moves
    speech : the analysed voice, or None for motion from a file
    shut : float32 (T,), how firmly the voice asks for closed lips, 0 to 1
    opening : float64 (52,), how far each unit at 1 opens the lips of this head (negative: shuts them), or None
    spoken_opening : float64 (T,), how far the voice alone opens the lips, in the unit of ``opening``
    speaking : float32 (T,), 1 where somebody speaks, eased
    """

    rate: Fraction
    count: int
    controls: Controls
    emotions: tuple[Emotion, ...] = ()
    styles: tuple[Style, ...] = ()
    auto: AutoMotion = field(default_factory=AutoMotion)
    character: HeadCharacter = field(default_factory=lambda: HeadCharacter("Natural"))
    speech: SpeechAnalysis | None = None
    shut: np.ndarray | None = None
    opening: np.ndarray | None = None
    spoken_opening: np.ndarray | None = None
    speaking: np.ndarray | None = None

    def rng(self, name: str) -> np.random.Generator:
        """Random numbers of one pass: of the seed and the voice, and untouched when another pass is switched."""
        voice = "" if self.speech is None else self.speech.voice_digest
        return np.random.default_rng([self.auto.seed, zlib.crc32(name.encode()), zlib.crc32(voice.encode())])

    @cached_property
    def times_s(self) -> np.ndarray:
        """Start of each frame : float64 (T,)."""
        return frame_times(self.count, self.rate)

    @property
    def duration_s(self) -> float:
        return float(self.count / self.rate)

    def at_frames(self, track: np.ndarray, track_rate: float) -> np.ndarray:
        """A track of the voice at the frames : float64 (T,)."""
        return np.asarray(np.interp(self.times_s * track_rate, np.arange(len(track)), track))

    @cached_property
    def phrases(self) -> tuple[tuple[float, float], ...]:
        """Spans of speech between pauses, in seconds; the whole shot where nothing is known."""
        if self.speech is None:
            return ((0.0, self.duration_s),)
        silences = [(p.start_s, p.end_s) for p in self.speech.pauses if p.end_s - p.start_s >= PHRASE_PAUSE_S]
        edges = [0.0, *(t for span in silences for t in span), self.duration_s]
        spans = zip(edges[::2], edges[1::2], strict=True)
        return tuple((a, b) for a, b in spans if b - a > 0.1)

    @cached_property
    def accents(self) -> tuple[tuple[float, float], ...]:
        """(time in seconds, strength 0 to 1) of stressed syllables."""
        return () if self.speech is None else tuple((a.t_s, a.strength) for a in self.speech.accents)

    def emotion_sum(self, value: Callable[[Emotion], Any]) -> np.ndarray:
        """A quantity of the emotion presets, mixed at each frame : float64 (T, ...)."""
        if not self.emotions:
            return np.zeros((self.count, *np.shape(value(Emotion("Neutral")))))
        table = np.array([value(e) for e in self.emotions], np.float64)
        return np.asarray(np.tensordot(self.controls.emotion.astype(np.float64), table, 1))

    def factor(self, emotion: Callable[[Emotion], float], style: Callable[[Style], float] | None = None) -> np.ndarray:
        """A factor of the presets in effect at each frame, 1 where there are none : float64 (T,)."""
        result = 1 + self.emotion_sum(lambda e: emotion(e) - 1)
        if style is not None and self.styles:
            table = np.array([style(s) - 1 for s in self.styles])
            result = result * (1 + self.controls.style.astype(np.float64) @ table)
        return np.maximum(result, 0)


def least_jerk(part: np.ndarray) -> np.ndarray:
    """The way from 0 to 1 with least jerk (Flash & Hogan 1985), held outside 0 to 1."""
    x = np.clip(part, 0.0, 1.0)
    return np.asarray(x * x * x * (x * (6 * x - 15) + 10))


class Motion:
    """Movements put together over a shot; each costs only its own length.

    Parameters
    ----------
    scene : gives the frames
    channels : how many curves
    """

    def __init__(self, scene: Scene, channels: int) -> None:
        self._times, self._rate = scene.times_s, float(scene.rate)
        self._pulses = np.zeros((scene.count, channels))
        self._steps = np.zeros((scene.count, channels))

    def _window(self, start_s: float, end_s: float) -> slice:
        count = len(self._times)
        first = int(np.clip(np.floor(start_s * self._rate), 0, count))
        last = int(np.clip(np.ceil(end_s * self._rate) + 1, 0, count))
        return slice(first, max(first, last))

    def step(self, start_s: float, length_s: float, change: Sequence[float] | np.ndarray | float) -> None:
        """Move by ``change`` (one a channel) and stay there."""
        length_s = max(length_s, 1e-6)
        window = self._window(start_s, start_s + length_s)
        if window.start == window.stop:
            if start_s < 0 and len(self._times):
                self._steps[0] += change
            return
        way = least_jerk((self._times[window] - start_s) / length_s)
        self._steps[window] += np.diff(way, prepend=0.0)[:, None] * np.asarray(change)

    def pulse(self, peak_s: float, rise_s: float, fall_s: float, size: Sequence[float] | np.ndarray | float) -> None:
        """Move by ``size`` (one a channel) until ``peak_s`` and back."""
        window = self._window(peak_s - rise_s, peak_s + fall_s)
        t = self._times[window]
        shape = least_jerk((t - peak_s + rise_s) / rise_s) * (1 - least_jerk((t - peak_s) / fall_s))
        self._pulses[window] += shape[:, None] * np.asarray(size)

    @property
    def values(self) -> np.ndarray:
        """float64 (T, channels)"""
        return np.asarray(np.cumsum(self._steps, 0) + self._pulses)


def unrest(rng: np.random.Generator, times_s: np.ndarray, hertz: float, channels: int = 1) -> np.ndarray:
    """Smooth random motion of unit deviation with nothing faster than about ``hertz`` : float64 (T, channels).

    Cubic interpolation of random values, so that it does not depend on the frame rate.
    """
    step = 0.5 / hertz
    knots = int(np.ceil((times_s[-1] if len(times_s) else 0.0) / step)) + 4
    values = rng.standard_normal((knots, channels))
    position = times_s / step
    i = position.astype(np.int64)
    t = (position - i)[:, None]
    a, b, c, d = values[i], values[i + 1], values[i + 2], values[i + 3]  # uniform cubic B-spline
    mixed = ((1 - t) ** 3 * a + (3 * t**3 - 6 * t**2 + 4) * b + (-3 * t**3 + 3 * t**2 + 3 * t + 1) * c + t**3 * d) / 6
    return np.asarray(mixed / 0.69)  # a B-spline of white noise has deviation 0.69 on average
