"""A dialog that collects a few choices and then works for a while: progress, cancel, a result in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.core.jobs import Done, Event, Failed, Job, JobContext, Priority, Progress
from app.ui.session import Session
from app.ui.widgets import form_row, icon_button, muted


class PathField(QWidget):
    """A path that is typed, or chosen with a button.

    Signals
    -------
    changed : the path is another
    """

    changed = Signal()

    def __init__(self, label: str, title: str, filters: str = "", *, folder: bool = False) -> None:
        super().__init__()
        self._title, self._filters, self._folder = title, filters, folder
        self.edit = QLineEdit()
        self.edit.setAccessibleName(label)
        self.edit.textChanged.connect(self.changed)
        choose = icon_button("open", title)
        choose.clicked.connect(self._choose)
        row = form_row(label, self.edit)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(choose)
        self.setLayout(row)

    @property
    def path(self) -> Path | None:
        text = self.edit.text().strip()
        return Path(text).expanduser() if text else None

    def set_path(self, path: Path) -> None:
        self.edit.setText(str(path))

    def _choose(self) -> None:
        if self._folder:
            name = QFileDialog.getExistingDirectory(self, self._title, self.edit.text())
        else:
            name, _ = QFileDialog.getOpenFileName(self, self._title, self.edit.text(), self._filters)
        if name:
            self.set_path(Path(name))


class TaskDialog(QDialog):
    """Choices above, what happens below.

    Subclasses fill ``self.form``, enable ``self.start`` when the choices are complete, and give `work` and `finished`.
    """

    def __init__(self, session: Session, parent: QWidget | None, title: str, about: str, button: str) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(520)
        self._session = session
        self._job: Job | None = None
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addWidget(muted(about))
        self.form = QVBoxLayout()
        column.addLayout(self.form)
        column.addStretch(1)
        self.note = QLabel("")
        self.note.setWordWrap(True)
        self.note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.note.hide()
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(title)
        self.bar.hide()
        column.addWidget(self.note)
        column.addWidget(self.bar)
        self.start = QPushButton(button)
        self.start.setObjectName("primary")
        self.start.clicked.connect(self.begin)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        row = QHBoxLayout()
        row.addWidget(self.start)
        row.addStretch(1)
        row.addWidget(buttons)
        column.addLayout(row)
        session.job_event.connect(self._on_event)

    def work(self) -> Callable[[JobContext], Any]:
        """What runs on the worker thread, with the choices as they are now."""
        raise NotImplementedError(f"{type(self).__name__} must say what it works on.")

    def finished_with(self, result: Any) -> str:
        """Take the result; returns it in words."""
        raise NotImplementedError(f"{type(self).__name__} must take its result.")

    def begin(self) -> None:
        """Start the work, unless it goes on already."""
        if self._job is not None:
            return
        self._job = Job(self.windowTitle(), self.work(), Priority.INTERACTIVE, key=("task", id(self)))
        self._show(self.windowTitle(), "muted")
        self.bar.setValue(0)
        self.bar.show()
        self.start.setEnabled(False)
        self._session.worker.submit(self._job)

    def _show(self, text: str, look: str) -> None:
        self.note.setText(text)
        self.note.setObjectName(look)
        self.note.style().polish(self.note)
        self.note.show()

    def _on_event(self, event: Event) -> None:
        if event.job is not self._job:
            return
        if isinstance(event, Progress):
            self.bar.setValue(round(event.part * 1000))
            self.note.setText(event.what or event.job.name)
            return
        if isinstance(event, Done):
            self._show(self.finished_with(event.result), "muted")
        elif isinstance(event, Failed):
            self._show(str(event.error), "danger")
        else:
            return
        self._job = None
        self.bar.hide()
        self.start.setEnabled(True)

    def done(self, result: int) -> None:
        """Closing stops what is still going on."""
        if self._job is not None:
            self._job.cancel()
        self._session.job_event.disconnect(self._on_event)
        super().done(result)
