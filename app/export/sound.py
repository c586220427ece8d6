"""The voice's own part of a take as WAV."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

from app.export.files import atomic
from app.export.options import ExportOptions
from app.export.take import Take
from engines.api import CancelToken, Progress
from engines.errors import InputError

_BLOCK = 1 << 18


def write(take: Take, path: Path, options: ExportOptions, progress: Progress, cancel: CancelToken) -> list[Path]:
    """Copy the samples of the take's range, in the voice's own rate, channels and depth; nothing is resampled."""
    import soundfile as sf

    assert take.voice is not None
    try:
        source = sf.SoundFile(take.voice)
    except (sf.LibsndfileError, OSError) as error:
        raise InputError(f"The voice {take.voice} cannot be read: {error}. Choose another recording.") from error
    with source, atomic(path) as temporary:
        start = math.ceil(Fraction(take.start) / take.rate * source.samplerate)
        stop = min(math.ceil((take.start + len(take)) / take.rate * source.samplerate), source.frames)
        source.seek(min(start, source.frames))
        depth = source.subtype if source.subtype in sf.available_subtypes("WAV") else "PCM_24"
        with sf.SoundFile(temporary, "w", source.samplerate, source.channels, depth, format="WAV") as target:
            left = max(stop - start, 0)
            while left > 0:
                cancel.check()
                block = source.read(min(_BLOCK, left), dtype="float64", always_2d=True)
                if not len(block):
                    break
                target.write(block)
                left -= len(block)
                progress(1 - left / max(stop - start, 1), "sound")
    return [path]
