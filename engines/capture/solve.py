"""Pose and ARKit weights of a known head from the landmarks of each frame.

The head is fitted once (`engines.rig.fit`); then each frame has few unknowns, solved by damped Gauss-Newton that
starts from the frame before. Weights stay within 0 and 1, outlying landmarks lose their say (Geman and McClure's
weights), and a weak pull to the frame before settles what one frame cannot show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines import arkit
from engines.api import head_rotation, look_weights
from engines.rig.fit import FittedHead
from engines.rig.head import load_head
from engines.rig.landmark_sets import EYE_LOWER, EYE_UPPER, INNER_LOWER, INNER_UPPER, IRIS, OVAL

UNSEEN: Final = ("eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp", "cheekPuff", "tongueOut", "jawForward",
                 "cheekSquint", "noseSneer", "mouthClose")  # fmt: skip
"""Units that landmarks do not show; the look units follow the gaze."""

SIGMA: Final = {
    "jawOpen": 0.5, "mouthSmile": 0.5, "mouthUpperUp": 0.35, "mouthLowerDown": 0.35, "eyeBlink": 0.8,
    "browInnerUp": 0.5, "browOuterUp": 0.5, "browDown": 0.5, "mouthPucker": 0.4, "mouthFunnel": 0.3,
    "mouthLeft": 0.2, "mouthRight": 0.2, "jawLeft": 0.15, "jawRight": 0.15, "eyeSquint": 0.3, "eyeWide": 0.4,
    "mouthRollLower": 0.3, "mouthRollUpper": 0.3, "mouthShrugLower": 0.2, "mouthShrugUpper": 0.2,
    "mouthFrown": 0.3, "mouthStretch": 0.3, "mouthDimple": 0.2, "mouthPress": 0.25,
}  # fmt: skip
"""Prior spread of each unit: how readily it is called on."""

LANDMARK_SIGMA: Final = 0.05
"""Expected error of a landmark in eye distances."""
HOLD: Final = 0.35
"""Expected change of a weight from frame to frame; a pull, not a limit."""
SIDES: Final = 0.25
"""Expected difference between the two sides of the face."""


@dataclass(frozen=True, eq=False)
class Pose:
    """One frame.

    Attributes
    ----------
    weights : (52,)
    head : (6,) pitch, yaw, roll in radians, place of the head's pivot in the camera's frame in centimetres
    gaze : (4,) as in `engines.api.Performance.gaze`
    error : mean distance of explained and detected landmarks in eye distances
    """

    weights: np.ndarray
    head: np.ndarray
    gaze: np.ndarray
    error: float


class FaceSolver:
    """Explains the landmarks of one person frame by frame.

    Parameters
    ----------
    fitted : the person's head, in a video of the same picture size
    """

    def __init__(self, fitted: FittedHead) -> None:
        head = load_head()
        self.fitted = fitted
        self._neutral = head.landmarks(fitted.mesh.vertices).astype(float)
        everything = head.landmarks(fitted.mesh.units).astype(float)
        hidden = set(arkit.indices(*UNSEEN))
        self.units = np.array([i for i in range(arkit.COUNT) if i not in hidden])
        self._axes = everything[self.units]
        self._look_index = list(arkit.indices("eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp"))
        self._look_axes = everything[self._look_index]
        plain = [arkit.NAMES[u].removesuffix("Left").removesuffix("Right") for u in self.units]
        self._sigma = np.array(
            [SIGMA.get(arkit.NAMES[u], SIGMA.get(p, 0.3)) for u, p in zip(self.units, plain, strict=True)]
        )
        place = {int(u): k for k, u in enumerate(self.units)}
        self._pairs = [(k, place[arkit.MIRROR[u]]) for u, k in place.items() if place.get(arkit.MIRROR[u], -1) > k]
        trust = head.landmark_confidence.astype(float).clip(0.05, 1)
        trust[list(OVAL)] *= 0.35
        trust[[i for eye in IRIS for i in eye]] = 0
        trust[[i for group in (*EYE_UPPER, *EYE_LOWER, INNER_UPPER, INNER_LOWER) for i in group]] *= 3.0
        self._trust = trust
        self._pose = np.asarray(fitted.rest_head, float).copy()
        self._values = np.asarray(fitted.rest_weights, float)[self.units]
        self._gaze = np.zeros(4)
        self._fresh = True

    def restart(self) -> None:
        """Forget the frame before (after a cut, or when the face was lost)."""
        self._fresh = True

    def step(self, points: np.ndarray) -> Pose:
        """Explain the next frame.

        Parameters
        ----------
        points : (478, 3) landmarks in pixels
        """
        target = points[:, :2].astype(float)
        eyes = float(np.hypot(*(target[33] - target[263])))
        spread = LANDMARK_SIGMA * eyes
        if self._fresh:
            self._start(points)
        before, values, pose = self._values.copy(), self._values.copy(), self._pose.copy()
        camera = self.fitted.camera
        look = look_weights(self._gaze[None])[0]
        mean = self._neutral + np.tensordot(look, self._look_axes, 1)
        hold = 1e-6 if self._fresh else 1 / HOLD**2
        residual = np.zeros_like(target)
        for _ in range(8 if self._fresh else 3):
            shape = mean + np.tensordot(values, self._axes, 1)
            rotation = head_rotation(pose[:3])
            world = shape @ rotation.T + pose[3:]
            depth = -world[:, 2]
            residual = target - camera.project(world)[:, :2]
            distance = np.linalg.norm(residual, axis=1) / spread
            weight = np.sqrt(self._trust) / (1 + (distance / 5) ** 2) / spread
            f = camera.focal_px
            to_pixels = np.zeros((len(target), 2, 3))
            to_pixels[:, 0, 0], to_pixels[:, 1, 1] = f / depth, -f / depth
            to_pixels[:, 0, 2], to_pixels[:, 1, 2] = f * world[:, 0] / depth**2, -f * world[:, 1] / depth**2
            jacobian = np.empty((len(target), 2, 6 + len(values)))
            for k, step in enumerate(1e-5 * np.eye(3)):
                turned = (head_rotation(pose[:3] + step) - head_rotation(pose[:3] - step)) / 2e-5
                jacobian[:, :, k] = np.einsum("lij,lj->li", to_pixels, shape @ turned.T)
            jacobian[:, :, 3:6] = to_pixels
            jacobian[:, :, 6:] = np.matmul(to_pixels @ rotation, self._axes.transpose(1, 2, 0))
            a = (jacobian * weight[:, None, None]).reshape(-1, jacobian.shape[2])
            normal, right = a.T @ a, a.T @ (residual * weight[:, None]).ravel()
            own = np.arange(6, len(normal))
            normal[own, own] += 1 / self._sigma**2 + hold
            right[6:] -= values / self._sigma**2 + hold * (values - before)
            for i, j in self._pairs:
                precision, gap = 1 / SIDES**2, values[i] - values[j]
                normal[6 + i, 6 + i] += precision
                normal[6 + j, 6 + j] += precision
                normal[6 + i, 6 + j] -= precision
                normal[6 + j, 6 + i] -= precision
                right[6 + i] -= precision * gap
                right[6 + j] += precision * gap
            normal[np.arange(6), np.arange(6)] *= 1 + 1e-6
            change = _within(normal, right, values)
            pose = pose + change[:6]
            pose[5] = min(pose[5], -10.0)
            values = np.clip(values + change[6:], 0, 1)
        self._pose, self._values, self._fresh = pose, values, False
        self._gaze = self._look_at(points, pose)
        weights = np.zeros(arkit.COUNT)
        weights[self.units] = values
        weights[self._look_index] = look_weights(self._gaze[None])[0]
        error = float(np.linalg.norm(residual[:468], axis=1).mean() / max(eyes, 1e-6))
        return Pose(weights, pose.copy(), self._gaze.copy(), error)

    def _start(self, points: np.ndarray) -> None:
        """A pose to start from: the fitted one, moved and scaled to where the eyes and the chin are."""
        pose = np.asarray(self.fitted.rest_head, float).copy()
        camera = self.fitted.camera
        anchors = [33, 263, 1, 152, 10]
        seen = points[anchors, :2].astype(float)
        world = self._neutral[anchors] @ head_rotation(pose[:3]).T + pose[3:]
        drawn = camera.project(world)[:, :2]
        size = np.linalg.norm(seen - seen.mean(0)) / np.linalg.norm(drawn - drawn.mean(0))
        pose[3:] = pose[3:] / size
        across = seen[1] - seen[0]
        pose[2] = -np.arctan2(across[1], across[0])
        world = self._neutral[anchors] @ head_rotation(pose[:3]).T + pose[3:]
        shift = seen.mean(0) - camera.project(world)[:, :2].mean(0)
        pose[3] += shift[0] * -pose[5] / camera.focal_px
        pose[4] -= shift[1] * -pose[5] / camera.focal_px
        self._pose, self._values = pose, np.zeros(len(self.units))

    def _look_at(self, points: np.ndarray, pose: np.ndarray) -> np.ndarray:
        """Where the rays through the pupils meet the eyeballs, as yaw and pitch of both eyes : (4,)."""
        rotation = head_rotation(pose[:3])
        angles = []
        for side, iris in enumerate(IRIS):
            pupil = points[list(iris), :2].astype(float).mean(0)
            ray = self.fitted.camera.unproject(pupil, 1.0) @ rotation
            ray /= np.linalg.norm(ray)
            to = self.fitted.mesh.pivots[2 + side].astype(float) + pose[3:] @ rotation
            along = to @ ray
            radius = self.fitted.eye_radius[side]
            half = np.sqrt(max(radius**2 - max(to @ to - along**2, 0.0), 0.0))
            direction = (along - half) * ray - to
            direction /= np.linalg.norm(direction)
            angles += [np.arctan2(direction[0], direction[2]), np.arcsin(np.clip(direction[1], -1, 1))]
        return np.clip(np.array(angles), -0.7, 0.7)


def _within(normal: np.ndarray, right: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The step of a quadratic model that keeps the weights within 0 and 1, by an active set."""
    low, high = np.full(len(right), -np.inf), np.full(len(right), np.inf)
    low[6:], high[6:] = -values, 1 - values
    free = np.ones(len(right), bool)
    change = np.zeros(len(right))
    for _ in range(6):
        fixed = ~free
        side = right[free] - normal[np.ix_(free, fixed)] @ change[fixed]
        change[free] = np.linalg.solve(normal[np.ix_(free, free)], side)
        beyond = free & ((change < low - 1e-9) | (change > high + 1e-9))
        if not beyond.any():
            break
        change = np.clip(change, low, high)
        free &= ~beyond
    return np.clip(change, low, high)
