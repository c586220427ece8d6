"""What each engine needs: which checkpoints are there, what is missing, under which licence and where it comes from.

Nothing is fetched: the artist brings a file or a folder, and importing proves that it is what it should be. That takes
a while and needs the network's code, so it runs on the worker thread.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.core.jobs import Done, Event, Failed, Job, JobContext, Priority, Progress
from app.ui.session import Session
from app.ui.widgets import clear_layout, heading, icon_button, muted
from engines import registry, weights

STATE_TEXT = {"missing": "Not here yet", "ready": "Ready", "damaged": "Damaged"}


def size_text(size_bytes: int) -> str:
    """A file size for people."""
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"


def describe(status: weights.Status) -> str:
    """An entry of the store in three lines."""
    entry = status.entry
    lines = [f"{STATE_TEXT[status.state]}, about {size_text(status.size_bytes or entry.size_bytes)}"]
    if status.problem:
        lines[0] += f": {status.problem}"
    lines.append(f"Licence: {entry.licence}")
    lines.append(f"File: {' or '.join(entry.files)}, from {entry.source}")
    return "\n".join(lines)


class WeightsDialog(QDialog):
    """The weights store as a list, grouped by engine."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Engine weights"))
        self.resize(720, 600)
        self._session = session
        self._job: Job | None = None
        column = QVBoxLayout(self)
        column.addWidget(
            muted(
                self.tr(
                    "Soliloquy fetches nothing by itself. Get a file from its source, mind its licence, and add it "
                    "here; it is checked and copied. The portrait rig needs none of these."
                )
            )
        )
        area = QScrollArea()
        area.setObjectName("panel")
        area.setWidgetResizable(True)
        inner = QWidget()
        inner.setObjectName("panel")
        self._list = QVBoxLayout(inner)
        self._list.setSpacing(8)
        area.setWidget(inner)
        column.addWidget(area, 1)
        self.note = QLabel(" ")
        self.note.setObjectName("muted")
        self.note.setWordWrap(True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.bar.hide()
        column.addWidget(self.note)
        column.addWidget(self.bar)
        row = QHBoxLayout()
        self.add_file = QPushButton(self.tr("Add from file…"))
        self.add_file.setObjectName("primary")
        self.add_file.clicked.connect(self._choose_file)
        self.add_folder = QPushButton(self.tr("Add from folder…"))
        self.add_folder.clicked.connect(self._choose_folder)
        show = icon_button("open", self.tr("Show the store in the file manager"))
        show.clicked.connect(self._show_folder)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        row.addWidget(self.add_file)
        row.addWidget(self.add_folder)
        row.addWidget(show)
        row.addStretch(1)
        row.addWidget(buttons)
        column.addLayout(row)
        session.job_event.connect(self._on_event)
        self.reload()

    def reload(self) -> None:
        """Look into the store again; by size only, which is quick."""
        clear_layout(self._list)
        families: dict[str, list[weights.Status]] = {}
        for status in weights.statuses():
            families.setdefault(status.entry.family, []).append(status)
        infos = registry.engines()
        for family, statuses in families.items():
            name = infos[family].name if family in infos else family.replace("_", " ").capitalize()
            self._list.addWidget(heading(name))
            for status in statuses:
                self._list.addWidget(self._card(status))
        self._list.addStretch(1)

    def _card(self, status: weights.Status) -> QFrame:
        card = QFrame()
        card.setObjectName("card")
        row = QHBoxLayout(card)
        row.setContentsMargins(12, 8, 8, 8)
        column = QVBoxLayout()
        sign = {"ready": "✓", "damaged": "!", "missing": "○"}[status.state]
        name = QLabel(f"{sign}  {status.entry.name}")
        name.setObjectName("heading")
        name.setIndent(0)
        column.addWidget(name)
        text = muted(describe(status))
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(text)
        row.addLayout(column, 1)
        if status.entry.source.startswith("http"):
            source = icon_button("reveal", self.tr("Open the source in the browser"))
            source.clicked.connect(partial(QDesktopServices.openUrl, QUrl(status.entry.source)))
            row.addWidget(source)
        if status.state != "missing":
            verify = icon_button("check", self.tr("Verify the checksum of %s") % status.entry.name)
            verify.clicked.connect(partial(self.verify, status.entry.id))
            remove = icon_button("delete", self.tr("Remove %s from the store") % status.entry.name)
            remove.clicked.connect(partial(self._remove, status.entry.id))
            row.addWidget(verify)
            row.addWidget(remove)
        return card

    # --- what the buttons do ---

    def _choose_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Add weights"))
        if name:
            self.add(Path(name))

    def _choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, self.tr("Add weights from a folder"))
        if name:
            self.add(Path(name))

    def add(self, path: Path) -> None:
        """Check and copy a file, or all known files of a folder."""

        def work(context: JobContext) -> str:
            found = weights.import_path(path, None, context.progress, context.cancel)
            return "Added: " + ", ".join(status.entry.name for status in found)

        self._submit(self.tr("Adding %s") % path.name, work)

    def verify(self, entry_id: str, *_: object) -> None:
        """Compute the checksum of an entry anew."""

        def work(context: JobContext) -> str:
            status = weights.verify(entry_id, context.progress, context.cancel)
            return f"{status.entry.name}: {status.problem or 'the checksum is right'}"

        self._submit(self.tr("Verifying"), work)

    def _remove(self, entry_id: str, *_: object) -> None:
        name = weights.entry(entry_id).name
        question = self.tr("Remove '%s' from the store? The file you added it from stays.") % name
        buttons = QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No
        if QMessageBox.question(self, self.tr("Remove weights"), question, buttons) == QMessageBox.StandardButton.Yes:
            weights.remove(entry_id)
            self.reload()

    def _show_folder(self) -> None:
        folder = weights.folder()
        folder.mkdir(parents=True, exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _submit(self, name: str, work: Any) -> None:
        self._job = Job(name, work, Priority.INTERACTIVE, key=("weights", id(self)))
        self.note.setText(name)
        self.bar.setValue(0)
        self.bar.show()
        for button in (self.add_file, self.add_folder):
            button.setEnabled(False)
        self._session.worker.submit(self._job)

    def _on_event(self, event: Event) -> None:
        if event.job is not self._job:
            return
        if isinstance(event, Progress):
            self.bar.setValue(round(event.part * 1000))
            self.note.setText(event.what or event.job.name)
            return
        if isinstance(event, Done):
            self.note.setText(str(event.result))
        elif isinstance(event, Failed):
            self.note.setText(str(event.error))
        else:
            return
        self._job = None
        self.bar.hide()
        for button in (self.add_file, self.add_folder):
            button.setEnabled(True)
        self.reload()
        self._session.retry()

    def done(self, result: int) -> None:
        """Closing stops what is still going on."""
        if self._job is not None:
            self._job.cancel()
        self._session.job_event.disconnect(self._on_event)
        super().done(result)
