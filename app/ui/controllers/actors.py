"""Trained actors: the dock, made when it is first wanted, and the dialog that trains one more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.ui import widgets

if TYPE_CHECKING:
    from app.ui.actors import ActorsPanel
    from app.ui.main_window import MainWindow


class ActorController(QObject):
    """Handlers of the actors."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.panel: ActorsPanel | None = None

    def handlers(self) -> dict[str, Callable[..., object]]:
        return {"tools.actors": self.show, "tools.train": self.train}

    def show(self) -> ActorsPanel:
        """Open the dock."""
        from app.ui.actors import ActorsPanel  # brings the engine's arithmetic, which an empty window does not need

        window = self._window
        if self.panel is None:
            self.panel = ActorsPanel(window.session, asks=window.asks)
            self.panel.wanted.connect(self.train)
            self.panel.notified.connect(window._on_notified)
            window.add_tab("actors", self.tr("Actors"), self.panel)
        window.show_panel("actors")
        return self.panel

    def train(self) -> None:
        """Ask what is to be learnt, and start."""
        from app.ui.actors_dialog import TrainDialog

        panel = self.show()
        dialog = TrainDialog(self._window.session, panel.trainings, self._window)
        if widgets.run_dialog(dialog) and dialog.folder is not None:
            panel.begun(dialog.folder)

    def close(self) -> None:
        if self.panel is not None:
            self.panel.close_panel()
