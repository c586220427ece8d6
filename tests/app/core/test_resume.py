"""A killed export goes on without drawing a finished frame again, and gives the same file."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core import resume
from app.export import ExportOptions, Take
from engines.api import CancelToken, Performance, no_progress
from engines.errors import Cancelled

SIZE = (64, 48)


def picture(i: int) -> np.ndarray:
    frame = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    frame[i % 40 : i % 40 + 8, 10:30] = (200, 40 + i, 40)
    return frame


def make_take(count: int, rate: Fraction) -> Take:
    return Take(performance=Performance.rest(count, rate), rate=rate, frames=lambda: iter(()), size=SIZE)


def times(path: Path) -> list[float]:
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "json"]
    found = json.loads(subprocess.run([*command, str(path)], capture_output=True, check=True).stdout)
    return [float(f["pts_time"]) for f in found["frames"]]


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mov"])
def test_segments_join_at_an_exact_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    monkeypatch.setattr(resume, "SEGMENT_FRAMES", (20, 20))
    rate = Fraction(30000, 1001)
    drawn: list[int] = []

    def draw(start: int, stop: int) -> Iterator[np.ndarray]:
        for i in range(start, stop):
            drawn.append(i)
            yield picture(i)

    path = tmp_path / f"out{suffix}"
    resume.write_drawn(make_take(50, rate), draw, [path], ExportOptions(sign=False), "a", no_progress, None)
    found = times(path)
    assert drawn == list(range(50))
    assert len(found) == 50
    np.testing.assert_allclose(found, np.arange(50) / float(rate), atol=2e-3)


def test_no_frame_is_drawn_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume, "SEGMENT_FRAMES", (20, 20))
    take = make_take(50, Fraction(25))
    token = CancelToken()
    drawn: list[int] = []

    def draw(start: int, stop: int) -> Iterator[np.ndarray]:
        for i in range(start, stop):
            token.check()
            drawn.append(i)
            yield picture(i)
            if i == 27:
                token.cancel()

    path, whole = tmp_path / "out.mp4", tmp_path / "whole.mp4"
    with pytest.raises(Cancelled):
        resume.write_drawn(take, draw, [path], ExportOptions(sign=False), "b", no_progress, token)
    assert not list(tmp_path.glob("*out*"))
    assert len(resume.unfinished()) == 1
    token = CancelToken()
    resume.write_drawn(take, draw, [path], ExportOptions(sign=False), "b", no_progress, token)
    assert drawn[:28] == list(range(28))
    assert drawn == list(range(50))
    assert resume.unfinished() == []
    drawn.clear()
    resume.write_drawn(take, lambda a, b: iter([picture(i) for i in range(a, b)]), [whole], ExportOptions(sign=False),
                       "c", no_progress, None)  # fmt: skip
    assert whole.read_bytes() == path.read_bytes()


def test_damaged_journal_tail_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = resume.Journal(path)
    frames = [picture(i) for i in range(5)]
    assert len(list(journal.through(lambda kept: iter(frames[kept:]), 5))) == 5
    path.write_bytes(path.read_bytes()[:-100])
    drawn = []

    def draw(kept: int) -> Iterator[np.ndarray]:
        drawn.append(kept)
        return iter(frames[kept:])

    again = list(journal.through(draw, 5))
    assert drawn == [4]
    assert all(np.array_equal(a, b) for a, b in zip(again, frames, strict=True))
    assert len(list(journal.read())) == 5


def test_several_outputs_share_each_drawn_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume, "SEGMENT_FRAMES", (20, 20))
    drawn: list[int] = []

    def draw(start: int, stop: int) -> Iterator[np.ndarray]:
        for i in range(start, stop):
            drawn.append(i)
            yield picture(i)

    paths = [tmp_path / "a.mp4", tmp_path / "a.webm", tmp_path / "stills" / "a.png"]
    written = resume.write_drawn(make_take(45, Fraction(25)), draw, paths, ExportOptions(), "d", no_progress, None)
    assert drawn == list(range(45))
    assert written[:2] == paths[:2]
    assert len(written) == 47
    assert len(times(paths[0])) == len(times(paths[1])) == 45
    for i in (0, 21, 44):
        assert np.array_equal(np.asarray(Image.open(tmp_path / "stills" / f"a.{i:05d}.png")), picture(i))
    assert len(list((tmp_path / "stills").iterdir())) == 45
