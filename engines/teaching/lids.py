"""Eyes in closed form: what lids and eyeballs change in the photo, interpolated between lessons.

The rig redraws an eye inside the photo before the face carries it away, so what an eye does depends on four numbers
only (both lids, yaw and pitch) and is learnt there, at the photo's own resolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.blendshape.eyes import EyePose, draw_eye
from engines.blendshape.painter import Painter
from engines.teaching.banks import EXPRESSION, FACE_UNITS, Banks

_SCALE: Final = np.array([2.4, 2.0, 5.0, 5.0])
"""What a closed lid and a radian of gaze count beside each other."""
_LOW, _HIGH = np.array([-0.35, -0.15, -0.6, -0.5]), np.array([1.0, 0.45, 0.6, 0.5])
"""What lids and gaze can be (as far as the rig draws them)."""
_NEAR: Final = 0.75
_RIDGE: Final = 1e-2
_LESSONS: Final = 320
_RANK: Final = 48
_FAR: Final = 0.4
"""Share of lessons in which the eye looks anywhere, however far."""


@dataclass(frozen=True, eq=False)
class Eye:
    """One eye of a portrait.

    Attributes
    ----------
    box : left, top, width, height in pixels of the picture it was learnt in
    rest : float32 (h, w, 3), that picture there, 0 to 255
    basis : float32 (R, h, w, 3), patterns of change of colour, 0 to 255
    amounts : float32 (K, R), how much of each a lesson gives
    centres : float32 (K, 4), the lessons
    unmix : float32 (10, 4), expression coordinates to what the eye does
    """

    box: tuple[int, int, int, int]
    rest: np.ndarray
    basis: np.ndarray
    amounts: np.ndarray
    centres: np.ndarray
    unmix: np.ndarray

    def colours(self, coordinates: np.ndarray) -> np.ndarray:
        """Change of colour (h, w, 3) at coordinates (36,)."""
        near = _nearness(_seen(coordinates[None, EXPRESSION] @ self.unmix), self.centres)[0]
        return np.asarray(np.tensordot(near @ self.amounts, self.basis, 1), np.float32)


def _nearness(poses: np.ndarray, centres: np.ndarray) -> np.ndarray:
    apart = np.asarray(((poses[:, None] - centres[None]) ** 2).sum(-1), np.float64)
    return np.asarray(np.exp(-apart / (2 * _NEAR**2)))


def _seen(poses: np.ndarray) -> np.ndarray:
    """Poses (N, 4) as they tell in the picture: limited, and the less the eyeball counts the more the lid hides it."""
    poses = np.clip(poses, _LOW, _HIGH)
    hidden = np.clip(poses[:, :1], 0, 1)
    return np.asarray(np.concatenate([poses[:, :1], poses[:, 1:] * (1 - 0.9 * hidden**2)], 1) * _SCALE)


def fit_eyes(painter: Painter, banks: Banks) -> tuple[Eye, Eye]:
    """Learn both eyes from the rig's, at the size of ``painter``."""
    backward = np.linalg.pinv(banks.expression)
    left, right = (_fit(painter, k, backward[:, len(FACE_UNITS) + 4 * k : len(FACE_UNITS) + 4 * k + 4]) for k in (0, 1))
    return left, right


def still_eyes(painter: Painter, banks: Banks) -> tuple[Eye, Eye]:
    """Both eyes with no lesson learnt: they show no change."""
    backward = np.asarray(np.linalg.pinv(banks.expression), np.float32)
    eyes = []
    for number, eye in enumerate(painter.eyes):
        x, y, width, height = (int(v) for v in eye.box)
        rest = np.asarray(painter.person[y : y + height, x : x + width, :3], np.float32).copy()
        nothing = (
            np.zeros((0, height, width, 3), np.float32),
            np.zeros((1, 0), np.float32),
            np.zeros((1, 4), np.float32),
        )
        first = len(FACE_UNITS) + 4 * number
        eyes.append(Eye((x, y, width, height), rest, *nothing, backward[:, first : first + 4]))
    return eyes[0], eyes[1]


def _fit(painter: Painter, number: int, unmix: np.ndarray) -> Eye:
    eye = painter.eyes[number]
    poses = eye_lessons(np.random.default_rng(21 + number), _LESSONS)
    x, y, width, height = (int(v) for v in eye.box)
    rest = painter.person[y : y + height, x : x + width, :3]
    changes = np.stack([draw_eye(painter.person, eye, EyePose(*map(float, p)))[..., :3] - rest for p in poses])
    flat = changes.reshape(len(poses), -1)
    _, order = np.linalg.eigh(flat @ flat.T)
    leading = order[:, ::-1][:, :_RANK].T @ flat
    patterns = leading / np.maximum(np.linalg.norm(leading, axis=1, keepdims=True), 1e-6)
    centres = _seen(poses)
    near = _nearness(centres, centres) + _RIDGE * np.eye(len(poses))
    amounts = np.linalg.solve(near, (flat @ patterns.T).astype(np.float64))
    arrays = (rest, patterns.reshape(-1, height, width, 3), amounts, centres, unmix)
    return Eye((x, y, width, height), *(np.asarray(a, np.float32) for a in arrays))


def eye_lessons(rng: np.random.Generator, count: int) -> np.ndarray:
    """What an eye does in lessons : (count, 4) as in `EyePose`, the first one at rest."""
    upper = np.where(rng.random(count) < 0.55, rng.uniform(0, 1, count), rng.uniform(-0.3, 0.35, count))
    upper[rng.random(count) < 0.1] = 1.0
    lower = rng.uniform(-0.15, 0.35, count) * np.clip(1.2 - upper, 0, 1)
    gaze = rng.normal(0, [0.2, 0.13], (count, 2)).clip(-0.55, 0.55)
    far = rng.random(count) < _FAR  # looking aside is rare, and shows most of the ball
    gaze[far] = rng.uniform([-0.58, -0.4], [0.58, 0.4], (int(far.sum()), 2))
    upper[far] = np.where(upper[far] > 0.6, rng.uniform(-0.3, 0.6, int(far.sum())), upper[far])
    poses = np.concatenate([upper[:, None], lower[:, None], gaze], 1)
    poses[0] = 0
    return poses
