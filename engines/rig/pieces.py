"""What the pieces of a foreign head are, told by their shape where its file does not name them."""

from __future__ import annotations

import functools
from typing import Final

import numpy as np

from engines import arkit
from engines.rig.mesh import PARTS, HeadMesh

HIDDEN: Final = -1
"""Part of clear sheets over the eyes (cornea, tear line, occlusion), which a plain picture leaves out."""
_SKIN: Final = PARTS.index("skin")
_TOOTH_CM: Final = 2.2
"""Width up to which a piece in the mouth is a tooth."""


def triangle_pieces(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Number of the connected piece of each triangle : int (F,).

    Triangles belong together across an edge that exactly two of them share, texture seams closed; where more meet,
    a sheet touches a surface that it is no part of, as lashes touch a lid.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    welded = np.unique(np.round(vertices, 4), axis=0, return_inverse=True)[1].reshape(-1)[triangles]
    count = len(triangles)
    edges = np.sort(np.concatenate([welded[:, [0, 1]], welded[:, [1, 2]], welded[:, [2, 0]]]), 1)
    keys = edges[:, 0].astype(np.int64) * (int(welded.max()) + 1) + edges[:, 1]
    order = np.argsort(keys, kind="stable")
    _, first, shared = np.unique(keys[order], return_index=True, return_counts=True)
    pairs = first[shared == 2]
    owner = np.tile(np.arange(count), 3)[order]
    graph = coo_array((np.ones(len(pairs), np.int8), (owner[pairs], owner[pairs + 1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])


@functools.lru_cache(2)
def drawn_parts(mesh: HeadMesh) -> np.ndarray:
    """Index into `PARTS` of each triangle, or `HIDDEN` : int (F,).

    What the mesh names stays as named. Of the rest, clear sheets close before an eyeball are hidden, sheets that
    stand out from the lids and move with them are lashes, and small pieces behind the lips are teeth, gums and tongue.
    """
    parts = mesh.parts.astype(np.int64)
    label = triangle_pieces(mesh.vertices, mesh.triangles)
    sizes = np.bincount(label)
    skin = int(np.argmax(np.bincount(label[parts == _SKIN], minlength=len(sizes))))
    jaw = np.linalg.norm(mesh.units[arkit.INDEX["jawOpen"]], axis=1)
    named_teeth = bool(np.isin(parts, [PARTS.index("teethUpper"), PARTS.index("teethLower")]).any())
    for number in np.flatnonzero((sizes >= 4) & (np.arange(len(sizes)) != skin)):
        rows = np.flatnonzero(label == number)
        part = int(np.bincount(parts[rows]).argmax())
        points = np.unique(mesh.triangles[rows])
        if part == _SKIN or PARTS[part].startswith("eye"):
            found = _at_an_eye(mesh, points, part)
            if found is None and part == _SKIN and not named_teeth:
                found = _in_the_mouth(mesh, points, jaw)
            if found is not None:
                parts[rows] = found
    parts.setflags(write=False)
    return parts


@functools.lru_cache(2)
def features(mesh: HeadMesh) -> dict[str, np.ndarray]:
    """Vertices of features of the face, told by the units that move them most : int (N,) by name.

    Names are ``browLeft``, ``browRight``, ``mouthLeft``, ``mouthRight`` (corners), ``jaw``, ``eyelids``; one whose
    unit moves nothing has no entry.
    """
    units = {
        "browLeft": "browOuterUpLeft", "browRight": "browOuterUpRight", "mouthLeft": "mouthStretchLeft",
        "mouthRight": "mouthStretchRight", "jaw": "jawOpen", "eyelids": "eyeBlink",
    }  # fmt: skip
    found = {}
    for name, unit in units.items():
        moved = np.linalg.norm(mesh.units[list(arkit.indices(unit))], axis=2).max(0)
        moved[mesh.parts_of_vertices() != _SKIN] = 0
        if moved.max() > 1e-3:
            found[name] = np.flatnonzero(moved > 0.8 * moved.max())
    return found


def _at_an_eye(mesh: HeadMesh, points: np.ndarray, part: int) -> int | None:
    """`HIDDEN` or the lashes, if a piece is either."""
    for side, pivot in (("Left", mesh.pivots[2]), ("Right", mesh.pivots[3])):
        ball = mesh.vertices[mesh.part_vertices(f"eye{side}")] - pivot
        if not len(ball):
            continue
        radius = float(np.median(np.linalg.norm(ball, axis=1)))
        place = mesh.vertices[points] - pivot
        away = np.linalg.norm(place, axis=1)
        if away.max() > 2.2 * radius or place[:, 2].mean() < 0.25 * radius or np.median(away) < 0.93 * radius:
            continue
        is_ball = part != _SKIN and (len(points) > 0.25 * len(ball) or place[:, 2].min() < -0.3 * radius)
        if is_ball:
            continue
        if np.percentile(away, 90) < 1.22 * radius:
            return HIDDEN
        if np.linalg.norm(mesh.units[arkit.INDEX[f"eyeBlink{side}"]][points], axis=1).max() > 0.1:
            return PARTS.index("lashes")
    return None


def _in_the_mouth(mesh: HeadMesh, points: np.ndarray, jaw: np.ndarray) -> int | None:
    """The part of a piece behind the lips, if it is there."""
    place = mesh.vertices[points]
    low, high = place.min(0), place.max(0)
    middle = (low + high) / 2
    eyes = (mesh.pivots[2] + mesh.pivots[3]) / 2
    chin = float(mesh.vertices[jaw > 0.6 * jaw.max(), 1].min())
    face = float(eyes[1]) - chin
    height = (middle[1] - chin) / face
    if not (0.05 < height < 0.65 and abs(middle[0] - eyes[0]) < 0.4 * face and high[0] - low[0] < 0.95 * face):
        return None
    beside = np.abs(mesh.vertices[:, 1] - middle[1]) < 0.15 * face
    if high[2] > mesh.vertices[beside, 2].max() - 0.02 * face:
        return None
    if high[0] - low[0] > _TOOTH_CM:
        return PARTS.index("mouthInner")
    return PARTS.index("teethLower" if jaw[points].mean() > 0.25 * jaw.max() else "teethUpper")
