from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from imageio_ffmpeg import get_ffmpeg_exe

from engines.errors import InputError
from engines.judge.sound import extract_sound


def video(path: Path, *sound: str) -> Path:
    """Two seconds of grey, with a sound track as told."""
    command = [get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "color=gray:size=64x64:rate=25:duration=2"]
    subprocess.run([*command, *sound, "-pix_fmt", "yuv420p", str(path)], check=True)
    return path


@pytest.mark.parametrize("late_s", [0.0, 0.4])
def test_a_track_that_starts_late_is_heard_late(tmp_path: Path, late_s: float) -> None:
    tone = ("-itsoffset", str(late_s), "-f", "lavfi", "-i", "sine=frequency=300:duration=1:sample_rate=16000")
    take = video(tmp_path / "take.mkv", *tone, "-c:a", "flac")
    extract_sound(take, tmp_path / "sound.wav")
    sound, rate = soundfile.read(tmp_path / "sound.wav")
    loud = np.flatnonzero(np.abs(sound) > 0.02) / rate
    assert loud[0] == pytest.approx(late_s, abs=0.01)
    assert loud[-1] == pytest.approx(late_s + 1, abs=0.02)


def test_silent_films_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sound track"):
        extract_sound(video(tmp_path / "take.mp4"), tmp_path / "sound.wav")
