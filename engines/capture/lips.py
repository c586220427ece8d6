"""How far lips and jaw move, straight from the landmarks of a video or from a driven head.

A solved performance says what a face does in units of a model; how far somebody opens the mouth is told more surely by
distances between landmarks, in the unit of the voice benchmark: the distance between the outer eye corners.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from engines.api import Performance
from engines.capture.smooth import fill, parabola
from engines.capture.track import Track
from engines.face.landmarks import OUTER_EYE_CORNERS
from engines.rig.measure import MouthModel, geometry_of

SMOOTH_S: Final = 0.2
"""Window that takes the detector's tremble out, as for captured curves."""
_LIPS, _CORNERS, _CHIN = (13, 14), (61, 291), (4, 152)


@dataclass(frozen=True, eq=False)
class LipCurves:
    """Distances over time, in distances between the outer eye corners : float64 (T,) each.

    Attributes
    ----------
    opening : between the inner edges of the lips
    width : between the corners of the mouth
    chin : from the tip of the nose to the chin
    """

    opening: np.ndarray
    width: np.ndarray
    chin: np.ndarray


def of_performance(performance: Performance, model: MouthModel) -> LipCurves:
    """The distances on a driven head."""
    found = geometry_of(model, performance.with_(head=np.zeros_like(performance.head)))
    return LipCurves(*(found[name].astype(np.float64) for name in ("aperture", "width", "jaw")))


def of_track(track: Track, rate: Fraction) -> LipCurves:
    """The distances in footage; led over frames without a face.

    Distances are taken in the picture's three coordinates, so that a turned head counts as one that looks ahead.
    """
    points = track.points.astype(np.float64)

    def distance(pair: tuple[int, int]) -> np.ndarray:
        return np.linalg.norm(points[:, pair[0]] - points[:, pair[1]], axis=1)

    curves = np.stack([distance(pair) for pair in (_LIPS, _CORNERS, _CHIN)], 1)
    with np.errstate(invalid="ignore"):
        curves = curves / distance(OUTER_EYE_CORNERS)[:, None]
    return LipCurves(*parabola(fill(curves, track.seen), SMOOTH_S, rate).T)
