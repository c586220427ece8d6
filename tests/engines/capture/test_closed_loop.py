"""What was drawn is read back: from the file at once, and live frame by frame."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from engines import arkit
from engines.api import Performance
from engines.capture.capture import Capture, capture
from engines.capture.live import LiveCapture, LiveFrame, camera, live, recorded
from engines.errors import InputError
from tests.engines.capture.conftest import DEMO, KnownTake

UNITS = {"jawOpen": 0.9, "mouthSmile": 0.9, "mouthPucker": 0.8, "browInnerUp": 0.9, "eyeBlink": 0.85}


@pytest.fixture(scope="module")
def found(known: KnownTake) -> Capture:
    return capture(known.path, landmarker="bundled")


def agreement(a: Performance, b: Performance, unit: str) -> float:
    index = [arkit.INDEX[unit]] if unit in arkit.INDEX else list(arkit.indices(unit))
    return float(np.corrcoef(a.weights[:, index].mean(1), b.weights[:, index].mean(1))[0, 1])


@pytest.mark.parametrize("unit", list(UNITS))
def test_units_come_back(known: KnownTake, found: Capture, unit: str) -> None:
    assert agreement(found.performance, known.performance, unit) > UNITS[unit]


def test_amplitudes_come_back(known: KnownTake, found: Capture) -> None:
    for unit in ("jawOpen", "mouthSmileLeft", "browInnerUp"):
        assert found.performance.channel(unit).max() == pytest.approx(known.performance.channel(unit).max(), abs=0.25)


def test_eyes_that_shut_come_back_shut(known: KnownTake, found: Capture) -> None:
    shut = known.performance.channel("eyeBlinkLeft") > 0.95
    assert shut.sum() >= 2
    assert found.performance.channel("eyeBlinkLeft")[shut].min() > 0.7


def test_the_head_comes_back(known: KnownTake, found: Capture) -> None:
    error = np.rad2deg(found.performance.head[:, :3] - known.performance.head[:, :3])
    assert np.abs(error - np.median(error, 0)).mean() < 1.5


def test_every_frame_is_sure(found: Capture) -> None:
    assert found.confidence.min() > 0.5
    assert found.track.faces is None, "the temporary file is gone"


@pytest.fixture(scope="module")
def acted(known: KnownTake) -> list[LiveFrame]:
    """The take acted before a camera, which a file stands in for."""
    return list(live(camera(str(known.path), paced=False), landmarker="bundled", settle_s=0.8))


def test_live_follows_at_once(known: KnownTake, acted: list[LiveFrame]) -> None:
    states = [f.state for f in acted]
    assert states[0] == "settling"
    assert set(states[22:]) == {"live"}
    performance = recorded(acted, Fraction(25))
    start = states.index("live")
    asked = known.performance.slice(start, len(known.performance))
    assert len(performance) == len(asked)
    for unit in ("jawOpen", "mouthSmile", "browInnerUp"):
        assert agreement(performance, asked, unit) > 0.8
        lags = [_shifted(performance, asked, unit, k) for k in range(5)]
        assert int(np.argmax(lags)) <= 1, "no more than one frame late"
    assert np.abs(acted[start].weights).max() < 0.2, "rest is rest"


def _shifted(found: Performance, asked: Performance, unit: str, late: int) -> float:
    return agreement(found.slice(late, len(found)), asked.slice(0, len(asked) - late), unit)


def test_live_goes_to_rest_when_the_face_is_lost(known: KnownTake) -> None:
    session = LiveCapture(settle_s=0.1)
    empty = np.zeros_like(known.frames[0])
    for i in range(8):
        frame = session.push(known.frames[33 if i > 5 else 0], i / 25)
    assert frame.state == "live"
    assert frame.weights[arkit.INDEX["jawOpen"]] > 0.1
    lost = [session.push(empty, 8 / 25 + i / 10) for i in range(9)]
    assert lost[0].state == "lost"
    assert lost[0].weights[arkit.INDEX["jawOpen"]] > 0.1, "held for a moment"
    assert lost[-1].weights.max() == 0
    assert lost[-1].confidence == 0
    met = session.push(known.frames[0], 5.0)
    assert met.state == "settling", "after a while it may be another person"
    session.close()


def test_a_slow_machine_keeps_the_actor(known: KnownTake) -> None:
    session = LiveCapture(settle_s=0.1)
    for i in range(5):
        frame = session.push(known.frames[0], i / 25)
    assert frame.state == "live"
    late = session.push(known.frames[33], 4.0)
    assert late.state == "live", "no pictures for a while does not mean that the actor was away"
    session.close()


def test_nobody_before_the_camera() -> None:
    blank = np.zeros((120, 160, 3), np.uint8)
    frames = list(live([(i / 25, blank) for i in range(3)], landmarker="bundled"))
    assert {f.state for f in frames} == {"waiting"}
    with pytest.raises(InputError, match="No face was seen"):
        recorded(frames, Fraction(25))


def test_no_such_camera() -> None:
    with pytest.raises(InputError, match="cannot be opened"):
        next(camera("/dev/video97"))
    with pytest.raises(InputError, match="holds no video"):
        next(camera(str(DEMO.with_name("voice.txt"))))


def test_a_file_that_reads_too_slowly_still_shows_pictures(known: KnownTake, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(step=1.0)  # every look at the clock, a second has passed
    monkeypatch.setattr("engines.capture.live.time.monotonic", lambda: float(next(clock)))
    monkeypatch.setattr("engines.capture.live.time.sleep", lambda _: None)
    times = [time_s for time_s, _ in camera(str(known.path))]
    assert times[0] == 0
    assert len(times) >= 75 // 13
    assert times == sorted(times)
