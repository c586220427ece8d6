"""The render queue: exports that survive a crash and a restart.

A job is one JSON file in the folder of its state below ``state/queue``; changing state is renaming the file, so no
crash can lose or double a job. What a killed process was rendering waits again after a restart and goes on where it
was (`app.core.resume`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from app.core import folders, project_file
from app.core.folders import read_json, write_atomic
from app.core.jobs import Done, Event, Failed, Job, JobContext, Priority, Progress, Worker
from app.core.project import Project
from app.core.safety import process_alive
from app.core.studio import Studio
from engines.api import RenderOptions
from engines.errors import ProjectError

log = logging.getLogger(__name__)

State = Literal["waiting", "running", "paused", "done", "failed", "cancelled"]
STATES: Final[tuple[State, ...]] = ("waiting", "running", "paused", "done", "failed", "cancelled")
VERSION: Final = 1


@dataclass(frozen=True)
class QueuedExport:
    """One export of the queue.

    Attributes
    ----------
    id : names its file
    project : frozen as it was when it was queued
    outputs : absolute paths
    options : fields of `app.export.ExportOptions`
    size, alpha, device : as in `engines.api.RenderOptions`
    state, message : ``message`` says what went wrong
    part, seconds_left : progress, 0 to 1
    created : seconds since the epoch; the order of the queue
    """

    id: str
    project: Project
    outputs: tuple[Path, ...]
    options: dict[str, Any] = field(default_factory=dict)
    size: tuple[int, int] | None = None
    alpha: bool = False
    device: str = "auto"
    state: State = "waiting"
    message: str = ""
    part: float = 0.0
    seconds_left: float | None = None
    created: float = 0.0

    @property
    def name(self) -> str:
        return self.outputs[0].name if self.outputs else self.project.name

    @property
    def finished(self) -> bool:
        return self.state in ("done", "failed", "cancelled")


Listener = Callable[[QueuedExport], None]


class RenderQueue:
    """Exports in order, on the worker's thread.

    Parameters
    ----------
    studio, worker : that do the work
    folder : default the user's state folder

    Listeners are called with the entry that changed, in the thread where it did; a removed entry has the state
    ``cancelled`` and is no longer in `entries`.
    """

    def __init__(self, studio: Studio, worker: Worker, folder: Path | None = None) -> None:
        self._studio, self._worker = studio, worker
        self._folder = folder or folders.state() / "queue"
        self._lock = threading.RLock()
        self._entries: dict[str, QueuedExport] = {}
        self._jobs: dict[str, Job] = {}
        self._pausing: set[str] = set()
        self._listeners: list[Listener] = []
        for state in STATES:
            (self._folder / state).mkdir(parents=True, exist_ok=True)
        self._load()

    # --- from any thread ---

    @property
    def entries(self) -> list[QueuedExport]:
        """All jobs in the order they were added."""
        with self._lock:
            return sorted(self._entries.values(), key=lambda e: e.created)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def add(
        self,
        project: Project,
        outputs: list[Path],
        options: dict[str, Any] | None = None,
        render: RenderOptions | None = None,
    ) -> QueuedExport:
        """Queue an export of the project as it is now."""
        render = render or RenderOptions(size=project.size)
        entry = QueuedExport(
            id=uuid.uuid4().hex[:12],
            project=project,
            outputs=tuple(Path(p).absolute() for p in outputs),
            options=dict(options or {}),
            size=render.size,
            alpha=render.alpha,
            device=render.device,
            created=time.time(),
        )
        with self._lock:
            self._entries[entry.id] = entry
            self._write(entry)
        self._tell(entry)
        self._submit(entry)
        return entry

    def start(self) -> None:
        """Submit what waits from an earlier session."""
        for entry in self.entries:
            if entry.state == "waiting" and entry.id not in self._jobs:
                self._submit(entry)

    def pause(self, entry_id: str) -> None:
        """Stop at the next frame; what is drawn stays, also over a restart."""
        job = self._jobs.get(entry_id)
        if job is not None and not job.finished.is_set():
            self._pausing.add(entry_id)
            job.cancel()
        elif self._entries[entry_id].state == "waiting":
            self._move(entry_id, "paused")

    def resume(self, entry_id: str) -> None:
        """Go on with a paused job, or try a failed or cancelled one again."""
        entry = self._entries[entry_id]
        if entry.state in ("paused", "failed", "cancelled", "done"):
            self._submit(self._move(entry_id, "waiting", message="", part=0.0, seconds_left=None))

    retry = resume

    def cancel(self, entry_id: str) -> None:
        """Give up a job; it stays in the list."""
        job = self._jobs.get(entry_id)
        if job is not None and not job.finished.is_set():
            job.cancel()
        elif not self._entries[entry_id].finished:
            self._move(entry_id, "cancelled")

    def remove(self, entry_id: str) -> None:
        """Take a job out of the list, cancelling it first."""
        job = self._jobs.pop(entry_id, None)
        with self._lock:
            entry = self._entries.pop(entry_id)
            self._file(entry).unlink(missing_ok=True)
        if job is not None:
            job.cancel()
        self._tell(dataclasses.replace(entry, state="cancelled"))

    def clear_finished(self) -> None:
        for entry in self.entries:
            if entry.finished:
                self.remove(entry.id)

    # --- work ---

    def _submit(self, entry: QueuedExport) -> None:
        def work(context: JobContext) -> list[Path]:
            from app.export import ExportOptions

            self._move(entry.id, "running")
            return self._studio.export(
                entry.project,
                list(entry.outputs),
                options=ExportOptions.from_dict(entry.options),
                render=RenderOptions(size=entry.size, alpha=entry.alpha, device=entry.device),
                progress=context.progress,
                cancel=context.cancel,
            )

        job = Job(f"Export {entry.name}", work, Priority.EXPORT, on_event=lambda event: self._hear(entry.id, event))
        self._jobs[entry.id] = job
        self._worker.submit(job)

    def _hear(self, entry_id: str, event: Event) -> None:
        if entry_id not in self._entries:
            return
        if isinstance(event, Progress):
            with self._lock:
                entry = dataclasses.replace(
                    self._entries[entry_id], part=event.part, seconds_left=event.seconds_left, message=event.what
                )
                self._entries[entry_id] = entry
            self._tell(entry)
        elif isinstance(event, Done):
            self._move(entry_id, "done", part=1.0, message="", seconds_left=0.0)
        elif isinstance(event, Failed):
            if entry_id in self._pausing:
                self._pausing.discard(entry_id)
                self._move(entry_id, "paused", message="", seconds_left=None)
            elif event.cancelled:
                closing = self._worker.closing  # a closed window is no wish to give up: it goes on next time
                self._move(entry_id, "waiting" if closing else "cancelled", message="", seconds_left=None)
            else:
                if event.details:
                    log.error("Export %s failed: %s", entry_id, event.details)
                self._move(entry_id, "failed", message=str(event.error) or type(event.error).__name__)

    def _move(self, entry_id: str, state: State, **fields: Any) -> QueuedExport:
        with self._lock:
            old = self._entries[entry_id]
            entry = dataclasses.replace(old, state=state, **fields)
            self._entries[entry_id] = entry
            with contextlib.suppress(OSError):
                if old.state != state:
                    os.replace(self._file(old), self._file(entry))
            self._write(entry)
        self._tell(entry)
        return entry

    def _tell(self, entry: QueuedExport) -> None:
        for listener in tuple(self._listeners):
            listener(entry)

    # --- files ---

    def _file(self, entry: QueuedExport) -> Path:
        return self._folder / entry.state / f"{entry.id}.json"

    def _write(self, entry: QueuedExport) -> None:
        data = {
            "version": VERSION,
            "pid": os.getpid(),
            "created": entry.created,
            "outputs": [str(p) for p in entry.outputs],
            "options": entry.options,
            "size": list(entry.size) if entry.size else None,
            "alpha": entry.alpha,
            "device": entry.device,
            "message": entry.message,
            "part": entry.part,
            "project": project_file.to_data(entry.project),
        }
        try:
            write_atomic(self._file(entry), project_file.dumps(data))
        except ProjectError as error:  # the export itself may still work, so it is not stopped
            log.info("The queue could not be kept on disk: %s", error)

    def _load(self) -> None:
        for state in STATES:
            for file in (self._folder / state).glob("*.json"):
                with contextlib.suppress(ProjectError, KeyError, TypeError, ValueError):
                    data = read_json(file)
                    if state == "running" and data["pid"] != os.getpid() and process_alive(data["pid"]):
                        continue  # another window is at it
                    entry = QueuedExport(
                        id=file.stem,
                        project=project_file.from_data(data["project"], file.name),
                        outputs=tuple(map(Path, data["outputs"])),
                        options=data["options"],
                        size=tuple(data["size"]) if data["size"] else None,
                        alpha=data["alpha"],
                        device=data["device"],
                        state=state,
                        message=data["message"],
                        part=data["part"],
                        created=data["created"],
                    )
                    self._entries[entry.id] = entry
                    if state == "running":
                        self._move(entry.id, "waiting", message="Interrupted; it goes on where it was.")
