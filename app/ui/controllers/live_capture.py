"""Live capture in the window: the portrait follows the actor, and a recorded take becomes the shot's motion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject

from app.core import commands, folders
from app.core.jobs import Done, Event, Failed, Job, JobContext, Priority
from app.core.live_take import Moment, save_take
from app.ui import work
from app.ui.live_panel import LivePanel
from engines import registry
from engines.api import Performance
from engines.errors import StudioError

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow

ACTION = "tools.live"


class LiveCaptureController(QObject):
    """Makes the panel when it is first wanted, and takes what it gives."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.panel: LivePanel | None = None
        self._drawing: Job | None = None
        window.session.job_event.connect(self._on_job)

    def handlers(self) -> dict[str, Callable[..., object]]:
        return {ACTION: self.show}

    def show(self) -> None:
        """Show the panel."""
        session = self._window.session
        if self.panel is None:
            self.panel = LivePanel(session.rate)
            self.panel.acted.connect(self._on_acted)
            self.panel.took.connect(self._on_took)
            self.panel.record_began.connect(self._on_record)
            self.panel.ended.connect(self._on_ended)
            self._window.add_tab("live", self.tr("Live capture"), self.panel)
        self._window.show_panel("live")

    def close(self) -> None:
        """Close the camera with the window."""
        if self.panel is not None:
            self.panel.close_camera()

    @property
    def leads(self) -> bool:
        """Whether the viewer shows the actor and not the shot that plays: while a take is recorded on the portrait."""
        return self.panel is not None and self.panel.recording and self._moves_portrait()

    def _moves_portrait(self) -> bool:
        session = self._window.session
        engine = registry.engines().get(session.project.engine)
        wanted = self.panel is not None and self.panel.on_portrait.isChecked()
        return wanted and session.actor is not None and engine is not None and not engine.sources

    def _on_acted(self, moment: Moment) -> None:
        """Draw the portrait as the actor looks, unless it is still being drawn or the shot is played."""
        session = self._window.session
        if self._drawing is not None or not self._moves_portrait() or (session.playing and not self.leads):
            return
        performance = moment.frame.performance(session.rate)
        project, studio = session.project, session.studio
        options = work.options_for(session, work.DRAFT_SIDE, True)

        def draw(context: JobContext) -> np.ndarray:
            frames = studio.frames(project, performance, 0, 1, options, context.cancel)
            return np.ascontiguousarray(next(iter(frames)))

        self._drawing = Job(self.tr("Live capture"), draw, Priority.PREVIEW, key=("live", id(self)))
        session.worker.submit(self._drawing)

    def _on_job(self, event: Event) -> None:
        if event.job is not self._drawing or not isinstance(event, Done | Failed):
            return
        self._drawing = None
        if isinstance(event, Done) and self.panel is not None and self.panel.running:
            self._window.show_image(event.result)
        elif isinstance(event, Failed) and not event.cancelled and self.panel is not None:
            self.panel.on_portrait.setChecked(False)
            self._window.session.told.emit(str(event.error), "error")

    def _on_record(self) -> None:
        """The shot's voice, from its beginning, for the actor to act to."""
        session = self._window.session
        assert self.panel is not None
        self.panel.rate = session.rate
        if self.panel.with_voice.isChecked() and session.project.voice and not session.playing:
            session.seek(0)
            self._window.playing.toggle()

    def _on_took(self, performance: Performance) -> None:
        session = self._window.session
        if session.playing:
            self._window.playing.stop()
        folder = folders.state() / "takes" if session.path is None else session.path.parent / "takes"
        try:
            path = save_take(performance, Path(folder))
        except StudioError as error:
            session.told.emit(str(error), "error")
            return
        session.attempt(self.tr("Live take"), commands.set_performance, str(path.resolve()))
        seconds = float(len(performance) / performance.rate)
        session.told.emit(self.tr("A take of {:.1f} s moves the face: {}").format(seconds, path.name), "info")

    def _on_ended(self) -> None:
        """The portrait goes back to the frame under the playhead."""
        self._window.session.draw()
