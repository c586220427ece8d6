"""What a crash left behind: offered with a picture, the time and the number of decisions in it."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QImageReader, QPixmap
from PySide6.QtWidgets import QDialog, QHBoxLayout, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from app.core import safety
from app.ui import icons, theme
from app.ui.widgets import heading, muted

THUMB = 72


def describe(recovery: safety.Recovery, now: float) -> str:
    """One recovery in words: name, age, contents."""
    project = recovery.project
    minutes = max(0, round((now - recovery.time) / 60))
    age = "just now" if minutes < 1 else f"{minutes} min ago" if minutes < 90 else f"{minutes / 60:.0f} h ago"
    if minutes > 36 * 60:
        age = time.strftime("%d %b, %H:%M", time.localtime(recovery.time))
    clips = len(project.emotions) + len(project.styles)
    keys = sum(len(curve.keys) for curve in project.curves)
    where = str(recovery.path) if recovery.path else "never saved"
    return f"{project.name}\n{age}, {clips} clips, {keys} keys\n{where}"


def picture(path: Path, side: int) -> QPixmap:
    """A picture file, its shorter side scaled to ``side`` pixels; null if Qt cannot read it."""
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    size = reader.size()
    if not size.isValid():
        return QPixmap()
    reader.setScaledSize(size.scaled(QSize(side, side), Qt.AspectRatioMode.KeepAspectRatioByExpanding))
    return QPixmap.fromImage(reader.read())


def thumbnail(recovery: safety.Recovery) -> QPixmap:
    """The portrait, small, or a sign where it cannot be read."""
    path = recovery.project.portrait
    pixmap = picture(Path(path), THUMB) if path and Path(path).is_file() else QPixmap()
    if not pixmap.isNull():
        return pixmap.copy(0, 0, THUMB, THUMB)
    return icons.pixmap("portrait", theme.current().muted, THUMB)


class RecoveryDialog(QDialog):
    """Lets the artist take up or throw away what was found."""

    def __init__(self, found: list[safety.Recovery], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Recover unsaved work"))
        self.resize(520, 360)
        self._found = found
        self.chosen: safety.Recovery | None = None
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addWidget(heading(self.tr("Soliloquy did not close in good order last time")))
        column.addWidget(muted(self.tr("This work was not saved. Take it up again?")))
        self.list = QListWidget()
        self.list.setIconSize(QSize(THUMB, THUMB))
        self.list.setSpacing(4)
        self.list.setAccessibleName(self.tr("Unsaved work"))
        now = time.time()
        for recovery in found:
            self.list.addItem(QListWidgetItem(QIcon(thumbnail(recovery)), describe(recovery, now)))
        self.list.setCurrentRow(0)
        self.list.itemDoubleClicked.connect(self._recover)
        column.addWidget(self.list, 1)
        row = QHBoxLayout()
        discard = QPushButton(self.tr("Throw away"))
        discard.clicked.connect(self._discard)
        later = QPushButton(self.tr("Decide later"))
        later.clicked.connect(self.reject)
        recover = QPushButton(self.tr("Recover"))
        recover.setObjectName("primary")
        recover.setDefault(True)
        recover.clicked.connect(self._recover)
        row.addWidget(discard)
        row.addStretch(1)
        row.addWidget(later)
        row.addWidget(recover)
        column.addLayout(row)

    def _recover(self) -> None:
        index = self.list.currentRow()
        if 0 <= index < len(self._found):
            self.chosen = self._found[index]
            self.accept()

    def _discard(self) -> None:
        index = self.list.currentRow()
        if 0 <= index < len(self._found):
            safety.forget(self._found.pop(index))
            self.list.takeItem(index)
        if not self._found:
            self.reject()
