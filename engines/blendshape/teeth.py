"""Rows of teeth: where they sit in a person's mouth, and how crowns shade each other."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from engines.rig.mesh import PARTS

UPPER_TEETH, LOWER_TEETH, TONGUE = (PARTS.index(name) for name in ("teethUpper", "teethLower", "tongue"))
TONGUE_LOW_CM: Final = 0.22
"""How far the resting tongue lies below the bite."""
_INCISOR_SHOW_CM: Final = 0.2
"""How far the upper incisors reach below the relaxed upper lip (1 to 3 mm in adults, Vig and Brundo 1978)."""
_MOUTH_WIDTH_CM: Final = 4.4
"""Width of a mouth that the rows of teeth fit as they are."""
_OVERBITE_CM: Final = 0.05
_LIP_THICKNESS_CM: Final = 0.65
_SMILE_CURVE_CM: Final = ((0.0, 0.05, 0.02, 0.07, 0.11, 0.15, 0.2), (0.0, 0.0, 0.01, 0.04, 0.06, 0.09, 0.12))
"""How far the edges of upper and lower teeth lie above the middle incisors', from the middle to the last molar: both
rows rise towards the back, so that they meet along their whole length."""
_CROWN_SCALE: Final = np.array([1.12, 1.0, 1.06])
"""Crowns are this much wider than modelled, about their own middles: neighbours touch, no slit of dark between them."""
_CROWN_SIDE: Final = 0.3
"""How much of the light the sides of crowns keep from each other."""


def seat_teeth(vertices: np.ndarray, triangles: np.ndarray, parts: np.ndarray, upper_rim: np.ndarray) -> np.ndarray:
    """Vertices with teeth and tongue where the lips of this person want them : float32 (V, 3).

    Every tooth is moved as a whole, so that the upper incisors show a little below the relaxed lip, the others
    follow the curve of a smile, and the lower row bites just behind the upper one. Gums follow their teeth; the tongue
    lies behind the lower row, a little lower than its edges.

    Parameters
    ----------
    vertices : (V, 3), neutral head in its own axes
    triangles, parts : of the mesh
    upper_rim : vertex indices of the upper lip's inner rim
    """
    result = vertices.astype(np.float64).copy()
    middle_x = float(vertices[upper_rim, 0].mean())
    lip = vertices[upper_rim][np.abs(vertices[upper_rim, 0] - middle_x) < 0.8].mean(0)
    right, left = vertices[upper_rim[0]], vertices[upper_rim[-1]]
    size = float(np.clip((left[0] - right[0]) / _MOUTH_WIDTH_CM, 0.72, 1.15))
    slant = 0.6 * float(left[1] - right[1]) / float(left[0] - right[0])
    bite = float(lip[1]) - _INCISOR_SHOW_CM
    front = float(lip[2]) - _LIP_THICKNESS_CM
    for part, sign, edge_y, front_z, smile in (
        (UPPER_TEETH, -1.0, bite, front, _SMILE_CURVE_CM[0]),
        (LOWER_TEETH, 1.0, bite + _OVERBITE_CM, front - 0.2, _SMILE_CURVE_CM[1]),
    ):
        pieces = _pieces(triangles[parts == part])
        gum = max(pieces, key=len)
        teeth = [p for p in pieces if p is not gum]
        row_x = float(vertices[gum, 0].mean())
        centres = np.array([np.abs(vertices[t, 0] - row_x).mean() for t in teeth])
        edges = np.array([sign * (sign * vertices[t, 1]).max() for t in teeth])
        rank = np.argsort(np.argsort(centres)) // 2
        curve = np.interp(rank, np.arange(len(smile)), smile)
        lift = edge_y + curve - edges
        depth = front_z - max(float(vertices[t, 2].max()) for t in teeth)
        order = np.argsort(centres)
        gum_lift = np.interp(np.abs(vertices[gum, 0] - row_x), centres[order], lift[order])
        shape = vertices.astype(np.float64)
        for rows in teeth:
            middle = shape[rows].mean(0)
            shape[rows] = middle + (shape[rows] - middle) * _CROWN_SCALE
        for rows, value in (*zip(teeth, lift, strict=True), (gum, gum_lift)):
            x = size * (shape[rows, 0] - row_x)
            result[rows, 0] = middle_x + x
            result[rows, 1] = edge_y + size * (shape[rows, 1] + value - edge_y) + slant * x
            result[rows, 2] = front_z + size * (shape[rows, 2] + depth - front_z)
    tongue = np.unique(triangles[parts == TONGUE])
    points = result[tongue]
    middle = np.array([points[:, 0].mean(), np.quantile(points[:, 1], 0.97), points[:, 2].max()])
    place = np.array([middle_x, bite - TONGUE_LOW_CM, front - 0.75])
    result[tongue] = (points - middle) * size * np.array([1.05, 0.8, 1.0]) + place
    return np.asarray(result, np.float32)


def crown_shade(vertices: np.ndarray, triangles: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Light that reaches each vertex between the teeth : float32 (V,), 1 but for the sides of crowns.

    Seated crowns touch, so a darker side is all that tells one from its neighbour.
    """
    shade = np.ones(len(vertices), np.float32)
    for part in (UPPER_TEETH, LOWER_TEETH):
        pieces = _pieces(triangles[parts == part])
        gum = max(pieces, key=len)
        for rows in pieces:
            if rows is not gum:
                across = np.abs(vertices[rows, 0] - (vertices[rows, 0].min() + vertices[rows, 0].max()) / 2)
                side = np.clip((across / max(float(across.max()), 1e-6) - 0.55) / 0.45, 0, 1)
                shade[rows] = 1 - _CROWN_SIDE * side * side
    return shade


def _pieces(triangles: np.ndarray) -> list[np.ndarray]:
    """Vertex indices of each connected piece."""
    rows, local = np.unique(triangles, return_inverse=True)
    local = local.reshape(-1, 3)
    links = coo_matrix(
        (np.ones(2 * len(local)), (local[:, :2].T.ravel(), local[:, 1:].T.ravel())), (len(rows), len(rows))
    )
    count, label = connected_components(links, directed=False)
    return [rows[label == k] for k in range(count)]
