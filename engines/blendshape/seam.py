"""The dark line between closed lips: a shadow in the photo, which lips leave behind when they part."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.ndimage import map_coordinates

from engines.rig.landmark_sets import INNER_LOWER, INNER_UPPER, OUTER_LOWER, OUTER_UPPER

_LUMA: Final = np.array([0.299, 0.587, 0.114])
_MIDDLE: Final = slice(3, 8)
"""Landmarks of a rim that lie away from the corners, which are dark for other reasons."""
_REACH: Final = np.linspace(0, 0.75, 31)
"""Places between the inner and the outer rim of a lip at which it is looked at."""
_LIP: Final = _REACH > 0.4
"""Those that show the lip itself."""
_FAINT: Final = 5.0
"""Grey levels by which the line must be darker than the lip."""
_LEFT: Final = 0.2
"""Share of its darkness at which the line counts as over."""


def seam_px(rgb: np.ndarray, points: np.ndarray) -> tuple[float, float]:
    """How far the dark line reaches into the upper and into the lower lip; 0 where there is none.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    points : (478, >=2), landmarks in its pixels
    """
    image = rgb.astype(np.float64) @ _LUMA
    upper = _reach_px(image, points, INNER_UPPER, OUTER_UPPER)
    lower = _reach_px(image, points, INNER_LOWER, OUTER_LOWER)
    return upper, lower


def _reach_px(image: np.ndarray, points: np.ndarray, inner: tuple[int, ...], outer: tuple[int, ...]) -> float:
    start, stop = points[list(inner[_MIDDLE]), :2], points[list(outer[_MIDDLE]), :2]
    places = start + (stop - start) * _REACH[:, None, None]
    tone = map_coordinates(image, places.reshape(-1, 2).T[::-1], order=1, mode="nearest")
    tone = np.median(tone.reshape(len(_REACH), -1), axis=1)
    lip = float(np.median(tone[_LIP]))
    darkest = int(np.argmin(tone[~_LIP]))
    depth = lip - float(tone[darkest])
    if depth < _FAINT:
        return 0.0
    over = darkest + int(np.argmax(tone[darkest:] >= lip - _LEFT * depth))
    height = float(np.hypot(*(stop - start).T).mean())
    return float(_REACH[over]) * height
