"""Frames drawn side by side and handed out in their order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from engines.api import CancelToken

T = TypeVar("T")

WORKERS: Final = 2
"""Frames drawn at the same time; the kernels run without the GIL, so a window's own thread stays free."""
_AHEAD: Final = 3
"""Frames that may wait for their turn: whoever takes them (an encoder, a disk) does so in fits and starts."""


def side_by_side(draw: Callable[[int], T], start: int, stop: int, cancel: CancelToken) -> Iterator[T]:
    """Frames ``start`` to ``stop``, or what belongs to them, in order.

    The first one is drawn alone, for a preview wants it at once.

    Parameters
    ----------
    draw : makes frame ``i``; called from several threads, so it must not change what they share

    Raises
    ------
    Cancelled
        If ``cancel`` was set; frames that are being drawn are finished first.
    """
    if start == stop:
        return
    cancel.check()
    yield draw(start)
    workers = min(WORKERS, os.cpu_count() or 1, stop - start - 1)
    if workers <= 1:
        for i in range(start + 1, stop):
            cancel.check()
            yield draw(i)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="soliloquy-draw")
    try:
        waiting: deque[Future[T]] = deque()
        following = start + 1
        for _ in range(start + 1, stop):
            while following < stop and len(waiting) < workers + _AHEAD:
                waiting.append(pool.submit(draw, following))
                following += 1
            cancel.check()
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
