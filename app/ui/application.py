"""Start of the window: ``soliloquy`` without a command, or ``python -m app.ui.application``."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.ui import theme
from app.ui.main_window import MainWindow
from app.ui.preferences import Preferences

log = logging.getLogger(__name__)


def create_window(argv: Sequence[str], asks: bool = True) -> tuple[QApplication, MainWindow]:
    """The application and its window, shown.

    Parameters
    ----------
    argv : program name, then files to open (project, portrait, voice, curves) in any order
    asks : whether the window asks questions, such as whether to save or to recover; False for automatic use

    Returns
    -------
    (application, window); the application is the running one if there is one
    """
    found = QApplication.instance()
    app = found if isinstance(found, QApplication) else QApplication(list(argv[:1]))
    app.setApplicationName("Soliloquy")
    app.setApplicationDisplayName("Soliloquy")
    app.setDesktopFileName("soliloquy")
    theme.apply(app, Preferences().theme)
    window = MainWindow(asks)
    window.show()
    # What was being rendered when the last window closed goes on, once this one is on the screen.
    QTimer.singleShot(0, window.queue.queue.start)
    files = [Path(name) for name in argv[1:] if not name.startswith("-")]
    if files:
        window.files.take(files)
    elif asks:
        # After the window is on the screen: the artist sees it before any question.
        QTimer.singleShot(0, window.offer_recovery)
    return app, window


def install_error_report(window: MainWindow) -> None:
    """Unexpected errors are logged and told in the window, and the window stays open."""

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        log.error("Unexpected error", exc_info=(kind, error, trace))
        if threading.current_thread() is threading.main_thread():
            window.session.told.emit(window.session.unexpected(error), "error")

    sys.excepthook = report


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window and run until it is closed; returns the exit status."""
    app, window = create_window(sys.argv if argv is None else argv)
    install_error_report(window)
    return app.exec()


if __name__ == "__main__":
    sys.exit(main())
