"""Weights and pose of a known head from landmarks, by what landmarks were seen to do when the truth was known.

What a detector finds differs from where the skin is: some landmarks lag, some slide over the cheek when the head
turns, all err together. ``assets/capture/readout.npz`` holds that difference, measured on drawn people whose motion
was known (`packaging/make_capture.py`): how each unit moves what is *found* beyond how it moves the mesh, what the
pose adds, and the covariance of the rest. A frame is then explained by the most probable weights and pose
(maximum a posteriori of a linear Gaussian model, re-linearised about the pose it finds) among those that a face can
take: that no unit goes far below rest is what tells a pucker from less of everything else. What a net that knows real
faces makes of the same landmarks (`engines.capture.scores`) counts as a further observation of some units.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from engines import arkit
from engines.api import head_angles, look_weights
from engines.capture.bounded import bounded
from engines.capture.pose import Poses, PoseSolver, turn_matrices
from engines.capture.rounding import MOUTH, ROUNDED, load_rounding
from engines.capture.scores import UNITS
from engines.capture.shipped import shipped
from engines.rig.fit import FittedHead
from engines.rig.head import load_head
from engines.rig.landmark_sets import INNER_LOWER, INNER_UPPER, IRIS

ASSET: Final = Path(__file__).resolve().parents[2] / "assets" / "capture" / "readout.npz"
POSE_SPREAD: Final = np.array([0.1, 0.1, 0.1, 2.0, 2.0, 8.0])
"""How far the pose found from the landmarks alone may be off: radians about x, y, z, and centimetres."""
NEAR_CM: Final = 60.0
HIGHEST: Final = 1.3
LOWEST: Final = np.full(arkit.COUNT, -0.03)
"""Bounds of weights (52,); a little below rest, for the rest of a person is not known exactly."""
BROWS_UP: Final = list(arkit.indices("browInnerUp", "browOuterUp"))
LOWEST[BROWS_UP] = -0.5
"""The frame that counts as rest may show raised brows; what lies below is no frown then."""
_ROUNDS: Final = 3
_CHUNK: Final = 256
TOLD: Final = {
    "jawOpen": (0.05, 0.012, 1.3), "mouthSmile": (0.15, 0.1, 1.0), "mouthLowerDown": (0.2, 0.1, 1.0),
    "mouthUpperUp": (0.2, 0.1, 1.0), "browInnerUp": (0.1, 0.1, 1.5), "browOuterUp": (0.1, 0.1, 1.5),
    "browDown": (0.1, 0.1, 2.0),
}  # fmt: skip
"""Units whose scores are believed: how far those are expected to be off in a face at rest and in a broad smile, and
what they are multiplied by.

Landmarks leave open whether a jaw or lips that bare the teeth part the mouth, above all in a smile, so there the scores
decide; of what landmarks do show they change little."""
PARTED_OFF: Final = 0.015
"""How far the gap between the lips is expected to be off, in eye distances, where units are told: the others make up
for what is told of one."""
ROUNDED_OFF: Final = 0.03
"""How far pucker and funnel are expected to be off where nets tell them."""
_SMILES: Final = (0.1, 0.5)
"""Score of a smile from which scores are believed more, and that of a broad smile."""
LOOK: Final = list(arkit.indices("eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp"))


@dataclass(frozen=True, eq=False)
class Readout:
    """What is found when a face moves; M numbers a frame, see `observed`.

    Attributes
    ----------
    seen, moved : int (K,), landmarks taken from the detector, and after their correction by the picture
    units : float64 (52, M), how a unit at 1 moves what is found beyond the mesh, in eye distances
    turned : float64 (7, M), what `pose_terms` add
    modes : float64 (R, M), directions in which all that is left over errs together, at one standard deviation
    spread : float64 (M,), standard deviation of what is left beside them
    covariance : float64 (52, 52) of the weights about rest
    gain : float64 (52,), what makes up for the shrinking of uncertain answers; 0 for units that cannot be read
    """

    seen: np.ndarray
    moved: np.ndarray
    units: np.ndarray
    turned: np.ndarray
    modes: np.ndarray
    spread: np.ndarray
    covariance: np.ndarray
    gain: np.ndarray

    def observed(self, detected: np.ndarray, corrected: np.ndarray) -> np.ndarray:
        """The numbers that are explained, from frontal landmarks (..., 478, 2) of both kinds : (..., M)."""
        parts = (detected[..., self.seen, :], corrected[..., self.moved, :])
        return np.concatenate([p.reshape(*p.shape[:-2], -1) for p in parts], -1)


@functools.cache
def load_readout() -> Readout:
    """The readout that was measured once.

    Raises
    ------
    EngineError
        When its file is missing or damaged.
    """
    with shipped(ASSET) as data:
        values = {name: data[name] for name in Readout.__dataclass_fields__}
    return Readout(**{k: v.astype(int if k in ("seen", "moved") else np.float64) for k, v in values.items()})


def pose_terms(angles: np.ndarray) -> np.ndarray:
    """Pitch, yaw, roll, pitch squared, yaw squared, their product, and 1, for (T, 3) radians : (T, 7)."""
    pitch, yaw, roll = angles.T
    return np.stack([pitch, yaw, roll, pitch * pitch, yaw * yaw, pitch * yaw, np.ones_like(yaw)], 1)


@dataclass(frozen=True, eq=False)
class Decoded:
    """T frames of one person.

    Attributes
    ----------
    weights : float64 (T, 52), hardly below 0 and not limited to 1; a person's features may leave some above 0 at rest
    head : float64 (T, 6), pitch, yaw, roll in radians, place of the head's pivot in the camera's frame in centimetres
    gaze : float64 (T, 4), as in `engines.api.Performance.gaze`
    error : float64 (T,), mean distance of explained and found landmarks in eye distances
    alone : float64 (T, 52), the weights that landmarks give alone, without scores
    mouth : float64 (T, L, 4), how far the landmarks `engines.capture.rounding.MOUTH` lie from where they are at rest in
        a frontal view, right and up, as detected and as corrected, in eye distances
    """

    weights: np.ndarray
    head: np.ndarray
    gaze: np.ndarray
    error: np.ndarray
    alone: np.ndarray
    mouth: np.ndarray


class Decoder:
    """Explains frames of one person.

    Parameters
    ----------
    fitted : the person's head, in a video of the same picture size
    """

    def __init__(self, fitted: FittedHead, readout: Readout | None = None) -> None:
        head = load_head()
        self.readout = r = readout or load_readout()
        self.poses = PoseSolver(fitted)
        self._pivots = fitted.mesh.pivots[2:].astype(float)
        self._radius = np.asarray(fitted.eye_radius, float)
        mesh = head.landmarks(fitted.mesh.units)[..., :2].astype(float) / self.poses.eyes
        self._units = r.observed(mesh, mesh) + r.units
        pose = pose_jacobian(self.poses)
        basis = np.concatenate([self._units, r.observed(pose, pose)])
        self._pulled, self._hessian = _normal_equations(r, basis)
        self._gap = lip_gap(r)
        self._parted = basis @ self._gap
        unlimited = np.full(len(POSE_SPREAD), 10.0)
        self._low = np.concatenate([LOWEST, -unlimited])
        self._high = np.concatenate([np.full(arkit.COUNT, HIGHEST), unlimited])

    def decode(
        self,
        detected: np.ndarray,
        corrected: np.ndarray | None = None,
        scores: np.ndarray | None = None,
        geometric: np.ndarray | None = None,
    ) -> Decoded:
        """Explain frames.

        Parameters
        ----------
        detected : (T, 478, 3) landmarks in pixels, finite
        corrected : the same after `engines.capture.flow`, default ``detected``
        scores : (T, K) of `engines.capture.scores`, less those of the person at rest; None: landmarks alone
        geometric : (T, 52) weights by `engines.capture.solve`, from which it is told how rounded lips are
            (`engines.capture.rounding`); None: by landmarks alone
        """
        corrected = detected if corrected is None else corrected
        chunks = [np.s_[i : i + _CHUNK] for i in range(0, len(detected), _CHUNK)]
        parts = [
            self._decode(detected[c], corrected[c], *(None if v is None else v[c] for v in (scores, geometric)))
            for c in chunks
        ]
        if not parts:
            units = (arkit.COUNT,)
            return Decoded(*(np.zeros((0, *rest)) for rest in (units, (6,), (4,), (), units, (len(MOUTH), 4))))
        return Decoded(*(np.concatenate([getattr(p, n) for p in parts]) for n in Decoded.__dataclass_fields__))

    def _decode(
        self, detected: np.ndarray, corrected: np.ndarray, scores: np.ndarray | None, geometric: np.ndarray | None
    ) -> Decoded:
        r = self.readout
        told = None if scores is None else told_terms(scores)
        poses = self.poses.solve(corrected)
        weights, error = np.zeros((len(detected), arkit.COUNT)), np.zeros(len(detected))
        for _ in range(_ROUNDS):
            detected_front = self.poses.frontal(detected, poses)
            same = corrected is detected
            found = r.observed(detected_front, detected_front if same else self.poses.frontal(corrected, poses))
            left = found - pose_terms(head_angles(poses.rotation)) @ r.turned
            answer = self._explained(left, told)
            weights, change = answer[:, : arkit.COUNT], answer[:, arkit.COUNT :]
            rest = (left - weights @ self._units).reshape(len(left), -1, 2)
            error = np.linalg.norm(rest, axis=2).mean(1)
            poses = moved(poses, change)
        alone = self._explained(left)[:, : arkit.COUNT] * r.gain
        mouth = np.concatenate([self.poses.frontal(p, poses)[:, MOUTH] for p in (detected, corrected)], 2)
        if geometric is not None:  # the other units are found again, so that all together still part the lips as seen
            believed, tell = told or np.zeros((2, len(left), len(self._hessian)))
            believed[:, ROUNDED] = ROUNDED_OFF**-2
            tell[:, ROUNDED] = load_rounding()(alone, geometric, mouth) / r.gain[ROUNDED]
            weights = self._explained(left, (believed, tell))[:, : arkit.COUNT]
        weights = weights * r.gain
        gaze = self._look_at(detected, poses)
        weights[:, LOOK] = look_weights(gaze)
        return Decoded(weights, poses.head(), gaze, error, alone, mouth)

    def _explained(self, left: np.ndarray, told: tuple[np.ndarray, np.ndarray] | None = None) -> np.ndarray:
        """The unknowns (T, 58) that make what was found (T, M), and told (`told_terms`), most probable."""
        hessian, slopes = self._hessian, left @ self._pulled.T
        believed = np.zeros_like(slopes)
        if told is not None:
            believed = told[0]
            parted = self._parted / PARTED_OFF
            hessian = hessian + np.outer(parted, parted)
            slopes = slopes + believed * told[1] + np.outer(left @ self._gap / PARTED_OFF, parted)
        slopes = np.ascontiguousarray(slopes)
        free = np.linalg.solve(hessian + believed[:, None] * np.eye(len(hessian)), slopes[..., None])[..., 0]
        return bounded(hessian, believed, slopes, free, self._low, self._high)

    def _look_at(self, points: np.ndarray, poses: Poses) -> np.ndarray:
        """Where the rays through the pupils meet the eyeballs, as yaw and pitch of both eyes : (T, 4)."""
        angles = []
        view = np.einsum("tc,tcd->td", poses.place, poses.rotation)
        for side, iris in enumerate(IRIS):
            pupil = points[:, list(iris), :2].astype(float).mean(1)
            ray = np.einsum("tc,tcd->td", self.poses.camera.unproject(pupil, 1.0), poses.rotation)
            ray /= np.linalg.norm(ray, axis=1, keepdims=True)
            to = self._pivots[side] + view
            along = (to * ray).sum(1)
            radius = self._radius[side]
            half = np.sqrt(np.maximum(radius**2 - np.maximum((to * to).sum(1) - along**2, 0), 0))
            direction = (along - half)[:, None] * ray - to
            direction /= np.linalg.norm(direction, axis=1, keepdims=True)
            angles += [np.arctan2(direction[:, 0], direction[:, 2]), np.arcsin(np.clip(direction[:, 1], -1, 1))]
        return np.clip(np.stack(angles, 1), -0.7, 0.7)


def pose_jacobian(solver: PoseSolver) -> np.ndarray:
    """How frontal landmarks move with the head: turns about x, y, z, places x, y, and nearness : (6, 478, 2)."""
    neutral = solver.neutral
    result = np.zeros((6, len(neutral), 2))
    for axis, turn in enumerate(np.eye(3)):
        result[axis] = np.cross(turn, neutral)[:, :2]
    result[3, :, 0] = result[4, :, 1] = 1
    result[5] = (neutral[:, :2] - neutral[:, :2].mean(0)) / NEAR_CM
    return result / solver.eyes


def moved(poses: Poses, change: np.ndarray) -> Poses:
    """Poses after changes (T, 6) in the terms of `pose_jacobian`."""
    beside = np.einsum("tij,tj->ti", poses.rotation[:, :, :2], change[:, 3:5])
    place = poses.place * (1 - change[:, 5:6] / NEAR_CM) + beside
    place[:, 2] = np.minimum(place[:, 2], -10.0)
    return Poses(poses.rotation @ turn_matrices(np.clip(change[:, :3], -0.4, 0.4)), place, poses.error)


def told_terms(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How firmly scores (T, K) are believed (inverse variance), and what they tell : (T, 58) each, as the unknowns."""
    believed, told = (np.zeros((len(scores), arkit.COUNT + len(POSE_SPREAD))) for _ in range(2))
    smile = scores[:, [UNITS.index(unit) for unit in arkit.indices("mouthSmile")]].mean(1)
    share = np.clip((smile - _SMILES[0]) / (_SMILES[1] - _SMILES[0]), 0, 1)
    for name, (at_rest, smiling, factor) in TOLD.items():
        for unit in arkit.indices(name):
            believed[:, unit] = (at_rest ** (1 - share) * smiling**share) ** -2
            told[:, unit] = factor * scores[:, UNITS.index(unit)]
    return believed, told


def lip_gap(readout: Readout) -> np.ndarray:
    """What makes the mean gap between the lips' inner rims, as detected, of what is found : (M,)."""
    gap = np.zeros((len(readout.seen) + len(readout.moved), 2))
    at = {int(landmark): row for row, landmark in enumerate(readout.seen)}
    inner = list(zip(INNER_UPPER, INNER_LOWER, strict=True))[3:-3]
    for upper, lower in inner:
        gap[[at[upper], at[lower]], 1] = np.array([1, -1]) / len(inner)
    return gap.ravel()


def _normal_equations(readout: Readout, basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What brings leftovers to slopes (58, M), and the curvature (58, 58) of the improbability."""
    # Inverse of diag(spread^2) + modes^T modes, applied to the basis (Woodbury).
    plain = basis / readout.spread**2
    inner = np.eye(len(readout.modes)) + (readout.modes / readout.spread**2) @ readout.modes.T
    pulled = plain - (plain @ readout.modes.T) @ np.linalg.solve(inner, readout.modes / readout.spread**2)
    prior = np.zeros((len(basis), len(basis)))
    count = arkit.COUNT
    prior[:count, :count] = np.linalg.inv(readout.covariance + 1e-4 * np.eye(count))
    prior[range(count, len(basis)), range(count, len(basis))] = 1 / POSE_SPREAD**2
    hessian = pulled @ basis.T + prior
    return pulled, np.ascontiguousarray((hessian + hessian.T) / 2)
