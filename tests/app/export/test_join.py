"""Segments joined into one video: no frame moves, sound and transparency stay."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from app.export import ExportOptions, write
from app.export.join import join
from app.export.provenance import inspect
from engines.api import Performance
from engines.errors import InputError
from tests.app.export.conftest import picture_take
from tests.app.export.test_video import FFPROBE, decoded, needs_ffprobe

RATES = [Fraction(30), Fraction(60000, 1001), Fraction(24000, 1001)]


@needs_ffprobe
@pytest.mark.parametrize("rate", RATES, ids=str)
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".webm"])
def test_frames_stay_on_the_grid(tmp_path: Path, voice: Path, suffix: str, rate: Fraction) -> None:
    count, length = 23, 7
    take = picture_take(Performance.rest(count, rate), 4, voice=voice, provenance={"engine": "x"})
    assert take.frames is not None
    drawn, parts = list(take.frames()), []
    for start in range(0, count, length):
        piece = drawn[start : start + length]
        segment = tmp_path / f"{start}{suffix}"
        motion = Performance.rest(len(piece), rate)
        part = replace(take, performance=motion, frames=lambda piece=piece: iter(piece), voice=None)
        write(part, segment, ExportOptions(sign=False))
        parts.append((segment, len(piece)))
    path = tmp_path / f"out{suffix}"
    join(parts, take, path, ExportOptions())
    command = [str(FFPROBE), "-v", "error", "-show_streams", "-show_packets", "-of", "json", str(path)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    video = next(s for s in found["streams"] if s["codec_type"] == "video")
    times = sorted(float(p["pts_time"]) for p in found["packets"] if p["codec_type"] == "video")
    tick = 6e-4 if suffix == ".webm" else 2e-6
    np.testing.assert_allclose(times, np.arange(count) / float(rate), atol=tick)
    if suffix != ".webm":
        assert Fraction(video["r_frame_rate"]) == Fraction(video["avg_frame_rate"]) == rate
        assert inspect(path).get("state", "Valid") == "Valid"
    assert any(s["codec_type"] == "audio" for s in found["streams"])
    if suffix != ".mp4":
        alpha = decoded(path, 66, 48, codec="libvpx-vp9" if suffix == ".webm" else "")[..., 3]
        assert alpha.shape[0] == count
        assert alpha[:, :, :30].min() > 250
        assert alpha[:, :, 36:].max() < 5


def test_a_voice_that_went_away_is_named(tmp_path: Path) -> None:
    take = picture_take(Performance.rest(3, Fraction(25)), voice=tmp_path / "gone.wav")
    write(replace(take, voice=None), tmp_path / "0.mp4", ExportOptions(sign=False))
    with pytest.raises(InputError, match=r"gone\.wav is no longer there"):
        join([(tmp_path / "0.mp4", 3)], take, tmp_path / "out.mp4", ExportOptions())
