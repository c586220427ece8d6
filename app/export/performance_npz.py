"""A `Performance` as a NumPy archive: lossless, the studio's own file."""

from __future__ import annotations

import io
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np

from app.export.files import MAX_FRAMES, read_bytes, write_bytes
from app.export.options import ExportOptions
from app.export.take import Take
from engines.api import PERFORMANCE_VERSION, SURE, CancelToken, Performance, Progress
from engines.errors import InputError
from engines.timebase import parse_rate

_ARRAYS = {"weights": 52, "head": 6, "gaze": 4, "tongue": 1}


def write(take: Take, path: Path, options: ExportOptions, progress: Progress, cancel: CancelToken) -> list[Path]:
    """Write the motion at the rate of the take."""
    motion = take.motion
    rate = np.array([motion.rate.numerator, motion.rate.denominator], np.int64)
    data = io.BytesIO()
    np.savez_compressed(
        data,
        version=np.int64(PERFORMANCE_VERSION),
        rate=rate,
        start=np.int64(take.start),
        **{name: getattr(motion, name) for name in _ARRAYS},
        **({} if SURE not in motion.extras else {"sure": motion.extras[SURE][:, 0]}),
    )
    return write_bytes(path, data.getvalue())


def _array(archive: zipfile.ZipFile, name: str, most: int) -> np.ndarray:
    """One array whose declared size was checked before anything is allocated."""
    info = archive.getinfo(f"{name}.npy")
    if info.file_size > most * 8 + 1024:
        raise InputError(f"its array '{name}' is too large")
    data = archive.read(info)
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    shape, _, dtype = (
        np.lib.format.read_array_header_1_0(stream)
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0(stream)
    )
    if dtype.hasobject or int(np.prod(shape, dtype=object)) * dtype.itemsize > len(data):
        raise InputError(f"its array '{name}' is damaged")
    return np.asarray(np.lib.format.read_array(io.BytesIO(data), allow_pickle=False))


def read_start(path: Path, options: ExportOptions) -> int:
    """Number of the first frame."""
    with zipfile.ZipFile(io.BytesIO(read_bytes(path))) as archive:
        return int(_array(archive, "start", 1)) if "start.npy" in archive.namelist() else 0


def read_curves(path: Path, options: ExportOptions) -> Performance:
    """The performance, bit for bit as it was written."""
    with zipfile.ZipFile(io.BytesIO(read_bytes(path))) as archive:
        version = int(_array(archive, "version", 1))
        if version > PERFORMANCE_VERSION:
            raise InputError(
                f"{path} was written by a newer Soliloquy (format {version}, this one reads up to "
                f"{PERFORMANCE_VERSION}). Update Soliloquy or export it again in an older format."
            )
        numerator, denominator = (int(v) for v in _array(archive, "rate", 2))
        rate = parse_rate(Fraction(numerator, denominator))
        arrays = {name: _array(archive, name, width * MAX_FRAMES) for name, width in _ARRAYS.items()}
        sure = _array(archive, "sure", MAX_FRAMES) if "sure.npy" in archive.namelist() else None
    extras = {} if sure is None else {SURE: np.repeat(sure.reshape(-1, 1), 2, 1)}
    return Performance(rate, arrays["weights"], arrays["head"], arrays["gaze"], arrays["tongue"], extras)
