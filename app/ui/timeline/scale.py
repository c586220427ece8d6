"""Time on screen: which frame lies under which pixel, zoom, scroll, ruler steps and snapping."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from engines.timebase import timecode

MIN_PX_PER_FRAME = 0.0005
MAX_PX_PER_FRAME = 60.0


@dataclass
class TimeScale:
    """A linear map from frames to pixels.

    Attributes
    ----------
    px_per_frame : zoom
    offset : the (fractional) frame at pixel 0
    """

    px_per_frame: float = 8.0
    offset: float = 0.0

    def x(self, frame: float) -> float:
        return (frame - self.offset) * self.px_per_frame

    def frame(self, x: float) -> float:
        """The fractional frame under pixel ``x``."""
        return x / self.px_per_frame + self.offset

    def span(self, width: float) -> tuple[float, float]:
        """First and last frame that ``width`` pixels show."""
        return self.offset, self.frame(width)

    def zoom(self, factor: float, anchor_x: float, count: int = 0, width: float = 0) -> None:
        """Zoom so that the frame under ``anchor_x`` stays there; never further out than the whole shot needs."""
        anchor = self.frame(anchor_x)
        low = MIN_PX_PER_FRAME if not count else min(MAX_PX_PER_FRAME, 0.5 * width / max(count, 1))
        self.px_per_frame = min(max(self.px_per_frame * factor, low), MAX_PX_PER_FRAME)
        self.offset = max(0.0, anchor - anchor_x / self.px_per_frame)

    def fit(self, count: int, width: float, margin: float = 24.0) -> None:
        """Show frames 0 to ``count`` in ``width`` pixels."""
        self.px_per_frame = min(max((width - margin) / max(count, 1), MIN_PX_PER_FRAME), MAX_PX_PER_FRAME)
        self.offset = 0.0

    def follow(self, frame: int, width: float) -> bool:
        """Turn the page if ``frame`` has left the view; whether it did."""
        first, last = self.span(width)
        if first <= frame <= last - 1:
            return False
        self.offset = max(0.0, frame - 0.1 * (last - first))
        return True


def ruler_step(px_per_frame: float, rate: Fraction, wanted_px: float = 78.0) -> tuple[int, int]:
    """(frames between labels, frames between ticks) so that labels stand at least ``wanted_px`` apart."""
    second = round(rate)
    steps = [1, 2, 5, 10, *(second * n for n in (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600))]
    label = next((step for step in steps if step * px_per_frame >= wanted_px), steps[-1])
    tick = next((step for step in steps if step * px_per_frame >= 6 and label % step == 0), label)
    return label, tick


def ruler_label(frame: int, rate: Fraction, step: int) -> str:
    """Timecode without the parts that do not change at this zoom."""
    code = timecode(frame, rate)
    if step >= round(rate):
        return code[3:8] if frame < round(rate) * 3600 else code[:8]
    return code[3:] if frame < round(rate) * 3600 else code


def snap(
    frame: float, candidates: Sequence[float], px_per_frame: float, reach_px: float = 8.0, playhead: int | None = None
) -> tuple[int, int | None]:
    """The frame that an edge dragged to ``frame`` sticks to.

    Parameters
    ----------
    candidates : frames in rising order (an hour has 100,000 of them)
    playhead : one more

    Returns
    -------
    (frame, candidate it stuck to or None)
    """
    after = bisect_left(candidates, frame)
    near = [*candidates[max(0, after - 1) : after + 1], *([] if playhead is None else [playhead])]
    best = min(near, key=lambda candidate: abs(candidate - frame), default=None)
    if best is None or abs(best - frame) * px_per_frame > reach_px:
        return round(frame), None
    return round(best), round(best)


def nice_range(low: float, high: float) -> tuple[float, float, float]:
    """(low, high, step) of a value axis that shows ``low`` to ``high`` with round steps."""
    span = max(high - low, 1e-6)
    power = 10.0 ** math.floor(math.log10(span / 4))
    step = next((m * power for m in (1, 2, 5, 10) if span / (m * power) <= 5), 10 * power)
    return math.floor(low / step) * step, math.ceil(high / step) * step, step
