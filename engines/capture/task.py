"""What a ``face_landmarker.task`` file holds, looked at before it is let into the weights store."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engines.errors import WeightsMissing

_NETWORKS: Final = ("face_detector.tflite", "face_landmarks_detector.tflite")


@dataclass(frozen=True)
class _Size:
    """How many numbers a network of this many bytes holds, taken as 32-bit numbers."""

    size_bytes: int

    def numel(self) -> int:
        return self.size_bytes // 4


@dataclass(frozen=True)
class Task:
    """A task bundle.

    Attributes
    ----------
    size_bytes : of all its networks together
    """

    size_bytes: int

    def parameters(self) -> Iterator[_Size]:
        """As a network's parameters, for the weights store."""
        yield _Size(self.size_bytes)


def load_task(path: Path) -> Task:
    """Look into a task bundle.

    Raises
    ------
    WeightsMissing
        When it is none, is damaged, or lacks a network.
    """
    try:
        with zipfile.ZipFile(path) as bundle:
            damaged = bundle.testzip()
            sizes = {item.filename: item.file_size for item in bundle.infolist()}
            # Networks in TensorFlow Lite's format carry this mark behind their first four bytes.
            marks = {name: bundle.open(name).read(8)[4:] for name in _NETWORKS if name in sizes}
    except (OSError, zipfile.BadZipFile) as error:
        raise WeightsMissing(
            f"{path} is no face landmarker task: {error}. Download face_landmarker.task again."
        ) from None
    lacking = [name for name in _NETWORKS if marks.get(name) != b"TFL3"]
    if damaged or lacking:
        what = f"{damaged} is damaged" if damaged else f"it has no network {lacking[0]}"
        raise WeightsMissing(f"{path} is no face landmarker task: {what}. Download face_landmarker.task again.")
    return Task(sum(size for name, size in sizes.items() if name.endswith(".tflite")))
