"""The whole way on the command line: a portrait and a voice become files that independent readers understand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from app.core import resume
from app.export import read_curves

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "assets" / "demo"
PORTRAIT, VOICE = str(DEMO / "portrait.jpg"), str(DEMO / "voice.wav")


@pytest.fixture(autouse=True)
def _warm(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests here share one cache, so that the voice is heard and the portrait prepared once; state is their own."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "cache").symlink_to(shared_cache(tmp_path_factory), target_is_directory=True)
    monkeypatch.setenv("SOLILOQUY_HOME", str(home))


def shared_cache(factory: pytest.TempPathFactory) -> Path:
    folder = factory.getbasetemp() / "end-to-end-cache"
    folder.mkdir(exist_ok=True)
    return folder


def soliloquy(*arguments: str, code: int = 0) -> list[dict[str, object]]:
    """Run the command line in a process of its own; returns its JSON lines."""
    command = [sys.executable, "-m", "app.cli", *arguments, "--progress", "json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def probe(path: Path) -> dict[str, dict[str, str]]:
    command = ["ffprobe", "-v", "error", "-show_streams", "-count_frames", "-of", "json", str(path)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return {stream["codec_type"]: stream for stream in found["streams"]}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rendered")
    home = tmp_path_factory.mktemp("home")
    (home / "cache").symlink_to(shared_cache(tmp_path_factory), target_is_directory=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOLILOQUY_HOME", str(home))
        events = render_all(folder)
    assert events[-1]["event"] == "done"
    assert len(events[-1]["files"]) == 3  # type: ignore[arg-type]
    parts = [float(e["part"]) for e in events if e["event"] == "progress"]  # type: ignore[arg-type]
    assert parts == sorted(parts)
    return folder


def render_all(folder: Path) -> list[dict[str, object]]:
    return soliloquy(
        "render", PORTRAIT, VOICE, "-o", str(folder / "talk.mp4"), str(folder / "talk.csv"), str(folder / "talk.npz"),
        "--range", "0.4-1.6", "--size", "x192", "--fps", "29.97", "--emotion", "happy:0.8", "--pose", "yaw:6@0.8-1.2",
    )  # fmt: skip


def test_the_video_has_the_exact_rate_and_length(rendered: Path) -> None:
    streams = probe(rendered / "talk.mp4")
    video, audio = streams["video"], streams["audio"]
    assert (video["codec_name"], audio["codec_name"]) == ("h264", "aac")
    assert Fraction(video["r_frame_rate"]) == Fraction(30000, 1001)
    assert int(video["nb_read_frames"]) == 36
    assert (video["width"], video["height"]) == (192, 192)
    assert abs(float(audio["duration"]) - 36 * 1001 / 30000) < 1001 / 30000


def test_the_curves_are_the_performance(rendered: Path) -> None:
    exact, csv = read_curves(rendered / "talk.npz"), read_curves(rendered / "talk.csv")
    assert len(exact) == 36
    assert exact.rate == Fraction(30000, 1001)
    assert np.degrees(exact.head[18, 1]) > 2
    assert exact.channel("mouthSmileLeft").mean() > 0.2
    assert exact.channel("jawOpen").max() > 0.05
    assert len(csv) >= 36


def test_the_picture_moves_and_the_background_does_not(rendered: Path, tmp_path: Path) -> None:
    command = ["ffmpeg", "-v", "error", "-i", str(rendered / "talk.mp4"), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    frames = np.frombuffer(raw, np.uint8).reshape(-1, 192, 192, 3).astype(np.float32)
    change = frames.std(0).mean(-1)
    assert change[:20, :20].mean() < 2.5  # a corner of the wall
    assert change[60:130, 60:130].mean() > 4.0  # the face


def test_the_same_command_gives_the_same_frames(rendered: Path, tmp_path: Path) -> None:
    again = ["render", PORTRAIT, VOICE, "-o", str(tmp_path / "again.npz"), "--range", "0.4-1.6", "--fps", "29.97"]
    soliloquy(*again, "--size", "x192", "--emotion", "happy:0.8", "--pose", "yaw:6@0.8-1.2")
    assert read_curves(tmp_path / "again.npz") == read_curves(rendered / "talk.npz")


@pytest.mark.parametrize("kind", ["interrupt", "kill"])
def test_a_stopped_render_leaves_no_half_file_and_goes_on(kind: str, tmp_path: Path) -> None:
    out = tmp_path / "out" / "talk.mp4"
    out.parent.mkdir()
    arguments = ["render", PORTRAIT, VOICE, "-o", str(out), "--size", "x192", "--range", "0-4", "--progress", "json"]
    command = [sys.executable, "-m", "app.cli", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            assert event["event"] == "progress", event
            if event["part"] > 0.3:
                break
        process.send_signal(signal.SIGINT if kind == "interrupt" else signal.SIGKILL)
        rest = process.stdout.read().splitlines()
        process.wait(60)
    assert not out.exists()
    if kind == "interrupt":
        assert process.returncode == 130
        assert json.loads(rest[-1])["code"] == 130
        assert list(out.parent.iterdir()) == []
    (work,) = resume.unfinished()
    kept = sum(1 for _ in resume.Journal(next(work.glob("*.frames"))).read())
    assert kept > 10
    started = time.monotonic()
    soliloquy(*arguments[:-2])
    assert time.monotonic() - started < 300
    assert int(probe(out)["video"]["nb_read_frames"]) == 100
    assert resume.unfinished() == []


def test_only_curves_draw_nothing(tmp_path: Path) -> None:
    events = soliloquy("render", PORTRAIT, VOICE, "-o", str(tmp_path / "a.csv"))
    assert not any("Draw" in str(e.get("what")) for e in events)
    assert len(read_curves(tmp_path / "a.csv")) > 240


def test_motion_comes_back_from_the_video(rendered: Path, tmp_path: Path) -> None:
    soliloquy("convert", str(rendered / "talk.mp4"), "-o", str(tmp_path / "back.npz"))
    back, driven = read_curves(tmp_path / "back.npz"), read_curves(rendered / "talk.npz")
    assert len(back) == len(driven)
    assert np.corrcoef(back.head[:, 1], driven.head[:, 1])[0, 1] > 0.6  # 192 px is little to see by


WINDOW = """
import sys
from PySide6.QtCore import QTimer
from app.ui import application
create = application.create_window
def create_and_close(argv, asks=True):
    app, window = create(argv, asks=False)
    QTimer.singleShot(3000, window.close)
    return app, window
application.create_window = create_and_close
from app.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_files_alone_open_the_window_which_lives_and_closes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WINDOW, str(DEMO / "demo.soliloquy")]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_MEDIA_BACKEND": "ffmpeg", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
