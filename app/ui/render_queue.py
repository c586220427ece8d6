"""The render queue's dock: exports with their progress, to pause, resume, cancel, repeat and reveal."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.core.media import VIDEOS
from app.core.project import Project
from app.core.queue import QueuedExport
from app.core.queue import RenderQueue as Queue
from app.qtbridge import QueueBridge
from app.ui.recovery import picture
from app.ui.session import Session
from app.ui.viewer import to_image
from app.ui.widgets import icon_button, muted
from engines.api import RenderOptions

THUMB = 56
STATE_TEXT = {
    "waiting": "Waiting", "running": "Rendering", "paused": "Paused", "done": "Done", "failed": "Failed",
    "cancelled": "Cancelled",
}  # fmt: skip
_BUTTONS = {
    "waiting": ("pause", "cancel"), "running": ("pause", "cancel"), "paused": ("resume", "cancel"),
    "done": ("judge", "reveal", "remove"), "failed": ("retry", "remove"), "cancelled": ("retry", "remove"),
}  # fmt: skip


@dataclass(frozen=True)
class ExportRequest:
    """What the export dialog asks for.

    Attributes
    ----------
    project : with the range and rate that are wanted
    outputs : files to write, the format of each by its ending
    options : fields of `app.export.ExportOptions`
    render : size and alpha of the pictures
    """

    project: Project
    outputs: tuple[Path, ...]
    options: dict[str, Any] = field(default_factory=dict)
    render: RenderOptions = field(default_factory=RenderOptions)


def describe_left(seconds: float | None) -> str:
    """Time left in words."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"{max(1, round(seconds))} s left"
    return f"{round(seconds / 60)} min left" if seconds < 5400 else f"{seconds / 3600:.1f} h left"


def describe(entry: QueuedExport) -> str:
    """How an export stands, in words."""
    state = STATE_TEXT[entry.state]
    if entry.state == "running":
        parts = (entry.message or state, f"{entry.part:.0%}", describe_left(entry.seconds_left))
        return " · ".join(part for part in parts if part)
    return f"{state}: {entry.message}" if entry.message else state


def video_of(entry: QueuedExport) -> Path | None:
    """The video among the files of an export."""
    return next((path for path in entry.outputs if path.suffix.lower() in VIDEOS), None)


class _Card(QFrame):
    """One entry.

    Signals
    -------
    used : (entry id, what) with what one of ``pause``, ``resume``, ``cancel``, ``retry``, ``judge``, ``reveal``,
        ``remove``
    """

    used = Signal(str, str)

    def __init__(self, entry: QueuedExport) -> None:
        super().__init__()
        self.setObjectName("card")
        self.entry_id = entry.id
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 8, 10, 8)
        row.setSpacing(12)
        self.thumb = QLabel()
        self.thumb.setObjectName("thumb")
        self.thumb.setFixedSize(THUMB, THUMB)
        self.thumb.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row.addWidget(self.thumb)
        column = QVBoxLayout()
        column.setSpacing(3)
        self.name = QLabel(", ".join(path.name for path in entry.outputs))
        self.name.setObjectName("heading")
        self.name.setIndent(0)
        self.name.setToolTip("\n".join(str(path) for path in entry.outputs))
        self.state = muted("")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName(self.tr("Progress of %s") % entry.name)
        column.addWidget(self.name)
        column.addWidget(self.bar)
        column.addWidget(self.state)
        row.addLayout(column, 1)
        self.buttons = {}
        for what, icon, tip in (
            ("pause", "pause", self.tr("Pause")), ("resume", "play", self.tr("Resume")),
            ("cancel", "close", self.tr("Cancel")), ("retry", "retry", self.tr("Try again")),
            ("judge", "judge", self.tr("Judge this video")),
            ("reveal", "reveal", self.tr("Show in the file manager")),
            ("remove", "delete", self.tr("Remove from the list")),
        ):  # fmt: skip
            button = icon_button(icon, tip)
            button.setProperty("what", what)
            button.clicked.connect(self._on_button)
            self.buttons[what] = button
            row.addWidget(button)
        self.show_entry(entry)

    def _on_button(self) -> None:
        self.used.emit(self.entry_id, str(self.sender().property("what")))

    def show_entry(self, entry: QueuedExport) -> None:
        self.state.setText(describe(entry))
        self.bar.setValue(1000 if entry.state == "done" else round(1000 * entry.part))
        self.bar.setVisible(entry.state not in ("failed", "cancelled"))
        for what, button in self.buttons.items():
            button.setVisible(what in _BUTTONS[entry.state] and (what != "judge" or video_of(entry) is not None))

    def set_thumb(self, pixmap: QPixmap) -> None:
        size = self.thumb.size()
        mode = Qt.AspectRatioMode.KeepAspectRatioByExpanding
        scaled = pixmap.scaled(size, mode, Qt.TransformationMode.SmoothTransformation)
        self.thumb.setPixmap(scaled.copy(0, 0, size.width(), size.height()))


class QueuePanel(QWidget):
    """The dock.

    Signals
    -------
    notified : (title, message) when an export has ended
    count_changed : how many exports are not finished
    judge_wanted : (a finished video, the project it shows)
    """

    notified = Signal(str, str)
    count_changed = Signal(int)
    judge_wanted = Signal(object, object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._session = session
        self.queue = Queue(session.studio, session.worker)
        self._bridge = QueueBridge(self.queue, self)
        self._bridge.arrived.connect(self._on_entry)
        self._cards: dict[str, _Card] = {}
        self._states: dict[str, str] = {}
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        area = QScrollArea()
        area.setObjectName("panel")
        area.setWidgetResizable(True)
        inner = QWidget()
        inner.setObjectName("panel")
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(12, 10, 12, 10)
        self._column.setSpacing(8)
        self._empty = muted(self.tr("Nothing is being rendered. Press Ctrl+E to export the shot."))
        self._column.addWidget(self._empty)
        self._column.addStretch(1)
        area.setWidget(inner)
        outer.addWidget(area, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(12, 0, 12, 8)
        self.clear = QPushButton(self.tr("Clear finished"))
        self.clear.clicked.connect(self.queue.clear_finished)
        foot.addStretch(1)
        foot.addWidget(self.clear)
        outer.addLayout(foot)
        for entry in self.queue.entries:
            self._show(entry)
        self._refresh()

    @property
    def unfinished(self) -> int:
        return sum(not entry.finished for entry in self.queue.entries)

    def add(self, request: ExportRequest) -> QueuedExport:
        """Queue an export."""
        entry = self.queue.add(request.project, list(request.outputs), request.options, request.render)
        self._show(entry)
        frame = self._session.image(self._session.playhead)
        frame = self._session.portrait if frame is None else frame
        if frame is not None:
            self._cards[entry.id].set_thumb(QPixmap.fromImage(to_image(frame)))
        self._refresh()
        return entry

    def _show(self, entry: QueuedExport) -> None:
        if entry.id in self._cards:
            return
        card = _Card(entry)
        card.used.connect(self._on_used)
        self._cards[entry.id] = card
        self._states[entry.id] = entry.state
        self._column.insertWidget(0, card)
        if entry.project.portrait and Path(entry.project.portrait).is_file():
            pixmap = picture(Path(entry.project.portrait), THUMB)
            if not pixmap.isNull():
                card.set_thumb(pixmap)

    def _on_entry(self, entry: QueuedExport) -> None:
        if all(entry.id != other.id for other in self.queue.entries):
            self._forget(entry.id)
        else:
            self._show(entry)
            self._cards[entry.id].show_entry(entry)
            if entry.state != self._states[entry.id]:
                self._states[entry.id] = entry.state
                if entry.state == "done":
                    self.notified.emit(self.tr("Export finished"), ", ".join(path.name for path in entry.outputs))
                elif entry.state == "failed":
                    self.notified.emit(self.tr("Export failed"), entry.message)
        self._refresh()

    def _refresh(self) -> None:
        entries = self.queue.entries
        self._empty.setVisible(not entries)
        self.clear.setVisible(any(entry.finished for entry in entries))
        self.count_changed.emit(self.unfinished)

    def _on_used(self, entry_id: str, what: str) -> None:
        entry = next(entry for entry in self.queue.entries if entry.id == entry_id)
        if what == "judge":
            self.judge_wanted.emit(video_of(entry), entry.project)
        elif what == "reveal":
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(entry.outputs[0].parent)))
        else:
            getattr(self.queue, what)(entry_id)

    def _forget(self, entry_id: str) -> None:
        card = self._cards.pop(entry_id, None)
        self._states.pop(entry_id, None)
        if card is not None:
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()

    def close_queue(self) -> None:
        """The window closes; what was rendering goes on next time."""
        self._bridge.close()
