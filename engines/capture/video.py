"""Frames of a video at a constant rate, whatever the file's own timing is.

ffmpeg decodes, turns pictures upright and repeats or drops frames by their time stamps, so that frame ``i`` shows
what was seen at ``i / rate`` seconds: footage of variable rate stays in time with its sound.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from engines.errors import InputError

MAX_RATE: Final = Fraction(60)
"""Faster footage is thinned to this: no face moves faster."""

_RATES: Final = tuple(
    Fraction(n, d)
    for n, d in ((24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (48, 1), (50, 1), (60000, 1001), (60, 1))
)


@dataclass(frozen=True)
class Video:
    """A video file.

    Attributes
    ----------
    path : absolute
    width, height : of the upright picture, pixels
    rate : frames a second, the file's average brought to a usual rate
    duration_s : seconds, 0 where the file does not say
    """

    path: Path
    width: int
    height: int
    rate: Fraction
    duration_s: float

    def frames(self, rate: Fraction | None = None, max_side: int = 1280) -> Iterator[np.ndarray]:
        """All frames in order : uint8 (H, W, 3), made smaller where a side is longer than ``max_side``.

        Raises
        ------
        InputError
            When not one frame can be decoded. A damaged end only shortens the video.
        """
        from imageio_ffmpeg import get_ffmpeg_exe

        width, height = self.scaled_size(max_side)
        filters = f"fps={rate or self.rate}:round=near,scale={width}:{height}:flags=area"
        command = [get_ffmpeg_exe(), "-v", "error", "-nostdin", "-i", str(self.path), "-map", "0:v:0", "-vf", filters]
        command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
        size = width * height * 3
        found = False
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            try:
                while len(data := process.stdout.read(size)) == size:
                    found = True
                    yield np.frombuffer(data, np.uint8).reshape(height, width, 3)
            finally:
                process.kill()
        if not found:
            raise InputError(f"Not one frame of the video {self.path} can be decoded. Export it again, e.g. as MP4.")

    def scaled_size(self, max_side: int) -> tuple[int, int]:
        """Width and height of the frames that `frames` gives."""
        scale = min(1.0, max_side / max(self.width, self.height))
        return max(2, round(self.width * scale)), max(2, round(self.height * scale))


def open_video(path: str | Path) -> Video:
    """Look at a video file.

    Raises
    ------
    InputError
        When the file is missing, empty, or holds no picture.
    """
    from imageio_ffmpeg import get_ffmpeg_exe

    path = Path(path).expanduser().absolute()
    if not path.exists():
        raise InputError(f"There is no video file {path}. Check the path.")
    if path.is_dir():
        raise InputError(f"{path} is a folder. Give the video itself, for example an MP4 or MOV file.")
    if path.stat().st_size == 0:
        raise InputError(f"The video file {path} is empty (0 bytes). Record or copy it again.")
    told = subprocess.run(
        [get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-i", str(path)],
        capture_output=True,
        text=True,
        errors="replace",
    ).stderr
    line = next((t for t in told.splitlines() if "Video:" in t and "attached pic" not in t), "")
    size = re.search(r"\b(\d{2,5})x(\d{2,5})\b", line)
    if size is None:
        raise InputError(f"The file {path} holds no video. Give footage of a face, for example an MP4 or MOV file.")
    width, height = int(size.group(1)), int(size.group(2))
    if re.search(r"rotation of -?90|rotation of -?270|rotate\s*:\s*-?(90|270)\b", told):
        width, height = height, width
    named = re.search(r"([\d.]+)(k?) fps", line) or re.search(r"([\d.]+)(k?) tbr", line)
    rate = float(named.group(1)) * (1000 if named.group(2) else 1) if named else 25.0
    length = re.search(r"Duration: (\d+):(\d+):([\d.]+)", told)
    duration = int(length.group(1)) * 3600 + int(length.group(2)) * 60 + float(length.group(3)) if length else 0.0
    return Video(path, width, height, usual_rate(rate), duration)


def usual_rate(rate: float) -> Fraction:
    """The usual frame rate next to a measured one; odd rates are kept to a hundredth, fast ones thinned."""
    near = min(_RATES, key=lambda r: abs(float(r) - rate))
    if abs(float(near) - rate) < 0.02 * rate:
        # 29.97 and 30 lie closer together than the tolerance: the printed digits decide between them.
        return min(_RATES, key=lambda r: abs(float(r) - rate))
    return min(MAX_RATE, Fraction(round(rate * 100), 100)) if rate >= 1 else Fraction(1)
