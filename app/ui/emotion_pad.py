"""The emotion pad: pleasant to the right, lively upwards; a point on it is a blend of the nearest emotions."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QRadialGradient
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.presets import Emotion
from app.ui import theme
from app.ui.emotion_model import NEUTRAL_RADIUS, blend


class EmotionPad(QWidget):
    """Valence and arousal in one square (Russell 1980).

    Signals
    -------
    changed : (valence, arousal), -1 to 1, while the point moves
    finished : the drag is over
    """

    changed = Signal(float, float)
    finished = Signal()

    def __init__(self, emotions: Mapping[str, Emotion], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.emotions = emotions
        self.point = QPointF(0, 0)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(self.tr("Emotion pad"))
        self.setAccessibleDescription(self.tr("Arrow keys move the point: right is pleasant, up is lively"))
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def heightForWidth(self, width: int) -> int:
        return min(width, 250)

    def sizeHint(self) -> QSize:
        return QSize(220, 220)

    def _box(self) -> QRectF:
        return QRectF(self.rect()).adjusted(10, 10, -10, -10)

    def _at(self, valence: float, arousal: float) -> QPointF:
        box = self._box()
        return QPointF(box.center().x() + valence * box.width() / 2, box.center().y() - arousal * box.height() / 2)

    def set_point(self, valence: float, arousal: float) -> None:
        """Show a place without telling anyone."""
        self.point = QPointF(min(max(valence, -1), 1), min(max(arousal, -1), 1))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = self._box()
        painter.setPen(QPen(QColor(colors.line), 1))
        painter.setBrush(QColor(colors.canvas))
        painter.drawRoundedRect(box.adjusted(-8, -8, 8, 8), 8, 8)
        for name, emotion in self.emotions.items():
            if name == "neutral":
                continue
            glow = QRadialGradient(self._at(emotion.valence, emotion.arousal), box.width() * 0.2)
            color = theme.emotion_color(name)
            color.setAlphaF(0.34)
            glow.setColorAt(0, color)
            color.setAlphaF(0)
            glow.setColorAt(1, color)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(glow)
            painter.drawEllipse(self._at(emotion.valence, emotion.arousal), box.width() * 0.2, box.width() * 0.2)
        painter.setPen(QPen(QColor(colors.strong), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(box.left(), box.center().y()), QPointF(box.right(), box.center().y()))
        painter.drawLine(QPointF(box.center().x(), box.top()), QPointF(box.center().x(), box.bottom()))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(box.center(), box.width() / 2 * NEUTRAL_RADIUS, box.height() / 2 * NEUTRAL_RADIUS)
        self._paint_names(painter, box)
        self._paint_point(painter)
        if self.hasFocus():
            painter.setPen(QPen(QColor(colors.accent), 1.4))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(-8, -8, 8, 8), 8, 8)
        painter.end()

    def _paint_names(self, painter: QPainter, box: QRectF) -> None:
        colors = theme.current()
        font = painter.font()
        font.setPixelSize(10)
        painter.setFont(font)
        places = {n: self._at(e.valence, e.arousal) for n, e in self.emotions.items() if n != "neutral"}
        taken = [QRectF(at.x() - 3.5, at.y() - 3.5, 7, 7) for at in places.values()]
        for name, at in places.items():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.emotion_color(name))
            painter.drawEllipse(at, 3, 3)
            label = self._free(painter.fontMetrics().horizontalAdvance(self.emotions[name].name) + 2, at, box, taken)
            if label is None:
                continue  # the dot alone still says that something is there; the preset list names it
            taken.append(label)
            painter.setPen(QColor(colors.muted))
            painter.drawText(label, Qt.AlignmentFlag.AlignCenter, self.emotions[name].name)
        painter.setFont(self.font())

    @staticmethod
    def _free(width: float, at: QPointF, box: QRectF, taken: list[QRectF]) -> QRectF | None:
        """Room for a name below, above or beside its dot, where no other name and no dot is."""
        left = min(max(at.x() - width / 2, box.left() - 6), box.right() + 6 - width)
        room = box.adjusted(-7, -7, 7, 7)
        for label in (
            QRectF(left, at.y() + 4, width, 12),
            QRectF(left, at.y() - 16, width, 12),
            QRectF(at.x() + 5, at.y() - 6, width, 12),
            QRectF(at.x() - 5 - width, at.y() - 6, width, 12),
        ):
            if room.contains(label) and not any(label.intersects(other) for other in taken):
                return label
        return None

    def _paint_point(self, painter: QPainter) -> None:
        colors = theme.current()
        at = self._at(self.point.x(), self.point.y())
        painter.setPen(QPen(QColor(colors.accent), 1.2))
        for part in blend(self.emotions, self.point.x(), self.point.y()):
            emotion = self.emotions[part.emotion]
            painter.drawLine(at, self._at(emotion.valence, emotion.arousal))
        painter.setPen(QPen(QColor(colors.canvas), 2))
        painter.setBrush(QColor(colors.accent))
        painter.drawEllipse(at, 7, 7)

    def _move(self, position: QPointF) -> None:
        box = self._box()
        valence = (position.x() - box.center().x()) / (box.width() / 2)
        arousal = (box.center().y() - position.y()) / (box.height() / 2)
        self.set_point(valence, arousal)
        self.changed.emit(self.point.x(), self.point.y())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._move(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._move(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.finished.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: (-0.05, 0.0), Qt.Key.Key_Right: (0.05, 0.0),
            Qt.Key.Key_Up: (0.0, 0.05), Qt.Key.Key_Down: (0.0, -0.05),
        }  # fmt: skip
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        self.set_point(self.point.x() + step[0], self.point.y() + step[1])
        self.changed.emit(self.point.x(), self.point.y())
        self.finished.emit()
