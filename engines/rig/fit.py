"""From the landmarks of a portrait to a head of that person, with the expression and pose of the portrait.

1. Gauss-Newton finds camera, pose, identity and expression (`engines.rig.solver`).
2. A smooth field along the skin moves what is left, so that landmarks sit where they were detected.
3. The neutral face is put in order: eyeballs behind the lids, lips closed, lids that close (`engines.rig.personal`).

What step 3 changes against the portrait is kept in `FittedHead.rest_offsets`, so the portrait itself stays exact.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import scipy.sparse as sp

from engines import arkit
from engines.api import head_rotation, look_weights
from engines.face.landmarks import FaceLandmarks
from engines.rig import personal, solver
from engines.rig.camera import Camera
from engines.rig.head import Head, load_head
from engines.rig.landmark_sets import IRIS
from engines.rig.mesh import HeadMesh
from engines.rig.warp import fit_field

LOOK: Final = arkit.indices("eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp")


@dataclass(frozen=True, eq=False)
class FittedHead:
    """A person's head and how it stands in the portrait.

    Attributes
    ----------
    mesh : the neutral face of the person, lips closed, eyes open, with units that fit it
    rest_weights : float32 (52,), the expression of the portrait
    rest_offsets : float32 (V, 3), what the portrait's face has beyond ``mesh.shaped(rest_weights)``, before the pose
    rest_head : float32 (6,), pitch, yaw, roll in radians and place of the head's pivot in the camera's frame in
        centimetres, in the portrait
    rest_gaze : float32 (4,), eye angles in the portrait, as in `engines.api.Performance.gaze`
    camera : the camera of the portrait
    eye_radius : (left, right) in centimetres; the centres are ``mesh.pivots[2:]``
    identity : float32 (K,), coefficients of `engines.rig.head.Head.identity`
    fit_error : mean distance of explained and detected landmarks before the smooth correction, in parts of the
        distance of the outer eye corners
    error : the same after it
    confidence : 0 to 1, how far the fit can be trusted
    """

    mesh: HeadMesh
    rest_weights: np.ndarray
    rest_offsets: np.ndarray
    rest_head: np.ndarray
    rest_gaze: np.ndarray
    camera: Camera
    eye_radius: tuple[float, float]
    identity: np.ndarray
    fit_error: float
    error: float
    confidence: float

    def place(self, vertices: np.ndarray) -> np.ndarray:
        """Vertices in the head's frame, put into the camera's frame as the portrait has them : (..., 3)."""
        return vertices @ head_rotation(self.rest_head[:3]).T + self.rest_head[3:]

    def rest_vertices(self) -> np.ndarray:
        """The face of the portrait in the camera's frame; its projection lies on the photo : float32 (V, 3)."""
        gaze = np.asarray(self.rest_gaze, np.float32)
        shaped = self.mesh.posed(self.rest_weights, np.zeros(6), gaze) + self.rest_offsets
        return self.place(shaped).astype(np.float32)

    def posed(self, weights: np.ndarray, head: np.ndarray, gaze: np.ndarray) -> np.ndarray:
        """Vertices of a frame in the camera's frame : float32 (V, 3).

        The head's angles add to those of the portrait; its translation moves the head against its own neck.

        Parameters
        ----------
        weights, head, gaze : (52,), (6,), (4,) as in `engines.api.Performance`, weights 0 being the neutral face
        """
        rest = head_rotation(self.rest_head[:3])
        turn = head_rotation(self.rest_head[:3] + np.asarray(head[:3], np.float64))
        inside = self.mesh.posed(weights, np.zeros(6), gaze)
        neck = self.mesh.bone_weights[:, :1]
        world = neck * (inside @ rest.T) + (1 - neck) * (inside @ turn.T + head[3:])
        return (world + self.rest_head[3:]).astype(np.float32)


@functools.cache
def average_mesh() -> HeadMesh:
    """The average adult with eyes behind the lids, lips and lids that close: `load_head` made ready to act."""
    head = load_head()
    raw = head.mesh.vertices.astype(float)
    view = np.array([0.0, head.mesh.pivots[2, 1], 200.0])
    pupils = [pivot.astype(float) + np.array([0.0, 0.0, 1.0]) - view for pivot in head.mesh.pivots[2:]]
    return _act(head, raw, raw, head.mesh.units.astype(float), view, pupils)[0]


def fit_head(landmarks: FaceLandmarks, image_size: tuple[int, int]) -> FittedHead:
    """Fit the generic head to a face.

    Parameters
    ----------
    landmarks : the face, in pixels of the portrait
    image_size : (width, height) of the portrait in pixels
    """
    from threadpoolctl import threadpool_limits

    head = load_head()
    with threadpool_limits(1, "blas"):  # the systems are small; several BLAS threads lose when the machine is busy
        solution = solver.solve(head, landmarks, image_size)
        gaze = _gaze(landmarks, solution, head.shape(solution.coefficients), head)
        look = np.zeros(arkit.COUNT)
        look[list(LOOK)] = look_weights(gaze[None])[0]
        solution = solver.solve(head, landmarks, image_size, look, solution)
        return _finish(head, landmarks, solution)


def _finish(head: Head, landmarks: FaceLandmarks, solution: solver.Solution) -> FittedHead:
    rotation = head_rotation(solution.angles)
    view = -solution.translation @ rotation  # the camera in the head's frame
    raw = head.shape(solution.coefficients).astype(float)
    units = personal.scale_units(head, raw)
    expression = np.tensordot(solution.weights, units, 1)
    warp, error = _residual_field(head, landmarks, solution, raw + expression)
    portrait = raw + expression + warp
    pupils = [
        solution.camera.unproject(landmarks.points[list(iris), :2].astype(float).mean(0), 1.0) @ rotation
        for iris in IRIS
    ]
    mesh, balls = _act(head, raw, raw + warp, units, view, pupils)
    offsets = portrait - mesh.vertices - np.tensordot(solution.weights, mesh.units, 1)
    skin = np.isin(mesh.parts_of_vertices(), (0, 7))
    offsets[~skin] = 0
    rest_head = np.concatenate([solution.angles, solution.translation])
    fitted = FittedHead(
        mesh,
        solution.weights.astype(np.float32),
        offsets.astype(np.float32),
        rest_head.astype(np.float32),
        np.zeros(4, np.float32),
        solution.camera,
        (balls[0][1], balls[1][1]),
        solution.coefficients.astype(np.float32),
        _relative(solution.residual_px, landmarks),
        error,
        float(np.clip(1.25 - _relative(solution.residual_px, landmarks) / 0.06, 0, 1)),
    )
    gaze = _gaze_of(landmarks, fitted)
    return replace(fitted, rest_gaze=gaze.astype(np.float32))


def _act(
    head: Head, raw: np.ndarray, neutral: np.ndarray, units: np.ndarray, view: np.ndarray, pupils: list[np.ndarray]
) -> tuple[HeadMesh, list[tuple[np.ndarray, float]]]:
    """Put a neutral face in order, and the eyeballs (centre, radius) that it got.

    Parameters
    ----------
    raw, neutral : (V, 3) the face before and after its skin was moved onto the landmarks
    units : (52, V, 3) in the person's size
    view, pupils : as in `engines.rig.personal.fit_eyes`
    """
    neutral, on_ball, balls = personal.fit_eyes(head, neutral, view, pupils)
    neutral = neutral + on_ball
    neutral = neutral + personal.seal_lips(neutral)
    neutral = personal.carry_parts(head, neutral, neutral - raw)
    units = personal.close_lids(personal.seal_units(units), neutral, balls)
    units = personal.carry_unit_parts(head, units)
    pivots = head.mesh.pivots.astype(np.float64)
    pivots[2:] = [centre for centre, _ in balls]
    mesh = replace(
        head.mesh,
        vertices=neutral.astype(np.float32),
        units=units.astype(np.float32),
        pivots=pivots.astype(np.float32),
    )
    return mesh, balls


def _relative(residual_px: np.ndarray, landmarks: FaceLandmarks) -> float:
    """Mean length of residuals on the 468 landmarks of the skin, in eye distances."""
    return float(np.linalg.norm(residual_px[:468], axis=1).mean() / landmarks.eye_distance)


def _residual_field(
    head: Head, landmarks: FaceLandmarks, solution: solver.Solution, shape: np.ndarray
) -> tuple[np.ndarray, float]:
    """The field that brings landmarks to their pixels at their own depth, and the error that is left."""
    rotation = head_rotation(solution.angles)
    triangles = head.mesh.triangles[head.landmark_triangle[:468]]
    rows = sp.csr_matrix(
        (head.landmark_bary[:468].ravel(), (np.repeat(np.arange(468), 3), triangles.ravel())),
        (468, len(shape)),
    )
    world = shape @ rotation.T + solution.translation
    places = rows @ world
    wanted = solution.camera.unproject(landmarks.points[:468, :2].astype(float), -places[:, 2])
    move = (wanted - places) @ rotation
    weights = np.clip(solution.trust[:468], 0.02, 1.0)
    field = fit_field(head, rows, move, weights, 0.25)
    after = solution.camera.project(places + (rows @ field) @ rotation.T)[:, :2] - landmarks.points[:468, :2]
    return field, _relative(after, landmarks)


def _gaze(landmarks: FaceLandmarks, solution: solver.Solution, neutral: np.ndarray, head: Head) -> np.ndarray:
    """Eye angles from the pupils, with the eyeballs of the fitted identity : (4,)."""
    balls = []
    for part in ("eyeLeft", "eyeRight"):
        rows = head.mesh.part_vertices(part)
        centre = (neutral[rows].min(0) + neutral[rows].max(0)) / 2
        balls.append((centre, float(np.linalg.norm(neutral[rows] - centre, axis=1).mean())))
    gaze = _look_at(landmarks, head_rotation(solution.angles), solution.translation, solution.camera, balls)
    return np.tile((gaze[:2] + gaze[2:]) / 2, 2)  # the eyeballs are not yet where the lids want them


def _gaze_of(landmarks: FaceLandmarks, fitted: FittedHead) -> np.ndarray:
    balls = [(fitted.mesh.pivots[2 + k].astype(float), fitted.eye_radius[k]) for k in (0, 1)]
    return _look_at(landmarks, head_rotation(fitted.rest_head[:3]), fitted.rest_head[3:], fitted.camera, balls)


def _look_at(
    landmarks: FaceLandmarks,
    rotation: np.ndarray,
    translation: np.ndarray,
    camera: Camera,
    balls: list[tuple[np.ndarray, float]],
) -> np.ndarray:
    """Where the rays through the pupils meet the eyeballs, as yaw and pitch of both eyes : (4,)."""
    view = -translation @ rotation
    angles = []
    for iris, (centre, radius) in zip(IRIS, balls, strict=True):
        pupil = camera.unproject(landmarks.points[list(iris), :2].astype(float).mean(0), 1.0) @ rotation
        angles.append(personal.look_of(centre, radius, view, pupil))
    return np.clip(np.concatenate(angles), -0.7, 0.7)
