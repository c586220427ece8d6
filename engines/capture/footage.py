"""Footage made ready for training: the folder that ``soliloquy footage`` writes and engines learn from.

::

    FOLDER/manifest.json            what is here, and what was dropped and why
    FOLDER/clips/NAME/
        frames/000000.jpg ...       aligned frames, one a file, counted from 0
        performance.npz             what the face does in them (`engines.api.Performance`)
        face.npz                    landmarks in the aligned frames, confidence, where each crop lay in the picture
        voice.wav                   the sound of exactly these frames, mono 16 kHz; absent where there is none
        speech.npz                  what was heard in it (`engines.speech.analysis.SpeechAnalysis`); absent likewise

Every array has one row a frame; frame ``i`` of a clip begins ``i / rate`` seconds into its ``voice.wav``. A clip lies
within one shot and shows one person.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args

import numpy as np

from engines.api import Performance
from engines.errors import InputError
from engines.stylegan.align import Crop
from engines.timebase import parse_rate

if TYPE_CHECKING:
    from engines.speech.analysis import SpeechAnalysis

FORMAT: Final = "soliloquy-footage"
VERSION: Final = 1
MANIFEST: Final = "manifest.json"
Layout = Literal["ffhq", "fixed"]
"""How frames were cut: ``ffhq`` follows the head (StyleGAN, DiffAE), ``fixed`` is one square a clip (DAE-Talker,
EDTalk)."""


@dataclass(frozen=True)
class Dropped:
    """A span of a source that is not among the clips.

    Attributes
    ----------
    source : file name of the footage
    start, stop : frames of the source at the rate of the footage, half open
    reason : one of `engines.capture.footage_make.REASONS`
    """

    source: str
    start: int
    stop: int
    reason: str


@dataclass(frozen=True)
class FootageClip:
    """One clip.

    Attributes
    ----------
    folder : where its files lie
    name : the folder's name
    count : number of frames
    rate : frames a second
    size : side of the aligned frames in pixels
    source, start : file name of the footage and the frame of it that became frame 0
    layout : how frames were cut
    """

    folder: Path
    name: str
    count: int
    rate: Fraction
    size: int
    source: str
    start: int
    layout: Layout

    def __len__(self) -> int:
        return self.count

    @property
    def voice_path(self) -> Path | None:
        """The clip's sound, mono 16 kHz, or None where it has none."""
        path = self.folder / "voice.wav"
        return path if path.is_file() else None

    def frame_path(self, index: int) -> Path:
        return self.folder / "frames" / f"{index:06d}.jpg"

    def frame(self, index: int) -> np.ndarray:
        """One aligned frame : uint8 (size, size, 3), sRGB.

        Raises
        ------
        InputError
            If the file is missing or damaged.
        """
        from PIL import Image

        path = self.frame_path(index)
        try:
            with Image.open(path) as image:
                rgb = np.asarray(image.convert("RGB"))
        except (OSError, ValueError, SyntaxError) as error:
            raise InputError(f"The frame {path} cannot be read ({error}). Make the footage again.") from error
        if rgb.shape != (self.size, self.size, 3):
            raise InputError(
                f"The frame {path} is {rgb.shape[1]} x {rgb.shape[0]}, not {self.size} pixels wide and high."
            )
        return rgb

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
        """Aligned frames in order, as in `frame`."""
        for index in range(start, self.count if stop is None else min(stop, self.count)):
            yield self.frame(index)

    def performance(self) -> Performance:
        """What the face does, one row a frame."""
        data = self._arrays("performance.npz", "weights", "head", "gaze", "tongue")
        return Performance(self.rate, data["weights"], data["head"], data["gaze"], data["tongue"])

    def landmarks(self) -> np.ndarray:
        """MediaPipe's 478 points in pixels of the aligned frames : float32 (T, 478, 2)."""
        return self._arrays("face.npz", "landmarks")["landmarks"]

    def confidence(self) -> np.ndarray:
        """How far `performance` can be trusted : float32 (T,), 0 to 1."""
        return self._arrays("face.npz", "confidence")["confidence"]

    def crops(self) -> list[Crop]:
        """Where each frame lay in the upright picture of its source, in pixels (`engines.stylegan.align.Crop`)."""
        data = self._arrays("face.npz", "centre", "axis")
        return [Crop(centre, axis) for centre, axis in zip(data["centre"], data["axis"], strict=True)]

    def voice(self) -> np.ndarray:
        """The sound : float32 (N,), mono 16 kHz; empty where there is none."""
        import soundfile

        path = self.voice_path
        if path is None:
            return np.zeros(0, np.float32)
        try:
            sound, _ = soundfile.read(path, dtype="float32")
        except (soundfile.LibsndfileError, OSError) as error:
            raise InputError(f"The voice {path} cannot be read ({error}). Make the footage again.") from error
        return np.asarray(sound, np.float32)

    def speech(self) -> SpeechAnalysis | None:
        """What was heard in the sound, at 50 Hz; None where there is none."""
        from engines.speech.analysis import SpeechAnalysis

        path = self.folder / "speech.npz"
        return SpeechAnalysis.load(path) if path.is_file() else None

    def _arrays(self, file: str, *names: str) -> dict[str, np.ndarray]:
        path = self.folder / file
        try:
            with np.load(path, allow_pickle=False) as data:
                arrays = {name: data[name] for name in names}
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise InputError(f"{path} is missing or damaged ({error}). Make the footage again.") from error
        for name, values in arrays.items():
            if len(values) != self.count:
                raise InputError(f"{path}: '{name}' has {len(values)} rows for {self.count} frames. Make it again.")
        return arrays


@dataclass(frozen=True)
class Footage:
    """Everything in a folder of footage.

    Attributes
    ----------
    folder : absolute
    size, rate, layout : as of every clip
    clips : in the order of their sources
    dropped : what was left out, and why
    """

    folder: Path
    size: int
    rate: Fraction
    layout: Layout
    clips: tuple[FootageClip, ...]
    dropped: tuple[Dropped, ...]

    def __len__(self) -> int:
        """Frames of all clips together."""
        return sum(len(clip) for clip in self.clips)

    @property
    def duration_s(self) -> float:
        return float(len(self) / self.rate)


def load_footage(folder: str | Path) -> Footage:
    """Footage that ``soliloquy footage`` wrote.

    Raises
    ------
    InputError
        If the folder holds none, or its manifest is damaged or newer than this Soliloquy.
    """
    folder = Path(folder).expanduser().absolute()
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(f"{folder} holds no footage. Make it with: soliloquy footage CLIPS -o {folder.name}")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise InputError(f"{path} does not describe footage. Give a folder that soliloquy footage made.")
        if data["version"] > VERSION:
            raise InputError(f"{path} was made by a newer Soliloquy. Update first, or make the footage again.")
        shared: dict[str, Any] = {
            "size": int(data["size"]), "rate": parse_rate(data["rate"]), "layout": _layout(data["layout"])
        }  # fmt: skip
        clips = tuple(_clip(folder, entry, shared) for entry in data["clips"])
        dropped = tuple(Dropped(**entry) for entry in data["dropped"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"The manifest {path} is damaged ({error}). Make the footage again.") from error
    return Footage(folder, clips=clips, dropped=dropped, **shared)


def _layout(text: str) -> Layout:
    for layout in get_args(Layout):
        if text == layout:
            return cast(Layout, layout)
    raise ValueError(f"unknown layout '{text}'")


def _clip(folder: Path, entry: dict[str, Any], shared: dict[str, Any]) -> FootageClip:
    name = str(entry["name"])
    if PurePosixPath(name).name != name or name in (".", ".."):
        raise ValueError(f"'{name}' is no name of a clip")
    place = folder / "clips" / name
    return FootageClip(
        place, name, int(entry["count"]), source=str(entry["source"]), start=int(entry["start"]), **shared
    )


def save_manifest(footage: Footage) -> Path:
    """Write ``manifest.json``; appears under its name only when complete."""
    data = {
        "format": FORMAT,
        "version": VERSION,
        "size": footage.size,
        "rate": str(footage.rate),
        "layout": footage.layout,
        "clips": [{k: getattr(clip, k) for k in ("name", "count", "source", "start")} for clip in footage.clips],
        "dropped": [asdict(span) for span in footage.dropped],
    }
    path = footage.folder / MANIFEST
    partial = path.with_name(f".{path.name}.part")
    partial.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)
    return path
