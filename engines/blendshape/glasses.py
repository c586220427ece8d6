"""Glasses in a photo: whether there are any, and where skin must not carry them along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.ndimage import map_coordinates

_LUMA: Final = np.array([0.299, 0.587, 0.114])
_SURE: Final = (0.17, 0.27)
"""Darkness of a narrow band on the bridge of the nose and below both eyes that may be, and that is, a frame.

Bare faces reach 0.13 on the bridge, where no hair or lash grows."""
_FRAME: Final = 0.07
"""Half of the width up to which a dark band can be a frame, in distances of the outer eye corners."""
_SIDES: Final = (
    # ARKit side, corners, lower lid, upper lid
    ("Left", (362, 263), (373, 374, 380), (385, 386, 387)),
    ("Right", (33, 133), (144, 145, 153), (158, 159, 160)),
)


@dataclass(frozen=True)
class Glasses:
    """A pair of glasses.

    Attributes
    ----------
    strength : how sure, 0 to 1
    lenses : centre x, y and half axes x, y of both lenses with their frames, in pixels
    rooms : (left, right) height over each upper lid up to the frame, in pixels
    """

    strength: float
    lenses: tuple[tuple[float, float, float, float], ...]
    rooms: tuple[float, float]

    def hold(self, places: np.ndarray) -> np.ndarray:
        """How firmly frames hold places (..., 2) : (...), 0 to 1."""
        held = np.zeros(places.shape[:-1])
        for x, y, half_x, half_y in self.lenses:
            away = np.hypot((places[..., 0] - x) / half_x, (places[..., 1] - y) / half_y)
            share = np.clip((1.4 - away) / 0.4, 0, 1)
            held = np.maximum(held, share * share * (3 - 2 * share))
        return self.strength * held


def find_glasses(rgb: np.ndarray, landmarks: np.ndarray) -> Glasses | None:
    """Look for frames: narrow dark bands across the bridge of the nose and below both eyes.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    landmarks : (478, >=2), in its pixels

    Returns
    -------
    None where there are none, or none that can be seen (rimless, transparent)
    """
    import cv2

    points = np.asarray(landmarks, np.float64)[:, :2]
    eye = float(np.hypot(*(points[263] - points[33])))
    luma = cv2.GaussianBlur(rgb, (0, 0), max(0.5, 0.008 * eye)).astype(np.float64) @ _LUMA
    along = (points[263] - points[33]) / eye
    down = np.array([-along[1], along[0]])
    beside = along * np.array([[-0.03], [0.0], [0.03]]) * eye
    dark, _ = _band(luma, points[8] + beside - 0.02 * eye * down, points[195] + beside, eye, _FRAME)
    if dark < _SURE[0]:
        return None
    darkness, lenses, rooms = [dark], [], []
    for _, corners, lower, upper in _SIDES:
        start = points[list(lower)] + 0.08 * eye * down
        dark, place = _band(luma, start, start + 0.36 * eye * down, eye, _FRAME)
        darkness.append(dark)
        centre = points[list(corners)].mean(0)
        below = float((points[list(lower)].mean(0) - centre) @ down) + (0.08 + 0.36 * place) * eye
        lenses.append((float(centre[0]), float(centre[1]), 0.34 * eye, below + 0.06 * eye))
        start = points[list(upper)] - 0.05 * eye * down
        dark, place = _band(luma, start, start - 0.30 * eye * down, eye, 0.5 * _FRAME)
        rooms.append((0.02 + 0.30 * place if dark > _SURE[0] else 0.12) * eye)
    strength = float(np.clip((min(darkness) - _SURE[0]) / (_SURE[1] - _SURE[0]), 0, 1))
    if strength == 0:
        return None
    return Glasses(strength, tuple(lenses), (rooms[0], rooms[1]))


def _band(luma: np.ndarray, starts: np.ndarray, ends: np.ndarray, eye: float, half: float) -> tuple[float, float]:
    """Darkness and place (0 to 1) of the darkest narrow band that crosses all lines from ``starts`` to ``ends``."""
    from scipy.ndimage import grey_closing

    at = np.linspace(0, 1, 96)
    darkness = np.zeros(len(at))
    for start, end in zip(starts, ends, strict=True):
        line = start + at[:, None] * (end - start)
        values = map_coordinates(luma, line.T[::-1], order=1, mode="nearest")
        size = 2 * max(3, round(half * eye / float(np.hypot(*(end - start))) * len(at))) + 1
        # what is narrower than the window vanishes when the profile is closed
        darkness = darkness + (1 - values / np.maximum(grey_closing(values, size, mode="nearest"), 8.0)) / len(starts)
    best = int(darkness[2:-2].argmax()) + 2
    return float(darkness[best]), float(at[best])
