"""Drawn frames in memory, least recently used out first. Filled by the worker thread, read by the window."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable

import numpy as np

LIMIT_BYTES = 320 << 20


class FrameCache:
    """Frames by (take, number).

    Parameters
    ----------
    limit_bytes : frames beyond it are forgotten, the least recently used first
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._bytes = 0
        self._frames: OrderedDict[tuple[Hashable, int], np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, take: Hashable, frame: int, image: np.ndarray) -> None:
        """Keep a frame : uint8 (H, W, 3 or 4)."""
        with self._lock:
            old = self._frames.pop((take, frame), None)
            self._bytes += image.nbytes - (0 if old is None else old.nbytes)
            self._frames[take, frame] = image
            while self._bytes > self._limit and len(self._frames) > 1:
                _, gone = self._frames.popitem(last=False)
                self._bytes -= gone.nbytes

    def get(self, take: Hashable, frame: int) -> np.ndarray | None:
        with self._lock:
            image = self._frames.get((take, frame))
            if image is not None:
                self._frames.move_to_end((take, frame))
            return image

    def has(self, take: Hashable, frame: int) -> bool:
        with self._lock:
            return (take, frame) in self._frames

    def missing(self, take: Hashable, frames: Iterable[int]) -> list[int]:
        """Those of ``frames`` that are not there."""
        with self._lock:
            return [frame for frame in frames if (take, frame) not in self._frames]

    def clear(self) -> None:
        with self._lock:
            self._frames.clear()
            self._bytes = 0

    @property
    def size_bytes(self) -> int:
        return self._bytes
