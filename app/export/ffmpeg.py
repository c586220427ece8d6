"""Streaming pictures into the ffmpeg program that comes with imageio-ffmpeg; memory does not grow with length."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import IO, Final

import numpy as np

from engines.errors import ExportError
from engines.speech.audio import ON_THE_CLOCK

_PIPE_BYTES: Final = 1 << 20


@cache
def program() -> str:
    """Path of the bundled ffmpeg.

    Raises
    ------
    ExportError
        If imageio-ffmpeg has none for this machine.
    """
    import imageio_ffmpeg

    try:
        found: str = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise ExportError("No ffmpeg was found. Reinstall imageio-ffmpeg, or set IMAGEIO_FFMPEG_EXE.") from error
    return found


@cache
def encoders() -> frozenset[str]:
    """Names of the encoders that this ffmpeg was built with."""
    listing = subprocess.run(
        [program(), "-hide_banner", "-encoders"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    ).stdout
    rows = (line.split() for line in listing.splitlines())
    return frozenset(row[1] for row in rows if len(row) > 2 and row[0][0] in "VAS" and row[1] != "=")


class Encoder:
    """A running ffmpeg that takes raw pictures one by one.

    Use as a context manager: leaving by an exception (also Ctrl-C) ends ffmpeg at once.

    Parameters
    ----------
    width, height : of the pictures, pixels
    pixel_format : ffmpeg's name of their layout, such as ``rgb24``
    rate : exact frame rate
    arguments : further inputs, codec settings and the output
    """

    def __init__(self, width: int, height: int, pixel_format: str, rate: Fraction, arguments: Sequence[str]) -> None:
        self._messages: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        raw = ["-f", "rawvideo", "-pixel_format", pixel_format, "-video_size", f"{width}x{height}"]
        raw += ["-framerate", f"{rate.numerator}/{rate.denominator}", "-i", "pipe:0"]
        command = [program(), "-hide_banner", "-loglevel", "error", "-y", *raw, *arguments]
        # A Ctrl-C at the terminal reaches us alone: we end ffmpeg ourselves, after it can no longer matter.
        try:
            if os.name == "nt":
                group = subprocess.CREATE_NEW_PROCESS_GROUP  # type: ignore[attr-defined,unused-ignore]
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stderr=self._messages, creationflags=group
                )
            else:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stderr=self._messages,
                    start_new_session=True,
                    pipesize=_PIPE_BYTES,  # a picture goes through in few turns (where the system allows it)
                )
        except OSError as error:
            self._messages.close()
            raise ExportError(f"The encoder {command[0]} does not start: {error}. Reinstall imageio-ffmpeg.") from error

    def __enter__(self) -> Encoder:
        return self

    def add(self, picture: np.ndarray) -> None:
        """Send one picture in the agreed layout.

        Raises
        ------
        ExportError
            If the encoder has ended; the message carries its own.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(np.ascontiguousarray(picture).data)
        except OSError as error:
            self._process.wait()
            raise self._failure() from error

    def finish(self) -> None:
        """Let the encoder write what it still holds.

        Raises
        ------
        ExportError
            If it reports a failure.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except OSError as error:
            self._process.wait()
            raise self._failure() from error
        if self._process.wait() != 0:
            raise self._failure()

    def _failure(self) -> ExportError:
        self._messages.seek(0)
        said = self._messages.read()[-2000:].decode(errors="replace").strip()
        if "No space left" in said:
            return ExportError("The disk became full while encoding. Free some space and export again.")
        last = said.splitlines()[-1] if said else f"exit status {self._process.returncode}"
        return ExportError(f"The video encoder stopped: {last}. Try another format or a smaller size.")

    def __exit__(self, *error: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._messages.close()


def sound_input(voice: Path, start_s: Fraction, duration_s: Fraction, label: str = "sound") -> tuple[list[str], str]:
    """Arguments that add the voice as the second input, and the filter that cuts its part to the sample.

    Returns
    -------
    arguments, filter_graph whose output pad is ``[label]``
    """
    # Cut by time at microseconds, then resample: every length is kept to one sample of the result.
    span = f"atrim=start={float(start_s):.6f}:end={float(start_s + duration_s):.6f}"
    cut = f"[1:a:0]{ON_THE_CLOCK},{span},asetpts=PTS-STARTPTS"
    return ["-i", os.fspath(voice)], f"{cut},aresample=48000[{label}]"
