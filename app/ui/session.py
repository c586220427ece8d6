"""The background work of the open project: one object that all panels share.

The session submits what an edit of the `Document` made stale, and tells panels by signals. It never waits: analysis,
preparing, performing and drawing all run on the core's worker thread, with a frozen project; results for a project that
has moved on are dropped.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.core.history import Change
from app.core.jobs import Done, Event, Failed, Job, Preview, Progress, Worker
from app.core.puppet import hears
from app.core.studio import Studio
from app.qtbridge import JobBridge
from app.ui import work
from app.ui.document import Document
from app.ui.frame_cache import FrameCache
from app.ui.timeline.edits import valid
from engines.errors import StudioError

if TYPE_CHECKING:
    from app.ui.emotion_model import Part

log = logging.getLogger(__name__)
IDLE_MS = 500
NEAR_FRAMES = 12
"""A picture up to this many frames old is better than none during playback."""


class Session(Document):
    """See the module.

    Signals
    -------
    frame_ready : the picture of a frame (its number) can be shown
    working : (what is going on or nothing, part done 0 to 1)
    auditioned : the picture of a preset that is tried (or None when that is over)
    job_event : every event of every job, for the render queue
    """

    frame_ready = Signal(int)
    working = Signal(str, float)
    auditioned = Signal(object)
    job_event = Signal(object)

    def __init__(self, parent: QObject | None = None, studio: Studio | None = None) -> None:
        super().__init__(parent)
        self.studio = studio or Studio()
        self.worker = Worker()
        self.bridge = JobBridge(self.worker, self)
        self.bridge.arrived.connect(self._on_event)
        self.frames = FrameCache()
        self.device = "auto"
        self.playing = False
        """Whether playback runs, and frames ahead of the playhead are wanted at once."""
        self.pace = work.Pace()
        self.problems: dict[str, str] = {}
        """What went wrong, by the step that failed: ``portrait``, ``prepare``, ``voice``, ``analyse``, ``perform``."""
        self.newest: dict[str, Job] = {}
        """The last job of each step; what earlier ones bring is dropped."""
        self._running: dict[str, tuple[str, float]] = {}
        self._auditioning = False
        self.compare = False
        """Whether take A is drawn beside the current one."""
        self._a: work.TakeA | None = None
        self._unsubscribe = self.history.subscribe(self._on_change)
        self._refresh_timer = QTimer(self)
        self._refresh_timer.setSingleShot(True)
        self._refresh_timer.setInterval(0)
        self._refresh_timer.timeout.connect(self._refresh)
        # Once nothing has happened for a moment, what playback will show first is drawn.
        self._idle_timer = QTimer(self)
        self._idle_timer.setSingleShot(True)
        self._idle_timer.setInterval(IDLE_MS)
        self._idle_timer.timeout.connect(self._on_idle)

    # --- pictures ---

    def image(self, frame: int) -> np.ndarray | None:
        """The drawn frame if it is there : uint8 (H, W, 3 or 4)."""
        return self.frames.get(self.take, frame)

    def image_near(self, frame: int) -> tuple[int, np.ndarray] | None:
        """The drawn frame, or the latest drawn one of those just before it, with its number."""
        for near in range(frame, max(-1, frame - NEAR_FRAMES), -1):
            image = self.frames.get(self.take, near)
            if image is not None:
                return near, image
        return None

    @property
    def ready(self) -> bool:
        """Whether frames can be drawn."""
        return self.actor is not None and self.performance is not None

    def edit_ended(self) -> None:
        """A drag is over: the next edit is its own step, and the frame is drawn in full."""
        dragged = self._dragging
        super().edit_ended()
        if dragged:
            self.draw()

    def seek(self, frame: int, draft: bool = False) -> None:
        """Put the playhead on a frame and draw it; see `Document.seek`."""
        before = self.playhead
        super().seek(frame, draft)
        if self.playhead != before or not draft:
            self.draw(draft)

    # --- background work ---

    def _on_change(self, change: Change) -> None:
        old, new = change.previous, change.project
        fresh = change.kind == "reset"
        if fresh or any(getattr(old, n) != getattr(new, n) for n in ("portrait", "face", "unit_names")):
            self.portrait = None
            self._lose_actor()
            self._cancel("portrait")
            self._run("portrait") if new.portrait else self.media_changed.emit()
        elif old.engine != new.engine:
            self._lose_actor()
        if fresh or old.voice != new.voice:
            self.samples = self.peaks = self.spectrum = None
            self._lose_speech()
            self._cancel("voice")
            self._run("voice") if new.voice else self.media_changed.emit()
        elif (old.speech.text, old.speech.language) != (new.speech.text, new.speech.language):
            self._lose_speech()
        if change.kind in ("undo", "redo", "reset"):
            self._dragging = False
        kept = valid(new, self.selection, len(self.words()), len(self.phones()))
        self.project_changed.emit(change)
        self.select(kept)
        self._refresh_timer.start()

    def _lose_actor(self) -> None:
        self.actor = None
        self.problems.pop("prepare", None)
        self._cancel("prepare")

    def _lose_speech(self) -> None:
        self.speech = self.mood = None
        self._words = self._phones = ()
        self.problems.pop("analyse", None)
        self._cancel("analyse")
        self.speech_changed.emit()

    def _refresh(self) -> None:
        """Start whatever the current project lacks."""
        project = self.project
        if (
            project.portrait
            and self.actor is None
            and "prepare" not in self.problems
            and "prepare" not in self._running
        ):
            self._run("prepare")
        needs_speech = hears(project)
        if needs_speech and self.speech is None:
            if "analyse" not in self.problems and "analyse" not in self._running:
                self._run("analyse")
        elif project.voice or project.performance or project.portrait:
            self._run("perform")
        elif self.performance is not None:
            self.performance, self.take = None, None
            self.motion_changed.emit()

    def draw(self, draft: bool = False) -> None:
        """Draw the frame under the playhead, unless it is there."""
        if not self.ready:
            return
        complete = self._a is None or not self.compare or self.frames.has(self._a.take, self.playhead)
        if self.frames.has(self.take, self.playhead):
            self.frame_ready.emit(self.playhead)
            drafted = work.is_draft(self.frames.get(self.take, self.playhead), self.portrait)
            if complete and (draft or not drafted):
                return
        self.worker.submit(work.frame_job(self, self.playhead, draft or self._dragging))

    def _on_idle(self) -> None:
        self.draw_ahead(self.playhead)

    def draw_ahead(self, frame: int) -> None:
        """Draw the frames that playback will need next, below everything that the artist waits for."""
        if not self.ready or "ahead" in self._running:
            return
        wanted = work.frames_ahead(self, frame, self.playing)
        if wanted:
            self._run("ahead", wanted=wanted)

    def _run(self, step: str, **details: Any) -> None:
        if step != "ahead":
            self.problems.pop(step, None)
        job = work.job(self, step, **details)
        self._running[step] = (job.name, 0.0)
        self.worker.submit(job)
        self._tell_working()

    def _cancel(self, step: str) -> None:
        for job in self.worker.jobs:
            if isinstance(job.key, tuple) and job.key[:2] == ("session", step):
                job.cancel()
        self._running.pop(step, None)

    def _on_event(self, event: Event) -> None:
        self.job_event.emit(event)
        key = event.job.key
        if not isinstance(key, tuple) or key[0] != "session":
            return
        step = str(key[1])
        current = self.newest.get(step) is event.job
        if isinstance(event, Progress):
            if step in self._running:
                self._running[step] = (event.what or event.job.name, event.part)
        elif isinstance(event, Preview):
            self._take_preview(step, event.value)
        else:
            if current:
                self._running.pop(step, None)
            if isinstance(event, Done) and current:
                self._take_result(step, event.result)
            elif isinstance(event, Failed):
                self._take_failure(step, event, current)
        self._tell_working()

    def _tell_working(self) -> None:
        shown = [
            entry for step, entry in self._running.items() if step not in ("ahead", "perform", "frame", "audition")
        ]
        name, part = shown[0] if shown else ("", 0.0)
        self.working.emit(name, part)

    def _take_result(self, step: str, result: Any) -> None:
        if step == "portrait":
            self.portrait = result
            self.media_changed.emit()
        elif step == "voice":
            self.samples, self.sample_rate, self.peaks = result
            self.media_changed.emit()
        elif step == "spectrum":
            self.spectrum = result
            self.media_changed.emit()
        elif step == "prepare":
            self.actor = result
            self.frames.clear()
            self.media_changed.emit()
            if self.performance is not None:
                self._run("perform")
        elif step == "analyse":
            result, self.mood = result
            self.speech = result
            self._words, self._phones = work.phones(result.words), work.phones(result.phones)
            self.speech_changed.emit()
            self._run("perform")
        elif step == "frame":
            self.frame_ready.emit(result)
            self._idle_timer.start()
        elif step == "ahead":
            if self.playing:
                self.draw_ahead(self.playhead)
            else:
                self._idle_timer.start()
        elif step == "audition":
            self._auditioning = True
            self.auditioned.emit(result)

    def _take_preview(self, step: str, value: Any) -> None:
        if step != "perform":
            return
        performance, take, frame = value
        if performance is not None and take != self.take:
            length = 0 if self.performance is None else len(self.performance)
            self.performance, self.take = performance, take
            if length != len(performance) and self.playhead >= len(performance):
                self.seek(len(performance) - 1)
            self.motion_changed.emit()
        if frame is not None:
            self.frame_ready.emit(frame)
            self._idle_timer.start()

    def _take_failure(self, step: str, event: Failed, current: bool) -> None:
        if event.cancelled or not current:
            return
        if event.details:
            log.error("%s failed.\n%s", event.job.name, event.details)
        message = str(event.error) if isinstance(event.error, StudioError) else self.unexpected(event.error)
        if self.problems.get(step) != message:
            self.problems[step] = message
            self.told.emit(message, "error")
        if step in ("portrait", "voice"):
            self.media_changed.emit()
        if step == "analyse":
            self.speech_changed.emit()

    def unexpected(self, error: BaseException) -> str:
        return self.tr("Something unexpected went wrong (%s). The log has the details.") % (
            f"{type(error).__name__}: {error}"
        )

    def want_spectrum(self) -> None:
        """Compute the spectrogram if it is not there."""
        if self.samples is not None and self.spectrum is None and "spectrum" not in self._running:
            self._run("spectrum")

    def set_device(self, device: str) -> None:
        """Draw on another device from now on; it belongs to this machine, not to the project."""
        if device != self.device:
            self.device = device
            self.frames.clear()
            self.draw()

    def retry(self) -> None:
        """Try again what failed."""
        self.problems.clear()
        if self.project.portrait and self.portrait is None:
            self._run("portrait")
        if self.project.voice and self.samples is None:
            self._run("voice")
        self._refresh_timer.start()

    # --- comparing and trying ---

    @property
    def has_a(self) -> bool:
        return self._a is not None

    @property
    def name_a(self) -> str:
        return "" if self._a is None else self._a.name

    @property
    def name_b(self) -> str:
        return self.tr("B, now: %s") % work.take_name(self.project)

    def keep_a(self) -> None:
        """Keep the take as it is as side A of the comparison."""
        if self.performance is not None:
            name = self.tr("A, kept: %s") % work.take_name(self.project)
            self._a = work.TakeA(name, self.project, self.performance, self.take)

    def other_image(self, frame: int) -> np.ndarray | None:
        """The frame of take A, if it is compared and drawn."""
        if self._a is None or not self.compare:
            return None
        return self.frames.get(self._a.take, frame)

    def audition(self, kind: str, parts: Sequence[Part]) -> None:
        """Show the frame under the playhead as it would be with presets, without changing the project."""
        if kind and self.ready and not self.playing:
            self._run("audition", kind=kind, parts=tuple(parts))
        elif self._auditioning:
            self._cancel("audition")
            self._auditioning = False
            self.auditioned.emit(None)

    def close(self) -> None:
        """Stop all work and end the worker thread."""
        self._unsubscribe()
        self._refresh_timer.stop()
        self._idle_timer.stop()
        self.bridge.close()
        self.worker.close()
