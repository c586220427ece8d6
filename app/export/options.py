"""The choices an artist has about an output; export presets are these fields in a TOML file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from engines.errors import InputError

CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "codec": ("h264", "hevc"),
    "mesh": ("full", "minimal"),
    "texture": ("embed", "file", "none"),
}


@dataclass(frozen=True)
class ExportOptions:
    """How an output is written. An adapter uses the fields that its format knows and ignores the others.

    Attributes
    ----------
    format : id of the format (`app.export.formats`); empty: by the suffix of the file
    codec : ``h264`` or ``hevc`` for MP4
    quality : 0 (smallest) to 100 (visually lossless), for video
    hardware : encode on the graphics card where that works, else on the processor
    sound : put the voice into the video
    background : (r, g, b), 0 to 255, behind pictures with alpha where the format has none
    crop : (left, top, width, height) in pixels of the picture, or None for all of it
    names : name map of the blend shapes: ``arkit``, ``livelink``, ``metahuman``, ``vrm``, or path of a JSON file
        that maps ARKit names to other names
    channels : ARKit units to write; empty: all
    mesh : ``full`` (the textured head) or ``minimal`` (one small mesh that only carries the curves)
    texture : ``embed`` in the file, ``file`` beside it or ``none``
    sign : add a C2PA manifest to videos
    certificate, private_key : PEM files of the user's signing certificate; empty: a labelled self-made one
    """

    format: str = ""
    codec: str = "h264"
    quality: int = 80
    hardware: bool = False
    sound: bool = True
    background: tuple[int, int, int] = (0, 0, 0)
    crop: tuple[int, int, int, int] | None = None
    names: str = "arkit"
    channels: tuple[str, ...] = ()
    mesh: str = "full"
    texture: str = "embed"
    sign: bool = True
    certificate: str = ""
    private_key: str = ""

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                raise InputError(f"The export option {name} is '{value}'. Choose one of: {', '.join(allowed)}.")
        for name, length in (("crop", 4), ("background", 3)):
            value = getattr(self, name)
            if value is not None and (len(value) != length or not all(isinstance(v, int) for v in value)):
                raise InputError(f"The export option {name} is {value}; it takes {length} whole numbers.")
        if not all(0 <= v <= 255 for v in self.background):
            raise InputError(f"The background colour {self.background} has a part outside 0 to 255.")
        if not 0 <= self.quality <= 100:
            raise InputError(f"The export quality is {self.quality}. Choose a number from 0 to 100.")

    @staticmethod
    def parse(pairs: Iterable[str]) -> dict[str, Any]:
        """Values for `from_dict` from texts such as ``mesh=minimal`` or ``crop=0,0,512,512``.

        Raises
        ------
        InputError
            If a text is no ``NAME=VALUE``, or its value does not fit the option.
        """
        defaults = {f.name: f.default for f in fields(ExportOptions)}
        values: dict[str, Any] = {}
        for pair in pairs:
            name, equals, text = pair.partition("=")
            if not equals or name not in defaults:
                raise InputError(f"'{pair}' is no export option. Write NAME=VALUE; names: {', '.join(defaults)}.")
            parts = [part.strip() for part in text.split(",") if part.strip()]
            try:
                if isinstance(defaults[name], bool):
                    values[name] = {"yes": True, "true": True, "no": False, "false": False}[text.strip().lower()]
                elif isinstance(defaults[name], int):
                    values[name] = int(text)
                elif name in ("crop", "background"):
                    values[name] = tuple(map(int, parts))
                else:
                    values[name] = tuple(parts) if isinstance(defaults[name], tuple) else text
            except (KeyError, ValueError):
                raise InputError(f"The export option {name} cannot be '{text}'.") from None
        return values

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> ExportOptions:
        """Options from a preset or a command line; unknown names are an error that lists the known ones."""
        known = {f.name for f in fields(ExportOptions)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise InputError(f"Unknown export option {', '.join(unknown)}. Known: {', '.join(sorted(known))}.")
        ready: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        try:
            return ExportOptions(**ready)
        except TypeError as error:
            raise InputError(f"An export option has the wrong type: {error}.") from error
