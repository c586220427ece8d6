"""Streaming the frame under the playhead to Unreal over Live Link while the artist scrubs or plays."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QInputDialog, QLineEdit

from engines.errors import StudioError

if TYPE_CHECKING:
    from app.export.stream import Sender
    from app.ui.main_window import MainWindow

ACTION = "tools.live_link"


class LiveLinkController(QObject):
    """Switches the stream on and off and keeps it on the playhead."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._sender: Sender | None = None
        window.session.playhead_changed.connect(self._send)
        window.session.motion_changed.connect(self._send)

    def handlers(self) -> dict[str, Callable[..., object]]:
        return {ACTION: self.switch}

    @property
    def streaming(self) -> bool:
        return self._sender is not None

    def switch(self, on: bool) -> None:
        """Start the stream, once the artist has said where to, or end it."""
        if not on:
            self.stop()
            return
        preferences = self._window.preferences
        address = preferences.live_link
        if self._window.asks:
            title, text = self.tr("Stream to Live Link"), self.tr("Address of the computer that runs Unreal:")
            address, sure = QInputDialog.getText(self._window, title, text, QLineEdit.EchoMode.Normal, address)
            if not sure:
                self._window.actions_by_id[ACTION].setChecked(False)
                return
        self.start(address.strip())

    def start(self, address: str) -> None:
        """Stream to ``HOST`` or ``HOST:PORT``; an address that is not found is told and leaves the stream off."""
        from app.export.stream import PORT, Sender

        host, _, port = address.rpartition(":") if ":" in address else (address, "", str(PORT))
        session = self._window.session
        try:
            self._sender = Sender(host, int(port) if port.isdigit() else 0)
        except StudioError as error:
            session.told.emit(str(error), "error")
            self._window.actions_by_id[ACTION].setChecked(False)
            return
        self._window.preferences.live_link = address
        session.told.emit(self.tr("Streaming to {} as “{}”.").format(address, self._sender.subject), "info")
        self._send()

    def stop(self) -> None:
        if self._sender is not None:
            self._sender.close()
            self._sender = None

    def _send(self, *_: object) -> None:
        session = self._window.session
        if self._sender is None or session.performance is None:
            return
        frame = min(session.playhead, len(session.performance) - 1)
        try:
            self._sender.show(session.performance, frame)
        except StudioError as error:
            self._window.actions_by_id[ACTION].setChecked(False)
            session.told.emit(str(error), "error")
