"""K held down with J or L: a tap steps one frame, holding on plays slowly, as editors do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QApplication

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow

SLOW: Final = 0.25
HOLD_MS: Final = 350
_ENDS: Final = (QEvent.Type.ApplicationDeactivate, QEvent.Type.WindowDeactivate)


class HoldKeys(QObject):
    """Watches which of the keys of pause, backwards and forwards (whatever they are mapped to) are down.

    The commands themselves go on running by their shortcuts; `step` tells a playback command that it is a step instead.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._down: set[str] = set()
        self._slow = QTimer(self)
        self._slow.setSingleShot(True)
        self._slow.setInterval(HOLD_MS)
        self._slow.timeout.connect(self._play_slowly)
        self._sign = 0
        app = QApplication.instance()
        assert app is not None
        app.installEventFilter(self)

    def step(self, sign: int) -> bool:
        """A playback command ran; whether it is a step because pause is held down, and then do it."""
        if "play.stop" not in self._down:
            return False
        if self._sign == sign:  # the key repeats itself while it is held
            return True
        self._sign = sign
        session, player = self._window.session, self._window.player
        player.stop()
        session.seek(session.playhead + sign)
        self._window.timeline.view.set_playhead(session.playhead, follow=True)
        self._slow.start()
        return True

    def _play_slowly(self) -> None:
        if self._sign:
            self._window.player.play(self._window.session.playhead, SLOW * self._sign)

    def _end(self) -> None:
        self._slow.stop()
        if self._sign:
            self._sign = 0
            self._window.player.stop()

    def _command(self, event: QKeyEvent) -> str:
        """Which of the three commands a key belongs to, or nothing."""
        pressed = QKeySequence(event.keyCombination())
        actions = self._window.actions_by_id
        names = ("play.stop", "play.reverse", "play.forward")
        return next((name for name in names if pressed in actions[name].shortcuts()), "")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # The press of a shortcut is only seen as an override; its release comes as usual.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if name := self._command(event):
                self._down.add(name)
        elif event.type() == QEvent.Type.KeyRelease and isinstance(event, QKeyEvent) and not event.isAutoRepeat():
            if (name := self._command(event)) in self._down:
                self._down.discard(name)
                self._end()
        elif event.type() in _ENDS and self._down:
            self._down.clear()
            self._end()
        return False

    def close(self) -> None:
        """Watch no longer."""
        app = QApplication.instance()
        if app is not None:
            app.removeEventFilter(self)
        self._end()
