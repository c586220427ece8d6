"""The crossing from worker threads to the window's thread."""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any

from PySide6.QtCore import QObject, QThread

from app.core.jobs import Done, Failed, Job, Preview, Progress, Worker
from app.qtbridge import INTERVAL_MS, JobBridge, Relay


class Ear(QObject):
    """Collects what a relay delivers, with the thread and the time."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[Any, QThread, float]] = []

    def hear(self, value: Any) -> None:
        self.heard.append((value, QThread.currentThread(), time.monotonic()))

    def values(self) -> list[Any]:
        return [value for value, _, _ in self.heard]


def test_values_arrive_in_the_thread_that_made_the_relay(qtbot):
    relay, ear = Relay(), Ear()
    relay.arrived.connect(ear.hear)
    sender = threading.Thread(target=lambda: [relay.put(n) for n in range(5)])
    sender.start()
    sender.join()
    assert ear.heard == []  # nothing crosses before the event loop runs
    qtbot.waitUntil(lambda: len(ear.heard) == 5)
    assert ear.values() == [0, 1, 2, 3, 4]
    assert {thread for _, thread, _ in ear.heard} == {QThread.currentThread()}
    relay.close()


def test_values_with_a_key_are_thinned_to_the_newest(qtbot):
    relay, ear = Relay(), Ear()
    relay.arrived.connect(ear.hear)

    def talk() -> None:
        for number in range(400):
            relay.put(number, "progress")
            time.sleep(0.001)
        relay.put("end")

    sender = threading.Thread(target=talk)
    sender.start()
    qtbot.waitUntil(lambda: "end" in ear.values(), timeout=5000)
    sender.join()
    numbers = [value for value in ear.values() if value != "end"]
    assert numbers == sorted(numbers)
    assert ear.values()[-2:] == [399, "end"]
    times = [t for value, _, t in ear.heard if value != "end"]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert all(gap > INTERVAL_MS / 1000 * 0.8 for gap in gaps[:-1])
    relay.close()


def test_a_closed_relay_carries_nothing(qtbot):
    relay, ear = Relay(), Ear()
    relay.arrived.connect(ear.hear)
    relay.put(1)
    relay.close()
    relay.put(2)
    qtbot.wait(60)
    assert ear.heard == []


def test_results_and_failures_of_jobs_always_arrive(qtbot):
    worker = Worker()
    bridge, ear = JobBridge(worker), Ear()
    bridge.arrived.connect(ear.hear)

    def work(context: Any) -> int:
        for step in range(50):
            context.progress(step / 50, "counting")
            context.preview(step)
        return 7

    def fail(context: Any) -> None:
        raise ValueError("broken")

    worker.submit(Job("count", work))
    worker.submit(Job("fail", fail))
    qtbot.waitUntil(lambda: sum(isinstance(v, Done | Failed) for v in ear.values()) == 2, timeout=5000)
    done = next(v for v in ear.values() if isinstance(v, Done))
    failed = next(v for v in ear.values() if isinstance(v, Failed))
    assert done.result == 7
    assert isinstance(failed.error, ValueError)
    assert "broken" in failed.details
    assert [v.value for v in ear.values() if isinstance(v, Preview)][-1] == 49
    assert sum(isinstance(v, Progress) for v in ear.values()) <= 3
    bridge.close()
    assert worker.close()
