"""Video files: H.264 or HEVC in MP4, VP9 with alpha in WebM, ProRes 4444 with alpha in QuickTime."""

from __future__ import annotations

import os
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np

from app.export.codecs import SOUND, codec_of
from app.export.ffmpeg import Encoder, sound_input
from app.export.files import atomic
from app.export.options import ExportOptions
from app.export.pictures import even, flattened, pictures, with_alpha
from app.export.provenance import sign
from app.export.take import Take
from app.export.webm import exact_rate
from engines.api import CancelToken, Progress
from engines.errors import InputError
from engines.timebase import timecode

_BT709: Final = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
MARK: Final = "Synthetic performance of a portrait, made with Soliloquy"
"""Plain-text mark in the metadata of each video, beside the signed manifest."""


def _kind(path: Path, options: ExportOptions) -> str:
    from app.export.registry import format_of

    return format_of(path, options).id


def _metadata(take: Take) -> list[str]:
    facts = take.provenance_json()[:4000]
    return ["-metadata", f"title={take.name}", "-metadata", f"comment={MARK}", "-metadata", f"description={facts}"]


def time_scale(rate: Fraction) -> int:
    """Ticks in a second of MP4 and QuickTime files; a frame is a whole number of them."""
    return rate.numerator * (1 if rate.numerator > 999 else 1000)


def container_arguments(kind: str, take: Take, options: ExportOptions) -> list[str]:
    """Arguments of a container that do not touch the streams: time base, tags, metadata."""
    scale = ["-video_track_timescale", f"{time_scale(take.rate)}"]
    container = ["-movflags", "+faststart+write_colr", *scale] if kind != "webm" else []
    tag = ["-tag:v", "hvc1"] if kind == "mp4" and options.codec == "hevc" else []  # Apple's players know only this tag
    code = ["-timecode", timecode(take.start, take.rate)] if kind == "mov" else []
    return [*container, *tag, *code, *_metadata(take)]


def write(take: Take, path: Path, options: ExportOptions, progress: Progress, cancel: CancelToken) -> list[Path]:
    """Encode the pictures and the voice of a take; the frame rate in the file is exactly that of the take.

    The sound is the voice's own part of the take, in sync to one sample of 48 kHz. Where the voice ends earlier
    than the pictures, so does the sound.
    """
    kind = _kind(path, options)
    stream = pictures(take, options, progress, cancel)
    first = next(stream)
    alpha = kind in ("webm", "mov")

    def ready(picture: np.ndarray) -> np.ndarray:
        flat = with_alpha(picture) if alpha else flattened(picture, options.background)
        return flat if kind == "mov" else even(flat)

    height, width = ready(first).shape[:2]
    codec = codec_of(kind, options, (width, height))
    inputs: list[str] = []
    graph, maps = f"[0:v:0]{codec.filters}[picture]", ["-map", "[picture]"]
    if options.sound and take.voice is not None:
        if not take.voice.is_file():
            raise InputError(f"The voice {take.voice} is no longer there. Find it or choose another one.")
        inputs, cut = sound_input(take.voice, Fraction(take.start) / take.rate, len(take) / take.rate)
        graph, maps = f"{graph};{cut}", [*maps, "-map", "[sound]", *SOUND[kind]]
    with atomic(path) as temporary:
        output = [*container_arguments(kind, take, options), os.fspath(temporary)]
        arguments = [*inputs, "-filter_complex", graph, *maps, "-c:v", codec.encoder, *codec.video]
        arguments += [*_BT709, *output]
        with Encoder(width, height, "rgba" if alpha else "rgb24", take.rate, arguments) as encoder:
            for picture in chain((first,), stream):
                encoder.add(ready(picture))
            encoder.finish()
        if kind == "webm":
            exact_rate(temporary, take.rate)
        sign(temporary, path.suffix, take, options)
    return [path]
