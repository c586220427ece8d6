"""One long-lived worker thread that owns the device: a queue, preview before export, cancel, pause.

No Qt here: events are plain callbacks, called in the worker thread; `app.qtbridge` carries them to the window.
A job is any callable that takes a `JobContext`. Long work calls `JobContext.checkpoint` between frames and steps:
there it is cancelled, there it waits while paused, and there waiting jobs of higher priority (previews) run in between.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
import traceback
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from engines.api import CancelToken
from engines.errors import Cancelled, StudioError

log = logging.getLogger(__name__)

THREAD_NAME: Final = "soliloquy-worker"
STACK_BYTES: Final = 16 << 20
"""macOS gives threads half a megabyte, too little for deep networks."""


class Priority(IntEnum):
    """Lower runs first."""

    PREVIEW = 0
    INTERACTIVE = 1
    """Analysis, preparing a portrait: the artist waits for it."""
    BACKGROUND = 2
    EXPORT = 3


@dataclass(frozen=True)
class Progress:
    """``part`` of 0 to 1 is done; ``seconds_left`` is None while unknown."""

    job: Job
    part: float
    what: str
    seconds_left: float | None


@dataclass(frozen=True)
class Preview:
    """Something to show before the job is done: usually ``(frame, image)``."""

    job: Job
    value: Any


@dataclass(frozen=True)
class Done:
    job: Job
    result: Any


@dataclass(frozen=True)
class Failed:
    """``error`` may be `engines.errors.Cancelled`; ``details`` is the traceback, empty for errors raised on purpose."""

    job: Job
    error: Exception
    details: str = ""

    @property
    def cancelled(self) -> bool:
        return isinstance(self.error, Cancelled)


Event = Progress | Preview | Done | Failed
EventListener = Callable[[Event], None]


@dataclass(eq=False)
class Job:
    """Work for the worker thread.

    Attributes
    ----------
    name : for people
    work : called with a `JobContext` in the worker thread; what it returns is the result
    key : a newer job with the same key replaces this one, waiting or running (the newest preview wins)
    is_stale : true when nobody wants the result any more; its events are then dropped
    on_event : called with every event of this job, in the worker thread
    """

    name: str
    work: Callable[[JobContext], Any]
    priority: Priority = Priority.INTERACTIVE
    key: Hashable | None = None
    is_stale: Callable[[], bool] | None = None
    on_event: EventListener | None = None
    cancel_token: CancelToken = field(default_factory=CancelToken)
    finished: threading.Event = field(default_factory=threading.Event)
    _running: threading.Event = field(default_factory=threading.Event)
    _resume: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._resume.set()

    def cancel(self) -> None:
        self.cancel_token.cancel()
        self._resume.set()

    def pause(self) -> None:
        """Stop at the next checkpoint until `resume`; other jobs go on."""
        self._resume.clear()

    def resume(self) -> None:
        self._resume.set()

    @property
    def paused(self) -> bool:
        return not self._resume.is_set()

    @property
    def running(self) -> bool:
        return self._running.is_set() and not self.finished.is_set()


class JobContext:
    """What a running job sees of the worker."""

    def __init__(self, worker: Worker, job: Job) -> None:
        self._worker = worker
        self.job = job
        self.cancel = _YieldingToken(self)
        self._started = time.monotonic()
        self._last = (0.0, "", 0.0)

    def progress(self, part: float, what: str = "") -> None:
        """Report; matches `engines.api.Progress`. Coalesced to 20 a second."""
        now = time.monotonic()
        last_part, last_what, last_time = self._last
        if part < 1.0 and what == last_what and now - last_time < 0.05:
            return
        if part < last_part:
            self._started = now  # another stage began to count
        self._last = (part, what, now)
        elapsed = now - self._started
        left = elapsed * (1 - part) / part if part > 0.02 and elapsed > 0.5 else None
        self._worker.emit(Progress(self.job, part, what, left))

    def preview(self, value: Any) -> None:
        self._worker.emit(Preview(self.job, value))

    def checkpoint(self) -> None:
        """Let previews run, wait while paused.

        Raises
        ------
        Cancelled
            If the job was cancelled.
        """
        self.job.cancel_token.check()
        self._worker.run_waiting(self.job)
        self.job.cancel_token.check()


class _YieldingToken(CancelToken):
    """The token that engines poll: each poll is a checkpoint."""

    def __init__(self, context: JobContext) -> None:
        super().__init__()
        self._context = context

    def cancel(self) -> None:
        self._context.job.cancel()

    @property
    def cancelled(self) -> bool:
        return self._context.job.cancel_token.cancelled

    def check(self) -> None:
        self._context.checkpoint()


class Worker:
    """The worker thread and its queue.

    Parameters
    ----------
    listener : called with every event of every job, in the worker thread
    """

    def __init__(self, listener: EventListener | None = None) -> None:
        self._listeners: list[EventListener] = [listener] if listener else []
        self._queue: list[tuple[int, int, Job]] = []
        self._order = itertools.count()
        self._condition = threading.Condition()
        self._stack: list[Job] = []
        self._closing = False
        self._thread = threading.Thread(target=self._loop, name=THREAD_NAME, daemon=True)
        usual = threading.stack_size(STACK_BYTES)
        try:
            self._thread.start()
        finally:
            threading.stack_size(usual)

    # --- from any thread ---

    def submit(self, job: Job) -> Job:
        """Queue a job; one with the same key that waits or runs is cancelled first."""
        with self._condition:
            if self._closing:
                raise StudioError("Soliloquy is closing and takes no more work.")
            if job.key is not None:
                for other in [*self._stack, *(entry[2] for entry in self._queue)]:
                    if other.key == job.key:
                        other.cancel()
            heapq.heappush(self._queue, (int(job.priority), next(self._order), job))
            self._condition.notify_all()
        return job

    def subscribe(self, listener: EventListener) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    @property
    def jobs(self) -> list[Job]:
        """Running jobs, then waiting ones in the order they will run."""
        with self._condition:
            return [*reversed(self._stack), *(entry[2] for entry in sorted(self._queue, key=lambda e: e[:2]))]

    @property
    def busy(self) -> bool:
        with self._condition:
            return bool(self._stack or self._queue)

    @property
    def closing(self) -> bool:
        """Whether `close` was called."""
        return self._closing

    def cancel_all(self) -> None:
        for job in self.jobs:
            job.cancel()

    def close(self, timeout_s: float = 5.0) -> bool:
        """Cancel everything and end the thread; whether it ended in time."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        self.cancel_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                log.info("The worker did not stop within %.0f s.", timeout_s)
        return not self._thread.is_alive()

    # --- in the worker thread ---

    def emit(self, event: Event) -> None:
        """Tell listeners, unless the job is stale."""
        stale = event.job.is_stale is not None and event.job.is_stale()
        if stale and not isinstance(event, Failed):
            if isinstance(event, Progress | Preview):
                return
            event = Failed(event.job, Cancelled("The project has changed meanwhile."))
        for listener in (event.job.on_event, *self._listeners):
            if listener is not None:
                try:
                    listener(event)
                except Exception:
                    log.exception("A listener failed on %s of %r.", type(event).__name__, event.job.name)

    def run_waiting(self, job: Job) -> None:
        """At a checkpoint of ``job``: run what is more urgent, and whatever waits while ``job`` is paused."""
        while True:
            with self._condition:
                below = int(Priority.EXPORT) + 1 if job.paused else int(job.priority)
                following = self._pop(below)
                if following is None:
                    if not job.paused or job.cancel_token.cancelled:
                        return
                    self._condition.wait(0.1)
                    continue
            self._run(following)

    def _pop(self, below: int) -> Job | None:
        """The most urgent waiting job of a priority under ``below``; the lock is held."""
        if self._queue and self._queue[0][0] < below:
            return heapq.heappop(self._queue)[2]
        return None

    def _loop(self) -> None:
        while True:
            with self._condition:
                while (job := self._pop(int(Priority.EXPORT) + 1)) is None:
                    if self._closing:
                        return
                    self._condition.wait()
            self._run(job)
            del job

    def _run(self, job: Job) -> None:
        with self._condition:
            self._stack.append(job)
        job._running.set()
        try:
            job.cancel_token.check()
            result = job.work(JobContext(self, job))
            event: Event = Done(job, result)
        except StudioError as error:
            event = Failed(job, error.with_traceback(None))
        except MemoryError as error:
            event = Failed(
                job, StudioError(f"{job.name}: the computer ran out of memory. Close other programs."), str(error)
            )
        except Exception as error:
            event = Failed(job, error.with_traceback(None), traceback.format_exc())
        finally:
            with self._condition:
                self._stack.remove(job)
        try:
            self.emit(event)
        finally:
            job.finished.set()
