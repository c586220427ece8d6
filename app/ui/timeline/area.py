"""The part of time and tracks that is in sight: scroll bars, wheel and zoom."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QScrollBar, QWidget

from app.ui.timeline.headers import HEADER
from app.ui.timeline.layout import RULER, content_height
from app.ui.timeline.picture import Picture
from app.ui.timeline.scale import TimeScale

_BAR = 11
"""Thickness of a scroll bar in pixels."""


class TrackArea(QWidget):
    """Headers on the left, a ruler on top, and between them as much of the tracks as there is room for.

    Attributes
    ----------
    picture : what is shown, and the scale of time
    playhead : frame about which is zoomed
    """

    def __init__(self, picture: Picture, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture = picture
        self.playhead = 0
        self._fitted = False
        self._vertical = QScrollBar(Qt.Orientation.Vertical, self)
        self._horizontal = QScrollBar(Qt.Orientation.Horizontal, self)
        self._vertical.valueChanged.connect(self.refresh)
        self._horizontal.valueChanged.connect(self._on_horizontal)

    @property
    def scale(self) -> TimeScale:
        return self.picture.scale

    def refresh(self) -> None:
        """Show what is in sight now."""
        self.update()

    def track_width(self) -> int:
        return max(1, self.width() - HEADER - self._vertical.width())

    def zoom(self, factor: float, anchor_x: float | None = None) -> None:
        """Zoom about a pixel of the track area, or about the playhead."""
        if anchor_x is None:
            anchor_x = min(max(self.scale.x(self.playhead), 0), self.track_width())
        self.scale.zoom(factor, anchor_x, self.picture.scene.total, self.track_width())
        self._fitted = True
        self._place_bars()
        self.refresh()

    def zoom_to_fit(self) -> None:
        self.scale.fit(self.picture.scene.total, self.track_width())
        self._fitted = True
        self._place_bars()
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._vertical.setGeometry(self.width() - _BAR, RULER, _BAR, self.height() - RULER - _BAR)
        self._horizontal.setGeometry(HEADER, self.height() - _BAR, self.width() - HEADER - _BAR, _BAR)
        if not self._fitted and self.picture.scene.total > 1:
            self.zoom_to_fit()
        self._place_bars()
        self.refresh()

    def _place_bars(self) -> None:
        room = self.height() - RULER - self._horizontal.height()
        self._vertical.setRange(0, max(0, content_height(self.picture.scene.rows) - room))
        self._vertical.setPageStep(max(1, room))
        self._vertical.setSingleStep(24)
        first, last = self.scale.span(self.track_width())
        total = max(self.picture.scene.total * 1.1, last)
        page = last - first
        self._horizontal.blockSignals(True)
        self._horizontal.setRange(0, int(max(0.0, total - page)))
        self._horizontal.setPageStep(max(1, int(page)))
        self._horizontal.setSingleStep(max(1, int(page / 20)))
        self._horizontal.setValue(int(first))
        self._horizontal.blockSignals(False)

    def _on_horizontal(self, value: int) -> None:
        self.scale.offset = float(value)
        self.refresh()

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn = event.angleDelta()
        modifiers = event.modifiers()
        x = event.position().x() - HEADER
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self.zoom(1.0015 ** (turn.y() or turn.x()), x)
        elif modifiers & Qt.KeyboardModifier.ShiftModifier or turn.x():
            step = -(turn.x() or turn.y()) / 120 * self.track_width() / 10 / self.scale.px_per_frame
            self._horizontal.setValue(int(self._horizontal.value() + step))
        else:
            self._vertical.setValue(self._vertical.value() - turn.y() // 2)
        event.accept()
