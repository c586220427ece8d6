"""What the timeline's painters read, and what they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

import numpy as np
from PySide6.QtCore import QCoreApplication, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

from app.core.passes.heard import Mood
from app.ui import theme
from app.ui.timeline.layout import Item, Row, Scene
from app.ui.timeline.scale import TimeScale
from app.ui.timeline.waveform import Peaks
from engines.api import Performance

LEAST_RANGE_RAD = 0.08
"""Head and eye motion smaller than this is not drawn any larger."""


@dataclass
class Picture:
    """Everything that the painters read."""

    scene: Scene
    scale: TimeScale
    rate: Fraction
    selection: frozenset[Item] = frozenset()
    performance: Performance | None = None
    peaks: Peaks | None = None
    spectrogram: np.ndarray | None = None
    show_spectrogram: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    """Preset id -> name for people."""
    hover: Item | None = None
    mood: Mood | None = None
    """What the voice tells, a value a frame."""
    busy: str = ""
    """What is being worked on while words and motion are missing."""
    _reach: dict[str, tuple[object, float]] = field(default_factory=dict)

    def reach(self, name: str, values: np.ndarray) -> float:
        """Largest angle of a motion, which its row is scaled by; computed once a performance."""
        known = self._reach.get(name)
        if known is None or known[0] is not self.performance:
            largest = max(LEAST_RANGE_RAD, float(np.abs(values).max(initial=0)))
            self._reach[name] = known = self.performance, largest
        return known[1]


def mix(color: QColor, alpha: float) -> QColor:
    """``color`` with another opacity, 0 to 1."""
    result = QColor(color)
    result.setAlphaF(alpha)
    return result


class Shortener:
    """Cuts words to a width with an ellipsis; remembers what it did, as the same few words come back in every frame."""

    _known: ClassVar[dict[tuple[str, str, int], str]] = {}

    def __init__(self, font: QFont) -> None:
        self._metrics, self._key = QFontMetricsF(font), font.key()

    def __call__(self, text: str, width: float) -> str:
        key = (self._key, text, int(width))
        if key not in self._known:
            if len(self._known) > 4000:
                self._known.clear()
            self._known[key] = self._metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(width))
        return self._known[key]


def hint(painter: QPainter, row: Row, width: float, text: str) -> None:
    """Words in an empty row that say what to do."""
    painter.setPen(QColor(theme.current().muted))
    box = QRectF(12, row.top, width - 24, row.height)
    words = QCoreApplication.translate("Timeline", text)
    painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
