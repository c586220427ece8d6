"""How the light on the skin changes from frame to frame, with the face held still.

Landmarks tremble, and skin is shaded: a patch that slips over a cheek changes its brightness in even light. So what a
small motion explains is taken out first, by optical flow that allows the light to change (Negahdaripour 1998, "Revised
definition of optical flow"): one similarity for the whole face, and one change of brightness for each patch.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from engines.judge.geometry import upright_map

SKIN: Final = (
    (-0.35, -0.50, 0.35, -0.28),
    (-0.45, 0.12, -0.18, 0.40),
    (0.18, 0.12, 0.45, 0.40),
    (-0.1, 0.0, 0.1, 0.25),
)
"""Forehead, cheeks and nose: left, top, right, bottom in eye distances from the bridge of the nose, y down."""

_SIDE, _EYES = 96, 0.45
_BLUR_PX = 1.5
"""Takes out noise and sharp edges, so that brightness is straight over the way that a face is off."""
_ROUNDS = 2
_LIKELY: Final = np.diag([1.0] * 4 + [0.0] * len(SKIN))
"""A motion of a pixel is as likely as an error of a grey level in one: on even skin none is found."""


def still_face(rgb: np.ndarray, rigid: np.ndarray) -> np.ndarray:
    """The face as it is looked at, upright and of one size : float32 (96, 96), grey levels.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    rigid : (len(RIGID), 2) places of `engines.judge.geometry.RIGID`, pixels
    """
    import cv2

    matrix = upright_map(rigid, _SIDE, _EYES, (0.0, 0.0))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    face = cv2.warpAffine(rgb, matrix, (_SIDE, _SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), _BLUR_PX))


def light_steps(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """By how much each patch of `SKIN` is brighter than before, once the faces lie on each other : float (4,).

    Parameters
    ----------
    before, after : float32 (96, 96) from `still_face`
    """
    import cv2

    inside, offsets, x, y = _patches()
    motion = np.zeros(4)
    for _ in range(_ROUNDS):
        moved = _moved(after, motion)
        mean = 0.5 * (before + moved)
        gx, gy = (cv2.Sobel(mean, cv2.CV_32F, *order, scale=1 / 8)[inside] for order in ((1, 0), (0, 1)))
        terms = np.column_stack([gx, gy, gx * x + gy * y, gy * x - gx * y, offsets])
        found = np.linalg.solve(terms.T @ terms + _LIKELY, terms.T @ (moved - before)[inside])
        motion = motion - found[:4]
    change = (_moved(after, motion) - before)[inside]
    return np.asarray((change @ offsets) / offsets.sum(0))


def _moved(face: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """A face looked up ``motion`` away: right and down in pixels, growth and turn in pixels at the edge."""
    import cv2

    dx, dy, growth, turn = motion / (1, 1, _SIDE / 2, _SIDE / 2)
    linear = np.array([[1 + growth, -turn], [turn, 1 + growth]])
    middle = np.full(2, (_SIDE - 1) / 2)
    matrix = np.column_stack([linear, middle + np.array([dx, dy]) - linear @ middle])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(face, matrix, (_SIDE, _SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE))


@cache
def _patches() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pixels of the patches: bool (96, 96), then for each of those P its patch (P, 4), and x and y from the middle."""
    boxes = (np.array(SKIN) * _EYES * _SIDE + _SIDE / 2).round().astype(int)
    number = np.full((_SIDE, _SIDE), -1)
    for k, (left, top, right, bottom) in enumerate(boxes):
        number[top:bottom, left:right] = k
    inside = number >= 0
    y, x = (np.argwhere(inside).T - (_SIDE - 1) / 2) / (_SIDE / 2)
    return inside, np.eye(len(SKIN))[number[inside]], x, y
