"""Left and right of a face: how much of the difference that is seen between them is the face's own.

Landmarks of the two sides err by themselves, most of all when the head turns, while faces do most things with both
sides. So a small difference is hardly believed and a large one is: a wink, a smirk, one raised brow. That is about what
is most probable for something that is mostly nought and now and then large, seen under noise (Portilla et al. 2003,
"Image denoising using scale mixtures of Gaussians in the wavelet domain"). What somebody does more strongly with one
side all the time is their way, and stays.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from engines import arkit

PAIRED: Final = tuple(
    name.removesuffix("Left")
    for name in arkit.NAMES
    if name.endswith("Left") and not name.startswith("eyeLook") and name not in ("mouthLeft", "jawLeft")
)
"""Units that each side has; where the eyes look is told by the gaze."""
_LEFT, _RIGHT = (list(arkit.indices(*(name + side for name in PAIRED))) for side in ("Left", "Right"))
_OPPOSED: Final = np.array(arkit.indices("mouth", "jaw")).reshape(2, 2)
"""Units to the left and to the right of which a face does one at a time, a row each."""
_DOUBTS: Final = {"eyeBlink": 0.4, "eye": 0.1, "brow": 0.08, "": 0.12}
"""Differences of this size are halved, by how names begin: two or three times what drawn and real faces show of noise,
and more for lids, which go together but for a wink."""
_DOUBT: Final = np.array([next(d for start, d in _DOUBTS.items() if name.startswith(start)) for name in PAIRED])
_DOUBT_OPPOSED: Final = 0.2
_USUAL: Final = 0.03
"""How far a unit has to move, as a deviation, for its ways to be told."""


def leaning(weights: np.ndarray) -> np.ndarray:
    """What each pair always does: how much more left than right, at rest and for each 1 of both sides' mean : (2, P).

    Parameters
    ----------
    weights : (T, 52) of one person
    """
    difference, mean = weights[:, _LEFT] - weights[:, _RIGHT], 0.5 * (weights[:, _LEFT] + weights[:, _RIGHT])
    middle = mean.mean(0)
    spread = ((mean - middle) ** 2).mean(0) + _USUAL**2
    slope = ((mean - middle) * difference).mean(0) / spread
    ways = np.stack([difference.mean(0) - slope * middle, slope])
    ways[:, PAIRED.index("eyeBlink")] = 0  # nobody shuts one eye more than the other
    return ways


def evened(weights: np.ndarray, ways: np.ndarray | None = None) -> np.ndarray:
    """Weights (T, 52), 0 and more, of which small differences between the sides are taken out; their means stay.

    Parameters
    ----------
    ways : of that person, from `leaning`; None: both sides do the same
    """
    result = np.array(weights, float)
    mean = 0.5 * (result[:, _LEFT] + result[:, _RIGHT])
    difference = result[:, _LEFT] - result[:, _RIGHT]
    usual = 0.0 if ways is None else ways[0] + ways[1] * mean
    difference = np.clip(usual + believed(difference - usual, _DOUBT), -2 * mean, 2 * mean)
    result[:, _LEFT], result[:, _RIGHT] = mean + difference / 2, mean - difference / 2
    for left, right in _OPPOSED:
        aside = believed(result[:, left] - result[:, right], _DOUBT_OPPOSED)
        result[:, left], result[:, right] = np.maximum(aside, 0), np.maximum(-aside, 0)
    return result


def believed(difference: np.ndarray, doubt: np.ndarray | float) -> np.ndarray:
    """What is most likely true of a difference; one of the size of ``doubt`` is halved, one twice as large stays."""
    return np.asarray(difference**5 / (difference**4 + np.power(doubt, 4)))
