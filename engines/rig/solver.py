"""Damped Gauss-Newton for pose, camera, identity and expression from 478 landmarks.

Unknowns: rotation (3), translation (3), logarithm of the focal length, identity coefficients as sums and differences
of left and right axes, and the weights of the ARKit units, which stay within 0 and 1 by an active set. Residuals are
pixels over their expected size; priors are Gaussian.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from engines import arkit
from engines.api import head_angles, head_rotation
from engines.face.landmarks import FaceLandmarks
from engines.rig.camera import Camera
from engines.rig.head import Head
from engines.rig.landmark_sets import EYE_LOWER, EYE_UPPER, INNER_LOWER, INNER_UPPER, IRIS, OVAL

POSE: Final = 7
NOT_FITTED: Final = (
    "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp", "mouthClose", "cheekPuff", "tongueOut", "jawForward",
    "noseSneer", "cheekSquint", "mouthPress", "mouthDimple",
)  # fmt: skip
"""Units that landmarks do not show, or that follow something else."""

UNIT_SIGMA: Final = {
    "jawOpen": 0.25, "mouthSmile": 0.8, "mouthUpperUp": 0.4, "mouthLowerDown": 0.4, "eyeBlink": 0.4,
    "browInnerUp": 0.3, "browOuterUp": 0.3, "browDown": 0.3, "mouthPucker": 0.2, "mouthFunnel": 0.15,
    "jawLeft": 0.1, "jawRight": 0.1, "mouthLeft": 0.12, "mouthRight": 0.12, "eyeSquint": 0.3,
}  # fmt: skip
TEETH_PER_SMILE: Final = 0.7
"""How far a smile raises the upper lip."""
TEETH_SPREAD: Final = 0.1
"""By how much that may be exceeded."""
LANDMARK_SIGMA: Final = 0.010
"""Expected error of a landmark in eye distances."""
DISTANCE_CM: Final = (85.0, 0.40)
"""Median and logarithmic spread of the distance from which portraits are taken."""


@dataclass(frozen=True, eq=False)
class Basis:
    """The head reduced to its landmarks.

    Attributes
    ----------
    mean : (478, 3)
    axes : (K + E, 478, 3), identity axes (sums and differences of sides), then fitted units
    sigma : (K + E,), prior spread of each
    to_coefficients : (K of the head, K), from fitted identity unknowns to the head's own coefficients
    units : indices of the E fitted ARKit units
    """

    mean: np.ndarray
    axes: np.ndarray
    sigma: np.ndarray
    to_coefficients: np.ndarray
    units: np.ndarray


@functools.cache
def basis(head: Head) -> Basis:
    names = head.identity_names
    index = {name: i for i, name in enumerate(names)}
    columns: list[np.ndarray] = []
    sigma: list[float] = []
    for i, name in enumerate(names):
        column = np.zeros(len(names))
        if name.startswith("r-"):
            continue
        if name.startswith("l-"):
            other = index["r-" + name[2:]]
            for sign, spread in ((1.0, 0.35), (-1.0, 0.10)):
                pair = column.copy()
                pair[i], pair[other] = 1.0, sign
                columns.append(pair)
                sigma.append(spread)
            continue
        column[i] = 1.0
        columns.append(column)
        if name.startswith("asym"):
            sigma.append(0.15)
        elif name.startswith(("age", "ethnicity", "gender", "weight", "muscle")):
            sigma.append(0.5)
        else:
            sigma.append(0.35)
    mix = np.array(columns).T
    spreads = np.array(sigma)
    fixed = set(arkit.indices(*NOT_FITTED))
    units = np.array([i for i in range(arkit.COUNT) if i not in fixed])
    on_landmarks = head.landmarks(head.identity).astype(float)
    mixed = np.einsum("kj,klc->jlc", mix, on_landmarks)
    # Ears, neck and the back of the head do not show in landmarks; solving for them would only cost time.
    shows = np.linalg.norm(mixed[:, :468], axis=2).max(1) * spreads > 0.02
    axes = np.concatenate([mixed[shows], head.landmarks(head.mesh.units[units])])
    names_of_units = [arkit.NAMES[u].removesuffix("Left").removesuffix("Right") for u in units]
    unit_sigma = [
        UNIT_SIGMA.get(arkit.NAMES[u], UNIT_SIGMA.get(n, 0.2)) for u, n in zip(units, names_of_units, strict=True)
    ]
    return Basis(
        head.landmarks(head.mesh.vertices).astype(float),
        axes,
        np.concatenate([spreads[shows], unit_sigma]),
        mix[:, shows],
        units,
    )


@dataclass(frozen=True, eq=False)
class Solution:
    """What explains the landmarks.

    Attributes
    ----------
    pose, values : the unknowns themselves, to go on from
    coefficients : (K,) of the head's identity axes
    weights : (52,)
    angles : (3,) pitch, yaw, roll
    translation : (3,) of the head's pivot, in the camera's frame, centimetres
    camera : the camera
    residual_px : (478, 2), detected minus explained
    trust : (478,), 0 to 1
    """

    pose: np.ndarray
    values: np.ndarray
    coefficients: np.ndarray
    weights: np.ndarray
    angles: np.ndarray
    translation: np.ndarray
    camera: Camera
    residual_px: np.ndarray
    trust: np.ndarray


def _start(face: FaceLandmarks, mean: np.ndarray, trust: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Pose from the landmarks' own depth by a similarity (Umeyama 1991), at the usual distance."""
    seen = face.points.astype(float) * [1, -1, -1]
    weight = trust / trust.sum()
    a, b = mean - weight @ mean, seen - weight @ seen
    u, s, vt = np.linalg.svd((b * weight[:, None]).T @ a)
    flip = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ flip @ vt
    scale = float((s * np.diag(flip)).sum() / (weight @ (a**2).sum(1)))
    distance = DISTANCE_CM[0]
    focal = scale * distance
    centre = weight @ face.points[:, :2] - (weight @ (mean @ rotation.T))[:2] * [scale, -scale]
    x = (centre[0] - (size[0] - 1) / 2) / focal * distance
    y = -(centre[1] - (size[1] - 1) / 2) / focal * distance
    return np.array([*head_angles(rotation), x, y, -distance, np.log(focal)])


def _turned(rotation: np.ndarray) -> np.ndarray:
    """Derivatives of the rotation matrix by pitch, yaw and roll : (3, 3, 3)."""
    step = 1e-5
    angles = rotation
    return np.stack(
        [(head_rotation(angles + step * e) - head_rotation(angles - step * e)) / (2 * step) for e in np.eye(3)]
    )


def _margins() -> list[tuple[int, int]]:
    return [(u, low) for u, low in zip(INNER_UPPER[1:-1], INNER_LOWER[1:-1], strict=True)]


def solve(
    head: Head,
    face: FaceLandmarks,
    size: tuple[int, int],
    look: np.ndarray | None = None,
    start: Solution | None = None,
) -> Solution:
    """Explain the landmarks of a face.

    Parameters
    ----------
    head : the generic head
    face : landmarks in a picture of ``size`` (width, height) pixels
    look : (52,), weights of the units that are not fitted (lids that follow the gaze), or None
    start : a solution to refine, or None to begin with the average head
    """
    b = basis(head)
    trust = _trust(head, face)
    look = np.zeros(arkit.COUNT) if look is None else look
    mean = b.mean + np.tensordot(look, head.landmarks(head.mesh.units), 1)
    identity = len(b.sigma) - len(b.units)
    if start is None:
        pose, values = _start(face, b.mean, trust, size), np.zeros(len(b.sigma))
    else:
        pose, values = start.pose, start.values
    centre = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    target = face.points[:, :2].astype(float)
    spread = LANDMARK_SIGMA * face.eye_distance
    closing_rows, closing_right = _neutral_identity(b, identity)
    robust = np.ones(len(target))
    by_landmark = np.ascontiguousarray(b.axes.transpose(1, 2, 0))
    damping = 1.0
    for step in range(12) if start is None else range(6, 11):
        # The pose settles first, then what many people share, then the details.
        width = np.interp(step, [0, 2, 5], [0.05, 0.35, 1.0])
        shape = mean + np.tensordot(values, b.axes, 1)
        rotation = head_rotation(pose[:3])
        world = shape @ rotation.T + pose[3:6]
        focal = np.exp(pose[6])
        depth = -world[:, 2]
        pixels = centre + focal * world[:, :2] / depth[:, None] * [1, -1]
        residual = target - pixels
        distance = np.linalg.norm(residual, axis=1) / spread
        robust = 1 / (1 + (distance / 4) ** 2)
        weight = np.sqrt(trust * robust) / spread
        to_pixels = np.zeros((len(target), 2, 3))
        to_pixels[:, 0, 0] = focal / depth
        to_pixels[:, 1, 1] = -focal / depth
        to_pixels[:, 0, 2] = focal * world[:, 0] / depth**2
        to_pixels[:, 1, 2] = -focal * world[:, 1] / depth**2
        jacobian = np.empty((len(target), 2, POSE + len(values)))
        for k, change in enumerate(_turned(pose[:3])):
            jacobian[:, :, k] = np.einsum("lij,lj->li", to_pixels, shape @ change.T)
        jacobian[:, :, 3:6] = to_pixels
        jacobian[:, :, 6] = pixels - centre
        jacobian[:, :, POSE:] = (to_pixels @ rotation) @ by_landmark
        a = (jacobian * weight[:, None, None]).reshape(-1, POSE + len(values))
        normal, right = a.T @ a, a.T @ (residual * weight[:, None]).ravel()
        prior = 1 / (b.sigma * width) ** 2
        normal[np.arange(POSE, len(normal)), np.arange(POSE, len(normal))] += prior
        right[POSE:] -= prior * values
        normal[POSE : POSE + identity, POSE : POSE + identity] += closing_rows.T @ closing_rows
        right[POSE : POSE + identity] += closing_rows.T @ (closing_right - closing_rows @ values[:identity])
        # distance of the camera
        log_error = np.log(-pose[5] / DISTANCE_CM[0])
        slope, precision = 1 / pose[5], 1 / DISTANCE_CM[1] ** 2
        normal[5, 5] += precision * slope**2
        right[5] -= precision * slope * log_error
        _sides_agree(normal, right, values, b, identity)
        _teeth_smile(normal, right, values, b, identity)
        normal[np.arange(POSE), np.arange(POSE)] *= 1 + 1e-3 * damping
        change = _bounded(normal, right, values, POSE + identity)
        pose = pose + change[:POSE]
        pose[5] = min(pose[5], -20.0)
        values = values + change[POSE:]
        values[identity:] = np.clip(values[identity:], 0, 1)
        damping *= 0.5
    weights = look.copy()
    weights[b.units] = values[identity:]
    shape = mean + np.tensordot(values, b.axes, 1)
    camera = Camera(float(np.exp(pose[6])), (float(centre[0]), float(centre[1])))
    pixels = camera.project(shape @ head_rotation(pose[:3]).T + pose[3:6])
    return Solution(
        pose,
        values,
        b.to_coefficients @ values[:identity],
        weights,
        pose[:3],
        pose[3:6],
        camera,
        target - pixels[:, :2],
        trust * robust,
    )


def _trust(head: Head, face: FaceLandmarks) -> np.ndarray:
    """How far each landmark is believed, 0 to 1: sure on the drawn head, steady in this picture, facing the camera."""
    trust = head.landmark_confidence.astype(float).clip(0.05, 1)
    steady = face.spread / max(face.eye_distance, 1e-6)
    trust = trust / (1 + (steady / 0.01) ** 2)
    trust[list(OVAL)] *= 0.35
    trust[[i for eye in IRIS for i in eye]] = 0
    # The detector guesses what the nose or cheek hides: trust the far side less.
    points = face.points.astype(float)
    across = points[263] - points[33]
    turn = np.arctan2(across[2], across[0])
    side = (points[:, :2] - points[[6, 168, 197], :2].mean(0)) @ across[:2] / (across[:2] @ across[:2])
    far = np.clip(side * np.sign(turn) * 2, 0, 1) * np.clip((abs(turn) - 0.15) / 0.5, 0, 1)
    trust *= 1 - 0.8 * far
    margins = [i for group in (*EYE_UPPER, *EYE_LOWER, INNER_UPPER, INNER_LOWER) for i in group]
    trust[margins] *= 2.0
    return trust


def _neutral_identity(b: Basis, identity: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows that ask the identity for closed lips, usual eyes and a mouth that does not smile: (N, K), (N,)."""
    rows, right = [], []
    for upper, lower in _margins():
        rows.append((b.axes[:identity, upper, 1] - b.axes[:identity, lower, 1]) / 0.03)
        right.append(-(b.mean[upper, 1] - b.mean[lower, 1]) / 0.03)
    axes = b.axes[:identity]
    for eye_up, eye_low in zip(EYE_UPPER, EYE_LOWER, strict=True):
        rows.append((axes[:, eye_up[4], 1] - axes[:, eye_low[4], 1]) / 0.25)
    # A smile is an expression: as an identity, corners neither rise above the middle nor go far apart.
    corners, middle = (axes[:, 61] + axes[:, 291]) / 2, (axes[:, 13] + axes[:, 14]) / 2
    rows.append((corners - middle)[:, 1] / 0.07)
    width, eyes = axes[:, 291, 0] - axes[:, 61, 0], axes[:, 263, 0] - axes[:, 33, 0]
    usual = (b.mean[291, 0] - b.mean[61, 0]) / (b.mean[263, 0] - b.mean[33, 0])
    rows.append((width - usual * eyes) / 0.17)
    # ... nor does any other mix of axes move the face as a smile does.
    at = {int(u): identity + k for k, u in enumerate(b.units)}
    smile = b.axes[[at[u] for u in arkit.indices("mouthSmile")]].sum(0)
    rows.append(np.einsum("klc,lc->k", axes, smile) / (smile**2).sum() / 0.04)
    return np.array(rows), np.array(right + [0.0] * (len(rows) - len(right)))


def _sides_agree(normal: np.ndarray, right: np.ndarray, values: np.ndarray, b: Basis, identity: int) -> None:
    """A prior that both sides of the face do about the same."""
    place = {int(u): POSE + identity + k for k, u in enumerate(b.units)}
    for unit, i in place.items():
        j = place.get(arkit.MIRROR[unit])
        if j is None or j <= i:
            continue
        precision = 1 / 0.15**2
        gap = values[i - POSE] - values[j - POSE]
        normal[i, i] += precision
        normal[j, j] += precision
        normal[i, j] -= precision
        normal[j, i] -= precision
        right[i] -= precision * gap
        right[j] += precision * gap


def _teeth_smile(normal: np.ndarray, right: np.ndarray, values: np.ndarray, b: Basis, identity: int) -> None:
    """A prior that an upper lip that shows its teeth smiles: nobody sneers for a portrait, and a wide mouth may be one.

    A smile may well hide its teeth, so only the excess counts.
    """
    place = {int(u): POSE + identity + k for k, u in enumerate(b.units)}
    for lip, smile in zip(arkit.indices("mouthUpperUp"), arkit.indices("mouthSmile"), strict=True):
        i, j = place[lip], place[smile]
        excess = values[i - POSE] - TEETH_PER_SMILE * values[j - POSE]
        if excess <= 0:
            continue
        row = np.array([1.0, -TEETH_PER_SMILE]) / TEETH_SPREAD
        normal[np.ix_([i, j], [i, j])] += np.outer(row, row)
        right[[i, j]] -= row * excess / TEETH_SPREAD


def _bounded(normal: np.ndarray, right: np.ndarray, values: np.ndarray, first: int) -> np.ndarray:
    """The step of a quadratic model whose unknowns from ``first`` on stay within 0 and 1, by an active set."""
    # The free unknowns are eliminated once (Schur complement), so that the active set works on the units alone.
    factor = cho_factor(normal[:first, :first], check_finite=False)
    across = cho_solve(factor, normal[:first, first:], check_finite=False)
    inner = normal[first:, first:] - normal[first:, :first] @ across
    target = right[first:] - across.T @ right[:first]
    low, high = -values[first - POSE :], 1 - values[first - POSE :]
    free = np.ones(len(low), bool)
    change = np.zeros(len(low))
    for _ in range(len(low)):
        fixed = ~free
        change[free] = np.linalg.solve(
            inner[np.ix_(free, free)], target[free] - inner[np.ix_(free, fixed)] @ change[fixed]
        )
        beyond = free & ((change < low - 1e-9) | (change > high + 1e-9))
        if not beyond.any():
            break
        change = np.clip(change, low, high)
        free &= ~beyond
    change = np.clip(change, low, high)
    return np.concatenate([cho_solve(factor, right[:first], check_finite=False) - across @ change, change])
