"""Styles, emotions and footage from references, a new voice for a clip, and what engines learn for the artist."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.core import commands
from app.ui import widgets, work
from app.ui.engine_dialogs import EditsDialog, TeachDialog
from app.ui.reference_dialogs import EmotionDialog, FootageDialog, StyleDialog

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


class ReferenceController(QObject):
    """What references become."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        window.inspector.clip.voice_wanted.connect(self.dub)

    def handlers(self) -> dict[str, Callable[..., object]]:
        return {
            "direct.dub": self.dub, "direct.lift_style": self.style, "direct.lift_emotion": self.emotion,
            "tools.footage": self.footage, "tools.teach": self.teach, "tools.edits": self.edits,
        }  # fmt: skip

    def dub(self) -> None:
        """Let the artist choose a new voice for the clip that moves the face."""
        session = self._window.session
        if not session.project.performance:
            session.told.emit(self.tr("Dubbing needs a clip that moves the face: Direct > Motion from video."), "error")
            return
        patterns = " ".join(f"*{suffix}" for suffix in sorted(work.SOUNDS | work.VIDEOS))
        path = self._window.files.choose("voice", self.tr("New voice for the clip"), self.tr("Sounds (%s)") % patterns)
        if path is not None:
            session.attempt(self.tr("Dub"), commands.dub, str(path.resolve()))

    def style(self) -> None:
        dialog = StyleDialog(self._window.session, self._window)
        dialog.made.connect(self._on_made)
        widgets.run_dialog(dialog)

    def emotion(self) -> None:
        dialog = EmotionDialog(self._window.session, self._window)
        dialog.made.connect(self._on_made)
        widgets.run_dialog(dialog)

    def footage(self) -> None:
        widgets.run_dialog(FootageDialog(self._window.session, self._window))

    def teach(self) -> None:
        widgets.run_dialog(TeachDialog(self._window.session, self._window))

    def edits(self) -> None:
        dialog = EditsDialog(self._window.session, self._window)
        dialog.made.connect(self._window.inspector.engine.look_again)
        widgets.run_dialog(dialog)

    def _on_made(self) -> None:
        self._window.presets.reload()
        self._window.timeline.set_names(self._window.presets.names())
