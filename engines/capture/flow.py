"""Landmarks made exact by the picture itself: how the skin moved since a frame in which the face was at rest.

A detector of landmarks pulls every face a little towards the faces it has learnt: brows rise half as far as they do,
a chin drops late. So each frame is warped by its landmarks onto one layout; what the landmarks missed is left there as
motion between two such pictures of a person, is found by dense optical flow (Kroeger et al. 2016, "Fast optical flow
using dense inverse search"), and moves the landmarks. Lips change most and by little tell a pucker from a funnel: below
the nose the motion found so far is undone and what is left is sought again, to the single pixel, as far as the skin has
anything to hold on to. Where two pictures do not agree even then (a hand, a shadow, teeth that appear) the detector's
word stands.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from engines.rig.head import load_head
from engines.rig.landmark_sets import INNER_LOWER, INNER_UPPER

SIDE: Final = 160
"""Pixels along a side of the layout."""
FARTHEST: Final = 8.0
"""Corrections beyond this many pixels of the layout are mistakes."""
_SKIN: Final = 468
_UNMOVED: Final = list({*INNER_UPPER, *INNER_LOWER})
"""The rims of the lips, between which the layout has no room."""
_ROUNDS: Final = 2
"""How often the rest of the motion is sought below the nose. Foreheads are too plain for it: it would follow noise."""
_LEFT: Final = 3.0
"""Pixels of the layout; what is left is never more, only mistaken."""
_PLAIN: Final = 30.0
"""Smaller eigenvalue of the structure tensor (`cv2.cornerMinEigenVal` of grey levels) at which half of that motion
counts. Between mouth and chin it is 1 to 10, and fine motion drifts; at the corners of the mouth it is in the hundreds.
"""
_MARGIN: Final = 10
"""Pixels above the base of the nose that are looked at as well."""
_GROW: Final = 1.1
_BOX: Final = 11
_FLOOR: Final = 12.0
"""Variance of grey levels below which skin counts as plain, and agrees with any plain skin."""
_AGREE: Final = (0.2, 0.6)
"""Local correlation of the pictures at which a correction counts nothing, and fully."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the landmarks lie in the picture that all faces are warped to.

    Attributes
    ----------
    places : float32 (468, 2), pixels
    inside : bool (SIDE, SIDE), within the face
    corners, bary : int (N, 3), float32 (N, 3), landmarks about each pixel inside and their shares
    mesh : the triangles (`scipy.spatial.Delaunay`)
    grid : float32 (SIDE, SIDE, 2), each pixel's own place
    """

    places: np.ndarray
    inside: np.ndarray
    corners: np.ndarray
    bary: np.ndarray
    mesh: Any
    grid: np.ndarray

    def shares(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Landmarks (N, 3) about places (N, 2), their shares (N, 3), and whether the places are inside : bool (N,)."""
        found = self.mesh.find_simplex(places)
        transform = self.mesh.transform[found]
        bary = np.einsum("nij,nj->ni", transform[:, :2], places - transform[:, 2])
        return self.mesh.simplices[found], np.column_stack([bary, 1 - bary.sum(1)]).astype(np.float32), found >= 0


@functools.cache
def layout() -> Layout:
    """The layout: the average face seen from the front."""
    from scipy.spatial import Delaunay

    head = load_head()
    flat = head.landmarks(head.mesh.vertices)[:_SKIN, :2].astype(float) * [1, -1]
    low, high = flat.min(0), flat.max(0)
    places = (flat - (low + high) / 2) / (_GROW * (high - low).max()) * SIDE + (SIDE - 1) / 2
    mesh = Delaunay(places)
    grid = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), -1)
    empty = Layout(places.astype(np.float32), np.zeros(0), np.zeros(0), np.zeros(0), mesh, grid.astype(np.float32))
    corners, bary, inside = empty.shares(grid.reshape(-1, 2).astype(float))
    return Layout(
        empty.places, inside.reshape(SIDE, SIDE), corners[inside], bary[inside], mesh, grid.astype(np.float32)
    )


def laid_out(rgb: np.ndarray, points: np.ndarray) -> np.ndarray:
    """A face warped by its landmarks to the `layout` : uint8 (SIDE, SIDE), grey.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    points : (478, 3) landmarks in pixels
    """
    import cv2

    plan = layout()
    flat = points[:_SKIN, :2].astype(np.float32)
    result = np.full((SIDE, SIDE), 128, np.uint8)
    low = np.floor(np.clip(flat.min(0) - 4, 0, np.array(rgb.shape[1::-1]) - 1)).astype(int)
    high = np.ceil(np.maximum(flat.max(0) + 5, low + 2)).astype(int)
    part = cv2.cvtColor(np.ascontiguousarray(rgb[low[1] : high[1], low[0] : high[0]]), cv2.COLOR_RGB2GRAY)
    size = float(np.linalg.norm(flat[33] - flat[263]) / np.linalg.norm(plan.places[33] - plan.places[263]))
    flat = flat - low.astype(np.float32)
    if size > 1.5:  # detail that the layout is too small for would alias
        part = cv2.resize(part, None, fx=1 / size, fy=1 / size, interpolation=cv2.INTER_AREA)
        flat = (flat + 0.5) / size - 0.5
    table = np.zeros((SIDE, SIDE, 2), np.float32)
    table[plan.inside] = np.einsum("nk,nkc->nc", plan.bary, flat[plan.corners])
    warped = _sampled(part, table)
    result[plan.inside] = warped[plan.inside]
    return result


class FlowReference:
    """One laid out face of a person, to which others of the same person are compared.

    Parameters
    ----------
    grey : uint8 (SIDE, SIDE) from `laid_out`
    """

    def __init__(self, grey: np.ndarray) -> None:
        import cv2

        self._grey = grey
        self._coarse, self._fine = (cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST) for _ in range(2))
        self._coarse.setFinestScale(1)
        self._fine.setFinestScale(0)
        self._moments = _moments(grey)
        structure = cv2.cornerMinEigenVal(grey.astype(np.float32), _BOX, ksize=3)
        self._structure = (structure / (structure + _PLAIN))[..., None]

    def refine(self, grey: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, float]:
        """Landmarks of a frame, corrected, and the share of the face that looks like the reference.

        Parameters
        ----------
        grey : uint8 (SIDE, SIDE), the frame laid out by ``points``
        points : (478, 3) what the detector found, in pixels

        Returns
        -------
        float64 (478, 3) and a number from 0 (nothing alike) to 1
        """

        plan = layout()
        flow = self._flow(grey)
        agree = _agreement(self._moments, _sampled(grey, plan.grid + flow))
        at = plan.places[:, None]
        move = _sampled(flow, at)[:, 0]
        trust = _sampled(agree, at)[:, 0]
        trust = np.clip((trust - _AGREE[0]) / (_AGREE[1] - _AGREE[0]), 0, 1)
        corners, bary, inside = plan.shares(plan.places + move.astype(float))
        trust[~inside | (np.abs(move).max(1) > FARTHEST)] = 0
        trust[_UNMOVED] = 0
        flat = points[:_SKIN, :2].astype(np.float64)
        moved = np.einsum("nk,nkc->nc", bary, flat[corners])
        result = points.astype(np.float64).copy()
        result[:_SKIN, :2] += trust[:, None] * (moved - flat)
        return result, float(np.mean(agree[plan.inside] > _AGREE[1]))

    def _flow(self, grey: np.ndarray) -> np.ndarray:
        """Where each pixel of the reference went in another laid out face : float32 (SIDE, SIDE, 2)."""
        plan = layout()
        flow = np.asarray(self._coarse.calc(self._grey, grey, np.zeros((SIDE, SIDE, 2), np.float32)))
        base = round(float(plan.places[2, 1]))
        top = base - _MARGIN
        for _ in range(_ROUNDS):
            undone = _sampled(grey, plan.grid[top:] + flow[top:])
            left = self._fine.calc(self._grey[top:], undone, np.zeros((SIDE - top, SIDE, 2), np.float32))
            left = np.clip(left, -_LEFT, _LEFT) * self._structure[top:]
            flow[base:] = (left + _sampled(flow, plan.grid[top:] + left))[_MARGIN:]
        return flow


def likeness(face: np.ndarray, other: np.ndarray) -> float:
    """How alike two laid out faces are above the mouth, whatever the light : -1 to 1.

    One person in other poses and expressions was measured at 0.83 and more, other people at 0.72 and less.

    Parameters
    ----------
    face, other : uint8 (SIDE, SIDE) from `laid_out`
    """
    import cv2

    plan = layout()
    upper = cv2.erode(plan.inside.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    upper[round(float(plan.places[2, 1])) :] = False  # from the base of the nose downwards
    fine = [
        (cv2.GaussianBlur(f.astype(np.float32), (0, 0), 1) - cv2.GaussianBlur(f.astype(np.float32), (0, 0), 8))[upper]
        for f in (face, other)
    ]
    a, b = (f - f.mean() for f in fine)
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 0.0


def _sampled(picture: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Values of a picture at places float32 (H, W, 2); beyond its edge, those of the edge."""
    import cv2

    x, y = (np.ascontiguousarray(places[..., k]) for k in (0, 1))
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _moments(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Grey levels as float, their mean and variance about every pixel."""
    import cv2

    value = grey.astype(np.float32)
    mean = cv2.blur(value, (_BOX, _BOX))
    return value, mean, cv2.blur(value * value, (_BOX, _BOX)) - mean * mean


def _agreement(moments: tuple[np.ndarray, np.ndarray, np.ndarray], other: np.ndarray) -> np.ndarray:
    """Local correlation of two pictures : float32 (SIDE, SIDE), -1 to 1; plain areas count as alike."""
    import cv2

    a, mean_a, variance_a = moments
    b, mean_b, variance_b = _moments(other)
    both = cv2.blur(a * b, (_BOX, _BOX)) - mean_a * mean_b
    size = np.sqrt(np.maximum(variance_a, 0) * np.maximum(variance_b, 0))
    return np.asarray((both + _FLOOR) / (size + _FLOOR), np.float32)
