"""The timeline widget: draws the tracks, turns the mouse into edits.

Everything still is painted once into a pixmap; the playhead, the snap line and the selection box are drawn over it, so
that playing costs next to nothing.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
)
from PySide6.QtWidgets import QToolTip, QWidget

from app.ui import theme
from app.ui.timeline import painting
from app.ui.timeline.area import TrackArea
from app.ui.timeline.describe import describe
from app.ui.timeline.drags import Drag, start_drag
from app.ui.timeline.edits import Selection
from app.ui.timeline.headers import HEADER, header_hit, paint_headers, share_at
from app.ui.timeline.layout import RULER, Hit, Item, Row, Scene, hit, in_box
from app.ui.timeline.picture import Picture, mix
from app.ui.timeline.scale import snap

_CURSORS = {
    "start": Qt.CursorShape.SizeHorCursor, "end": Qt.CursorShape.SizeHorCursor, "ease_in": Qt.CursorShape.SizeHorCursor,
    "ease_out": Qt.CursorShape.SizeHorCursor, "key": Qt.CursorShape.PointingHandCursor,
    "marker": Qt.CursorShape.PointingHandCursor,
}  # fmt: skip


class TimelineView(TrackArea):
    """Tracks, ruler and headers in one widget.

    Signals
    -------
    scrubbed : the artist put the playhead on a frame; ``scrub_ended`` when the button goes up
    selected : a new selection (frozenset of `Item`)
    edited : (name, project, selection, merge key) of an edit to do
    edit_ended : the drag is over
    activated : an item was double-clicked; ``empty_activated`` (row kind, frame) where nothing is
    menu_wanted : (global position, hit, frame)
    header_used : (row, what) with what one of ``mute``, ``solo``, ``add``, ``curve``, ``bake``
    share_moved : the share of the voice's mood, 0 to 1; ``edit_ended`` when the button goes up
    """

    scrubbed = Signal(int)
    scrub_ended = Signal()
    selected = Signal(object)
    edited = Signal(str, object, object, object)
    edit_ended = Signal()
    activated = Signal(object)
    empty_activated = Signal(str, int)
    menu_wanted = Signal(object, object, int)
    header_used = Signal(object, str)
    share_moved = Signal(float)

    def __init__(self, picture: Picture, parent: QWidget | None = None) -> None:
        super().__init__(picture, parent)
        self.snapping = True
        self.ripple = False
        self._static: QPixmap | None = None
        self._pixels: QPixmap | None = None
        self._drag: Drag | None = None
        self._scrubbing = False
        self._sharing: Row | None = None
        self._panning: tuple[QPointF, float, int] | None = None
        self._box: tuple[QPointF, QPointF, Selection] | None = None
        self._snap_line: int | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Timeline"))
        self.setAccessibleDescription(
            self.tr("Tracks of voice, words, emotion, the voice's mood, style, pose, gaze, blink and curves")
        )
        self.setMinimumHeight(170)
        self.setMinimumWidth(380)

    # --- content ---

    def set_scene(self, scene: Scene, rate: Fraction) -> None:
        """Show another state of the project."""
        new_length = scene.total != self.picture.scene.total
        self.picture.scene, self.picture.rate = scene, rate
        if new_length and not self._drag:
            self._fitted = False
        if not self._fitted and self.track_width() > 100:
            self.zoom_to_fit()
        self._place_bars()
        self.refresh()

    def set_playhead(self, frame: int, follow: bool = False) -> None:
        """Draw the playhead on ``frame``; ``follow`` turns the page when it leaves the view."""
        old = self.playhead
        self.playhead = frame
        if follow and self.scale.follow(frame, self.track_width()):
            self._place_bars()
            self.refresh()
            return
        for one in (old, frame):
            x = HEADER + self.scale.x(one)
            self.update(int(x) - 10, 0, 20 + int(self.scale.px_per_frame), self.height())

    def refresh(self) -> None:
        """Paint everything again."""
        self._static = None
        super().refresh()

    # --- painting ---

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._static is None:
            ratio = self.devicePixelRatioF()
            size = QSize(round(self.width() * ratio), round(self.height() * ratio))
            if self._pixels is None or self._pixels.size() != size:
                self._pixels = QPixmap(size)
            self._static = self._pixels
            self._static.setDevicePixelRatio(ratio)
            self._paint_static(self._static)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._static)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(QRectF(HEADER, 0, self.track_width(), self.height() - self._horizontal.height()))
        painter.translate(HEADER, 0)
        if self._snap_line is not None:
            painter.setPen(QPen(QColor(theme.current().good), 1, Qt.PenStyle.DashLine))
            x = round(self.scale.x(self._snap_line)) + 0.5
            painter.drawLine(QPointF(x, RULER), QPointF(x, self.height()))
        if self._box is not None:
            painter.setPen(QPen(QColor(theme.current().accent), 1))
            painter.setBrush(mix(QColor(theme.current().accent), 0.15))
            painter.drawRect(QRectF(self._box[0], self._box[1]).normalized())
        self._paint_playhead(painter)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(mix(QColor(theme.current().accent), 0.8), 1))
            painter.drawLine(QPointF(0, 0.5), QPointF(self.track_width(), 0.5))
        painter.end()

    def _paint_playhead(self, painter: QPainter) -> None:
        color = QColor(theme.current().accent)
        x = round(self.scale.x(self.playhead)) + 0.5
        width = self.scale.px_per_frame
        if width > 6:
            painter.fillRect(QRectF(x, RULER, width, self.height()), mix(color, 0.10))
        painter.setPen(QPen(color, 1.4))
        painter.drawLine(QPointF(x, 14), QPointF(x, self.height()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawPolygon(
            QPolygonF([QPointF(x - 6, 12), QPointF(x + 6, 12), QPointF(x + 6, 18), QPointF(x, 25), QPointF(x - 6, 18)])
        )

    def _paint_static(self, pixmap: QPixmap) -> None:
        pixmap.fill(QColor(theme.current().canvas))
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self.font())
        width, height = self.track_width(), self.height() - self._horizontal.height()
        painter.save()
        painter.setClipRect(QRectF(HEADER, 0, width, height))
        painter.translate(HEADER, 0)
        painting.paint_rows(painter, self.picture, width, height, self._vertical.value())
        painting.paint_ruler(painter, self.picture, width)
        painter.restore()
        paint_headers(painter, self.picture, height, self._vertical.value())
        painter.end()

    # --- mouse ---

    def hit(self, position: QPointF) -> Hit:
        """What is under a position of this widget."""
        return hit(self.picture.scene, self.scale, position.x() - HEADER, position.y(), self._vertical.value())

    def frame_at(self, position: QPointF) -> int:
        last = max(0, self.picture.scene.total - 1)
        return int(min(max(0, np.floor(self.scale.frame(position.x() - HEADER) + 1e-6)), last))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        position = event.position()
        if event.button() == Qt.MouseButton.MiddleButton:
            self._panning = position, self.scale.offset, self._vertical.value()
            return
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if position.x() < HEADER:
            found = header_hit(self.picture, position.x(), position.y(), self._vertical.value())
            if found is not None and found[1] == "share":
                self._sharing = found[0]
                self.share_moved.emit(share_at(found[0], position.x()))
            elif found is not None:
                self.header_used.emit(*found)
            return
        target = self.hit(position)
        if target.part == "ruler":
            self._scrubbing = True
            self.scrubbed.emit(self.frame_at(position))
        elif target.item is not None:
            self._press_item(target, event)
        else:
            keep = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            origin = position - QPointF(HEADER, 0)
            self._box = origin, origin, self.picture.selection if keep else frozenset()

    def _press_item(self, target: Hit, event: QMouseEvent) -> None:
        assert target.item is not None
        group = self._group(target)
        selection = self.picture.selection
        toggle = event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        if toggle:
            selection = selection - group if group <= selection else selection | group
        elif not group <= selection:
            selection = group
        self.select(selection)
        if group <= selection:
            start = self.scale.frame(event.position().x() - HEADER)
            self._drag = start_drag(self.picture.scene, target, selection, start, self.ripple)

    def _group(self, target: Hit) -> Selection:
        """The item, with the keys of the other channels of its row on the same frame."""
        assert target.item is not None
        if target.part != "key" or target.row is None:
            return frozenset({target.item})
        frame = target.item.index
        return frozenset(
            Item(curve.channel, frame)
            for curve in self.picture.scene.curves(target.row)
            if any(key.frame == frame for key in curve.keys)
        )

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        position = event.position()
        if self._panning is not None:
            start, offset, scroll = self._panning
            self.scale.offset = max(0.0, offset - (position.x() - start.x()) / self.scale.px_per_frame)
            self._vertical.setValue(scroll - int(position.y() - start.y()))
            self._place_bars()
            self.refresh()
        elif self._sharing is not None:
            self.share_moved.emit(share_at(self._sharing, position.x()))
        elif self._scrubbing:
            self.scrubbed.emit(self.frame_at(position))
        elif self._drag is not None:
            self._move_drag(position, free=bool(event.modifiers() & Qt.KeyboardModifier.AltModifier))
        elif self._box is not None:
            self._box = self._box[0], position - QPointF(HEADER, 0), self._box[2]
            self._select_box()
            self.update()
        else:
            self._hover(position)

    def _hover(self, position: QPointF) -> None:
        if position.x() < HEADER:
            self.setCursor(Qt.CursorShape.ArrowCursor)
            return
        target = self.hit(position)
        self.setCursor(_CURSORS.get(target.part, Qt.CursorShape.ArrowCursor))
        if target.item != self.picture.hover:
            self.picture.hover = target.item
            self.refresh()

    def _move_drag(self, position: QPointF, free: bool) -> None:
        assert self._drag is not None
        drag = self._drag
        pointer = self.scale.frame(position.x() - HEADER)
        by = pointer - drag.pointer
        self._snap_line = None
        if self.snapping and not free:
            for moving in drag.edges():
                frame, stuck = snap(moving + by, drag.candidates, self.scale.px_per_frame, playhead=self.playhead)
                if stuck is not None:
                    by, self._snap_line = frame - moving, stuck
                    break
        name, project, selection = drag.apply(by)
        if project is not drag.scene.project or drag.moved:
            drag.moved = True
            self.edited.emit(name, project, selection, drag.merge)
        self.update()

    def _select_box(self) -> None:
        assert self._box is not None
        box = QRectF(self._box[0], self._box[1]).normalized()
        scroll = self._vertical.value() - RULER
        found = in_box(
            self.picture.scene, self.scale, box.left(), box.right(), box.top() + scroll, box.bottom() + scroll
        )
        self.select(found | self._box[2])

    def place(self, item: Item) -> QRect:
        """Where a word, phone or marker is drawn in this widget."""
        scene = self.picture.scene
        if item.row == "markers":
            return QRect(HEADER + round(self.scale.x(scene.project.markers[item.index].frame)), 0, 0, RULER)
        segment, row = scene.segments(item.row)[item.index], next(r for r in scene.rows if r.kind == item.row)
        left, right = (HEADER + round(self.scale.x(t * scene.rate)) for t in (segment.start_s, segment.end_s))
        return QRect(left, RULER + row.top - self._vertical.value(), right - left, row.height)

    def select(self, selection: Selection) -> None:
        """Change the selection and tell."""
        if selection != self.picture.selection:
            self.picture.selection = selection
            self.selected.emit(selection)
            self.refresh()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._scrubbing:
            self.scrub_ended.emit()
        if self._sharing is not None or (self._drag is not None and self._drag.moved):
            self.edit_ended.emit()
        if self._box is not None:
            start, end, kept = self._box
            if (end - start).manhattanLength() < 4:  # a click beside everything
                self.select(kept)
                self.scrubbed.emit(self.frame_at(event.position()))
                self.scrub_ended.emit()
        self._panning = self._drag = self._box = self._snap_line = self._sharing = None
        self._scrubbing = False
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.position().x() < HEADER:
            return
        target = self.hit(event.position())
        self._box = None
        if target.item is not None:
            self.activated.emit(target.item)
        elif target.row is not None:
            self.empty_activated.emit(target.row.channel or target.row.kind, self.frame_at(event.position()))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        position = QPointF(event.pos())
        if position.x() < HEADER:
            return
        target = self.hit(position)
        if target.item is not None and target.item not in self.picture.selection:
            self.select(self._group(target))
        self.menu_wanted.emit(event.globalPos(), target, self.frame_at(position))

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            at = QPointF(event.pos())
            text = describe(self.picture, self.hit(at), self.frame_at(at)) if at.x() >= HEADER else ""
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)
