"""The voice's own part of a take as WAV."""

from __future__ import annotations

import math
import os
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from app.export.ffmpeg import program
from app.export.files import atomic
from app.export.options import ExportOptions
from app.export.take import Take
from engines.api import CancelToken, Progress
from engines.errors import InputError
from engines.speech.audio import ON_THE_CLOCK, load_voice

if TYPE_CHECKING:
    import soundfile as sf

_BLOCK = 1 << 18


def write(take: Take, path: Path, options: ExportOptions, progress: Progress, cancel: CancelToken) -> list[Path]:
    """Copy the samples of the take's range, in the voice's own rate, channels and depth; nothing is resampled.

    The sound of a video, or of another file that only ffmpeg reads, becomes 24-bit samples of its own rate.

    Raises
    ------
    InputError
        If the voice cannot be read (any more).
    """
    import soundfile as sf

    assert take.voice is not None
    voice = load_voice(take.voice)
    start = math.ceil(Fraction(take.start) / take.rate * voice.sample_rate)
    stop = math.ceil((take.start + len(take)) / take.rate * voice.sample_rate)
    with atomic(path) as temporary:
        if voice.decoder == "ffmpeg":
            _decode(take.voice, temporary, start, stop)
            return [path]
        try:
            source = sf.SoundFile(take.voice)
        except (sf.LibsndfileError, OSError) as error:
            raise InputError(f"The voice {take.voice} cannot be read: {error}. Choose another recording.") from error
        with source:
            _copy(source, temporary, start, min(stop, source.frames), progress, cancel)
    return [path]


def _copy(source: sf.SoundFile, path: Path, start: int, stop: int, progress: Progress, cancel: CancelToken) -> None:
    """Copy samples ``start`` to ``stop``."""
    import soundfile as sf

    source.seek(min(start, source.frames))
    depth = source.subtype if source.subtype in sf.available_subtypes("WAV") else "PCM_24"
    with sf.SoundFile(path, "w", source.samplerate, source.channels, depth, format="WAV") as target:
        left = max(stop - start, 0)
        while left > 0:
            cancel.check()
            block = source.read(min(_BLOCK, left), dtype="float64", always_2d=True)
            if not len(block):
                break
            target.write(block)
            left -= len(block)
            progress(1 - left / max(stop - start, 1), "sound")


def _decode(voice: Path, path: Path, start: int, stop: int) -> None:
    """Samples ``start`` to ``stop`` of a sound track, on the clock of its file."""
    cut = f"{ON_THE_CLOCK},atrim=start_sample={start}:end_sample={stop}"
    command = [program(), "-v", "error", "-nostdin", "-y", "-i", os.fspath(voice), "-map", "0:a:0", "-af", cut]
    done = subprocess.run(
        [*command, "-c:a", "pcm_s24le", os.fspath(path)], capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise InputError(f"The voice {voice} cannot be read: {said[-1] if said else 'unknown format'}.")
