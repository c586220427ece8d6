"""Eyes that are seen to shut, shut.

The readout of the units (`engines.capture.decode`, `engines.capture.solve`) takes the middle way where it is unsure, so
that a blink comes back as two thirds of one and a slit of eye stays in sight. How far the lids stand apart, in parts of
the person's open eye, tells better (the eye aspect ratio of Soukupova and Cech 2016, "Real-time eye blink detection
using facial landmarks"): where that is little, a blink is at least as far.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from engines import arkit
from engines.capture.sides import believed
from engines.rig.landmark_sets import EYE_LOWER, EYE_UPPER

BLINK: Final = list(arkit.indices("eyeBlink"))
_BEGINS, _SHUT = 0.55, 0.2
"""Parts of the open eye at which a blink is told, and at which it is whole: landmarks of shut lids lie on lashes."""
_WINK: Final = 0.5
"""Difference between two eyes that is half believed: lids go together but for a wink."""
_OPEN: Final = 85
"""Percentile of a person's openings that counts as open: above are stares, below blinks and downward looks."""


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
    return np.asarray(np.maximum(np.percentile(openings(points), _OPEN, axis=0), 1e-3))


def shut(points: np.ndarray, opened: np.ndarray) -> np.ndarray:
    """How far each eye is surely shut, 0 to 1 : (T, 2) in the order of `BLINK`.

    Parameters
    ----------
    points : (T, 478, 3) landmarks as they were detected, pixels
    opened : (2,) of `open_eyes`
    """
    seen = openings(points) / opened
    middle, apart = seen.mean(1), believed(seen[:, 0] - seen[:, 1], _WINK)
    seen = np.stack([middle + apart / 2, middle - apart / 2], 1)
    return np.asarray(np.clip((_BEGINS - seen) / (_BEGINS - _SHUT), 0, 1))
