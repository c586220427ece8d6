"""What every 3D format needs of a take: mesh with named shapes, bones with their motion, a curve for each shape."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from app.export.names import name_map
from app.export.options import ExportOptions
from app.export.take import Take
from engines import arkit
from engines.api import Performance, head_rotation
from engines.errors import InputError
from engines.rig.mesh import HeadMesh
from engines.timebase import timecode

PARENTS: Final = (-1, 0, 1, 1)
"""Parent of each bone in `engines.rig.mesh.BONES`."""

SKIN_COLOUR: Final = (0.72, 0.47, 0.38)
PART_COLOURS: Final[dict[str, tuple[float, float, float]]] = {
    "eyeLeft": (0.85, 0.85, 0.85),
    "eyeRight": (0.85, 0.85, 0.85),
    "teethUpper": (0.8, 0.75, 0.65),
    "teethLower": (0.8, 0.75, 0.65),
    "tongue": (0.5, 0.17, 0.17),
    "lashes": (0.03, 0.02, 0.02),
    "mouthInner": (0.25, 0.06, 0.06),
}
"""Linear colours of the parts where the head has no texture; the others are `SKIN_COLOUR`."""


def colour_of(part: str) -> tuple[float, float, float]:
    """Linear colour of a part where the head has no texture."""
    return PART_COLOURS.get(part, SKIN_COLOUR)


def facts(take: Take) -> dict[str, str | int]:
    """What a scene file tells about its take beside the motion: name, place in the shot, what made it."""
    return {
        "take": take.name,
        "timecode": timecode(take.start, take.rate),
        "startFrame": take.start,
        "provenance": take.provenance_json(),
    }


@dataclass(frozen=True, eq=False)
class Shape:
    """One blend shape of an output: ``share`` of the displacement of an ARKit unit under a foreign name."""

    name: str
    unit: int
    share: float


def shapes(options: ExportOptions) -> list[Shape]:
    """The blend shapes that the options ask for, in ARKit order.

    Raises
    ------
    InputError
        If a channel is no ARKit unit.
    """
    unknown = sorted(set(options.channels) - set(arkit.NAMES))
    if unknown:
        raise InputError(f"'{unknown[0]}' is no ARKit unit. Units: {', '.join(arkit.NAMES)}.")
    names = name_map(options.names)
    chosen = [n for n in arkit.NAMES if n in options.channels] if options.channels else arkit.NAMES
    return [Shape(name, arkit.INDEX[unit], 1 / len(names[unit])) for unit in chosen for name in names[unit]]


def minimal_head() -> HeadMesh:
    """A strip of small triangles, one vertex for each unit: carries curves into programs that want a mesh."""
    count = arkit.COUNT
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    ring = np.stack([3 * np.cos(angle), 3 * np.sin(angle), np.zeros(count)], -1)
    vertices = np.vstack([ring, [[0, 0, 1]]]).astype(np.float32)
    around = np.arange(count)
    triangles = np.stack([around, (around + 1) % count, np.full(count, count)], -1).astype(np.int32)
    units = np.zeros((count, count + 1, 3), np.float32)
    units[around, around, 2] = 1
    weights = np.zeros((count + 1, 4), np.float32)
    weights[:, 1] = 1
    pivots = np.array([[0, -8, -3], [0, -4, -2], [3, 1, 0], [-3, 1, 0]], np.float32)
    uv = (vertices[:, :2] / 8 + 0.5).astype(np.float32)
    return HeadMesh(vertices, triangles, uv, triangles, units, weights, pivots, np.zeros(count, np.int8))


def head_of(take: Take, options: ExportOptions) -> HeadMesh:
    """The mesh to write: the take's own, or the minimal one where the options say so or there is none."""
    if options.mesh == "minimal" or take.head is None:
        return minimal_head()
    return take.head if options.texture != "none" else replace(take.head, texture=None)


def normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Smooth unit normals, weighted by area : float32 (V, 3)."""
    a, b, c = (vertices[triangles[:, i]].astype(np.float64) for i in range(3))
    faces = np.cross(b - a, c - a)
    total = np.zeros((len(vertices), 3))
    for corner in range(3):
        for axis in range(3):
            total[:, axis] += np.bincount(triangles[:, corner], faces[:, axis], len(vertices))
    length = np.linalg.norm(total, axis=1, keepdims=True)
    lost = length[:, 0] < 1e-20
    total[lost], length[lost] = (0, 0, 1), 1
    return np.asarray(total / length, np.float32)


@dataclass(frozen=True, eq=False)
class Delta:
    """Displacement of the vertices that a shape moves.

    Attributes
    ----------
    rows : int32 (N,) indices of the vertices, rising
    offsets, normal_offsets : float32 (N, 3)
    """

    rows: np.ndarray
    offsets: np.ndarray
    normal_offsets: np.ndarray


def deltas(head: HeadMesh, wanted: list[Shape], threshold_cm: float = 1e-6) -> list[Delta]:
    """Sparse displacements of each shape; one that moves nothing keeps one vertex in place (readers want one)."""
    rest = normals(head.vertices, head.triangles)
    by_unit: dict[int, Delta] = {}
    for unit in {shape.unit for shape in wanted}:
        offsets = head.units[unit]
        moved = np.flatnonzero(np.abs(offsets).max(1) > threshold_cm)
        if not len(moved):
            moved = np.zeros(1, np.int64)
        bent = normals(head.vertices + offsets, head.triangles) - rest
        by_unit[unit] = Delta(moved.astype(np.int32), offsets[moved], bent[moved])
    return [
        Delta(d.rows, np.asarray(d.offsets * s.share, np.float32), np.asarray(d.normal_offsets * s.share, np.float32))
        for s in wanted
        for d in (by_unit[s.unit],)
    ]


def rest_pivots(head: HeadMesh) -> np.ndarray:
    """Where the bones stand in a file : float64 (4, 3) cm.

    The neck never turns, so its place is free: it is kept off the vertical under the head joint, because Blender
    takes a bone that ends exactly at its child for one whose child cannot move away.
    """
    pivots = head.pivots.astype(np.float64)
    if np.abs(pivots[0, [0, 2]] - pivots[1, [0, 2]]).max() < 0.5:
        pivots[0, 2] -= 1.5
    return pivots


def bone_motion(head: HeadMesh, motion: Performance) -> tuple[np.ndarray, np.ndarray]:
    """Local transforms of the bones under their parents.

    Returns
    -------
    offsets : float64 (T, 4, 3) in cm, rotations : float64 (T, 4, 3, 3), in the order of `engines.rig.mesh.BONES`
    """
    count = len(motion)
    rest = rest_pivots(head)
    offsets = np.stack([rest[i] - (rest[p] if p >= 0 else 0) for i, p in enumerate(PARENTS)])
    offsets = np.repeat(offsets[None], count, 0)
    offsets[:, 1] += motion.head[:, 3:]
    rotations = np.repeat(np.eye(3)[None, None], 4, 1).repeat(count, 0)
    rotations[:, 1] = head_rotation(motion.head[:, :3])
    zero = np.zeros(count)
    for bone, yaw in ((2, 0), (3, 2)):
        rotations[:, bone] = head_rotation(np.stack([motion.gaze[:, yaw + 1], motion.gaze[:, yaw], zero], -1))
    return offsets, rotations


def euler_xyz_deg(rotation: np.ndarray) -> np.ndarray:
    """FBX angles of rotation matrices, continuous in time : float64 (T, 3) degrees.

    Parameters
    ----------
    rotation : (T, 3, 3), ``Rz Ry Rx``
    """
    y = np.arcsin(np.clip(-rotation[:, 2, 0], -1, 1))
    x = np.arctan2(rotation[:, 2, 1], rotation[:, 2, 2])
    z = np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0])
    return np.degrees(np.unwrap(np.stack([x, y, z], -1), axis=0))


def png(texture: np.ndarray) -> bytes:
    """A texture as PNG."""
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(texture).save(data, "PNG")
    return data.getvalue()


def texture_path(path: Path) -> Path:
    """Where the texture of a scene file lies when it is not inside."""
    return path.with_name(f"{path.stem}_texture.png")
