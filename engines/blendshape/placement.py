"""The fitted head in the photo, in the terms in which frames are drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from engines.api import head_rotation
from engines.blendshape.teeth import seat_teeth
from engines.rig.camera import Camera
from engines.rig.fit import FittedHead
from engines.rig.head import load_head
from engines.rig.landmark_sets import EYE_LOWER, EYE_UPPER, INNER_LOWER, INNER_UPPER, OUTER_LOWER, OUTER_UPPER
from engines.rig.mesh import HeadMesh, effective_weights

_MOUTH_CM: Final = (2.0, 4.5)
"""Distance from the lips up to which the photo's own mouth gives way to the neutral one, and beyond which it stays."""


@dataclass(frozen=True, eq=False)
class Placement:
    """A person's head as the photo shows it; camera's axes, centimetres, pixels of the picture that is drawn.

    Attributes
    ----------
    mesh : the person's head, neutral, teeth seated
    camera : of the picture that is drawn
    head_axes : float32 (3, 3), camera's axes from the head's
    rest_angles : float64 (3,), pitch, yaw, roll of the photo's head
    pivot : float32 (3,), where the head turns
    rest_weights : float32 (52,), the photo's expression
    neutral, points : float32 (V, 3), neutral and with the photo's expression
    screen : float32 (V, 2), ``points`` in the picture
    units : float32 (53, V, 3), the ARKit units, then what the photo's own mouth has beyond its weights
    head_share : float32 (V,), weight of the head bone
    rims : inner rims of the lips, upper and lower
    landmarks : float32 (478, 2)
    """

    mesh: HeadMesh
    camera: Camera
    head_axes: np.ndarray
    rest_angles: np.ndarray
    pivot: np.ndarray
    rest_weights: np.ndarray
    neutral: np.ndarray
    points: np.ndarray
    screen: np.ndarray
    units: np.ndarray
    head_share: np.ndarray
    rims: tuple[np.ndarray, np.ndarray]
    landmarks: np.ndarray

    def turned(self, angles: np.ndarray) -> np.ndarray:
        """Rotation in the camera's axes that turns the photo's head by pitch, yaw, roll : (3, 3)."""
        return head_rotation(self.rest_angles + angles) @ self.head_axes.T

    @property
    def face_px(self) -> float:
        """Width of the face."""
        return float(np.ptp(self.landmarks[:468, 0]))

    @property
    def px_per_cm(self) -> float:
        """Size of a centimetre at the lips."""
        return self.camera.focal_px / float(-self.points[self.rims[0], 2].mean())

    @property
    def lip_height_px(self) -> tuple[float, float]:
        """Height of the red of the upper and of the lower lip in the middle."""
        heights = [
            float(np.hypot(*(self.landmarks[list(inner[4:7])] - self.landmarks[list(outer[4:7])]).T).mean())
            for inner, outer in ((INNER_UPPER, OUTER_UPPER), (INNER_LOWER, OUTER_LOWER))
        ]
        return heights[0], heights[1]

    @property
    def rim_error_px(self) -> float:
        """How far teeth may bleed over the rim of the lips: 0 in a photo with closed lips."""
        upper, lower = self.landmarks[list(INNER_UPPER)], self.landmarks[list(INNER_LOWER)]
        width = float(np.hypot(*(upper[0] - upper[-1])))
        opening = float(np.hypot(*(upper - lower).T).max()) / max(width, 1.0)
        return 0.035 * width * float(np.clip((opening - 0.04) / 0.06, 0, 1))

    @property
    def eye_regions(self) -> list[tuple[float, float, float, float]]:
        """Centre and half axes of what moves around each eye as one."""
        result = []
        for upper, lower in zip(EYE_UPPER, EYE_LOWER, strict=True):
            points = self.landmarks[[*upper, *lower]]
            centre, width = points.mean(0), float(np.ptp(points[:, 0]))
            result.append((float(centre[0]), float(centre[1]), 0.62 * width, 0.42 * width))
        return result

    def project(self, points: np.ndarray) -> np.ndarray:
        """Places in the picture of points (N, 3) : float64 (N, 2)."""
        return self.camera.project(points)[..., :2]

    def unproject(self, places: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Points at height ``z`` (N,) along the camera's axis that are seen at places (N, 2) : (N, 3)."""
        return self.camera.unproject(places, -z)

    def height_cm(self, points: np.ndarray) -> np.ndarray:
        """Height of points (N, 3) over the head's pivot, along the head's own axis : (N,)."""
        return np.asarray((points - self.pivot) @ self.head_axes[:, 1])


def place(fitted: FittedHead, landmarks: np.ndarray, camera: Camera) -> Placement:
    """Put a fitted head into a picture.

    Parameters
    ----------
    fitted : the head, fitted to the whole portrait
    landmarks : (478, >=2), in pixels of the picture that is drawn
    camera : of that picture: the portrait's, scaled and cropped like it
    """
    head = load_head()
    mesh = fitted.mesh
    vertices = seat_teeth(mesh.vertices, mesh.triangles, mesh.parts, head.lip_upper)
    rims = (head.lip_upper, head.lip_lower)
    distance, _ = cKDTree(vertices[np.concatenate(rims)]).query(vertices)
    near = np.clip((_MOUTH_CM[1] - distance) / (_MOUTH_CM[1] - _MOUTH_CM[0]), 0, 1)[:, None]
    at_mouth = near * near * (3 - 2 * near)
    axes = head_rotation(fitted.rest_head[:3])
    units = mesh.units @ axes.T
    offsets = fitted.rest_offsets @ axes.T
    neutral = fitted.place(vertices) + (1 - at_mouth) * offsets
    rest = effective_weights(fitted.rest_weights)
    points = neutral + np.tensordot(rest, units, 1) + at_mouth * offsets
    return Placement(
        mesh=replace(mesh, vertices=vertices),
        camera=camera,
        head_axes=axes.astype(np.float32),
        rest_angles=fitted.rest_head[:3].astype(np.float64),
        pivot=fitted.place(mesh.pivots[1]).astype(np.float32),
        rest_weights=np.asarray(rest, np.float32),
        neutral=neutral.astype(np.float32),
        points=points.astype(np.float32),
        screen=camera.project(points)[..., :2].astype(np.float32),
        units=np.concatenate([units, (at_mouth * offsets)[None]]).astype(np.float32),
        head_share=(1 - mesh.bone_weights[:, 0]).astype(np.float32),
        rims=rims,
        landmarks=np.asarray(landmarks[:, :2], np.float32),
    )
