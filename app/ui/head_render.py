"""A plain shaded picture of a head from any side, for the 3D view. No Qt."""

from __future__ import annotations

import numpy as np

from engines.api import head_rotation
from engines.rig.mesh import PARTS, HeadMesh

_COLORS = {
    "skin": (0.80, 0.74, 0.70), "eyeLeft": (0.95, 0.95, 0.97), "eyeRight": (0.95, 0.95, 0.97),
    "teethUpper": (0.93, 0.91, 0.85), "teethLower": (0.93, 0.91, 0.85), "tongue": (0.78, 0.42, 0.42),
    "lashes": (0.25, 0.22, 0.22), "mouthInner": (0.48, 0.25, 0.25),
}  # fmt: skip
_EYE = ((29.0, (0.20, 0.15, 0.12)), (25.0, (0.42, 0.30, 0.22)), (11.0, (0.04, 0.04, 0.05)))
"""Limbus, iris and pupil: angle from the middle of the eye in degrees, and colour. Without them no gaze is seen."""
_LIGHT = np.array([0.35, 0.45, 0.82])


def vertex_colors(mesh: HeadMesh) -> np.ndarray:
    """Colour of each vertex by its part : float32 (V, 3), 0 to 1."""
    colors = np.ones((len(mesh.vertices), 3), np.float32) * np.array(_COLORS["skin"], np.float32)
    for number, name in enumerate(PARTS):
        rows = np.unique(mesh.triangles[mesh.parts == number])
        colors[rows] = _COLORS[name]
    for name, pivot in (("eyeLeft", mesh.pivots[2]), ("eyeRight", mesh.pivots[3])):
        rows = mesh.part_vertices(name)
        ahead = mesh.vertices[rows] - pivot
        angle_deg = np.degrees(np.arccos(np.clip(ahead[:, 2] / np.maximum(np.linalg.norm(ahead, axis=1), 1e-9), -1, 1)))
        for within_deg, color in _EYE:
            colors[rows[angle_deg <= within_deg]] = color
    return colors


def _normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    corners = vertices[triangles]
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    for k in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(triangles[:, k], flat[:, axis], len(vertices))
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9))


def draw_head(
    mesh: HeadMesh,
    vertices: np.ndarray,
    colors: np.ndarray,
    size: tuple[int, int],
    yaw_rad: float = 0.0,
    pitch_rad: float = 0.0,
    zoom: float = 1.0,
    background: tuple[int, int, int] = (19, 20, 23),
) -> np.ndarray:
    """The head seen from the front, turned by the view's yaw and pitch.

    Parameters
    ----------
    vertices : float32 (V, 3) in centimetres, as `HeadMesh.posed` gives them
    colors : float32 (V, 3), 0 to 1
    size : (width, height) in pixels
    zoom : 1 shows the whole head

    Returns
    -------
    uint8 (height, width, 3)
    """
    from engines.blendshape.raster import raster

    width, height = size
    turned = (vertices - mesh.pivots[1]) @ head_rotation(np.array([pitch_rad, yaw_rad, 0.0])).T
    scale = min(width, height) / 34.0 * zoom
    xy = np.empty((len(turned), 2), np.float32)
    xy[:, 0] = width / 2 + turned[:, 0] * scale
    xy[:, 1] = height * 0.5 - (turned[:, 1] - 1.5) * scale
    light = np.clip(_normals(turned, mesh.triangles) @ (_LIGHT / np.linalg.norm(_LIGHT)), 0, 1)
    shaded = (colors * (0.28 + 0.72 * light[:, None]) * 255).astype(np.float32)
    depth = np.full((height, width), -1e9, np.float32)
    out = np.empty((height, width, 3), np.float32)
    out[:] = background
    raster(xy, turned[:, 2].astype(np.float32), shaded, mesh.triangles, 0, 0, depth, out, False)
    return np.clip(out, 0, 255).astype(np.uint8)
