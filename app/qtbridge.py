"""The one crossing from background work to the window.

Jobs and the render queue tell of themselves by plain callbacks in the worker thread. A `Relay` queues what they say
and hands it out again as a Qt signal in the window's thread. Progress and previews are thinned to the newest one of
each job and to 20 deliveries a second; results, failures and changes of state always arrive, at once and in order.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Any, Final

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

from app.core.jobs import Done, Event, Failed, Worker
from app.core.queue import QueuedExport, RenderQueue

INTERVAL_MS: Final = 50
"""Shortest time between two deliveries of things that can wait: 20 a second."""


class Relay(QObject):
    """Carries values from any thread into the thread that made the relay.

    Signals
    -------
    arrived : a value that was put, in order
    """

    arrived = Signal(object)
    _wake = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._waiting: list[tuple[Hashable, Any]] = []
        self._awake = False
        self._closed = False
        self._since = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._deliver)
        self._wake.connect(self._on_wake, Qt.ConnectionType.QueuedConnection)

    def put(self, value: Any, key: Hashable = None) -> None:
        """Send a value, from any thread.

        Parameters
        ----------
        key : a waiting value with the same key is replaced; None: every value arrives, without delay
        """
        with self._lock:
            if self._closed:
                return
            if key is not None:
                for index, (other, _) in enumerate(self._waiting):
                    if other == key:
                        self._waiting[index] = key, value
                        return
            self._waiting.append((key, value))
            if self._awake and key is not None:
                return
            self._awake = True
        self._wake.emit()

    def close(self) -> None:
        """Carry nothing more; what waits is dropped."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
        self._timer.stop()

    def _on_wake(self) -> None:
        with self._lock:
            urgent = any(key is None for key, _ in self._waiting)
        passed = self._since.elapsed() if self._since.isValid() else INTERVAL_MS
        if urgent or passed >= INTERVAL_MS:
            self._deliver()
        elif not self._timer.isActive():
            self._timer.start(int(INTERVAL_MS - passed))

    def _deliver(self) -> None:
        self._timer.stop()
        self._since.start()
        with self._lock:
            values, self._waiting = self._waiting, []
            self._awake = False
        for _, value in values:
            self.arrived.emit(value)


class JobBridge(Relay):
    """Carries a worker's events (`app.core.jobs.Event`)."""

    def __init__(self, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._unsubscribe = worker.subscribe(self._on_event)

    def _on_event(self, event: Event) -> None:
        urgent = isinstance(event, Done | Failed)
        self.put(event, None if urgent else (id(event.job), type(event).__name__))

    def close(self) -> None:
        self._unsubscribe()
        super().close()


class QueueBridge(Relay):
    """Carries the render queue's entries (`app.core.queue.QueuedExport`) as they change."""

    def __init__(self, queue: RenderQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._states: dict[str, str] = {}
        self._unsubscribe = queue.subscribe(self._on_entry)

    def _on_entry(self, entry: QueuedExport) -> None:
        same = self._states.get(entry.id) == entry.state
        self._states[entry.id] = entry.state
        self.put(entry, entry.id if same else None)

    def close(self) -> None:
        self._unsubscribe()
        super().close()
