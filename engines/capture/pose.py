"""Where a known head stands in many frames at once, and its landmarks brought back to the front.

The start comes from MediaPipe's own depth (Kabsch 1976), then Gauss-Newton steps bring the drawn landmarks onto the
detected ones; outlying landmarks lose their say (Geman and McClure's weights). All frames are solved together, so a
frame costs a fraction of a millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.api import head_angles, head_rotation
from engines.rig.fit import FittedHead
from engines.rig.head import load_head
from engines.rig.landmark_sets import BROW, EYE_LOWER, EYE_UPPER, OUTER_LOWER, OVAL

SKIN: Final = 468
"""Landmarks before the irises."""
SIGMA: Final = 0.03
"""Expected error of a landmark in eye distances; five times that counts half."""
_CHUNK: Final = 256
_STEPS: Final = 4


@dataclass(frozen=True, eq=False)
class Poses:
    """The head in T frames.

    Attributes
    ----------
    rotation : float64 (T, 3, 3), camera's frame from head's frame
    place : float64 (T, 3), the head's pivot in the camera's frame in centimetres
    error : float64 (T,), mean distance of explained and detected landmarks in eye distances
    """

    rotation: np.ndarray
    place: np.ndarray
    error: np.ndarray

    def head(self) -> np.ndarray:
        """Pitch, yaw, roll in radians and place in centimetres : (T, 6)."""
        return np.concatenate([head_angles(self.rotation), self.place], 1)


class PoseSolver:
    """Poses of one person's head.

    Parameters
    ----------
    fitted : the person's head, in a video of the same picture size
    """

    def __init__(self, fitted: FittedHead) -> None:
        head = load_head()
        self.camera = fitted.camera
        self.neutral = head.landmarks(fitted.mesh.vertices).astype(float)
        self.eyes = float(np.linalg.norm(self.neutral[33] - self.neutral[263]))
        trust = head.landmark_confidence[:SKIN].astype(float).clip(0.05, 1)
        trust[list(OVAL)] *= 0.35
        for group in (*BROW, *EYE_UPPER, *EYE_LOWER):
            trust[list(group)] *= 0.5
        below = self.neutral[:SKIN, 1] < self.neutral[2, 1]
        trust[below] *= 0.35  # jaw and lips move on their own
        trust[list(OUTER_LOWER)] *= 0.5
        self._trust = trust
        self._rest = head_rotation(np.asarray(fitted.rest_head[:3], float))
        self._depth = max(10.0, -float(fitted.rest_head[5]))

    def solve(self, points: np.ndarray, shape: np.ndarray | None = None, held: np.ndarray | None = None) -> Poses:
        """The poses that explain landmarks.

        Parameters
        ----------
        points : (T, 478, 3) detected landmarks in pixels, finite
        shape : (T, 478, 3) landmarks of the face's expression in the head's frame, default the neutral face
        held : (T, 3, 3) rotations that are known, so that only the place is sought
        """
        shape = np.broadcast_to(self.neutral, (len(points), *self.neutral.shape)) if shape is None else shape
        parts = []
        for first in range(0, len(points), _CHUNK):
            part = np.s_[first : first + _CHUNK]
            rotation, place = self._start(points[part])
            if held is not None:
                rotation = held[part]
            parts.append(
                self._refine(points[part].astype(float), shape[part, :SKIN], rotation, place, held is not None)
            )
        if not parts:
            return Poses(np.zeros((0, 3, 3)), np.zeros((0, 3)), np.zeros(0))
        return Poses(*(np.concatenate(values) for values in zip(*parts, strict=True)))

    def _start(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rotation and scale from the landmarks with their own depth, place from the camera."""
        seen = points[:, :SKIN].astype(float) * [1, -1, -1]
        weight = self._trust / self._trust.sum()
        centre = np.einsum("l,tlc->tc", weight, seen)
        own_centre = weight @ self.neutral[:SKIN]
        a, b = self.neutral[:SKIN] - own_centre, seen - centre[:, None]
        u, size, vt = np.linalg.svd(np.einsum("l,tlc,ld->tcd", weight, b, a))
        turn = np.linalg.det(u @ vt)
        u[:, :, 2] *= turn[:, None]
        rotation = u @ vt
        size[:, 2] *= turn
        scale = size.sum(1) / np.einsum("l,lc,lc->", weight, a, a)  # pixels a centimetre
        depth = self.camera.focal_px / np.maximum(scale, 1e-6)
        cx, cy = self.camera.centre_px
        middle = np.stack([(centre[:, 0] - cx) / scale, (centre[:, 1] + cy) / scale, -depth], 1)
        return rotation, middle - rotation @ own_centre

    def _refine(
        self, points: np.ndarray, shape: np.ndarray, rotation: np.ndarray, place: np.ndarray, held: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        focal, (cx, cy) = self.camera.focal_px, self.camera.centre_px
        eyes = np.maximum(np.linalg.norm(points[:, 33, :2] - points[:, 263, :2], axis=1), 1e-6)
        spread = (SIGMA * focal / np.maximum(-place[:, 2], 1.0) * self.eyes)[:, None]
        length = eyes
        for step in range(_STEPS + 1):
            turned = shape @ rotation.transpose(0, 2, 1)
            world = turned + place[:, None]
            depth = np.maximum(-world[..., 2], 1.0)
            x, y = focal * world[..., 0] / depth, focal * world[..., 1] / depth
            rx, ry = points[:, :SKIN, 0] - cx - x, cy - points[:, :SKIN, 1] - y
            squared = rx**2 + ry**2
            if step == _STEPS:
                length = np.sqrt(squared).mean(1) / eyes
                break
            weight = self._trust / (1 + squared / (5 * spread) ** 2) ** 2 / spread**2
            # d(x, y)/d(world), then d(world)/d(turn about the pivot, place); y is up here
            gx = np.stack([focal / depth, np.zeros_like(depth), x / depth], -1)
            gy = np.stack([np.zeros_like(depth), focal / depth, y / depth], -1)
            jx = np.concatenate([np.cross(turned, gx), gx], -1)
            jy = np.concatenate([np.cross(turned, gy), gy], -1)
            wx, wy = jx * weight[..., None], jy * weight[..., None]
            normal = wx.transpose(0, 2, 1) @ jx + wy.transpose(0, 2, 1) @ jy
            right = (wx * rx[..., None] + wy * ry[..., None]).sum(1)
            normal += 1e-9 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(6)
            if held:
                normal[:, :3], normal[:, :, :3], right[:, :3] = 0, 0, 0
                normal[:, range(3), range(3)] = 1
            change = np.linalg.solve(normal, right[..., None])[..., 0]
            rotation = turn_matrices(np.clip(change[:, :3], -0.5, 0.5)) @ rotation
            place = place + change[:, 3:]
            place[:, 2] = np.minimum(place[:, 2], -10.0)
        return rotation, place, length

    def frontal(self, points: np.ndarray, poses: Poses) -> np.ndarray:
        """How far each landmark lies from its neutral place, the pose taken away.

        Parameters
        ----------
        points : (T, 478, 3) in pixels

        Returns
        -------
        float64 (T, 478, 2), right and up in the head's frame in eye distances, seen at the neutral face's depth
        """
        world = self.neutral @ poses.rotation.transpose(0, 2, 1) + poses.place[:, None]
        seen = self.camera.unproject(points[..., :2].astype(float), -world[..., 2])
        return np.asarray(((seen - world) @ poses.rotation)[..., :2] / self.eyes)


def turn_matrices(vector: np.ndarray) -> np.ndarray:
    """Rotation matrices of rotation vectors (T, 3) : (T, 3, 3)."""
    angle = np.linalg.norm(vector, axis=1)[:, None, None]
    x, y, z = vector.T
    zero = np.zeros_like(x)
    skew = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(-1, 3, 3)
    near = np.maximum(angle, 1e-12)
    return np.eye(3) + np.sin(near) / near * skew + (1 - np.cos(near)) / near**2 * skew @ skew
