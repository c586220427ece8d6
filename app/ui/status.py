"""The status line: messages, what is being worked on, engine, memory and cache."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLabel, QMainWindow, QProgressBar, QStatusBar, QSystemTrayIcon

from app.ui import icons
from app.ui.devices import devices
from app.ui.session import Session
from engines import registry

MESSAGE_MS = 6000
ERROR_MS = 20000


def memory_mb() -> float:
    """Memory that this process uses, in MiB; 0 where it cannot be told."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
    except (OSError, ValueError, IndexError, AttributeError):
        pass
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    return 0.0


class StatusLine(QStatusBar):
    """Left messages, right facts."""

    def __init__(self, session: Session, window: QMainWindow) -> None:
        super().__init__(window)
        self._session = session
        self.setSizeGripEnabled(False)
        self.message = QLabel()
        self.message.setAccessibleName(self.tr("Message"))
        self.addWidget(self.message, 1)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(120)
        self.bar.hide()
        self.work = QLabel()
        self.engine, self.memory, self.cache = QLabel(), QLabel(), QLabel()
        for widget in (self.work, self.bar, self.engine, self.memory, self.cache):
            self.addPermanentWidget(widget)
        self._clear = QTimer(self)
        self._clear.setSingleShot(True)
        self._clear.timeout.connect(self._forget)
        self._facts = QTimer(self)
        self._facts.setInterval(2000)
        self._facts.timeout.connect(self.refresh)
        self._facts.start()
        self._devices = devices()
        self._tray: QSystemTrayIcon | None = None
        session.project_changed.connect(self.refresh)
        self.refresh()

    def tell(self, message: str, level: str) -> None:
        """Show a message for a while; errors longer, and marked by a word, not by colour alone."""
        self.message.setObjectName("danger" if level == "error" else "")
        self.message.setText(self.tr("Problem: %s") % message if level == "error" else message)
        self.message.setToolTip(message)
        self.message.style().unpolish(self.message)
        self.message.style().polish(self.message)
        self._clear.start(ERROR_MS if level == "error" else MESSAGE_MS)

    def _forget(self) -> None:
        self.message.clear()

    def show_work(self, what: str, part: float) -> None:
        self.work.setText(what)
        self.bar.setVisible(bool(what))
        self.bar.setRange(0, 1000 if part > 0 else 0)
        self.bar.setValue(round(part * 1000))

    def refresh(self, *_: object) -> None:
        project = self._session.project
        info = registry.engines().get(project.engine)
        name = project.engine if info is None else info.name
        device = next((d.name for d in self._devices if d.id == self._session.device), "")
        self.engine.setText(f"{name}, {device.lower()}" if self._session.device != "auto" else name)
        self.engine.setToolTip(self.tr("Engine %s; device: %s") % (name, device.lower()))
        self.memory.setText(self.tr("Memory %d MB") % round(memory_mb()))
        kept = self._session.frames.size_bytes >> 20
        self.cache.setText(self.tr("Frames %d MB") % kept)
        folder = self._session.studio.cache.folder
        self.cache.setToolTip(self.tr("Drawn frames in memory: %d MB. Kept on disk in %s") % (kept, folder))

    def notify(self, title: str, message: str) -> None:
        """A message of the desktop, where it has a place for those."""
        if not QSystemTrayIcon.isSystemTrayAvailable():
            return
        if self._tray is None:
            self._tray = QSystemTrayIcon(icons.app_icon(), self)
        self._tray.show()
        self._tray.showMessage(title, message, icons.app_icon())
