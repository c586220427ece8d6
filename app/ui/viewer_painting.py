"""What the viewer draws over and under the picture."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.ui import theme


def draw_label(painter: QPainter, box: QRectF, text: str) -> None:
    """Words on a dark plate, readable on any picture."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(12, 13, 16, 205))
    painter.drawRoundedRect(box, 6, 6)
    painter.setPen(QColor("#f2f3f5"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def draw_checkers(painter: QPainter, box: QRectF) -> None:
    """The ground behind a picture with alpha."""
    painter.fillRect(box, QColor("#6e7177") if theme.current().name == "dark" else QColor("#c4c7cd"))
    brush = QColor(255, 255, 255, 30)
    painter.save()
    painter.setClipRect(box)
    side = 12
    for row in range(int(box.height() // side) + 1):
        for column in range(row % 2, int(box.width() // side) + 1, 2):
            painter.fillRect(QRectF(box.left() + column * side, box.top() + row * side, side, side), brush)
    painter.restore()


def draw_safe_areas(painter: QPainter, box: QRectF) -> None:
    """Action safe 93 % and title safe 90 % of the frame (SMPTE ST 2046-1), and the centre."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for part, alpha in ((0.93, 150), (0.90, 220)):
        painter.setPen(QPen(QColor(255, 255, 255, alpha), 1))
        dx, dy = box.width() * (1 - part) / 2, box.height() * (1 - part) / 2
        painter.drawRect(box.adjusted(dx, dy, -dx, -dy))
    middle = box.center()
    painter.drawLine(middle - QPointF(10, 0), middle + QPointF(10, 0))
    painter.drawLine(middle - QPointF(0, 10), middle + QPointF(0, 10))
