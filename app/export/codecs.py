"""Which encoder writes the pictures and the sound of a container, and with which settings."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cache
from typing import Final

from app.export.ffmpeg import encoders, program
from app.export.options import ExportOptions
from engines.errors import ExportError

REORDER_FRAMES: Final = 2
"""Frames by which an MP4 encoder may put decoding before showing; segments of one video can then be joined."""
_TO_709: Final = "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int"
SOUND: Final = {
    "mp4": ("-c:a", "aac", "-b:a", "192k"),
    "webm": ("-c:a", "libopus", "-b:a", "160k"),
    "mov": (
        "-c:a",
        "pcm_s24le",
    ),
}
"""Arguments of the sound in each container."""
_SOFTWARE: Final = {"h264": "libx264", "hevc": "libx265"}
_HARDWARE: Final = ("nvenc", "videotoolbox", "qsv", "amf", "vaapi")
"""Families of encoders on graphics cards, in the order in which they are tried."""


@dataclass(frozen=True)
class Codec:
    """How ffmpeg encodes a container.

    Attributes
    ----------
    encoder : of the pictures
    video : its arguments
    filters : what pictures go through before it
    """

    encoder: str
    video: tuple[str, ...]
    filters: str = _TO_709


def codec_of(kind: str, options: ExportOptions, size: tuple[int, int]) -> Codec:
    """The codec of a container (``mp4``, ``webm`` or ``mov``) for pictures of ``size`` (width, height).

    Raises
    ------
    ExportError
        If this ffmpeg cannot encode it.
    """
    if kind == "webm":
        crf = round(60 - 0.4 * options.quality)  # VP9's scale: 80 -> 28
        speed = ("-deadline", "good", "-cpu-used", "4", "-row-mt", "1", "-auto-alt-ref", "0")
        vp9 = ("-crf", f"{crf}", "-b:v", "0", "-pix_fmt", "yuva420p", *speed)
        return Codec("libvpx-vp9", vp9)
    if kind == "mov":
        prores = ("-profile:v", "4444", "-pix_fmt", "yuva444p10le", "-alpha_bits", "16", "-vendor", "apl0")
        return Codec("prores_ks", prores)
    found = hardware(options.codec, options.quality, size) if options.hardware else None
    return found or _software(options)


def _software(options: ExportOptions) -> Codec:
    encoder = _SOFTWARE[options.codec]
    if encoder not in encoders():
        raise ExportError(f"This ffmpeg cannot encode {options.codec}. Choose the codec h264.")
    crf = _crf(options.quality)
    settings = {
        # Finer quantisers in half the time of the medium preset, for the same size and likeness.
        "libx264": ("-preset", "veryfast", "-crf", f"{crf - 2}"),
        "libx265": ("-preset", "medium", "-crf", f"{crf + 3}", "-x265-params", "log-level=error"),
    }[encoder]
    return Codec(encoder, (*settings, "-bf", f"{REORDER_FRAMES}", "-pix_fmt", "yuv420p"))


def _crf(quality: int) -> int:
    return round(35 - 0.2 * quality)  # 80 -> 19, 100 -> 15


@cache
def hardware(codec: str, quality: int, size: tuple[int, int]) -> Codec | None:
    """The first encoder on a graphics card that really encodes pictures of this size here; None if none does.

    An encoder may be built into ffmpeg while its card or driver is absent, or refuse a size, so each is tried with
    its final arguments on two pictures.
    """
    return next((c for family in _HARDWARE if _works(c := _hardware(codec, family, quality), size)), None)


def _hardware(codec: str, family: str, quality: int) -> Codec:
    crf = _crf(quality) + (3 if codec == "hevc" else 0)
    settings: dict[str, tuple[str, ...]] = {
        "nvenc": ("-rc", "vbr", "-cq", f"{crf}", "-b:v", "0"),
        "videotoolbox": ("-q:v", f"{round(35 + 0.45 * quality)}"),
        "qsv": ("-global_quality", f"{crf}"),
        "amf": ("-rc", "cqp", "-qp_i", f"{crf}", "-qp_p", f"{crf + 2}", "-qp_b", f"{crf + 4}"),
        "vaapi": ("-rc_mode", "CQP", "-qp", f"{crf}"),
    }
    arguments = (*settings[family], "-bf", f"{REORDER_FRAMES}")
    if family == "vaapi":  # takes pictures from the card's own memory
        device = ("-vaapi_device", "/dev/dri/renderD128")
        return Codec(f"{codec}_vaapi", (*device, *arguments), f"{_TO_709},format=nv12,hwupload")
    layout = "nv12" if family == "qsv" else "yuv420p"
    return Codec(f"{codec}_{family}", (*arguments, "-pix_fmt", layout))


def _works(codec: Codec, size: tuple[int, int]) -> bool:
    if codec.encoder not in encoders():
        return False
    source = f"color=size={size[0]}x{size[1]}:duration=0.2:rate=10,format=rgb24"
    command = [program(), "-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", source, "-frames:v", "2"]
    command += ["-filter_complex", f"[0:v:0]{codec.filters}[picture]", "-map", "[picture]"]
    command += ["-c:v", codec.encoder, *codec.video, "-f", "null", "-"]
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def hardware_note(kind: str, options: ExportOptions, size: tuple[int, int]) -> str:
    """What became of the wish for the graphics card, for the artist; nothing where none was uttered."""
    if not options.hardware:
        return ""
    if kind != "mp4":
        return f"Graphics cards encode MP4 only; {kind} is encoded on the processor."
    found = hardware(options.codec, options.quality, size)
    if found is not None:
        return f"The graphics card encodes ({found.encoder})."
    built = [name for family in _HARDWARE if (name := f"{options.codec}_{family}") in encoders()]
    tried = f" (tried {', '.join(built)})" if built else ""
    return f"No graphics card that encodes {options.codec} is at work here{tried}; the processor encodes instead."
