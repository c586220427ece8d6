"""Videos in, performances out, and clear words where that cannot be."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from engines.api import CancelToken
from engines.capture.capture import capture, capture_video
from engines.capture.video import open_video, usual_rate
from engines.errors import Cancelled, InputError

DEMO = Path(__file__).resolve().parents[3] / "assets" / "demo" / "portrait.jpg"


def video(path: Path, *arguments: str) -> Path:
    """Have ffmpeg make a video."""
    from imageio_ffmpeg import get_ffmpeg_exe

    command = [get_ffmpeg_exe(), "-v", "error", "-y", *arguments, "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo sitter, swaying from side to side in the frame for half a second."""
    sway = "scale=512:512,pad=640:512:64:0,crop=512:512:64+24*sin(n/2):0"
    folder = tmp_path_factory.mktemp("video")
    return video(folder / "sitter.mp4", "-loop", "1", "-r", "25", "-i", str(DEMO), "-vf", sway, "-frames:v", "12")


def test_a_sitter_who_only_sways_keeps_a_calm_face(still: Path) -> None:
    parts: list[float] = []
    result = capture(still, progress=lambda part, what: parts.append(part))
    assert len(result.performance) == 12
    assert result.performance.rate == 25
    assert result.confidence.min() > 0.6
    assert np.std(result.performance.channel("jawOpen")) < 0.04
    assert np.rad2deg(np.ptp(result.performance.head[:, 2])) < 3
    assert np.ptp(result.performance.head[:, 3]) > 1, "the sway is head motion"
    assert parts == sorted(parts)
    assert parts[-1] == pytest.approx(1)


def test_the_rate_can_be_chosen(still: Path) -> None:
    performance = capture(still, rate=Fraction(50)).performance
    assert performance.rate == 50
    assert 22 <= len(performance) <= 26


def test_cancel(still: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        capture_video(still, cancel=cancel)


def test_no_face(tmp_path: Path) -> None:
    path = video(tmp_path / "bars.mp4", "-f", "lavfi", "-i", "smptebars=size=320x240:rate=25:duration=0.3")
    with pytest.raises(InputError, match="No face was found"):
        capture_video(path)


@pytest.mark.parametrize(
    ("content", "message"), [(None, "no video file"), (b"", "empty"), (b"not a video at all", "holds no video")]
)
def test_bad_files(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "clip.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        capture_video(path)


def test_a_cut_is_found(tmp_path: Path) -> None:
    path = video(
        tmp_path / "cut.mp4",
        *("-loop", "1", "-r", "25", "-i", str(DEMO), "-f", "lavfi", "-i", "color=blue:size=256x256:rate=25"),
        *("-filter_complex", "[0]scale=256:256,trim=end_frame=6[a];[1]trim=end_frame=4[b];[a][b]concat"),
    )
    result = capture(path)
    assert result.shots == (0, 6)
    assert len(result.performance) == 10
    assert any("not seen" in note for note in result.notes)
    assert result.confidence[6:].max() == 0


def test_rates() -> None:
    assert usual_rate(29.97) == Fraction(30000, 1001)
    assert usual_rate(30) == 30
    assert usual_rate(23.98) == Fraction(24000, 1001)
    assert usual_rate(240) == 60
    assert usual_rate(12.5) == Fraction(25, 2)


def test_size_of_upright_frames(still: Path) -> None:
    opened = open_video(still)
    assert (opened.width, opened.height, opened.rate) == (512, 512, 25)
    assert next(opened.frames(max_side=128)).shape == (128, 128, 3)
