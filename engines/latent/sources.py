"""What a network is to learn from, as it is named on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engines.errors import InputError

if TYPE_CHECKING:
    from engines.api import Portrait

_PICTURES: Final = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")


def found_in(sources: Sequence[Path]) -> tuple[list[Portrait], list[Any]]:
    """Portraits and footage.

    Raises
    ------
    InputError
        If a source is neither, or holds neither.
    """
    from engines.capture.footage import MANIFEST, load_footage
    from engines.face.portrait import load_portrait

    portraits: list[Portrait] = []
    footage = []
    for source in sources:
        if not source.is_dir():
            portraits.append(load_portrait(source))
        elif (source / MANIFEST).exists():
            footage.append(load_footage(source))
        else:
            pictures = [p for p in sorted(source.iterdir()) if p.suffix.lower() in _PICTURES]
            if not pictures:
                raise InputError(f"{source} holds neither pictures nor footage. Make footage with: soliloquy footage.")
            portraits += [load_portrait(p) for p in pictures]
    return portraits, footage
