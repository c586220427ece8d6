"""Where a face has its parts in the FFHQ crop, which puts eyes and mouth of everybody in about the same place."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

PLACES: Final = {
    # centre x, y and half axes, in sides of the crop
    "mouth": (0.5, 0.735, 0.16, 0.115),
    "eyes": (0.5, 0.475, 0.25, 0.07),
    "brows": (0.5, 0.385, 0.27, 0.06),
    "cheeks": (0.5, 0.6, 0.24, 0.07),
}
"""Ellipses around the parts of an upright face; the crop is laid by the eyes and the corners of the mouth."""
MOUTH_PARTS: Final = ("mouth",)
FACE_PARTS: Final = ("eyes", "brows", "cheeks")


@cache
def region(part: str, size: int) -> np.ndarray:
    """Where a part is in a crop : bool (size, size), read only."""
    x0, y0, half_x, half_y = PLACES[part]
    at = (np.arange(size) + 0.5) / size
    x, y = (at - x0) / half_x, (at - y0) / half_y
    inside = np.add.outer(y**2, x**2) < 1
    inside.setflags(write=False)
    return inside


@cache
def face(size: int) -> np.ndarray:
    """1 on the face, fading to 0 beyond it : float32 (size, size), read only.

    From above the brows to below the chin, between the ears: what a generator draws is seen there.
    """
    at = (np.arange(size) + 0.5) / size
    x, y = (at - 0.5) / 0.31, (at - 0.6) / 0.36
    near = np.sqrt(np.add.outer(np.abs(y) ** 2.4, np.abs(x) ** 2.4))
    rise = np.clip((1.0 - near) / 0.22, 0, 1)
    soft = np.asarray(rise * rise * (3 - 2 * rise), np.float32)
    soft.setflags(write=False)
    return soft


@cache
def emphasis(size: int, mouth: float = 5.0, eyes: float = 3.0) -> np.ndarray:
    """How much each pixel of a crop counts in training : float32 (size, size), read only."""
    import cv2

    weight = np.ones((size, size), np.float32)
    for part, amount in (("mouth", mouth), ("eyes", eyes)):
        soft = cv2.GaussianBlur(region(part, size).astype(np.float32), (0, 0), 0.02 * size)
        weight = np.maximum(weight, 1 + (amount - 1) * soft)
    weight.setflags(write=False)
    return weight
