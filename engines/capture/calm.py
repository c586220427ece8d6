"""The frame of a clip in which a face is at rest: the one its head is fitted to and all others are compared with."""

from __future__ import annotations

from typing import Final

import numpy as np

from engines import arkit
from engines.capture.track import Track
from engines.face.landmarks import OUTER_EYE_CORNERS
from engines.rig.head import load_head
from engines.rig.landmark_sets import (
    BROW,
    EYE_LOWER,
    EYE_UPPER,
    INNER_LOWER,
    INNER_UPPER,
    OUTER_LOWER,
    OUTER_UPPER,
)

_BROWS: Final = 25
"""Talkers raise their brows for as long as they like and frown for moments: the lower of their usual places is rest."""
_LIDS: Final = 60
_NEAR: Final = 0.1
"""A usual look is one that so many of all frames come near to."""
_MOST: Final = 400
"""So many frames, evenly spread, tell what is usual."""
_STILL: Final = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 2)
"""Landmarks that no expression moves far: corners of the eyes and the nose."""
_PARTS: Final = (
    (10.0, (INNER_UPPER, INNER_LOWER, OUTER_UPPER, OUTER_LOWER)),
    (6.0, BROW),
    (6.0, (*EYE_UPPER, *EYE_LOWER)),
)
"""What a distance from the usual look costs for lips, brows and lids."""
_ACTIVE: Final = 0.15
"""What each unit at 1 costs ..."""
_IDLE: Final = 25
"""... beyond what it shows in this share of the frames (percent)."""
_UNITS: Final = [i for i, name in enumerate(arkit.NAMES) if not name.startswith(("eyeBlink", "eyeLook", "tongueOut"))]
"""Units that are at rest in a face at rest; lids blink and eyes look about."""


def calmest(track: Track, frames: np.ndarray, weights: np.ndarray | None = None) -> int:
    """The frame, of those given, to fit the head to: frontal, steady, lips together, eyes open, looking as usual.

    A face comes back to its rest time and again, to no expression as often: where the looks of a clip are densest is
    rest. On 20 drawn takes whose truth is known, the weights in the chosen frame sum to half of what they do without;
    and once the frames have been read against that frame, to a seventh of that.

    Parameters
    ----------
    frames : int (N,)
    weights : (N, 52), what a first reading found in these frames, measured from any look
    """
    p = track.points[frames].astype(float)
    eyes = track.eye_distance[frames]
    lips = np.linalg.norm(p[:, 13] - p[:, 14], axis=1) / eyes
    lids = 0.5 * sum(np.linalg.norm(p[:, a] - p[:, b], axis=1) for a, b in ((386, 374), (159, 145))) / eyes
    left, right = (np.abs(p[:, 1, 0] - p[:, k, 0]) for k in OUTER_EYE_CORNERS[::-1])
    turn = np.abs(np.log((left + 1) / (right + 1)))
    upright = p[:, 10] - p[:, 152]
    nod = np.arctan2(upright[:, 2], -upright[:, 1])
    pairs = ((105, 33), (334, 263), (107, 133), (336, 362))  # in depth, too: a nod does not raise the brows
    brows = np.mean([np.linalg.norm(p[:, b] - p[:, e], axis=1) for b, e in pairs], 0) / eyes
    cost = 3 * lips + 4 * np.abs(lids - np.percentile(lids, _LIDS)) + 4 * track.spread[frames]
    cost = cost + 0.6 * turn + np.abs(nod - np.median(nod))
    # A brow that is up in the frame that counts as rest makes the whole clip frown.
    cost = cost + 8 * np.abs(brows - np.percentile(brows, _BROWS))
    shapes = upright_shapes(p)
    for weight, groups in _PARTS:
        part = shapes[:, sorted({i for group in groups for i in group}), :2].reshape(len(shapes), -1)
        cost = cost + weight * rareness(part) / np.sqrt(part.shape[1])
    if weights is not None:
        shown = weights[:, _UNITS]
        cost = cost + _ACTIVE * np.abs(shown - np.percentile(shown, _IDLE, axis=0)).sum(1)
    return int(frames[np.argmin(cost)])


def upright_shapes(points: np.ndarray) -> np.ndarray:
    """Landmarks (T, 478, 3) in pixels, turned like a head that looks ahead (Kabsch 1976), in eye distances, y up."""
    model = load_head().landmarks(load_head().mesh.vertices)[list(_STILL)].astype(float)
    seen = points * [1, -1, -1]
    still = seen[:, list(_STILL)]
    centre = still.mean(1, keepdims=True)
    u, _, vt = np.linalg.svd(np.einsum("tlc,ld->tcd", still - centre, model - model.mean(0)))
    u[:, :, 2] *= np.linalg.det(u @ vt)[:, None]
    shapes = (seen - centre) @ (u @ vt)
    a, b = OUTER_EYE_CORNERS
    return np.asarray(shapes / np.linalg.norm(shapes[:, a] - shapes[:, b], axis=1)[:, None, None])


def rareness(looks: np.ndarray) -> np.ndarray:
    """How far one has to go from each look (T, N) to have a tenth of all looks about it : (T,)."""
    others = looks[:: max(1, -(-len(looks) // _MOST))]
    squared = (looks**2).sum(1)[:, None] + (others**2).sum(1) - 2 * looks @ others.T
    near = min(len(others) - 1, max(3, int(_NEAR * len(others))))
    return np.sqrt(np.maximum(np.partition(squared, near, axis=1)[:, near], 0))
