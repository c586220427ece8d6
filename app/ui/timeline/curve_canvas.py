"""Where keys and lines of curves are drawn and dragged, over what the face does by itself."""

from __future__ import annotations

import itertools

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.core import commands
from app.core.controls import sample_keys
from app.core.project import Key, Project
from app.ui import theme
from app.ui.session import Session
from app.ui.timeline import curves_model as model
from app.ui.timeline import edits
from app.ui.timeline.painting import key_shape
from app.ui.timeline.picture import mix
from app.ui.timeline.scale import TimeScale, ruler_label, ruler_step

RULER = 20
_serial = itertools.count()


class CurveCanvas(QWidget):
    """Keys and lines of the shown channels.

    Signals
    -------
    scrubbed : the ruler was used
    edited : (name, project, selection, merge key)
    """

    scrubbed = Signal(int)
    edited = Signal(str, object, object, object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.channels: tuple[str, ...] = ()
        self.axes = model.Axes(TimeScale())
        self._drag: tuple[QPointF, Project, edits.Selection, int] | None = None
        self._box: tuple[QPointF, QPointF] | None = None
        self._scrubbing = False
        self._fitted = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Curve editor"))
        self.setMinimumSize(200, 120)

    def show_channels(self, channels: tuple[str, ...]) -> None:
        self.channels = channels
        self.fit_values()

    def fit_values(self) -> None:
        if self._drag is not None:
            return
        values: list[float] = []
        for channel in self.channels:
            curve = commands.curve(self._session.project, channel)
            values += [key.value for key in curve.keys] if curve is not None else []
            line = model.motion(self._session.performance, channel)
            if line is not None and len(line):
                values += [float(line.min()), float(line.max())]
        self.axes.fit(values, self.channels)
        self.update()

    def fit_time(self) -> None:
        self.axes.scale.fit(self._session.total, self.width())
        self._fitted = True
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.axes.height = float(self.height() - RULER)
        if not self._fitted:
            self.fit_time()
            self._fitted = False

    def color(self, number: int) -> QColor:
        rows = theme.current().rows
        return QColor(rows[(4, 2, 3, 6, 5, 7)[number % 6]])

    def paintEvent(self, event: QPaintEvent) -> None:
        colors, axes, session = theme.current(), self.axes, self._session
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(colors.canvas))
        self._paint_grid(painter)
        painter.save()
        painter.translate(0, RULER)
        for number, channel in enumerate(self.channels):
            self._paint_channel(painter, channel, self.color(number))
        x = round(axes.scale.x(session.playhead)) + 0.5
        painter.setPen(QPen(QColor(colors.accent), 1.4))
        painter.drawLine(QPointF(x, -RULER), QPointF(x, self.height()))
        if self._box is not None:
            painter.setPen(QPen(QColor(colors.accent), 1))
            painter.setBrush(mix(QColor(colors.accent), 0.15))
            painter.drawRect(QRectF(*self._box).normalized())
        painter.restore()
        if not self.channels:
            painter.setPen(QColor(colors.muted))
            text = self.tr("Choose a channel on the left, then double-click here to set keys.")
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)
        painter.end()

    def _paint_grid(self, painter: QPainter) -> None:
        colors, axes, rate = theme.current(), self.axes, self._session.rate
        painter.fillRect(QRectF(0, 0, self.width(), RULER), QColor(colors.window))
        label, _ = ruler_step(axes.scale.px_per_frame, rate)
        first, last = axes.scale.span(self.width())
        for frame in range(int(max(0, first) // label) * label, int(last) + 1, label):
            x = round(axes.scale.x(frame)) + 0.5
            painter.setPen(mix(QColor(colors.line), 0.8))
            painter.drawLine(QPointF(x, RULER), QPointF(x, self.height()))
            painter.setPen(QColor(colors.muted))
            painter.drawText(QPointF(x + 3, 14), ruler_label(frame, rate, label))
        value = axes.low
        while self.channels and value <= axes.high + 1e-9:
            y = round(RULER + axes.y(value)) + 0.5
            painter.setPen(QPen(QColor(colors.strong if abs(value) < 1e-9 else colors.line), 1))
            painter.drawLine(QPointF(0, y), QPointF(self.width(), y))
            painter.setPen(QColor(colors.muted))
            painter.drawText(QPointF(4, y - 3), f"{value:g}{model.unit(self.channels[0])}")
            value += axes.step
        end = axes.scale.x(self._session.total)
        painter.fillRect(QRectF(end, 0, max(0.0, self.width() - end), self.height()), mix(QColor(colors.window), 0.7))

    def _line(self, values: np.ndarray) -> QPolygonF:
        axes = self.axes
        first, last = axes.scale.span(self.width())
        begin, stop = max(0, int(first)), min(len(values), int(last) + 2)
        step = max(1, int((stop - begin) / max(self.width(), 1)))
        return QPolygonF([QPointF(axes.scale.x(f), axes.y(float(values[f]))) for f in range(begin, stop, step)])

    def _paint_channel(self, painter: QPainter, channel: str, color: QColor) -> None:
        session, axes = self._session, self.axes
        painter.setBrush(Qt.BrushStyle.NoBrush)
        automatic = model.motion(session.performance, channel)
        if automatic is not None:
            painter.setPen(QPen(mix(color, 0.45), 1.1))
            painter.drawPolyline(self._line(automatic))
        curve = commands.curve(session.project, channel)
        if curve is None or not curve.keys:
            return
        pen = QPen(color, 1.8)
        if curve.mute:
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawPolyline(self._line(sample_keys(curve.keys, session.total)))
        for key in curve.keys:
            at = QPointF(axes.scale.x(key.frame), axes.y(key.value))
            if -10 < at.x() < self.width() + 10:
                chosen = edits.Item(channel, key.frame) in session.selection
                key_shape(painter, at, color, chosen, key.interpolation == "step", curve.mute)

    # --- mouse ---

    def _frame(self, x: float) -> int:
        return int(min(max(0, round(self.axes.scale.frame(x))), self._session.total - 1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if event.position().y() < RULER:
            self._scrubbing = True
            self.scrubbed.emit(self._frame(event.position().x()))
            return
        at = event.position() - QPointF(0, RULER)
        session = self._session
        item = model.key_at(session.project, self.channels, self.axes, at.x(), at.y())
        if item is None:
            self._box = at, at
            return
        selection = session.selection
        if event.modifiers() & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier):
            selection = selection ^ {item}
        elif item not in selection:
            selection = frozenset({item})
        session.select(selection)
        if item in selection:
            keys = frozenset(i for i in selection if edits.is_curve(i.row))
            self._drag = at, session.project, keys, next(_serial)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position() - QPointF(0, RULER)
        if self._scrubbing:
            self.scrubbed.emit(self._frame(at.x()))
        elif self._drag is not None:
            start, project, selection, serial = self._drag
            step = at - start
            frames = round(step.x() / self.axes.scale.px_per_frame)
            value = self.axes.value(at.y()) - self.axes.value(start.y())
            if event.modifiers() & Qt.KeyboardModifier.AltModifier:  # only along the longer way
                frames, value = (frames, 0.0) if abs(step.x()) > abs(step.y()) else (0, value)
            moved, chosen = model.move_keys(project, selection, frames, round(value, 4))
            self.edited.emit(self.tr("Move keys"), moved, chosen, ("curve keys", serial))
        elif self._box is not None:
            self._box = self._box[0], at
            box = QRectF(*self._box).normalized()
            corners = (box.left(), box.top(), box.right(), box.bottom())
            self._session.select(model.keys_in(self._session.project, self.channels, self.axes, corners))
            self.update()
        else:
            item = model.key_at(self._session.project, self.channels, self.axes, at.x(), at.y())
            self.setCursor(Qt.CursorShape.PointingHandCursor if item else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._box is not None and (self._box[1] - self._box[0]).manhattanLength() < 4:
            self._session.select(edits.NONE)
        if self._drag is not None:
            self._session.edit_ended()
        if self._scrubbing:
            self._session.seek(self._session.playhead)
        self._drag = self._box = None
        self._scrubbing = False
        self.fit_values()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        at = event.position() - QPointF(0, RULER)
        if at.y() < 0 or not self.channels:
            return
        session = self._session
        if model.key_at(session.project, self.channels, self.axes, at.x(), at.y()) is not None:
            return
        frame, value = self._frame(at.x()), round(self.axes.value(at.y()), 3)
        channel = self.channels[0]
        self._box = None
        project = commands.set_keys(session.project, channel, [Key(frame, value)])
        self.edited.emit(self.tr("Add key"), project, frozenset({edits.Item(channel, frame)}), None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier or turn.x():
            step = (turn.x() or turn.y()) / 120 * self.width() / 10
            self.axes.scale.offset = max(0.0, self.axes.scale.offset - step / self.axes.scale.px_per_frame)
        else:
            self.axes.scale.zoom(1.0015 ** turn.y(), event.position().x(), self._session.total, self.width())
        self._fitted = True
        self.update()
        event.accept()
