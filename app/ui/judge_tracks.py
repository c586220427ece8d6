"""What was measured along a judged take, as lines for a plot: mouth and voice, eyes, leaps of the face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from PySide6.QtCore import QCoreApplication

if TYPE_CHECKING:
    from engines.judge.evidence import Evidence


@dataclass(frozen=True, eq=False)
class Line:
    """One curve: seconds of the take, values; ``seen`` is read off the picture, ``heard`` out of the voice."""

    name: str
    role: Literal["seen", "heard"]
    t_s: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Track:
    """Lines that share an axis.

    Attributes
    ----------
    name : of the axis
    lines : what is drawn
    marks_s : moments worth a mark: blinks, joins of shots
    level : a height to compare with, or None
    """

    name: str
    lines: tuple[Line, ...]
    marks_s: tuple[float, ...] = ()
    level: float | None = None


def tracks(evidence: Evidence) -> list[Track]:
    """What there is to show of a take; what could not be measured is left out."""
    from engines.judge.registry import NotMeasured

    makers: tuple[Callable[[Evidence], Track], ...] = (_mouth, _eyes, _leaps)
    found = []
    for make in makers:
        try:
            found.append(make(evidence))
        except NotMeasured:
            continue
    return found


def _tr(text: str) -> str:
    return QCoreApplication.translate("JudgePlot", text)


def _times(evidence: Evidence) -> np.ndarray:
    return np.arange(len(evidence.take)) / float(evidence.take.rate)


def _mouth(evidence: Evidence) -> Track:
    """Opening of the mouth in standard deviations, on the clock of the file: sound that comes late is seen to."""
    from engines.judge.registry import NotMeasured

    take = evidence.take
    if take.seen.sum() < 2:
        raise NotMeasured("no face is seen")
    seen = take.aperture
    spread = max(float(np.nanstd(seen)), 1e-6)
    lines = [Line(_tr("in the picture"), "seen", _times(evidence), (seen - np.nanmean(seen)) / spread)]
    try:
        sync = evidence.sync
    except NotMeasured:
        return Track(_tr("Mouth"), tuple(lines))
    lines.insert(0, Line(_tr("read out of the voice"), "heard", sync.t_s, sync.heard))
    return Track(_tr("Mouth"), tuple(lines))


def _eyes(evidence: Evidence) -> Track:
    from engines.judge.behaviour import blinks, lid_opening

    opening = np.where(evidence.take.seen, lid_opening(evidence.take), np.nan)
    line = Line(_tr("opening, 1 as usual"), "seen", _times(evidence), opening)
    return Track(_tr("Eyes"), (line,), tuple(blink.t_s for blink in blinks(evidence.take)))


def _leaps(evidence: Evidence) -> Track:
    """How much more each frame leaps than is usual around it; real footage stays below the level."""
    from engines.judge.behaviour import jumps
    from engines.judge.registry import metric

    real = metric("largest_jump").real
    line = Line(_tr("leap, 1 as usual"), "seen", _times(evidence), jumps(evidence.take))
    cuts = tuple(frame / float(evidence.take.rate) for frame in evidence.take.shots[1:])
    return Track(_tr("Leaps"), (line,), cuts, None if real is None else real[1])
