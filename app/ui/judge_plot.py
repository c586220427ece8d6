"""The plot beside the table of the judge: what was measured along the take, in rows that share their time.

Import it when there is something to show, not with the window: pyqtgraph would double the time that it takes to start.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

from app.ui import theme
from app.ui.judge_tracks import Line, Track

AXIS_WIDTH = 66


class JudgePlot(pg.GraphicsLayoutWidget):
    """Rows of curves; the wheel zooms time, dragging moves it, a double click shows all of it.

    Signals
    -------
    clicked : second of the take
    """

    clicked = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("What was measured along the take"))
        self.setMinimumWidth(320)
        self.tracks: tuple[Track, ...] = ()
        self.rows: list[pg.PlotItem] = []
        self.playheads: list[pg.InfiniteLine] = []
        self._playhead_s: float | None = None
        self._theme = theme.current()
        # Not at once: Qt is walking over the widgets while it tells them of a new style.
        self._restyle = QTimer(self)
        self._restyle.setSingleShot(True)
        self._restyle.setInterval(0)
        self._restyle.timeout.connect(self._draw_again)
        self.setBackground(self._theme.panel)
        self.scene().sigMouseClicked.connect(self._on_click)

    def show_tracks(self, tracks: Sequence[Track]) -> None:
        """Draw other curves."""
        self.tracks = tuple(tracks)
        self._theme = theme.current()
        self.setBackground(self._theme.panel)
        self.clear()
        self.rows, self.playheads = [], []
        for number, track in enumerate(self.tracks):
            row = self._row(track, last=number == len(self.tracks) - 1)
            self.addItem(row, number, 0)
            self.rows.append(row)
            if number:
                row.setXLink(self.rows[0])
        self.set_playhead(self._playhead_s)

    def set_playhead(self, second: float | None) -> None:
        """Show where the playhead of the window stands in the take; None where it is not in it."""
        self._playhead_s = second
        for line in self.playheads:
            line.setVisible(second is not None)
            line.setValue(second or 0.0)

    def _row(self, track: Track, last: bool) -> pg.PlotItem:
        look = self._theme
        row = pg.PlotItem()
        row.setMenuEnabled(False)
        row.hideButtons()
        row.setMouseEnabled(x=True, y=False)
        row.showGrid(x=True, y=False, alpha=0.15)
        for side in ("left", "bottom"):
            axis = row.getAxis(side)
            axis.setPen(pg.mkPen(look.strong))
            axis.setTextPen(pg.mkPen(look.muted))
        row.getAxis("left").setWidth(AXIS_WIDTH)
        row.setLabel("left", track.name, color=look.text)
        row.getAxis("bottom").setStyle(showValues=last)
        if last:
            row.setLabel("bottom", self.tr("seconds"), color=look.muted)
        names = "&nbsp;&nbsp;&nbsp;".join(
            f'<span style="color:{self._color(line)}">━</span> {escape(line.name)}' for line in track.lines
        )
        row.setTitle(names, color=look.text, size="9pt", justify="left")
        for at in track.marks_s:
            row.addItem(pg.InfiniteLine(at, 90, pg.mkPen(look.danger, width=1, style=Qt.PenStyle.DotLine)))
        if track.level is not None:
            row.addItem(pg.InfiniteLine(track.level, 0, pg.mkPen(look.good, width=1, style=Qt.PenStyle.DashLine)))
        for line in track.lines:
            row.plot(line.t_s, line.values, pen=pg.mkPen(self._color(line), width=1.5), connect="finite")
        start, end = min(line.t_s[0] for line in track.lines), max(line.t_s[-1] for line in track.lines)
        row.setLimits(xMin=start, xMax=end, minXRange=min(0.4, end - start))
        row.setXRange(start, end, padding=0)
        playhead = pg.InfiniteLine(0.0, 90, pg.mkPen(look.text, width=1))
        row.addItem(playhead)
        self.playheads.append(playhead)
        return row

    def _color(self, line: Line) -> str:
        return self._theme.wave if line.role == "heard" else self._theme.accent

    def _on_click(self, event: pg.GraphicsScene.mouseEvents.MouseClickEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        for row in self.rows:
            if not row.sceneBoundingRect().contains(event.scenePos()):
                continue
            if event.double():
                row.enableAutoRange(axis="x")
                return
            self.clicked.emit(float(row.vb.mapSceneToView(event.scenePos()).x()))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and theme.current() is not self._theme:
            self._restyle.start()

    def _draw_again(self) -> None:
        self.show_tracks(self.tracks)
