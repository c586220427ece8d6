"""Asking for consent before an export, and changing the record later."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.core import commands
from app.core import consent as consents
from app.export import ExportOptions
from app.ui import widgets
from app.ui.consent_dialog import ConsentDialog
from app.ui.render_queue import ExportRequest
from engines.errors import StudioError

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


class ConsentController(QObject):
    """The consent record of the open project."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session

    def asked(self, request: ExportRequest) -> ExportRequest | None:
        """The request with a record for its portrait, asked for if there is none; None if the artist went back."""
        try:
            shown = consents.shows_person(request.outputs, ExportOptions.from_dict(request.options))
            digest = consents.unasked(self._session.studio, request.project) if self._window.asks and shown else ""
        except StudioError:  # the export itself says what is wrong
            return request
        if digest and not self._ask(digest, exporting=True):
            return None
        return replace(request, project=request.project.with_(consents=self._session.project.consents))

    def edit(self) -> None:
        """Who is shown in the portrait, to read and to change."""
        session = self._session
        try:
            digest = session.studio.portrait_digest(session.project)
        except StudioError as error:
            session.told.emit(str(error), "error")
            return
        self._ask(digest, exporting=False)

    def _ask(self, digest: str, exporting: bool) -> bool:
        dialog = ConsentDialog(self._session.project, digest, exporting, self._window)
        accepted = widgets.run_dialog(dialog)
        if accepted and dialog.answer is not None:
            self._session.attempt(self.tr("Record consent"), commands.record_consent, dialog.answer)
        return accepted
