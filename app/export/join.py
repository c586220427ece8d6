"""Joining video segments of one take into the finished file, without encoding the pictures again."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from app.export.codecs import REORDER_FRAMES, SOUND
from app.export.ffmpeg import program, sound_input
from app.export.files import atomic
from app.export.options import ExportOptions
from app.export.provenance import sign
from app.export.registry import format_of
from app.export.take import Take
from app.export.video import container_arguments, time_scale
from app.export.webm import exact_rate
from engines.errors import ExportError, InputError


def join(segments: Sequence[tuple[Path, int]], take: Take, path: Path, options: ExportOptions) -> list[Path]:
    """Write ``path`` from silent videos that follow one another, with the voice of ``take``.

    Parameters
    ----------
    segments : files of the same format and codec with the number of their frames, which together are all of ``take``

    Raises
    ------
    ExportError
        If ffmpeg cannot join them or the file cannot be written.
    """
    kind = format_of(path, options).id
    with atomic(path) as temporary, tempfile.TemporaryDirectory(prefix="soliloquy-") as folder:
        listing = Path(folder) / "segments.txt"
        lines = ["ffconcat version 1.0"]
        for segment, frames in segments:
            quoted = str(segment.resolve()).replace("'", "'\\''")
            lines += [f"file '{quoted}'", f"duration {float(frames / take.rate):.6f}"]
        listing.write_text("\n".join(lines) + "\n", encoding="utf-8")
        inputs = ["-f", "concat", "-safe", "0", "-i", os.fspath(listing)]
        maps = ["-map", "0:v:0", "-c:v", "copy", "-bsf:v", _on_the_grid(kind, take.rate)]
        if options.sound and take.voice is not None:
            if not take.voice.is_file():
                raise InputError(f"The voice {take.voice} is no longer there. Find it or choose another one.")
            sound, cut = sound_input(take.voice, Fraction(take.start) / take.rate, len(take) / take.rate)
            inputs += sound
            maps += ["-filter_complex", cut, "-map", "[sound]", *SOUND[kind]]
        command = [program(), "-hide_banner", "-loglevel", "error", "-y", *inputs, *maps]
        command += [*container_arguments(kind, take, options), os.fspath(temporary)]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
        )
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()
            raise ExportError(f"The video could not be joined: {said[-1] if said else 'ffmpeg failed'}. Export again.")
        if kind == "webm":
            exact_rate(temporary, take.rate)
        sign(temporary, path.suffix, take, options)
    return [path]


def _on_the_grid(kind: str, rate: Fraction) -> str:
    """The filter that puts each frame exactly at its time: containers round the lengths of segments."""
    if kind == "webm":  # whole milliseconds, packets in the order of the frames
        time = f"round(N*{1000 * rate.denominator}/{rate.numerator})"
        return f"setts=pts={time}:dts={time}"
    ticks = time_scale(rate) / rate  # in a frame, a whole number
    delay = REORDER_FRAMES if kind == "mp4" else 0
    return f"setts=pts=round(PTS/{ticks})*{ticks}:dts=(N-{delay})*{ticks}"
