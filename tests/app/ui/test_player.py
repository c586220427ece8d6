"""The playback clock with and without a sound device."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from PySide6.QtCore import QIODevice

from app.ui.player import Player, _Source


class Sink:
    """A sound device that has played ``heard`` of the bytes it pulled."""

    def __init__(self, source: _Source) -> None:
        self.source = source
        self.heard = 0

    def bufferSize(self) -> int:
        return 8000

    def bytesFree(self) -> int:
        return 8000 - (self.source.offset - self.heard)

    def reset(self) -> None:
        self.heard = 0

    def start(self, device: QIODevice) -> None:
        self.heard = self.source.offset

    def deleteLater(self) -> None:
        self.source = None  # type: ignore[assignment]


@pytest.fixture
def player(qtbot):
    made = Player(sound=False)
    made.set_voice(np.linspace(-1, 1, 32000).astype(np.float32), 16000)
    made.set_range(0, 50, Fraction(25))
    yield made
    made.close()


def test_the_source_hands_out_the_samples_from_where_it_stands(player):
    source = _Source(np.array([0.0, 0.5, -1.0, 2.0], np.float32), player)
    source.offset = 2
    assert np.frombuffer(source.readData(100), "<i2").tolist() == [16383, -32767, 32767]
    assert source.readData(100) == b""
    assert source.isSequential()


def test_the_time_is_what_was_heard(player):
    source = _Source(player._samples, player)
    sink = Sink(source)
    player._sink, player._source, player._want_sound = sink, source, True
    player.play(10)
    assert player.position_s() == pytest.approx(0.4, abs=0.05)
    source.offset += 16000
    sink.heard = source.offset - 6000  # 0.3125 s further on than when it began
    player.position_s()
    assert player.position_s() == pytest.approx(0.4 + 10000 / 32000, abs=0.05)
    player.stop()


def test_a_small_difference_is_drawn_in_gently(player):
    source = _Source(player._samples, player)
    sink = Sink(source)
    player._sink, player._source, player._want_sound = sink, source, True
    player.play(0)
    source.offset, sink.heard = 3200, 3200  # the device says 0.1 s
    first = player.position_s()
    for _ in range(200):
        last = player.position_s()
    assert first < 0.05
    assert last == pytest.approx(0.1, abs=0.06)
    player.stop()


def test_shuttling_gets_faster_and_turns_round(player):
    player.shuttle(10, True)
    assert player.speed == 1.0
    player.shuttle(10, True)
    assert player.speed == 1.5
    player.shuttle(10, False)
    assert player.speed == -1.0
    player.stop()


def test_playing_from_the_end_starts_over(player, qtbot):
    frames: list[int] = []
    player.frame_due.connect(frames.append)
    player.play(49)
    qtbot.waitUntil(lambda: bool(frames), timeout=3000)
    assert frames[0] < 10
    player.stop()


def test_it_stops_at_the_end_of_the_range(player, qtbot):
    player.set_range(0, 6, Fraction(25))
    with qtbot.waitSignal(player.playing_changed, timeout=3000, check_params_cb=lambda playing: not playing):
        player.play(0)
    assert not player.playing
