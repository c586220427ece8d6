"""Pictures one by one: PNG (8 bit, straight alpha) and EXR (half float, linear light, premultiplied alpha)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from app.export.ffmpeg import Encoder
from app.export.files import atomic_folder
from app.export.options import ExportOptions
from app.export.pictures import pictures, with_alpha
from app.export.take import Take
from engines.api import CancelToken, Progress

_PLACE = re.compile(r"%0?(\d*)d|(#+)")


def numbered(path: Path) -> Callable[[int], str]:
    """Names of a sequence: ``shot.%04d.png`` and ``shot.####.png`` as given, ``shot.png`` with five digits put in."""
    match = _PLACE.search(path.name)
    if match is None:
        return lambda frame: f"{path.stem}.{frame:05d}{path.suffix}"
    width = int(match.group(1) or 0) if match.group(2) is None else len(match.group(2))
    return lambda frame: f"{path.name[: match.start()]}{frame:0{width}d}{path.name[match.end() :]}"


def write(take: Take, path: Path, options: ExportOptions, progress: Progress, cancel: CancelToken) -> list[Path]:
    """Write one file a frame, numbered as in the project; all of them appear at the end, or none."""
    name = numbered(path)
    stream = pictures(take, options, progress, cancel)
    with atomic_folder(path) as folder:
        if path.suffix.lower() == ".exr":
            _exr(take, stream, folder, name)
        else:
            from PIL import Image

            for i, picture in enumerate(stream):
                image = Image.fromarray(np.ascontiguousarray(picture))
                image.save(folder / name(take.start + i), "PNG", compress_level=4)
    return [path.parent / name(take.start + i) for i in range(len(take))]


def linear_light(picture: np.ndarray) -> np.ndarray:
    """Linear, premultiplied planes G, B, R, A of an sRGB picture with straight alpha : float32 (4, H, W)."""
    value = np.arange(256) / 255
    table = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)
    alpha = picture[..., 3].astype(np.float32) / 255
    planes = [table[picture[..., channel]] * alpha for channel in (1, 2, 0)]
    return np.stack([*planes, alpha])


def _exr(take: Take, stream: Iterator[np.ndarray], folder: Path, name: Callable[[int], str]) -> None:
    """Encode with ffmpeg's EXR encoder: half floats, ZIP-compressed scan lines."""

    first = with_alpha(next(stream))
    pattern = os.fspath(folder / "frame.%08d.exr")
    settings = ["-c:v", "exr", "-compression", "zip16", "-format", "half", "-start_number", "0"]
    settings += ["-color_trc", "linear", "-f", "image2", pattern]
    height, width = first.shape[:2]
    with Encoder(width, height, "gbrapf32le", take.rate, settings) as encoder:
        for picture in chain((first,), stream):
            encoder.add(linear_light(with_alpha(picture)))
        encoder.finish()
    for i in range(len(take)):
        os.replace(pattern % i, folder / name(take.start + i))
