"""What of an actor has a closed form: dense motion and change of colour from the coordinates of the banks.

The head carries the photo as `engines.teaching.relief` says. The face's motion is fitted backwards (where each pixel
comes from) on the still head, so a mouth or expression coordinate moves nothing but what it moved in the lessons,
whatever the pose. Lips part as `engines.teaching.lips` says, and eyes move as `engines.teaching.lids` says. What is
still missing (shade, wrinkles) is a residual of rank `RANK`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np

from engines.api import CancelToken, Performance, Progress, no_progress
from engines.blendshape.painter import Painter
from engines.teaching.banks import EXPRESSION, FACE_UNITS, MOUTH, POSE, Banks, banks, motion
from engines.teaching.draw import LAYERS, OPEN_PX
from engines.teaching.lessons import lessons
from engines.teaching.lids import Eye, fit_eyes
from engines.teaching.lips import Lips, fit_lips, lips_alone
from engines.teaching.relief import Relief, relief_of
from engines.teaching.teacher import Box, Teacher

STRIDE: Final = 2
"""Pixels of the actor between two values of a motion field."""
_SKIN_STRIDE: Final = 4
RANK: Final = 32
_SPOKEN, _FELT = 220, 110
_OUTLINE: Final = 90, 60
"""Lessons, spoken and felt, from which motion alone is learnt."""
_RIDGE: Final = 1e-3
_STRENGTHS: Final = (1e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
_FOLDS: Final = 5
_CURVED: Final = 4
"""Mouth coordinates whose products are features too: lips part along curves."""
_FADE_PX: Final = 6.0
"""Width of the border over which a region gives way to its surroundings."""
_NOTHING_PX: Final = 0.04
_NOTHING_SHADE: Final = 1.0
"""Motion and change of colour (of 255) below this are noise of the fit."""


@dataclass(frozen=True, eq=False)
class Region:
    """A part of the still head whose colours change: the mouth, or all of it (coarsely, for wrinkles).

    Attributes
    ----------
    box : in pixels of the actor
    stride : pixels between two values
    basis : float32 (R, h, w, 3), patterns of colour, 0 to 255
    amounts : float32 (F, R), how much of each a feature gives
    """

    box: Box
    stride: int
    basis: np.ndarray
    amounts: np.ndarray

    def colours(self, features: np.ndarray) -> np.ndarray:
        """Change of colour : float32 (h, w, 3), from features (F,) of `face_features`."""
        return np.asarray(np.tensordot(features @ self.amounts, self.basis, 1), np.float32)


@dataclass(frozen=True, eq=False)
class Prior:
    """The closed-form actor.

    Attributes
    ----------
    size : (width, height) of the actor in its own pixels
    relief : how the head carries the photo along
    face : float32 (F, h, w, 2), backward motion of the face
    lips : the mouth
    eyes : left and right
    mouth, skin : what else changes colour, near the mouth and all over
    """

    size: tuple[int, int]
    relief: Relief
    face: np.ndarray
    lips: Lips
    eyes: tuple[Eye, Eye]
    mouth: Region | None = None
    skin: Region | None = None

    def pose_flow(self, coordinates: np.ndarray) -> np.ndarray:
        """Where the still head is seen from each pixel : float32 (H, W, 2), offset in pixels; see `Relief.flow`.

        Parameters
        ----------
        coordinates : (36,)
        """
        return self.relief.flow(coordinates[POSE])

    def face_flow(self, features: np.ndarray) -> np.ndarray:
        """Offset of the still head's face : float32 (H, W, 2); parameters from `face_features`."""
        return self._full(np.tensordot(features, self.face, 1).astype(np.float32))

    def _full(self, field: np.ndarray) -> np.ndarray:
        return enlarged(field, STRIDE, (self.size[1], self.size[0]))


def enlarged(field: np.ndarray, stride: int, shape: tuple[int, int]) -> np.ndarray:
    """A field given at every ``stride``-th pixel, at all pixels of ``shape`` (height, width)."""
    import cv2

    matrix = np.array([[1 / stride, 0, 0], [0, 1 / stride, 0]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(field, matrix, shape[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE))


def window(box: Box) -> np.ndarray:
    """1 inside a box, fading to 0 at its border : float32 (h, w)."""
    x, y = (np.minimum(np.arange(n) + 0.5, n - np.arange(n) - 0.5) for n in (box.width, box.height))
    near = np.clip(np.minimum(x[None, :], y[:, None]) / _FADE_PX, 0, 1)
    return np.asarray(near * near * (3 - 2 * near), np.float32)


_FACE: Final = len(FACE_UNITS) + 8
_OF_EXPRESSION: Final = np.arange(20, 20 + _FACE)
OF_MOUTH: Final = np.setdiff1d(np.arange(20 + _FACE + _CURVED * (_CURVED + 1) // 2), _OF_EXPRESSION)
"""Which of `face_features` come from which bank."""
_SHARED: Final = 0.06
"""What one unit of the face shows of another after ten numbers have stood for all of them; less is taken for none."""


def _products(x: np.ndarray) -> np.ndarray:
    i, j = np.triu_indices(x.shape[1])
    return np.asarray(x[:, i] * x[:, j])


def pose_features(pose: np.ndarray) -> np.ndarray:
    """Pose coordinates (T, 6) and their products : (T, 27)."""
    return np.concatenate([pose, _products(pose)], 1)


def face_features(coordinates: np.ndarray, face: np.ndarray | None = None) -> np.ndarray:
    """Mouth coordinates of (T, 36), what the face does, and products of the strongest of the mouth's : (T, F).

    Parameters
    ----------
    face : float64 (T, 19), see `engines.teaching.banks.Motion`; default what the expression coordinates tell of it
    """
    mouth = coordinates[:, MOUTH]
    if face is None:
        told = coordinates[:, EXPRESSION] @ _unmix()
        face = told * np.clip(np.abs(told) / _SHARED - 1, 0, 1)
    return np.concatenate([mouth, face, _products(mouth[:, :_CURVED])], 1)


@cache
def _unmix() -> np.ndarray:
    """From expression coordinates back to what the face does : (10, 19)."""
    return np.asarray(np.linalg.pinv(banks().expression), np.float32)


def ridge(features: np.ndarray, values: np.ndarray, strength: float = _RIDGE) -> np.ndarray:
    """Least squares of values (T, ...) from features (T, F), regularised : float32 (F, ...)."""
    count = len(features)
    scale = np.sqrt((features**2).mean(0)) + 1e-6
    normal = (features / scale).T @ (features / scale) + strength * count * np.eye(features.shape[1])
    flat = values.reshape(count, -1).astype(np.float32)
    solved = np.linalg.solve(normal, (features / scale).T @ flat) / scale[:, None]
    return np.asarray(solved.reshape(-1, *values.shape[1:]), np.float32)


def _quiet(basis: np.ndarray, typical: np.ndarray, noise: float) -> np.ndarray:
    """A basis (F, h, w, C) without what is noise at the typical sizes (F,) of its features."""
    size = np.linalg.norm(basis, axis=-1, keepdims=True) * typical[:, None, None, None]
    return np.asarray(basis * np.clip((size - noise) / noise, 0, 1), np.float32)


def _moved(values: np.ndarray, noise: float) -> np.ndarray:
    """Where values (T, ..., C) ever exceed ``noise`` : (..., 1), 0 to 1."""
    if noise <= 0:
        return np.ones((1,), np.float32)
    most = np.linalg.norm(values, axis=-1, keepdims=True).max(0)
    return np.asarray(np.clip((most - noise) / noise, 0, 1), np.float32)


@dataclass(frozen=True, eq=False)
class _Course:
    """Lessons of one portrait in which only the mouth moves (``spoken``), or only the rest of the face (``felt``).

    Attributes
    ----------
    told, told_felt : float32 (T, 36), their coordinates
    features, features_felt : (T, F), from `face_features`
    """

    spoken: Performance
    felt: Performance
    told: np.ndarray
    told_felt: np.ndarray
    features: np.ndarray
    features_felt: np.ndarray

    @classmethod
    def of(cls, teacher: Teacher, numbers: Banks, spoken: int, felt: int) -> _Course:
        """So many lessons of each kind."""
        parts = lessons(spoken, 12, head=False, expression=False), lessons(felt, 13, head=False, mouth=False)
        moved = [motion(p, teacher.rest_weights, teacher.actor.head.rest_head) for p in parts]
        told = [numbers.coordinates(m) for m in moved]
        return cls(*parts, *told, *(face_features(t, m.face) for t, m in zip(told, moved, strict=True)))

    @property
    def typical(self) -> np.ndarray:
        """Typical sizes of the features : (F,)."""
        return np.maximum(*(np.sqrt((f**2).mean(0)) for f in (self.features, self.features_felt)))

    def both(self, of_spoken: np.ndarray, of_felt: np.ndarray, noise: float = 0.0) -> np.ndarray:
        """Values (F, ...) by feature: each bank learnt where the other is still, so that neither moves the other's.

        Nor does it move what it never moved by more than ``noise`` in its lessons.
        """
        result = np.zeros((self.features.shape[1], *of_spoken.shape[1:]), np.float32)
        result[OF_MOUTH] = ridge(self.features[:, OF_MOUTH], of_spoken) * _moved(of_spoken, noise)
        result[_OF_EXPRESSION] = ridge(self.features_felt[:, _OF_EXPRESSION], of_felt) * _moved(of_felt, noise)
        return result

    def face(self, teacher: Teacher) -> np.ndarray:
        """Motion of the face : float32 (F, h, w, 2)."""
        flows = teacher.flows(self.spoken, STRIDE), teacher.flows(self.felt, STRIDE)
        return _quiet(self.both(*flows, _NOTHING_PX), self.typical, _NOTHING_PX)

    def places(self, teacher: Teacher) -> np.ndarray:
        """Motion of the mouth's vertices : float32 (F, M, 2)."""
        return self.both(teacher.mouth_motion(self.spoken), teacher.mouth_motion(self.felt))


def outline(teacher: Teacher, eyes: tuple[Eye, Eye], numbers: Banks) -> Prior:
    """The closed form of what moves, from the fitted head alone: no colours between the lips, no residuals.

    Parameters
    ----------
    eyes : left and right
    """
    course = _Course.of(teacher, numbers, *_OUTLINE)
    lips = lips_alone(teacher, numbers, course.places(teacher))
    return Prior(teacher.crop.size, relief_of(teacher.actor, teacher.crop), course.face(teacher), lips, eyes)


def fit(
    teacher: Teacher,
    eyes: Painter,
    numbers: Banks,
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Prior:
    """Fit the closed form to what the rig draws; a few seconds.

    Parameters
    ----------
    teacher : of the portrait
    eyes : what draws the eyes, at the size they are learnt at
    numbers : the banks
    """
    cancel = cancel or CancelToken()
    progress(0.0, "Learning how the head moves")
    relief = relief_of(teacher.actor, teacher.crop)
    cancel.check()
    progress(0.15, "Learning how the face moves")
    course = _Course.of(teacher, numbers, _SPOKEN, _FELT)
    told, features = course.told, course.features
    face = course.face(teacher)
    cancel.check()
    progress(0.4, "Learning teeth and lids")
    frames = teacher.frames(course.spoken)
    cancel.check()
    progress(0.6, "Learning teeth and lids")
    lips = fit_lips(teacher, numbers, told, features, course.places(teacher), frames)
    cancel.check()
    progress(0.65, "Learning teeth and lids")
    prior = Prior(teacher.crop.size, relief, face, lips, fit_eyes(eyes, numbers))
    cancel.check()
    progress(0.75, "Learning teeth and lids")
    near, around = residuals(teacher, prior, told, features, frames, 1.0)
    cancel.check()
    progress(0.9, "Learning teeth and lids")
    felt = teacher.frames(course.felt)
    _, around_felt = residuals(teacher, prior, course.told_felt, course.features_felt, felt, 0.0)
    width, height = teacher.crop.size
    mouth = learnt_region(near, lips.box, 1, features, OF_MOUTH, np.arange(len(near)) % _FOLDS)
    shade = _quiet(course.both(around, around_felt, _NOTHING_SHADE), course.typical, _NOTHING_SHADE)
    skin = Region(Box(0, 0, width, height), _SKIN_STRIDE, shade, np.eye(len(shade), dtype=np.float32))
    progress(1.0, "Learnt")
    return replace(prior, mouth=mouth, skin=skin)


def still_layers(prior: Prior, features: np.ndarray, coordinates: np.ndarray, speaks: float = 1.0) -> np.ndarray:
    """Motion and lips of the still head, without residuals : float32 (H, W, `engines.teaching.draw.LAYERS`).

    Parameters
    ----------
    features : (F,), from `face_features`
    coordinates : (36,)
    speaks : how much of the mouth is drawn
    """
    out, _ = moving_layers(prior, features, speaks)
    if speaks > 0:
        out[prior.lips.box.slices][..., 5:8] = prior.lips.colours(coordinates, features)
    return out


def moving_layers(prior: Prior, features: np.ndarray, speaks: float) -> tuple[np.ndarray, np.ndarray]:
    """Motion and opening of the still head without colours : float32 (H, W, `engines.teaching.draw.LAYERS`).

    Also, float32 (h, w), which part of the mouth's box is the mouth's own, 0 to 1; parameters as in `still_layers`.
    """
    width, height = prior.size
    out = np.zeros((height, width, LAYERS), np.float32)
    out[..., 8] = -OPEN_PX
    out[..., :2] = prior.face_flow(features)
    lips = prior.lips
    own = np.zeros((lips.box.height, lips.box.width), np.float32)
    if speaks > 0:
        flow, opened, cover = lips.motion(features)
        part = out[lips.box.slices]
        own = speaks * window(lips.box) * cover
        part[..., :2] += own[..., None] * (flow - part[..., :2])
        part[..., 8] = np.clip(opened, -OPEN_PX, OPEN_PX) - 2 * OPEN_PX * (1 - own)
    return out, own


def residuals(
    teacher: Teacher, prior: Prior, coordinates: np.ndarray, features: np.ndarray, frames: np.ndarray, speaks: float
) -> tuple[np.ndarray, np.ndarray]:
    """What the rig's frames (T, H, W, 3) show beyond the warped photo, 0 between the lips and in the eyes.

    Returns
    -------
    float32 (T, h, w, 3) near the mouth; (T, h, w, 3) elsewhere, every `_SKIN_STRIDE` pixels
    """
    import cv2

    width, height = prior.size
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    lips = prior.lips
    own = speaks * window(lips.box)[..., None]
    outside = np.ones((height, width, 1), np.float32)
    for box in teacher.eye_boxes():
        outside[box.slices] *= 1 - window(box)[..., None]
    near, around = [], []
    for i, frame in enumerate(frames):
        layers = still_layers(prior, features[i], coordinates[i], speaks)
        map_x, map_y = x + layers[..., 0], y + layers[..., 1]
        warped = cv2.remap(teacher.painter.photo, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        closed = 1 - np.clip(layers[..., 8:] + 0.5, 0, 1)
        left = outside * closed * (frame.astype(np.float32) - warped)
        part = left[lips.box.slices]
        near.append(part * own)
        part *= 1 - own
        around.append(left[::_SKIN_STRIDE, ::_SKIN_STRIDE].copy())
    return np.stack(near), np.stack(around)


def learnt_region(
    values: np.ndarray, box: Box, stride: int, features: np.ndarray, used: np.ndarray, fold: np.ndarray
) -> Region:
    """A region's change of colour as patterns and their amounts, by ridge regression that is checked across folds.

    Parameters
    ----------
    values : float32 (T, h, w, 3), what it is in every lesson, every ``stride`` pixels
    box : the region, in pixels of the actor
    features : (T, F), from `face_features`
    used : which of the features tell anything of it
    fold : int (T,), lessons of one number are left out together; moments of one clip that lie close are alike
    """
    flat = values.reshape(len(values), -1)
    _, order = np.linalg.eigh(flat @ flat.T)
    leading = order[:, ::-1][:, :RANK].T @ flat
    patterns = leading / np.maximum(np.linalg.norm(leading, axis=1, keepdims=True), 1e-6)
    wanted, told = flat @ patterns.T, features[:, used]
    errors, left = [], []
    for strength in _STRENGTHS:
        apart = np.zeros_like(wanted)
        for k in np.unique(fold):
            out = fold == k
            apart[out] = wanted[out] - told[out] @ ridge(told[~out], wanted[~out], strength)
        left.append(np.square(apart).sum(0))
        errors.append(left[-1].sum())
    best = int(np.argmin(errors))
    # what others of the lessons do not confirm of a pattern is left out, or it shows as creases
    sure = np.clip(1 - left[best] / np.maximum(np.square(wanted).sum(0), 1e-9), 0, 1)
    amounts = np.zeros((features.shape[1], len(patterns)), np.float32)
    amounts[used] = ridge(told, wanted, _STRENGTHS[best]) * sure
    return Region(box, stride, np.asarray(patterns.reshape(-1, *values.shape[1:]), np.float32), amounts)
