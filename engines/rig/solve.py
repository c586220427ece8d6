"""From what the mouth should measure to ARKit weights: bounded least squares on the geometry of one head.

The measures are almost linear in the weights, so one small quadratic programme per frame, the same matrix for all
frames, gives the weights; ADMM (Boyd et al. 2011) solves all frames at once. A few corrections take up what is not
linear. Priors say which of the many mixes of units that measure the same is the natural one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from engines import arkit
from engines.errors import InputError
from engines.rig.measure import OPENINGS, MouthModel, geometry_of
from engines.rig.mesh import HeadMesh

TOLERANCE: Final[dict[str, float]] = {
    "aperture": 0.004, "width": 0.008, "inwidth": 0.03, "jaw": 0.012, "jaw2": 0.02, "protrude": 0.02, "uplip": 0.02,
    "upthick": 0.025, "lothick": 0.016, "lolip": 0.03, "upin": 0.02, "loin": 0.03, "cornerY": 0.03, "ap_r": 0.01,
    "ap_l": 0.01, "ap_rr": 0.02, "ap_ll": 0.02, "area": 0.02,
}  # fmt: skip
"""How exactly each measure is to be met, in eye distances. Only measures named here can be targets."""

EFFORT: Final[dict[str, float]] = {
    "jawOpen": 0.4, "jawWithClosedLips": 0.9, "mouthFunnel": 1.5, "mouthPucker": 0.6, "mouthSmile": 0.8,
    "mouthStretch": 0.7, "mouthDimple": 1.6, "mouthFrown": 1.6, "mouthRollLower": 0.8, "mouthRollUpper": 1.6,
    "mouthShrugLower": 1.5, "mouthShrugUpper": 2.0, "mouthPress": 1.6, "mouthLowerDown": 0.7, "mouthUpperUp": 1.5,
}  # fmt: skip
"""Reluctance to use each movement; both sides act together. ``jawWithClosedLips`` is ``jawOpen`` with an equal
``mouthClose``, which keeps the corrective below the movement it corrects."""

CAP: Final[dict[str, float]] = {"jawOpen": 0.8, "jawWithClosedLips": 0.4, "mouthDimple": 0.5, "mouthFrown": 0.5}


_FIRM: Final = 0.001
"""Lips that are to touch are asked for this much more, or least squares would leave them ajar by a hair."""


def _movements() -> np.ndarray:
    """Weights of one full strength of each movement of `EFFORT` : (M, 52)."""
    rows = np.zeros((len(EFFORT), arkit.COUNT))
    for row, name in zip(rows, EFFORT, strict=True):
        units = ("jawOpen", "mouthClose") if name == "jawWithClosedLips" else (name,)
        row[list(arkit.indices(*units))] = 1.0
    return rows


def solve_mouth(
    mesh: HeadMesh, targets: Mapping[str, np.ndarray], *, tolerance: Mapping[str, float] | None = None
) -> np.ndarray:
    """ARKit weights whose mouth on ``mesh`` measures the targets as well as it can.

    Parameters
    ----------
    mesh : the head that will be driven
    targets : (T,) per name of `TOLERANCE`, in eye distances of this head (`engines.rig.measure`); others are ignored
    tolerance : replaces single values of `TOLERANCE`

    Returns
    -------
    float32 (T, 52), 0 to 1, both sides alike

    Raises
    ------
    InputError
        When no known measure is given, or their lengths differ.
    """
    allowed = {**TOLERANCE, **(tolerance or {})}
    names = [name for name in allowed if name in targets]
    if not names:
        raise InputError(f"No mouth measure to solve for; give at least one of {', '.join(TOLERANCE)}.")
    wanted = [np.asarray(targets[name], np.float64).ravel() for name in names]
    if len({len(w) for w in wanted}) != 1:
        raise InputError("The mouth measures to solve for have different lengths.")
    want = np.stack(wanted, 1)
    if not np.isfinite(want).all():
        raise InputError("The mouth measures to solve for hold values that are not numbers.")
    for column, name in enumerate(names):
        if name in OPENINGS:
            want[:, column] = np.where(want[:, column] <= 0, -_FIRM, want[:, column])
    model, movements = MouthModel.of(mesh), _movements()
    scale = 1 / np.array([allowed[name] for name in names])

    def measured(strength: np.ndarray) -> np.ndarray:
        found = geometry_of(model, np.clip(strength @ movements, 0, 1))
        return np.stack([found[name] for name in names], 1).astype(np.float64)

    rest = measured(np.zeros((1, len(movements))))
    step = 0.3
    slope = (measured(step * np.eye(len(movements))) - rest) / step  # (M, N)
    effort = np.array(list(EFFORT.values()))
    upper = np.array([CAP.get(name, 1.0) for name in EFFORT])
    a = slope.T * scale[:, None]
    aim = (want - rest) * scale
    strength = np.zeros((len(want), len(movements)))
    correction = np.zeros_like(aim)
    for _ in range(3):
        strength = _bounded(a, aim + correction, effort, upper)
        reached = (measured(strength) - rest) * scale
        correction += strength @ a.T - reached - correction
    return np.clip(strength @ movements, 0, 1).astype(np.float32)


def _bounded(a: np.ndarray, aim: np.ndarray, effort: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Minimise ``|a x - aim|^2 + |effort x|^2`` within 0 and ``upper``, for all rows of ``aim`` : (T, M)."""
    normal = a.T @ a + np.diag(effort**2)
    rho = float(np.sqrt(np.linalg.eigvalsh(normal)[[0, -1]].prod()))
    inverse = np.linalg.inv(normal + rho * np.eye(len(normal)))
    right = aim @ a
    z = np.zeros((len(aim), len(normal)))
    u = np.zeros_like(z)
    for _ in range(60):
        x = (right + rho * (z - u)) @ inverse
        z = np.clip(x + u, 0, upper)
        u += x - z
    return z
