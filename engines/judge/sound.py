"""The sound of a take as a player plays it: from the start of the picture, silence where the track starts later."""

from __future__ import annotations

import subprocess
from pathlib import Path

from engines.errors import InputError


def extract_sound(take: Path, wav: Path) -> None:
    """Write the first sound track of a video, on the video's clock, as 16-bit WAV.

    A track that begins after the picture has no samples for the gap; read alone it would seem to begin with it.

    Raises
    ------
    InputError
        When there is no sound track, or it cannot be decoded.
    """
    from imageio_ffmpeg import get_ffmpeg_exe

    command = [get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", "-i", str(take), "-map", "0:a:0", "-vn"]
    command += ["-af", "aresample=async=1:first_pts=0", "-c:a", "pcm_s16le", str(wav)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        if any("matches no streams" in line for line in lines):
            raise InputError(f"{take} has no sound track. Give the recording of the voice with it.")
        raise InputError(f"The sound of {take} cannot be read ({lines[-1] if lines else 'unknown format'}).")
