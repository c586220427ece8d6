"""What live capture sees: the actor's picture with the landmarks found, and what the face does as bars."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.live_take import Moment
from app.ui import theme
from engines import arkit
from engines.rig.landmark_sets import BROW, EYE_LOWER, EYE_UPPER, IRIS, OUTER_LOWER, OUTER_UPPER, OVAL

_LINES: Final = (OVAL + OVAL[:1], OUTER_UPPER, OUTER_LOWER, *EYE_UPPER, *EYE_LOWER, *(b[:5] for b in BROW))
"""Rows of landmarks that are drawn as lines."""


class FaceView(QWidget):
    """The camera's picture, mirrored as actors know themselves, with the landmarks over it."""

    def __init__(self) -> None:
        super().__init__()
        self._image: QImage | None = None
        self._points: np.ndarray | None = None
        self._state = ""
        self.setMinimumSize(QSize(200, 150))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Camera"))

    def sizeHint(self) -> QSize:
        return QSize(360, 280)

    def show_moment(self, moment: Moment | None) -> None:
        """Show a picture; None: the camera is closed."""
        if moment is None:
            self._image = self._points = None
            self._state = ""
        else:
            rgb = np.ascontiguousarray(moment.rgb[:, ::-1])
            height, width = rgb.shape[:2]
            # Qt shares the memory it is given; the copy outlives the array.
            self._image = QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
            self._points = moment.points
            self._state = moment.frame.state
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.current()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(colors.canvas))
        if self._image is None:
            painter.setPen(QColor(colors.muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.tr("No camera"))
            return
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        box = QRectF(
            (self.width() - size.width()) / 2, (self.height() - size.height()) / 2, size.width(), size.height()
        )
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(box, self._image)
        if self._points is None:
            return
        scale = size.width() / self._image.width()
        flat = self._points[:, :2] * scale
        flat[:, 0] = size.width() - flat[:, 0]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(box.topLeft())
        color = QColor(colors.accent if self._state == "live" else colors.muted)
        painter.setPen(QPen(color, 1.4))
        for line in _LINES:
            painter.drawPolyline(QPolygonF([QPointF(*flat[i]) for i in line]))
        painter.setBrush(color)
        for iris in IRIS:
            painter.drawEllipse(QPointF(*flat[iris[0]]), 2.0, 2.0)


_METERS: Final = (
    ("jawOpen", "Jaw"), ("mouthSmile", "Smile"), ("mouthPucker", "Pucker"), ("mouthFunnel", "Funnel"),
    ("mouthFrown", "Frown"), ("eyeBlinkLeft", "Blink left"), ("eyeBlinkRight", "Blink right"), ("browUp", "Brows up"),
    ("browDown", "Brows down"),
)  # fmt: skip
_BROW_UP: Final = arkit.indices("browInnerUp", "browOuterUp")


def meter_values(weights: np.ndarray) -> list[float]:
    """What the bars show of weights (52,): sides averaged, 0 to 1."""
    result = []
    for unit, _ in _METERS:
        index = _BROW_UP if unit == "browUp" else arkit.indices(unit)
        result.append(float(np.clip(np.mean(weights[list(index)]), 0, 1)))
    return result


class Meters(QWidget):
    """Bars of the main units and the angles of the head."""

    def __init__(self) -> None:
        super().__init__()
        self._values = [0.0] * len(_METERS)
        self._angles = (0.0, 0.0, 0.0)
        self._sure = 0.0
        self.setMinimumSize(QSize(190, (len(_METERS) + 2) * 18))
        self.setAccessibleName(self.tr("What the face does"))

    def show_moment(self, moment: Moment | None) -> None:
        """Show what the face does; None: nothing."""
        if moment is None:
            self._values, self._angles, self._sure = [0.0] * len(_METERS), (0.0, 0.0, 0.0), 0.0
        else:
            self._values = meter_values(moment.frame.weights)
            pitch, yaw, roll = np.rad2deg(moment.frame.head[:3])
            self._angles, self._sure = (float(pitch), float(yaw), float(roll)), moment.frame.confidence
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        names = [self.tr(name) for _, name in _METERS] + [self.tr("Sure")]
        values = [*self._values, self._sure]
        row = min(22.0, self.height() / (len(names) + 1))
        label = 84.0
        for number, (name, value) in enumerate(zip(names, values, strict=True)):
            top = number * row
            painter.setPen(QColor(colors.muted))
            painter.drawText(QRectF(0, top, label, row), Qt.AlignmentFlag.AlignVCenter, name)
            box = QRectF(label, top + row / 2 - 3, max(self.width() - label, 1), 6)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colors.control))
            painter.drawRoundedRect(box, 3, 3)
            if value > 0.005:
                painter.setBrush(QColor(colors.good if name == names[-1] else colors.accent))
                painter.drawRoundedRect(QRectF(box.x(), box.y(), max(6.0, box.width() * value), 6), 3, 3)
        painter.setPen(QColor(colors.muted))
        told = self.tr("Head: pitch {:+.0f}°, yaw {:+.0f}°, roll {:+.0f}°").format(*self._angles)
        painter.drawText(QRectF(0, len(names) * row, self.width(), row), Qt.AlignmentFlag.AlignVCenter, told)
