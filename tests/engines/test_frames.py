"""Frames drawn side by side: in order, no further ahead than agreed, and soon over when cancelled."""

from __future__ import annotations

import threading
import time

import pytest

from engines import frames
from engines.api import CancelToken
from engines.errors import Cancelled


def test_order_is_kept_whatever_each_frame_takes() -> None:
    def draw(i: int) -> int:
        time.sleep(0.004 * (3 - i % 4))
        return i

    assert list(frames.side_by_side(draw, 5, 31, CancelToken())) == list(range(5, 31))
    assert list(frames.side_by_side(draw, 4, 4, CancelToken())) == []
    assert list(frames.side_by_side(draw, 4, 5, CancelToken())) == [4]


def test_a_slow_taker_is_not_run_away_from() -> None:
    drawn: list[int] = []
    ahead = 0
    for taken in frames.side_by_side(lambda i: drawn.append(i) or i, 0, 60, CancelToken()):
        time.sleep(0.002)
        ahead = max(ahead, len(drawn) - taken)
    assert sorted(drawn) == list(range(60))
    assert ahead <= frames.WORKERS + frames._AHEAD + 1


def test_a_cancel_ends_it_and_leaves_no_thread() -> None:
    cancel = CancelToken()
    stream = frames.side_by_side(lambda i: i, 0, 100, cancel)
    assert [next(stream) for _ in range(8)] == list(range(8))
    cancel.cancel()
    with pytest.raises(Cancelled):
        next(stream)
    assert not [t for t in threading.enumerate() if t.name.startswith("soliloquy-draw")]


def test_what_goes_wrong_in_a_frame_reaches_the_taker() -> None:
    def draw(i: int) -> int:
        if i == 9:
            raise MemoryError("no room")
        return i

    with pytest.raises(MemoryError, match="no room"):
        list(frames.side_by_side(draw, 0, 20, CancelToken()))
