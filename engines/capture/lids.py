"""Eyes that are seen to shut, shut.

The readout of the units (`engines.capture.decode`, `engines.capture.solve`) takes the middle way where it is unsure, so
that a blink comes back as two thirds of one and a slit of eye stays in sight. How far the lids stand apart, in parts of
the person's open eye, tells better (the eye aspect ratio of Soukupova and Cech 2016, "Real-time eye blink detection
using facial landmarks"): where it is small, the lids of the fitted head are brought as near to each other.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from engines import arkit
from engines.rig.fit import FittedHead
from engines.rig.head import load_head
from engines.rig.landmark_sets import EYE_LOWER, EYE_UPPER

SEEN: Final = np.array([0.0, 0.15, 0.3, 0.45, 0.62])
HELD: Final = np.array([0.05, 0.1, 0.14, 0.4, 0.9])
"""An eye's opening as landmarks tell it, in parts of the open eye, and the most that the lids of the fitted head then
stand apart, in parts of its rest: at 0.1 they touch. Beyond the last nothing is changed."""
OPEN: Final = 85
"""Percentile of a person's openings that counts as open: above are stares, below blinks and downward looks."""
_BLINK: Final = list(arkit.indices("eyeBlink"))
_SHUTS: Final = 0.88
"""How much nearer a blink of 1 brings the lids, in parts of the rest."""


def openings(points: np.ndarray) -> np.ndarray:
    """How far the lids of each eye stand apart, in parts of its width : (T, 2), the subject's left eye first.

    Parameters
    ----------
    points : (T, 478, 2 or more)
    """
    eyes = []
    for upper, lower in zip(EYE_UPPER, EYE_LOWER, strict=True):
        middle = slice(3, 6)
        apart = np.linalg.norm(points[:, upper[middle], :2] - points[:, lower[middle], :2], axis=2).mean(1)
        wide = np.linalg.norm(points[:, upper[0], :2] - points[:, upper[-1], :2], axis=1)
        eyes.append(apart / np.maximum(wide, 1e-6))
    return np.stack(eyes, 1)


def open_eyes(points: np.ndarray) -> np.ndarray:
    """The openings of a person's open eyes : (2,), from all that is known of them (T, 478, 2 or more)."""
    return np.asarray(np.maximum(np.percentile(openings(points), OPEN, axis=0), 1e-3))


class Lids:
    """The lids of a fitted head."""

    def __init__(self, fitted: FittedHead) -> None:
        head = load_head()
        self._neutral = head.landmarks(fitted.mesh.vertices).astype(float)
        self._units = head.landmarks(fitted.mesh.units).astype(float)
        self._rest = openings(self._neutral[None])[0]

    def apart(self, weights: np.ndarray) -> np.ndarray:
        """How far the lids stand apart under weights (T, 52), in parts of their rest : (T, 2)."""
        return openings(self._neutral + np.tensordot(weights, self._units, 1)) / self._rest

    def shut(self, weights: np.ndarray, points: np.ndarray, opened: np.ndarray) -> np.ndarray:
        """Weights (T, 52) with blinks as far as the lids are seen to go.

        Parameters
        ----------
        weights : as they were read
        points : (T, 478, 3) landmarks as they were detected, pixels
        opened : (2,) of `open_eyes`
        """
        most = np.interp(openings(points) / opened, SEEN, HELD, right=np.inf)
        result = np.array(weights, float)
        lacking = np.maximum(self.apart(weights) - most, 0) / _SHUTS
        result[:, _BLINK] = np.minimum(result[:, _BLINK] + lacking, np.maximum(result[:, _BLINK], 1.2))
        return result
