"""Where the fitted head is in the picture: landmarks, wire frame and handle places of any frame. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.ui.viewer_model import FacePoints, face_points
from engines.api import Performance

if TYPE_CHECKING:
    from engines.rig.fit import FittedHead
    from engines.rig.mesh import HeadMesh

Row = tuple[np.ndarray, np.ndarray, np.ndarray]


def frame_of(performance: Performance | None, frame: int) -> Row | None:
    """Weights, head and gaze of one frame."""
    if performance is None or not len(performance):
        return None
    frame = min(frame, len(performance) - 1)
    return performance.weights[frame], performance.head[frame], performance.gaze[frame]


def vertices(head: FittedHead, row: Row | None) -> np.ndarray:
    """The head of a frame in the camera's frame : float32 (V, 3); as in the portrait without a frame."""
    return head.rest_vertices() if row is None else head.posed(*row)


def project(head: FittedHead, row: Row | None, size: tuple[int, int]) -> np.ndarray:
    """Vertices of a frame as parts of the picture's width and height, and their depth : (V, 3)."""
    pixels = head.camera.project(vertices(head, row))
    return np.asarray(pixels / np.array([size[0], size[1], 1.0]))


def landmarks(head: FittedHead, row: Row | None, size: tuple[int, int]) -> np.ndarray:
    """The 478 landmarks of a frame as parts of the picture : (478, 2)."""
    from engines.rig.head import load_head

    points = load_head().landmarks(vertices(head, row))
    return np.asarray(head.camera.project(points)[:, :2] / np.array(size, np.float64))


def face(head: FittedHead, row: Row | None, size: tuple[int, int]) -> FacePoints:
    """Places of the handles in a frame."""
    scale = np.array(size, np.float64)
    return face_points(landmarks(head, row, size) * scale, *size)


def own_face(actor: Any, row: Row | None, size: tuple[int, int]) -> FacePoints | None:
    """Places of the handles in a frame of an artist's own head; None for other actors."""
    if mesh_of(actor) is None or fitted(actor) is not None:
        return None
    from engines.rig.pieces import features

    row = row or (np.zeros(52, np.float32), np.zeros(6, np.float32), np.zeros(4, np.float32))
    placed = actor.places(*row, size)[:, :2] / np.array(size, np.float64)
    rows = features(actor.mesh)
    points = {name: tuple(placed[part].mean(0)) for name, part in rows.items()}
    eyes, jaw = points.pop("eyelids"), points["jaw"]  # every head has these units
    points["eyes"] = eyes
    return FacePoints(((eyes[0] + jaw[0]) / 2, (eyes[1] + jaw[1]) / 2), 1.4 * abs(jaw[1] - eyes[1]), points)


def wire(mesh: HeadMesh, placed: np.ndarray) -> np.ndarray:
    """Visible edges of the skin as pairs of points : (2 E, 2).

    Parameters
    ----------
    placed : vertices as `project` gives them
    """
    triangles = mesh.triangles[mesh.parts == 0]
    corners = placed[triangles, :2]
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    facing = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0] < 0  # y runs down in pictures, so the front side turns clockwise
    edges = triangles[facing][:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    unique = np.unique(np.sort(edges, 1), axis=0)
    return np.asarray(placed[unique.ravel(), :2])


def fitted(actor: Any) -> FittedHead | None:
    """The head that an actor was fitted with, if its engine has one."""
    return getattr(actor, "head", None)


def mesh_of(actor: Any) -> HeadMesh | None:
    """The mesh that an actor's performance can be seen on: the fitted head's, or the artist's own."""
    head = fitted(actor)
    return getattr(actor, "shown", None) if head is None else head.mesh
