"""The curve editor: any channel's keys against time and value, over what the face does by itself."""

from __future__ import annotations

import itertools

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

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
from app.ui.widgets import icon_button

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


class CurveEditor(QWidget):
    """Channel list, tool bar and canvas."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._session = session
        self.canvas = CurveCanvas(session)
        self.canvas.edited.connect(self._on_edit)
        self.canvas.scrubbed.connect(self._on_scrub)
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search channels"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.tree = QTreeWidget()
        self.tree.setHeaderHidden(True)
        self.tree.setSelectionMode(QTreeWidget.SelectionMode.ExtendedSelection)
        self.tree.setAccessibleName(self.tr("Channels"))
        self.tree.setIndentation(12)
        self._items: dict[str, QTreeWidgetItem] = {}
        self._groups: list[QTreeWidgetItem] = []
        for group, channels in model.GROUPS:
            top = QTreeWidgetItem(self.tree, [self.tr(group)])
            top.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self._groups.append(top)
            for channel in channels:
                item = QTreeWidgetItem(top, [model.channel_name(channel)])
                item.setData(0, Qt.ItemDataRole.UserRole, channel)
                self._items[channel] = item
        self._groups[0].setExpanded(True)
        self.tree.itemSelectionChanged.connect(self._on_channels)
        left = QWidget()
        left.setObjectName("panel")
        column = QVBoxLayout(left)
        column.setContentsMargins(8, 6, 0, 6)
        column.addWidget(self.search)
        column.addWidget(self.tree, 1)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._make_bar())
        column.addWidget(self.canvas, 1)
        split = QSplitter()
        split.addWidget(left)
        split.addWidget(right)
        split.setSizes([210, 900])
        split.setStretchFactor(1, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(split)
        session.project_changed.connect(self.reload)
        session.motion_changed.connect(self.reload)
        session.selection_changed.connect(self.canvas.update)
        session.playhead_changed.connect(self._on_playhead)
        self.reload()

    def _make_bar(self) -> QWidget:
        bar = QWidget()
        bar.setObjectName("bar")
        row = QHBoxLayout(bar)
        row.setContentsMargins(8, 3, 8, 3)
        row.setSpacing(4)
        self.title = QLabel()
        row.addWidget(self.title)
        row.addStretch(1)
        self.mode = QComboBox()
        for mode, text in (("add", "Adds"), ("multiply", "Multiplies"), ("replace", "Replaces")):
            self.mode.addItem(self.tr(text), mode)
        self.mode.setToolTip(self.tr("How the curve meets the automatic motion"))
        self.mode.setAccessibleName(self.mode.toolTip())
        self.mode.activated.connect(self._on_mode)
        row.addWidget(self.mode)
        self.mute = icon_button("mute", self.tr("Mute"), checkable=True)
        self.mute.clicked.connect(self._on_mute)
        self.solo = icon_button("solo", self.tr("Solo"), checkable=True)
        self.solo.clicked.connect(self._on_solo)
        self.key = icon_button("key", self.tr("Key at the playhead"))
        self.key.clicked.connect(self._on_key)
        self.remove = icon_button("delete", self.tr("Delete the whole curve"))
        self.remove.clicked.connect(self._on_remove)
        fit = icon_button("fit", self.tr("Show everything"))
        fit.clicked.connect(self._on_fit)
        for button in (self.mute, self.solo, self.key, self.remove, fit):
            row.addWidget(button)
        return bar

    @property
    def channels(self) -> tuple[str, ...]:
        return self.canvas.channels

    def show_channels(self, channels: tuple[str, ...]) -> None:
        """Choose channels in the list."""
        self.tree.blockSignals(True)
        self.tree.clearSelection()
        for channel in channels:
            item = self._items.get(channel)
            if item is not None:
                item.setSelected(True)
                self.tree.scrollToItem(item)  # which also opens its group
        self.tree.blockSignals(False)
        self._show(channels)

    def _on_channels(self) -> None:
        chosen = [str(item.data(0, Qt.ItemDataRole.UserRole)) for item in self.tree.selectedItems()]
        self._show(tuple(chosen))

    def _show(self, channels: tuple[str, ...]) -> None:
        self.canvas.show_channels(channels)
        self.reload()

    def reload(self, *_: object) -> None:
        curves = {curve.channel: curve for curve in self._session.project.curves}
        for channel, item in self._items.items():
            font = item.font(0)
            if font.bold() != (channel in curves):
                font.setBold(channel in curves)
                item.setFont(0, font)
        names = [model.channel_name(channel) for channel in self.channels]
        self.title.setText(", ".join(names[:4]) + ("…" if len(names) > 4 else ""))
        shown = [curves[channel] for channel in self.channels if channel in curves]
        for part in (self.mode, self.mute, self.solo, self.remove):
            part.setEnabled(bool(shown))
        self.key.setEnabled(bool(self.channels))
        if shown:
            self.mode.setCurrentIndex(max(0, self.mode.findData(shown[0].mode)))
        self.mute.setChecked(any(curve.mute for curve in shown))
        self.solo.setChecked(any(curve.solo for curve in shown))
        self.canvas.fit_values()

    def _filter(self, text: str) -> None:
        wanted = text.casefold()
        for item in self._items.values():
            item.setHidden(wanted not in item.text(0).casefold())
        for top in self._groups:
            hidden = all(item.isHidden() for item in self._items.values() if item.parent() is top)
            top.setHidden(hidden)
            if wanted and not hidden:
                top.setExpanded(True)

    def _change(self, name: str, **fields: object) -> None:
        project = self._session.project
        for channel in self.channels:
            if commands.curve(project, channel) is not None:
                project = commands.set_curve(project, channel, **fields)
        self._session.do(name, project)

    def _on_mode(self, _: int) -> None:
        self._change(self.tr("Curve mode"), mode=self.mode.currentData())

    def _on_mute(self, on: bool) -> None:
        self._change(self.tr("Mute curve"), mute=on)

    def _on_solo(self, on: bool) -> None:
        self._change(self.tr("Solo curve"), solo=on)

    def _on_key(self) -> None:
        project, frame = self._session.project, self._session.playhead
        for channel in self.channels:
            curve = commands.curve(project, channel)
            value = 0.0 if curve is None or not curve.keys else float(sample_keys(curve.keys, frame + 1)[frame])
            project = commands.set_keys(project, channel, [Key(frame, round(value, 4))])
        self._session.do(self.tr("Add key"), project)
        self._session.select(frozenset(edits.Item(channel, frame) for channel in self.channels))

    def _on_remove(self) -> None:
        project = self._session.project
        for channel in self.channels:
            project = commands.delete_curve(project, channel)
        self._session.do(self.tr("Delete curve"), project)

    def _on_fit(self) -> None:
        self.canvas.fit_time()
        self.canvas.fit_values()

    def _on_edit(self, name: str, project: Project, selection: edits.Selection, merge: object) -> None:
        self._session.do(name, project, merge)
        self._session.select(selection)

    def _on_scrub(self, frame: int) -> None:
        self._session.seek(frame, draft=True)

    def _on_playhead(self, _: int) -> None:
        if self.isVisible():
            self.canvas.update()
