"""The pose of a picture, found by laying the portrait's relief over it.

Reading mouth and expression from a turned head asks a network to know what a turn does to them. Where the pose is
known it can be undone first (`engines.teaching.relief.Relief.held_still`). Here it is found: Gauss-Newton moves the
portrait's own relief until the photo, carried along, looks like the picture (Lucas and Kanade, IJCAI 1981; coarse to
fine), counting little what a face moves by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from engines.teaching.banks import Banks, motion
from engines.teaching.lessons import lessons
from engines.teaching.prior import Prior, face_features
from engines.teaching.relief import Relief

_STARTS: Final = 600
"""Poses at random that a search begins with, and how many of them it goes on from."""
_KEPT: Final = 4
_SPREAD: Final = np.array([1.0, 1.0, 1.0, 0.8, 0.8, 0.7])
"""Deviation of pose coordinates that is looked for."""
_GUESS: Final = 0.25
"""Share of that spread in which a guess is trusted."""
_BLURS: Final = (4.0, 2.0, 1.0, 0.5)
_DOUBTS: Final = (3.0, 2.0, 1.5, 0.8)
"""Deviation in pixels that pictures are blurred by, one after the other, and difference of light (of 255) from which
on a place is doubted."""
_ROUNDS: Final = 10
_RIGID: Final = 0.95
"""Share of the head's motion from which on a place belongs to it."""
_STILL_PX: Final = 0.15
"""Motion of a face's own, in pixels, at which a place counts half."""
_NOISE: Final = 2.0
"""Difference of light taken for noise: what a picture does not show stays near what is expected."""
_STRIDE: Final = 0.6
_STEP: Final = 1e-3


@dataclass(frozen=True, eq=False)
class _Prior:
    """What is expected of a pose before a picture is seen: (6,) each."""

    middle: np.ndarray
    spread: np.ndarray


@dataclass(frozen=True, eq=False)
class _Level:
    """A picture at one degree of blur: the portrait's light where it is compared (P,), its own (H, W), least doubt."""

    own: np.ndarray
    seen: np.ndarray
    doubt: float


@dataclass(frozen=True, eq=False)
class Alignment:
    """A portrait, ready to be laid over pictures of the same person.

    Attributes
    ----------
    relief : of the portrait
    photo : float32 (H, W), its light, 0 to 255
    chosen : int (P,), points of the relief that are compared
    weight : float64 (P,), how much each counts
    """

    relief: Relief
    photo: np.ndarray
    chosen: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, prior: Prior, banks: Banks, photo: np.ndarray, points: np.ndarray) -> Alignment:
        """From a portrait's closed form.

        Parameters
        ----------
        photo : uint8 (H, W, >=3), the portrait at the actor's size
        points : (>=468, 2), its landmarks there
        """
        import cv2

        course = lessons(64, seed=17, head=False)
        moved = motion(course, np.zeros(course.weights.shape[1]), np.zeros(3))
        features = face_features(banks.coordinates(moved), moved.face)
        own = np.sqrt(np.square(np.tensordot(features, prior.face, 1)).sum(-1).mean(0))
        width, height = prior.size
        own = cv2.resize(np.asarray(own, np.float32), (width, height))
        face = np.zeros((height, width), np.float32)
        cv2.fillConvexPoly(face, cv2.convexHull(np.round(points[:468]).astype(np.int32)), (1.0,))
        counts = face / (1 + np.square(own / _STILL_PX))
        box = prior.lips.box
        counts[box.slices] *= 1 - cv2.resize(prior.lips.cover, (box.width, box.height))
        relief = prior.relief
        weight = _sampled(counts, relief.places) * (relief.share > _RIGID)
        chosen = np.flatnonzero(weight > 0.02)
        return cls(relief, photo[..., :3].astype(np.float32).mean(-1), chosen, weight[chosen].astype(np.float64))

    @cached_property
    def _compared(self) -> Relief:
        """The points that are compared, alone."""
        relief, at = self.relief, self.chosen
        parts = {"places": relief.places[at], "points": relief.points[at], "share": relief.share[at]}
        return replace(relief, held=relief.held[:, at], **parts)

    @cached_property
    def _starts(self) -> tuple[np.ndarray, np.ndarray]:
        """Poses (N, 6) to begin with, no pose among them, and their places (N, P, 2)."""
        poses = np.random.default_rng(3).normal(size=(_STARTS, 6)) * _SPREAD
        poses[0] = 0
        return poses, np.stack([self._places(p) for p in poses])

    def pose(self, picture: np.ndarray, near: np.ndarray | None = None) -> np.ndarray:
        """Pose coordinates of a picture : float32 (6,).

        Parameters
        ----------
        picture : (H, W, >=3), framed as the portrait
        near : (6,), a guess that is to be trusted somewhat; without one many are tried
        """
        light = picture[..., :3].astype(np.float32).mean(-1)
        if near is None:
            prior = _Prior(np.zeros(6), _SPREAD)
            found = self._begun(light, prior)
        else:
            prior = _Prior(np.asarray(near, np.float64), _GUESS * _SPREAD)
            found = prior.middle
        for number in range(1, len(_BLURS)):
            found = self._found(found, prior, self._level(light, number))
        return found.astype(np.float32)

    def _begun(self, light: np.ndarray, prior: _Prior) -> np.ndarray:
        """About the pose of a picture's light (H, W): where the best of many lead."""
        poses, places = self._starts
        level = self._level(light, 0)
        own, seen = level.own, level.seen
        fits = self._fit(own, _sampled(seen, places.reshape(-1, 2)).reshape(places.shape[:2]))
        tried = [self._found(poses[i], prior, level) for i in np.argsort(-fits)[:_KEPT]]
        at = np.stack([_sampled(seen, self._places(p)) for p in tried])
        return tried[int(np.argmax(self._fit(own, at)))]

    def _level(self, light: np.ndarray, number: int) -> _Level:
        """A picture's light (H, W) at one of the degrees of blur."""
        own = _sampled(_blurred(self.photo, _BLURS[number]), self._compared.places)
        return _Level(own.astype(np.float64), _blurred(light, _BLURS[number]), _DOUBTS[number])

    def _fit(self, own: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Correlation of light (P,) with each of (N, P)."""
        share = self.weight / self.weight.sum()
        a = own - own @ share
        b = seen - (seen @ share)[:, None]
        return np.asarray((b @ (share * a)) / np.sqrt(np.maximum((b * b) @ share, 1e-9)))

    def _found(self, pose: np.ndarray, prior: _Prior, level: _Level) -> np.ndarray:
        """The pose that one degree of blur leads to from another."""
        for _ in range(_ROUNDS):
            step = self._step(pose, prior, level)
            pose = pose + step
            if np.abs(step).max() < _STEP:
                break
        return pose

    def _step(self, pose: np.ndarray, prior: _Prior, level: _Level) -> np.ndarray:
        """How the pose changes for the portrait's light to be found in a picture."""
        own, seen = level.own, level.seen
        there = self._places(pose)
        slopes = [(self._places(pose + _STEP * ahead) - there) / _STEP for ahead in np.eye(6)]
        found = _sampled(seen, there).astype(np.float64)
        halves = 0.5 * np.eye(2)
        gradient = np.stack([_sampled(seen, there + h) - _sampled(seen, there - h) for h in halves], 1)
        light = np.stack([own, np.ones(len(own))], 1)  # another exposure is no motion
        sure = np.sqrt(self.weight)
        shade, *_ = np.linalg.lstsq(light * sure[:, None], found * sure, rcond=None)
        apart = light @ shade - found
        doubt = max(level.doubt, 2 * float(np.median(np.abs(apart))))
        weight = self.weight / np.square(1 + np.square(apart / doubt))
        columns = np.concatenate([np.einsum("pc,kpc->pk", gradient, np.stack(slopes)), -light], 1)
        steady = np.append(np.square(_NOISE / prior.spread), [1e-6, 1e-6])
        normal = (columns * weight[:, None]).T @ columns + np.diag(steady)
        wanted = (columns * weight[:, None]).T @ apart - steady * np.append(pose - prior.middle, [0, 0])
        step = np.linalg.solve(normal, wanted)[:6]
        return np.asarray(step * min(1.0, _STRIDE / max(float(np.abs(step).max()), 1e-9)))

    def _places(self, pose: np.ndarray) -> np.ndarray:
        return self._compared.carried(pose)[0]


def _blurred(light: np.ndarray, deviation: float) -> np.ndarray:
    import cv2

    return np.asarray(cv2.GaussianBlur(light, (0, 0), deviation, borderType=cv2.BORDER_REPLICATE))


def _sampled(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Values (H, W) at places (P, 2); beyond the border the nearest : float32 (P,)."""
    import cv2

    rows = max(1, -(-len(places) // 30000))  # a picture has less than 32768 columns
    padded = np.concatenate([places, np.zeros((-len(places) % rows, 2))]).astype(np.float32).reshape(rows, -1, 2)
    found = cv2.remap(values, padded[..., 0], padded[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found.ravel()[: len(places)])
