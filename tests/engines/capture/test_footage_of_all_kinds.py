"""Footage as users bring it: each kind has a clear outcome."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from engines.api import Performance, RenderOptions
from engines.capture.capture import capture
from engines.capture.flow import SIDE
from engines.capture.landmarker import Sight
from engines.capture.scores import UNITS
from engines.capture.track import Tracker
from tests.engines.capture.conftest import KnownTake, encode


def test_a_hand_before_the_mouth_is_not_believed(known: KnownTake, tmp_path: Path) -> None:
    frames = [f.copy() for f in known.frames[:16]]
    low = round(0.47 * frames[0].shape[0])
    for frame in frames[8:]:
        frame[low : low + 70, 140:250] = (120, 90, 70)
    found = capture(encode(tmp_path / "hand.mp4", frames), landmarker="bundled")
    assert found.confidence[8:].max() < 0.8 * found.confidence[:8].min()
    assert np.isfinite(found.performance.weights).all()


def test_a_turn_to_the_profile(demo_actor: object, tmp_path: Path) -> None:
    from engines.blendshape.mesh_actor import MeshActor
    from engines.blendshape.mesh_painter import ambient

    mesh = demo_actor.head_mesh()  # type: ignore[attr-defined]
    actor = MeshActor(mesh, ambient(mesh), "turn")
    count = 16
    head = np.zeros((count, 6))
    head[:, 1] = np.linspace(0, 1.4, count)
    performance = Performance.rest(count, Fraction(25)).with_(head=head)
    draw = actor.drawer(performance, RenderOptions(size=(256, 320)))
    found = capture(encode(tmp_path / "turn.mp4", [draw(i) for i in range(count)]), landmarker="bundled")
    assert found.confidence[0] > 0.6
    assert found.confidence[-1] < 0.3
    assert np.rad2deg(found.performance.head[8, 1] - found.performance.head[0, 1]) == pytest.approx(43, abs=9)
    assert found.performance.weights.max() <= 1


def test_a_damaged_end(known: KnownTake, tmp_path: Path) -> None:
    whole = encode(tmp_path / "whole.mp4", known.frames, "-movflags", "faststart", "-g", "5").read_bytes()
    path = tmp_path / "damaged.mp4"
    path.write_bytes(whole[: int(0.6 * len(whole))])
    found = capture(path, landmarker="bundled")
    assert 10 < len(found.performance) < 70
    assert any("damaged" in note for note in found.notes)


def test_uneven_frame_times_keep_their_time(known: KnownTake, tmp_path: Path) -> None:
    # The second half runs at half the rate.
    slow = "setpts='if(lt(N,16),N,16+2*(N-16))/25/TB'"
    path = encode(tmp_path / "uneven.mkv", known.frames[20:44], "-vf", slow, "-fps_mode", "vfr")
    found = capture(path, rate=Fraction(25), landmarker="bundled")
    assert len(found.performance) == pytest.approx(32, abs=2)
    jaw = found.performance.channel("jawOpen")
    assert int(jaw.argmax()) == pytest.approx(13, abs=2), "before the change of rate nothing moves"


@pytest.mark.parametrize(("size", "rate", "count"), [("3840x2160", 25, 4), ("384x216", 240, 48)])
def test_large_and_fast(known: KnownTake, tmp_path: Path, size: str, rate: int, count: int) -> None:
    width, height = map(int, size.split("x"))
    fit = f"scale=-2:{height},pad={width}:{height}:(ow-iw)/2:0"
    path = encode(tmp_path / "clip.mp4", [known.frames[0]] * count, "-vf", fit, "-preset", "ultrafast", rate=rate)
    found = capture(path, landmarker="bundled")
    assert found.performance.rate == min(rate, 60)
    assert len(found.performance) == pytest.approx(count * float(found.performance.rate) / rate, abs=1)
    assert max(found.track.size) <= 960
    assert np.std(found.performance.channel("jawOpen")) < 0.03


def test_of_several_faces_one_is_chosen(known: KnownTake, tmp_path: Path) -> None:
    import cv2

    def both(frame: np.ndarray) -> np.ndarray:
        small = cv2.resize(frame[:, ::-1], None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
        beside = np.full((frame.shape[0], small.shape[1], 3), 90, np.uint8)
        beside[: small.shape[0]] = small
        return np.hstack([frame, beside])

    path = encode(tmp_path / "two.mp4", [both(f) for f in known.frames[:6]])
    places = []
    for face in (0, 1):
        found = capture(path, face=face, landmarker="bundled")
        places.append(found.track.points[:, :, 0].mean())
        assert any("2 faces" in note for note in found.notes)
    assert places[0] < 384 < places[1]


def test_a_cut_to_another_person(known: KnownTake, samples: Path, tmp_path: Path) -> None:
    from engines.face.portrait import load_portrait

    other = load_portrait(samples / "portraits" / "edtalk_identity_source_256.jpg").rgb
    import cv2

    other = cv2.resize(other, (384, 384), interpolation=cv2.INTER_CUBIC)
    frames = [*known.frames[:8], *[np.ascontiguousarray(other)] * 8, *known.frames[:4]]
    found = capture(encode(tmp_path / "cut.mp4", frames), landmarker="bundled")
    assert found.shots == (0, 8, 16)
    assert any("2 people" in note and "frame 8" in note for note in found.notes)
    assert found.performance.weights[8:16].max() < 0.2, "everybody has a rest of their own"
    assert np.rad2deg(np.abs(found.performance.head[:, :3])).max() < 3


def test_a_cut_within_one_person(known: KnownTake, tmp_path: Path) -> None:
    def darker(frame: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray((frame[20:340, 30:350] * 0.45).astype(np.uint8))

    frames = [np.ascontiguousarray(f[:320, :320]) for f in known.frames[:8]]
    frames += [darker(f) for f in known.frames[28:36]]
    found = capture(encode(tmp_path / "cut.mp4", frames), landmarker="bundled")
    assert len(found.shots) == 2
    assert not any("people" in note for note in found.notes)
    assert found.performance.channel("jawOpen")[10:].max() > 0.2


def test_ten_minutes_need_little_memory() -> None:
    """Faces are kept on disk: 15,000 frames leave the landmarks and little more in memory."""
    import tracemalloc

    from engines.rig.head import load_head

    head = load_head()
    points = head.landmarks(head.mesh.vertices).astype(float) * [4, -4, 4] + [60, 60, 0]

    class Still:
        kind = "still"

        def look(self, rgb: np.ndarray, last: np.ndarray) -> Sight:
            return Sight(points, 0.0, np.zeros(len(UNITS)))

    tracker = Tracker(0, Still(), keep=True)
    tracker._last = points
    frame = np.full((120, 120, 3), 128, np.uint8)
    tracemalloc.start()
    for _ in range(300):
        tracker.add(frame)
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    track = tracker.track()
    assert track.faces is not None
    assert track.faces.get(299).shape == (SIDE, SIDE)
    tracker.close()
    assert used < 8e6, "50 times as much for ten minutes would still be less than half a gigabyte"
