"""Faces for tests that need no photo: the average head, drawn or projected."""

from __future__ import annotations

import numpy as np

from engines.api import head_rotation
from engines.face.landmarks import FaceLandmarks
from engines.rig.camera import Camera
from engines.rig.fit import average_mesh
from engines.rig.head import load_head


def projected(
    vertices: np.ndarray, angles: tuple[float, float, float] = (0, 0, 0), distance: float = 75, noise_px: float = 0.2
) -> FaceLandmarks:
    """Landmarks of a head before a camera of 900 px focal length in a picture of 512 px."""
    head = load_head()
    camera = Camera(900.0, (255.5, 255.5))
    turn = head_rotation(np.array(angles, float))
    world = head.landmarks(vertices).astype(float) @ turn.T + [0, 0, -distance]
    points = camera.project(world)
    points[:, 2] = (points[:, 2] - points[:, 2].mean()) * 900 / distance
    points[:, :2] += np.random.default_rng(0).normal(0, noise_px, (478, 2))
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return FaceLandmarks(points.astype(np.float32), np.full(478, noise_px, np.float32), box, 0.9)


def drawn_face(size: int = 512) -> np.ndarray:
    """A simple drawing of the average head that a face detector recognises : uint8 (size, size, 3)."""
    import cv2

    head, mesh = load_head(), average_mesh()
    points = mesh.vertices.astype(float)
    camera = Camera(1.55 * size, ((size - 1) / 2, (size - 1) / 2 + 0.06 * size))
    pixels = camera.project(points + np.array([0, 0, -62]))
    light = np.array([0.25, 0.45, 1.0]) / np.linalg.norm([0.25, 0.45, 1.0])
    picture = np.full((size, size, 3), 104, np.uint8)
    lips = np.concatenate([head.lip_upper, head.lip_lower])
    near_lips = np.linalg.norm(points[:, None] - points[lips][None], axis=2).min(1) < 0.62
    eyes = mesh.pivots[2:].mean(0)
    height, side = points[:, 1] - eyes[1], np.abs(points[:, 0])
    brows = (np.abs(height - 1.85) < 0.4) & (side > 1.3) & (side < 4.8) & (points[:, 2] > eyes[2] - 0.8)
    order = np.argsort(-pixels[mesh.triangles, 2].mean(1))
    for face in order:
        corners = mesh.triangles[face]
        normal = np.cross(points[corners[1]] - points[corners[0]], points[corners[2]] - points[corners[0]])
        if normal[2] <= 0:
            continue
        part = mesh.parts[face]
        colour = np.array([219, 168, 140])
        if part in (1, 2):
            ray = points[corners].mean(0) - mesh.pivots[2 + (part == 2)]
            angle = np.arccos(ray[2] / np.linalg.norm(ray))
            colour = np.array([10, 8, 6] if angle < 0.2 else [80, 50, 30] if angle < 0.5 else [235, 235, 235])
        elif part == 6:
            colour = np.array([30, 20, 16])
        elif part != 0:
            colour = np.array([90, 40, 40])
        elif near_lips[corners].any():
            colour = np.array([184, 92, 92])
        elif brows[corners].all():
            colour = np.array([60, 42, 30])
        shade = 0.4 + 0.6 * max(0.0, float(normal @ light) / max(float(np.linalg.norm(normal)), 1e-9))
        cv2.fillConvexPoly(
            picture, np.rint(pixels[corners, :2] * 8).astype(np.int32), (colour * shade).tolist(), cv2.LINE_AA, 3
        )
    return picture
