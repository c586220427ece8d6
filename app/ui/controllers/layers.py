"""Curve files as the artist's own keys over the automatic motion, instead of in its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.core.commands import check_channel
from app.ui import work
from engines.errors import StudioError

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


class LayerController(QObject):
    """Reads curve files onto the curve tracks."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    def handlers(self) -> dict[str, Callable[..., object]]:
        return {"file.curves_layer": self.ask}

    def ask(self) -> None:
        """Let the artist choose a file and lay it over the performance."""
        patterns = " ".join(f"*{suffix}" for suffix in sorted(work.CURVES))
        filters = self.tr("Animation curves (%s)") % patterns
        path = self._window.files.choose("curves", self.tr("Import curves as keys"), filters)
        if path is not None:
            self.lay(path)

    def lay(self, path: Path) -> None:
        """Put the curves of a file over the performance as one step that can be undone.

        A file whose first frame lies inside the shot keeps its place; recordings stamped with the time of day begin
        at the playhead.
        """
        from app.export import read_curves, read_start
        from app.export.layers import as_curves

        session = self._window.session
        try:
            motion = read_curves(path)
            start = round(read_start(path) / motion.rate * session.rate)
        except StudioError as error:
            session.told.emit(str(error), "error")
            return
        first = start if 0 < start < session.total else session.playhead
        new = {check_channel(c.channel): c for c in as_curves(motion, session.rate, first)}
        kept = tuple(c for c in session.project.curves if c.channel not in new)
        session.do(self.tr("Import curves as keys"), session.project.with_(curves=kept + tuple(new.values())))
        session.told.emit(self.tr("{} curves from {}.").format(len(new), path.name), "info")
