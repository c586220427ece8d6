"""The worker: order, cancel, pause, previews in between, errors as events."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from app.core.jobs import Done, Event, Failed, Job, JobContext, Preview, Priority, Progress, Worker
from engines.errors import InputError, StudioError


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def worker(events: list[Event]) -> Iterator[Worker]:
    worker = Worker(events.append)
    yield worker
    assert worker.close()


def finish(*jobs: Job) -> None:
    for job in jobs:
        assert job.finished.wait(10)


def test_results_and_errors_are_events(worker: Worker, events: list[Event], caplog: pytest.LogCaptureFixture) -> None:
    def bad(context: JobContext) -> None:
        raise InputError("The voice is empty.")

    def broken(context: JobContext) -> None:
        raise RuntimeError("a bug")

    jobs = [worker.submit(Job("ok", lambda c: 5)), worker.submit(Job("bad", bad)), worker.submit(Job("broken", broken))]
    finish(*jobs)
    done, failed, bug = events
    assert isinstance(done, Done)
    assert done.result == 5
    assert isinstance(failed, Failed)
    assert str(failed.error) == "The voice is empty."
    assert failed.details == ""
    assert isinstance(bug, Failed)
    assert "RuntimeError: a bug" in bug.details


def test_previews_run_between_the_frames_of_an_export(worker: Worker) -> None:
    order: list[str] = []
    submitted, begun = threading.Event(), threading.Event()

    def export(context: JobContext) -> None:
        order.append("export begins")
        begun.set()
        submitted.wait(5)
        context.checkpoint()
        order.append("export ends")

    job = worker.submit(Job("export", export, Priority.EXPORT))
    assert begun.wait(5)
    preview = worker.submit(Job("preview", lambda c: order.append("preview"), Priority.PREVIEW))
    submitted.set()
    finish(job, preview)
    assert order == ["export begins", "preview", "export ends"]


def test_the_newest_of_a_key_wins(worker: Worker, events: list[Event]) -> None:
    gate = threading.Event()
    first = worker.submit(Job("blocks", lambda c: gate.wait(5)))
    jobs = [worker.submit(Job(str(i), lambda c, i=i: i, Priority.PREVIEW, key="frame")) for i in range(5)]
    gate.set()
    finish(first, *jobs)
    assert [e.result for e in events if isinstance(e, Done) and e.job in jobs] == [4]
    assert sum(isinstance(e, Failed) and e.cancelled for e in events) == 4


def test_a_running_job_is_cancelled_at_its_next_checkpoint(worker: Worker, events: list[Event]) -> None:
    running = threading.Event()

    def work(context: JobContext) -> None:
        while True:
            running.set()
            context.cancel.check()
            time.sleep(0.001)

    job = worker.submit(Job("endless", work))
    assert running.wait(5)
    job.cancel()
    finish(job)
    (failed,) = events
    assert isinstance(failed, Failed)
    assert failed.cancelled


def test_a_paused_export_lets_others_run_and_goes_on(worker: Worker) -> None:
    steps: list[int] = []
    reached = threading.Event()

    def export(context: JobContext) -> None:
        for i in range(3):
            context.checkpoint()
            steps.append(i)
            reached.set()
            if i == 0:
                context.job.pause()

    job = worker.submit(Job("one", export, Priority.EXPORT))
    assert reached.wait(5)
    other = worker.submit(Job("two", lambda c: None, Priority.EXPORT))
    finish(other)
    assert steps == [0]
    assert job.paused
    job.resume()
    finish(job)
    assert steps == [0, 1, 2]


def test_stale_results_are_dropped(worker: Worker, events: list[Event]) -> None:
    def work(context: JobContext) -> int:
        context.preview("old frame")
        return 1

    finish(worker.submit(Job("stale", work, is_stale=lambda: True)))
    assert not any(isinstance(e, Done | Preview) for e in events)
    assert isinstance(events[-1], Failed)
    assert events[-1].cancelled


def test_progress_is_coalesced_and_estimates_the_rest(worker: Worker, events: list[Event]) -> None:
    def work(context: JobContext) -> None:
        for i in range(2000):
            context.progress(i / 2000, "Drawing")
        time.sleep(0.55)
        context.progress(0.5, "Drawing")

    finish(worker.submit(Job("p", work)))
    progress = [e for e in events if isinstance(e, Progress)]
    assert len(progress) < 40


def test_out_of_memory_is_said_in_words(worker: Worker, events: list[Event]) -> None:
    def work(context: JobContext) -> None:
        raise MemoryError

    finish(worker.submit(Job("Export", work)))
    assert isinstance(events[0], Failed)
    assert "ran out of memory" in str(events[0].error)


def test_a_failing_listener_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Event] = []

    def fails(event: Event) -> None:
        raise ValueError

    worker = Worker(fails)
    worker.subscribe(heard.append)
    finish(worker.submit(Job("a", lambda c: 1)))
    assert worker.close()
    assert len(heard) == 1
    assert "A listener failed" in caplog.text
    caplog.clear()


def test_closing_cancels_and_takes_no_more() -> None:
    worker = Worker()
    job = worker.submit(Job("endless", lambda c: [c.checkpoint() for _ in iter(int, 1)]))
    assert worker.close()
    assert job.finished.is_set()
    with pytest.raises(StudioError, match="closing"):
        worker.submit(Job("late", lambda c: None))
