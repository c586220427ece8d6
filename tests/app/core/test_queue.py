"""The render queue survives pauses, failures, crashes and restarts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from app.core import safety
from app.core.jobs import Worker
from app.core.project import EmotionClip, Project
from app.core.queue import QueuedExport, RenderQueue
from app.core.studio import Studio
from engines.errors import ExportError

PROJECT = Project(name="Shot", emotions=(EmotionClip(0, None, "happy"),))


class Exports:
    """Stands in for the studio's export: counts, waits, fails on demand."""

    def __init__(self) -> None:
        self.calls: list[Project] = []
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.error: Exception | None = None

    def export(self, project: Project, outputs: list[Path], *, progress: Any, cancel: Any, **_: Any) -> list[Path]:
        self.calls.append(project)
        self.begun.set()
        if self.error is not None:
            raise self.error
        while not self.gate.wait(0.005):
            cancel.check()
            progress(0.5, "Drawing")
        return outputs


@pytest.fixture
def exports() -> Exports:
    return Exports()


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


@pytest.fixture
def queue(exports: Exports, worker: Worker) -> RenderQueue:
    return RenderQueue(cast(Studio, exports), worker)


def wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def only(queue: RenderQueue) -> QueuedExport:
    (entry,) = queue.entries
    return entry


def test_an_export_is_done_with_the_project_as_it_was(queue: RenderQueue, exports: Exports, tmp_path: Path) -> None:
    heard: list[QueuedExport] = []
    queue.subscribe(heard.append)
    exports.gate.set()
    queue.add(PROJECT, [tmp_path / "a.mp4"])
    wait(lambda: only(queue).state == "done")
    assert exports.calls == [PROJECT]
    assert list(dict.fromkeys(e.state for e in heard)) == ["waiting", "running", "done"]
    assert only(queue).part == 1.0


def test_pause_and_resume(queue: RenderQueue, exports: Exports, tmp_path: Path) -> None:
    entry = queue.add(PROJECT, [tmp_path / "a.mp4"])
    assert exports.begun.wait(5)
    queue.pause(entry.id)
    wait(lambda: only(queue).state == "paused")
    exports.gate.set()
    queue.resume(entry.id)
    wait(lambda: only(queue).state == "done")
    assert len(exports.calls) == 2


def test_a_failure_is_told_and_can_be_tried_again(queue: RenderQueue, exports: Exports, tmp_path: Path) -> None:
    exports.error = ExportError("There is no space left for a.mp4. Free some space.")
    entry = queue.add(PROJECT, [tmp_path / "a.mp4"])
    wait(lambda: only(queue).state == "failed")
    assert "no space left" in only(queue).message
    exports.error = None
    exports.gate.set()
    queue.retry(entry.id)
    wait(lambda: only(queue).state == "done")


def test_cancel_and_remove(queue: RenderQueue, exports: Exports, tmp_path: Path) -> None:
    first, second = (queue.add(PROJECT, [tmp_path / f"{n}.mp4"]) for n in "ab")
    assert exports.begun.wait(5)
    queue.cancel(first.id)
    queue.remove(second.id)
    wait(lambda: [e.state for e in queue.entries] == ["cancelled"])
    queue.clear_finished()
    assert queue.entries == []
    assert not list(queue._folder.rglob("*.json"))


def test_after_a_crash_the_running_job_waits_again(
    queue: RenderQueue, exports: Exports, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.add(PROJECT, [tmp_path / "a.mp4"], {"quality": 50})
    assert exports.begun.wait(5)
    assert len(list((queue._folder / "running").glob("*.json"))) == 1
    monkeypatch.setattr(safety, "process_alive", lambda pid: False)
    other = Worker()
    after = RenderQueue(cast(Studio, exports), other)  # as a restarted process finds the folder
    found = only(after)
    assert (found.state, found.project, found.options) == ("waiting", PROJECT, {"quality": 50})
    exports.gate.set()
    after.start()
    wait(lambda: only(after).state == "done")
    other.close()


def test_closing_the_window_keeps_the_job_for_the_next_time(
    queue: RenderQueue, exports: Exports, worker: Worker, tmp_path: Path
) -> None:
    queue.add(PROJECT, [tmp_path / "a.mp4"])
    assert exports.begun.wait(5)
    worker.close()
    assert only(queue).state == "waiting"
    again = Worker()
    assert only(RenderQueue(cast(Studio, exports), again)).state == "waiting"
    again.close()


def test_damaged_files_are_passed_over(queue: RenderQueue, exports: Exports, worker: Worker) -> None:
    (queue._folder / "waiting" / "x.json").write_text("{")
    (queue._folder / "waiting" / "y.json").write_text("{}")
    assert RenderQueue(cast(Studio, exports), worker).entries == []
