"""Which formats there are. Adapters are imported when they are first used.

An adapter is a module with ``write(take, path, options, progress, cancel) -> list[Path]`` and, where the format can
come back, ``read_curves(path, options) -> Performance``, ``read_start(path, options) -> int`` and
``read_head(path, options) -> HeadMesh``.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final, Literal

from app.export.files import MAX_FRAMES, reading
from app.export.options import ExportOptions
from app.export.take import Take
from engines.api import CancelToken, Performance, Progress, no_progress
from engines.errors import ExportError, InputError
from engines.rig.mesh import HeadMesh

Kind = Literal["video", "pictures", "sound", "curves", "scene", "editorial"]


@dataclass(frozen=True)
class Format:
    """One file format.

    Attributes
    ----------
    id, name : for options and for people
    suffixes : lower-case endings that choose it; the longest match wins
    module : adapter module inside ``app.export``
    kind : ``video``, ``pictures``, ``sound``, ``curves``, ``scene`` or ``editorial``
    needs : what a take must hold: ``frames``, ``head``, ``voice``
    alpha : keeps transparency
    writes, reads_curves, reads_head : what the adapter can do
    """

    id: str
    name: str
    suffixes: tuple[str, ...]
    module: str
    kind: Kind
    needs: frozenset[str] = frozenset()
    alpha: bool = False
    writes: bool = True
    reads_curves: bool = False
    reads_head: bool = False

    def adapter(self) -> ModuleType:
        return importlib.import_module(f"app.export.{self.module}")


_FRAMES = frozenset({"frames"})
_HEAD = frozenset({"head"})

FORMATS: Final[dict[str, Format]] = {
    f.id: f
    for f in (
        Format("mp4", "MP4", (".mp4", ".m4v"), "video", "video", _FRAMES),
        Format("webm", "WebM with alpha", (".webm",), "video", "video", _FRAMES, alpha=True),
        Format("mov", "ProRes 4444 with alpha", (".mov",), "video", "video", _FRAMES, alpha=True),
        Format("png", "PNG sequence", (".png",), "stills", "pictures", _FRAMES, alpha=True),
        Format("exr", "EXR sequence", (".exr",), "stills", "pictures", _FRAMES, alpha=True),
        Format("wav", "WAV", (".wav",), "sound", "sound", frozenset({"voice"})),
        Format("fbx", "FBX", (".fbx",), "fbx", "scene", reads_curves=True, reads_head=True),
        Format("gltf", "glTF", (".glb", ".gltf"), "gltf", "scene", reads_curves=True, reads_head=True),
        Format("usd", "USD", (".usd", ".usda", ".usdc", ".usdz"), "usd", "scene", reads_curves=True),
        Format("obj", "OBJ sequence", (".obj",), "meshes", "scene", _HEAD),
        Format("pointcache", "Point cache", (".pc2", ".mdd"), "pointcache", "scene", _HEAD),
        Format("livelink", "Live Link Face CSV", (".csv",), "livelink", "curves", reads_curves=True),
        Format("a2f", "Audio2Face JSON", (".a2f.json",), "audio2face", "curves", reads_curves=True),
        Format("csv", "Plain CSV", (".plain.csv",), "tables_csv", "curves", reads_curves=True),
        Format("json", "Plain JSON", (".json",), "tables_json", "curves", reads_curves=True),
        Format("srt", "SRT subtitles", (".srt",), "editorial_srt", "editorial"),
        Format("textgrid", "TextGrid", (".textgrid",), "editorial_textgrid", "editorial"),
        Format("otio", "OpenTimelineIO", (".otio",), "editorial_otio", "editorial"),
        Format("edl", "EDL", (".edl",), "editorial_edl", "editorial"),
        Format("npz", "Soliloquy performance", (".npz",), "performance_npz", "curves", reads_curves=True),
    )
}


def formats() -> tuple[Format, ...]:
    """All formats, in the order in which they are offered."""
    return tuple(FORMATS.values())


def format_of(path: Path, options: ExportOptions | None = None) -> Format:
    """The format of a file: the one the options name, else the one with the longest fitting suffix.

    Raises
    ------
    InputError
        If there is none; the message lists the known suffixes.
    """
    if options is not None and options.format:
        if options.format not in FORMATS:
            raise InputError(f"There is no format '{options.format}'. Choose one of: {', '.join(FORMATS)}.")
        return FORMATS[options.format]
    name = path.name.lower()
    fitting = [(len(s), f) for f in FORMATS.values() for s in f.suffixes if name.endswith(s)]
    if not fitting:
        known = sorted({s for f in FORMATS.values() for s in f.suffixes})
        raise InputError(f"The ending of {path.name} names no known format. Known endings: {' '.join(known)}.")
    return max(fitting, key=lambda item: item[0])[1]


def write(
    take: Take,
    path: Path,
    options: ExportOptions | None = None,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> list[Path]:
    """Write a take in the format of ``path``; either the whole result appears under its name or nothing.

    Returns
    -------
    the files written, the asked one first

    Raises
    ------
    ExportError
        If it could not be written (disk full, encoder failed, no permission).
    InputError
        If the format is unknown or the take lacks what it needs.
    Cancelled
        If ``cancel`` was set meanwhile.
    """
    options = options or ExportOptions()
    chosen = format_of(path, options)
    if not chosen.writes:
        raise InputError(f"{chosen.name} files can be read but not written. Choose another ending than {path.suffix}.")
    for need in sorted(chosen.needs):
        if getattr(take, need) is None:
            raise InputError(_LACKS[need].format(name=chosen.name))
    if len(take.performance) == 0:
        raise InputError("There is nothing to export: the performance has no frame.")
    try:
        written: list[Path] = chosen.adapter().write(take, path, options, progress, cancel or CancelToken())
    except ImportError as error:
        raise ExportError(
            f"{chosen.name} needs the package '{error.name}'. Install it with: pip install soliloquy[exchange]."
        ) from error
    return written


_LACKS = {
    "frames": "{name} needs pictures, but this export draws none. Choose a portrait first.",
    "head": "{name} needs a 3D head. Choose a portrait, or an engine that has a head, first.",
    "voice": "{name} needs a voice recording. Choose one first.",
}


def read_curves(path: Path, options: ExportOptions | None = None) -> Performance:
    """The performance in a curve or scene file, at the rate that the file has.

    Raises
    ------
    InputError
        If the file is absent, damaged, holds no curve, or its format cannot be read.
    """
    path = Path(path)
    chosen = format_of(path, options)
    if not chosen.reads_curves:
        readable = sorted({s for f in FORMATS.values() if f.reads_curves for s in f.suffixes})
        raise InputError(f"No curves can be read from {chosen.name} files. Readable: {' '.join(readable)}.")
    with reading(path, chosen.name):
        performance: Performance = chosen.adapter().read_curves(path, options or ExportOptions())
        if not 0 < len(performance) <= MAX_FRAMES:
            raise InputError(f"{path} holds {len(performance)} frames of curves; 1 to {MAX_FRAMES} can be used.")
    return performance


def read_start(path: Path, options: ExportOptions | None = None) -> int:
    """Number of the first frame of a curve file in the shot it came from, at the file's rate; 0 where it tells none.

    Raises
    ------
    InputError
        As `read_curves`.
    """
    path = Path(path)
    chosen = format_of(path, options)
    adapter = chosen.adapter()
    if not hasattr(adapter, "read_start"):
        return 0
    with reading(path, chosen.name):
        return max(int(adapter.read_start(path, options or ExportOptions())), 0)


def read_head(path: Path, options: ExportOptions | None = None) -> HeadMesh:
    """An artist's own head with ARKit blend shapes.

    Raises
    ------
    InputError
        If the file is absent or damaged, or lacks blend shapes; the message lists what was not found.
    """
    path = Path(path)
    chosen = format_of(path, options)
    if not chosen.reads_head:
        readable = sorted({s for f in FORMATS.values() if f.reads_head for s in f.suffixes})
        raise InputError(f"No head can be read from {chosen.name} files. Readable: {' '.join(readable)}.")
    with reading(path, chosen.name):
        head: HeadMesh = chosen.adapter().read_head(path, options or ExportOptions())
    return head
