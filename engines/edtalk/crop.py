"""The square of a picture that EDTalk's and LIA's published networks see, found from our landmarks.

Their crop is a similarity that brings landmarks to fixed places of a 256 pixel square, outside of the picture black.
Five of those places are used here, which MediaPipe has too: both ends of the jaw, the chin, the tip of the nose and the
middle of the mouth.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from engines.latent.crop import FaceCrop

SIDE: Final = 256
POINTS: Final = ((127,), (152,), (356,), (4,), (13, 14))
"""MediaPipe's numbers of the jaw's end at the subject's right ear, the chin, the jaw's end at the left ear, the tip of
the nose and both lips."""
PLACES: Final = np.array([[61.0, 119.0], [135.0, 224.0], [194.0, 118.0], [143.0, 143.0], [139.0, 180.0]])
"""Where the published crop has them, of `SIDE` pixels."""


def face_crop(points: np.ndarray, side: int = SIDE) -> FaceCrop:
    """The crop of a face.

    Parameters
    ----------
    points : (478, >=2) landmarks in pixels of the picture
    side : of the crop, pixels
    """
    places = np.array([points[list(rows), :2].mean(0) for rows in POINTS], np.float64)
    return FaceCrop(_matrix(places, side), side)


def steady_crop(points: np.ndarray, side: int = SIDE) -> FaceCrop:
    """One crop for all frames of a video, so that the head moves in it and not with it.

    Parameters
    ----------
    points : (T, 478, >=2), not a number where no face was seen; at least one frame has one
    """
    seen = points[np.isfinite(points[:, 0, 0])]
    return face_crop(np.median(seen, 0), side)


def _matrix(points: np.ndarray, side: int) -> np.ndarray:
    """The similarity from the template's places to ``points`` (5, 2) by least squares (Umeyama 1991)."""
    places = (PLACES + 0.5) * side / SIDE - 0.5
    a, b = places - places.mean(0), points - points.mean(0)
    u, singular, vt = np.linalg.svd(b.T @ a)
    sign = np.diag([1.0, np.sign(np.linalg.det(u @ vt))])
    turn = u @ sign @ vt * (singular @ np.diag(sign)) / np.square(a).sum()
    return np.column_stack([turn, points.mean(0) - turn @ places.mean(0)])
