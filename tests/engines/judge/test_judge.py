"""The whole judge on a second of real footage."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from engines.api import CancelToken, Performance
from engines.capture.video import open_video
from engines.errors import Cancelled, InputError
from engines.judge.judge import judge_frames, judge_video, measured
from engines.judge.registry import NotMeasured, metrics
from tests.engines.judge.made import FPS, talking, voice


@pytest.fixture(scope="module")
def footage(samples: Path) -> list[np.ndarray]:
    video = open_video(samples / "video" / "edtalk_mouth_source_256_25fps_10s.mp4")
    return list(islice(video.frames(), 25))


def test_against_itself_nothing_differs(footage: list[np.ndarray]) -> None:
    found = judge_frames(iter(footage), FPS, reference=iter(footage), performance=Performance.rest(25, FPS))
    assert found.value("psnr") == 100
    assert found.value("ssim") == pytest.approx(1)
    for name in ("m_lmd", "f_lmd", "akd", "pose_error", "gaze_error"):
        # The reference is followed by a follower of its own, which sees the same.
        assert found.value(name) == pytest.approx(0, abs=1e-6)
    assert found.value("face_seen") == 100
    assert found.value("mouth_range") > 0.02
    assert len(found.measures) == len(metrics())
    for measure in found.measures:
        assert (measure.value is None) == bool(measure.reason)
    assert "--voice" in next(m.reason for m in found.measures if m.metric.id == "sync_offset")
    assert 1 <= len(found.evidence.take.strip) <= 24


def test_a_worse_copy_is_told_from_the_original(footage: list[np.ndarray]) -> None:
    import cv2

    worse = [cv2.GaussianBlur(np.roll(f, 2, 1), (0, 0), 2) for f in footage[:8]]
    found = judge_frames(iter(worse), FPS, reference=iter(footage))
    assert found.value("psnr") < 30
    assert found.value("ssim") < 0.95
    assert found.value("akd") > 1
    assert found.value("m_lmd") < found.value("akd")


def test_bad_input_and_cancel(tmp_path: Path, footage: list[np.ndarray]) -> None:
    with pytest.raises(InputError, match="no frames"):
        judge_frames(iter([]), FPS, name="the clip")
    with pytest.raises(InputError, match="No face"):
        judge_frames(iter([np.full((64, 64, 3), 90, np.uint8)] * 2), FPS)
    with pytest.raises(InputError, match="no video file"):
        judge_video(tmp_path / "gone.mp4")
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        judge_frames(iter(footage), FPS, cancel=token)


def test_a_metric_that_cannot_be_measured_spoils_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from engines.judge import behaviour
    from engines.judge.evidence import Evidence

    def refuse(evidence: Evidence) -> float:
        raise NotMeasured("nothing there")

    monkeypatch.setattr(behaviour, "head_motion", refuse)
    found = measured(Evidence(talking(), voice(8, 0.08)))
    assert found.value("head_motion") is None
    assert found.value("sync_offset") == pytest.approx(80, abs=6)
