"""The 35 numbers that move a face in this engine: three rotations of the head and 32 channels.

After Oorloff and Yacoob ("Expressive Talking Head Video Encoding in StyleGAN2 Latent-Space", 2023): one latent says who
it is, 35 numbers a frame say what the face does, which is 70 bytes at 16 bit. Where the head stands in the picture is
not among them: as in the paper, the crop follows it.

Two kinds of actors read the channels. A generator that the user brought moves single channels of StyleSpace; an actor
taught by the rig has the principal axes of the rig's motion there (`engines.teaching.banks`), and in the last two how
much of the drawn mouth and eyes is seen.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from engines.api import Performance
from engines.teaching.banks import EXPRESSION, MOUTH, POSE, POSE_SCALE, Banks, Motion

ROTATIONS: Final = ("pitch", "yaw", "roll")
MOUTH_COUNT, FACE_COUNT = 20, 12
CHANNELS: Final = (
    *(f"mouth_{i + 1}" for i in range(MOUTH_COUNT)),
    *(f"face_{i + 1}" for i in range(FACE_COUNT)),
)
NAMES: Final = (*ROTATIONS, *CHANNELS)
COUNT: Final = len(NAMES)
OF_HEAD, OF_MOUTH, OF_FACE = slice(0, 3), slice(3, 23), slice(23, 35)
BYTES: Final = 2 * COUNT
"""Of a frame at 16 bit."""
_DEGREES: Final = np.degrees(POSE_SCALE[:3])
"""Degrees of one unit of each rotation of the pose bank."""


def of_motion(motion: Motion, coordinates: np.ndarray) -> np.ndarray:
    """The numbers of an actor taught by the rig : float32 (T, 35), rotations in degrees.

    Parameters
    ----------
    motion : what the face does
    coordinates : (T, 36), the same in the banks
    """
    looks = motion.looks.max(1)
    parts = (
        coordinates[:, POSE][:, :3] * _DEGREES,
        coordinates[:, MOUTH],
        coordinates[:, EXPRESSION],
        motion.speaks[:, None],
        looks[:, None],
    )
    return np.concatenate(parts, 1).astype(np.float32)


def to_motion(numbers: np.ndarray, shift_cm: np.ndarray, banks: Banks) -> tuple[Motion, np.ndarray]:
    """What numbers (T, 35) stand for; the inverse of `of_motion` as far as the banks tell.

    Parameters
    ----------
    shift_cm : (T, 3), where the head stands

    Returns
    -------
    a motion whose ``speaks`` and ``looks`` are the numbers', and the 36 coordinates
    """
    numbers = np.asarray(numbers, np.float64)
    mouth, face = numbers[:, OF_MOUTH], numbers[:, OF_FACE]
    head = np.concatenate([np.radians(numbers[:, OF_HEAD]), shift_cm], 1)
    coordinates = np.concatenate([mouth, head / POSE_SCALE, face[:, :10]], 1).astype(np.float32)
    moved = Told(
        mouth @ np.linalg.pinv(banks.mouth),
        face[:, :10] @ np.linalg.pinv(banks.expression),
        head,
        np.clip(face[:, 10], 0, 1),
        np.clip(face[:, 11], 0, 1),
    )
    return moved, coordinates


class Told(Motion):
    """A motion read from numbers, which say themselves how much of the drawn mouth and eyes is seen."""

    def __init__(
        self, mouth: np.ndarray, face: np.ndarray, head: np.ndarray, speaks: np.ndarray, looks: np.ndarray
    ) -> None:
        super().__init__(mouth, face, head)
        object.__setattr__(self, "_speaks", speaks)
        object.__setattr__(self, "_looks", np.stack([looks, looks], 1))

    @property
    def speaks(self) -> np.ndarray:
        shown: np.ndarray = self._speaks  # type: ignore[attr-defined]
        return shown

    @property
    def looks(self) -> np.ndarray:
        shown: np.ndarray = self._looks  # type: ignore[attr-defined]
        return shown


def directed(performance: Performance, numbers: np.ndarray) -> np.ndarray:
    """Numbers (T, 35) with the artist's curves on single ones."""
    if not performance.extras.keys() & set(NAMES):
        return numbers
    columns = [performance.coordinate(name, column) for name, column in zip(NAMES, numbers.T, strict=True)]
    return np.stack(columns, 1).astype(np.float32)


def to_bytes(numbers: np.ndarray) -> bytes:
    """Numbers (T, 35) as 16-bit floats, `BYTES` a frame."""
    return np.ascontiguousarray(numbers, "<f2").tobytes()


def from_bytes(data: bytes) -> np.ndarray:
    """The inverse of `to_bytes` : float32 (T, 35).

    Raises
    ------
    ValueError
        If the length is no multiple of `BYTES`.
    """
    return np.frombuffer(data, "<f2").reshape(-1, COUNT).astype(np.float32)
