"""The three banks of numbers that move a taught actor: 20 for the mouth, 6 for the pose, 10 for the expression.

EDTalk (Tan et al., ECCV 2024) finds such banks in footage; here they are linear in what the rig draws, so a
Performance has them in closed form. Mouth and expression are principal axes, whitened, of the rig's channels over
the motion that actors are taught with; the pose is the head's own six numbers, scaled.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from engines import arkit
from engines.api import Performance
from engines.blendshape.expression import drawn_weights, limited_head
from engines.blendshape.eyes import eye_poses

MOUTH, POSE, EXPRESSION = slice(0, 20), slice(20, 26), slice(26, 36)
COUNT: Final = 36
MOUTH_UNITS: Final = tuple(i for i, n in enumerate(arkit.NAMES) if arkit.REGION[n] in ("jaw", "lips", "tongue"))
FACE_UNITS: Final = arkit.indices(
    "browDown", "browInnerUp", "browOuterUp", "cheekPuff", "cheekSquint", "noseSneer", "eyeSquint"
)
POSE_SCALE: Final = np.array([0.12, 0.15, 0.12, 0.5, 0.5, 1.0])
"""Radians and centimetres of one unit of each pose coordinate."""
_EMPHASIS: Final = {
    "jawOpen": 2.0, "jawForward": 2.0, "jawLeft": 2.0, "jawRight": 2.0, "mouthLeft": 1.5, "mouthRight": 1.5,
    "mouthClose": 1.5, "mouthPucker": 1.5, "mouthFunnel": 1.5, "mouthDimpleLeft": 0.7, "mouthDimpleRight": 0.7,
    "mouthPressLeft": 1.4, "mouthPressRight": 1.4, "mouthRollLower": 1.6, "mouthShrugLower": 1.2,
    "tongueOut": 2.5, "cheekPuff": 1.6,
}  # fmt: skip
"""How much a unit counts beside the others, by what it moves."""
_LID, _GAZE, _TONGUE, _ACTIVITY = 2.5, 4.0, 0.5, 1.0
_GATE: Final = 0.06
"""Sum of mouth weights from which on the drawn mouth replaces the photo's (as in the rig)."""


@dataclass(frozen=True, eq=False)
class Motion:
    """A performance as the rig draws it on one photo, relative to how the photo is.

    Attributes
    ----------
    mouth : float64 (T, 30), change of `MOUTH_UNITS`, raised tongue, activity of the mouth
    face : float64 (T, 19), change of `FACE_UNITS`, then upper lid, lower lid, yaw, pitch of the left and right eye
    head : float64 (T, 6), limited to what one photo can show
    """

    mouth: np.ndarray
    face: np.ndarray
    head: np.ndarray

    @property
    def speaks(self) -> np.ndarray:
        """How much of the drawn mouth is laid over the photo's : (T,), 0 to 1."""
        amount = np.abs(self.mouth[:, :-1]).sum(1) / _GATE + self.mouth[:, -1]
        return _smooth(amount)

    @property
    def looks(self) -> np.ndarray:
        """How much of the drawn eyes is laid over the photo's : (T, 2), 0 to 1."""
        eyes = np.abs(self.face[:, len(FACE_UNITS) :].reshape(-1, 2, 4)).max(2)
        return _smooth(eyes / 0.02)


def _smooth(value: np.ndarray) -> np.ndarray:
    value = np.clip(value, 0, 1)
    return np.asarray(value * value * (3 - 2 * value))


def motion(performance: Performance, rest_weights: np.ndarray, rest_head: np.ndarray) -> Motion:
    """What the rig draws of a performance on a photo.

    Parameters
    ----------
    rest_weights : (52,), the photo's own expression, effective (`engines.rig.mesh.effective_weights`)
    rest_head : (>=3,), pitch, yaw, roll of the photo's head
    """
    drawn, activity = drawn_weights(performance, rest_weights)
    change = drawn - rest_weights
    mouth = np.concatenate([change[:, MOUTH_UNITS], performance.tongue[:, None], activity[:, None]], 1)
    poses = [eye_poses(w, g) for w, g in zip(performance.weights, performance.gaze, strict=True)]
    eyes = np.array([[v for e in pair for v in (e.upper, e.lower, e.yaw, e.pitch)] for pair in poses])
    face = np.concatenate([change[:, FACE_UNITS], eyes.reshape(len(performance), 8)], 1)
    return Motion(mouth, face, limited_head(performance.head, rest_head[:3]))


@dataclass(frozen=True, eq=False)
class Banks:
    """The linear maps from a `Motion` to coordinates.

    Attributes
    ----------
    mouth : float64 (30, 20)
    expression : float64 (19, 10)
    """

    mouth: np.ndarray
    expression: np.ndarray

    def coordinates(self, motion: Motion) -> np.ndarray:
        """Coordinates of every frame : float32 (T, 36); 0 is the photo as it is."""
        parts = motion.mouth @ self.mouth, motion.head / POSE_SCALE, motion.face @ self.expression
        return np.concatenate(parts, 1).astype(np.float32)


def _axes(values: np.ndarray, emphasis: np.ndarray, count: int) -> np.ndarray:
    """Map to the first whitened principal axes about 0 : (C, count)."""
    weighted = values * emphasis
    _, singular, right = np.linalg.svd(weighted, full_matrices=False)
    scale = singular[:count] / np.sqrt(len(values))
    signs = np.sign(right[:count].sum(1, keepdims=True))
    return np.asarray(emphasis[:, None] * (signs * right[:count]).T / np.maximum(scale, 1e-6))


@cache
def banks() -> Banks:
    """The banks of every taught actor: the same for all, from the motion they are taught with."""
    from engines.teaching.lessons import lessons

    found = motion(lessons(2000, seed=1), np.zeros(arkit.COUNT), np.zeros(3))
    mouth = [_EMPHASIS.get(arkit.NAMES[i], 1.0) for i in MOUTH_UNITS]
    face = [_EMPHASIS.get(arkit.NAMES[i], 1.0) for i in FACE_UNITS]
    return Banks(
        _axes(found.mouth, np.array([*mouth, _TONGUE, _ACTIVITY]), 20),
        _axes(found.face, np.array([*face, *(2 * [_LID, 0.4 * _LID, _GAZE, _GAZE])]), 10),
    )
