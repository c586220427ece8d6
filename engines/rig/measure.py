"""The mouth of a head in numbers: the distances by which talking video is measured, on the driven mesh.

Definitions follow the ``geometry`` columns of the voice benchmark: MediaPipe landmarks in coordinates fixed to the
head, y up, z towards the camera, divided by the distance of the outer eye corners (33-263). With x, y, z(i) the
coordinates of landmark i and |a,b| a distance:

- aperture y13-y14; ap_r y81-y178; ap_l y311-y402; ap_rr y80-y88; ap_ll y310-y318
- width |61,291|; inwidth |78,308|; jaw y4-y152; jaw2 y168-y152
- protrude mean z(0,17) - mean z(61,291), which falls in a pucker because the corners come forward
- uplip y2-y0; upthick y0-y13; lothick y14-y17; lolip y17-y152; upin y2-y13; loin y14-y152
- cornerY mean y(61,291) - y2; area of the inner loop of the lips
- ap2d and w2d, the same as aperture and width seen without pose correction; pitch, yaw in radians

Every landmark is linear in the ARKit weights, so thousands of frames are one matrix product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines import arkit
from engines.api import Performance, head_rotation
from engines.rig.head import load_head
from engines.rig.landmark_sets import INNER_LOWER, INNER_UPPER
from engines.rig.mesh import HeadMesh, effective_weights

HEIGHTS: Final[dict[str, tuple[int, int]]] = {
    "aperture": (13, 14), "ap_r": (81, 178), "ap_l": (311, 402), "ap_rr": (80, 88), "ap_ll": (310, 318),
    "jaw": (4, 152), "jaw2": (168, 152), "uplip": (2, 0), "upthick": (0, 13), "lothick": (14, 17), "lolip": (17, 152),
    "upin": (2, 13), "loin": (14, 152),
}  # fmt: skip
"""Differences in height: upper landmark, lower landmark."""
WIDTHS: Final[dict[str, tuple[int, int]]] = {"width": (61, 291), "inwidth": (78, 308)}
OPENINGS: Final = ("aperture", "ap_r", "ap_l", "ap_rr", "ap_ll")
"""Openings of the lips; lips that press on each other have an opening of 0, not less."""

_LOOP: Final = (*INNER_UPPER, *INNER_LOWER[-2:0:-1])
_USED: Final = tuple(
    sorted({i for pair in (*HEIGHTS.values(), *WIDTHS.values()) for i in pair} | set(_LOOP) | {33, 263})
)
_AT: Final = {landmark: k for k, landmark in enumerate(_USED)}


@dataclass(frozen=True, eq=False)
class MouthModel:
    """The landmarks of the mouth as a linear function of the weights, in eye distances.

    Attributes
    ----------
    neutral : (L, 3)
    units : (52, L, 3)
    """

    neutral: np.ndarray
    units: np.ndarray

    @staticmethod
    def of(mesh: HeadMesh) -> MouthModel:
        """Reduce a generic or fitted mesh to its mouth."""
        head = load_head()
        used = list(_USED)
        corners = mesh.triangles[head.landmark_triangle[used]]
        bary = head.landmark_bary[used].astype(float)
        neutral = np.einsum("lk,lkc->lc", bary, mesh.vertices[corners].astype(float))
        units = np.einsum("lk,ulkc->ulc", bary, mesh.units[:, corners].astype(float))
        unit = float(np.linalg.norm(neutral[_AT[33]] - neutral[_AT[263]]))
        return MouthModel(neutral / unit, units / unit)

    def points(self, weights: np.ndarray) -> np.ndarray:
        """Landmarks (T, L, 3) under weights (T, 52)."""
        return self.neutral + np.tensordot(effective_weights(weights), self.units, 1)


def mouth_geometry(mesh: HeadMesh, performance: Performance | np.ndarray) -> dict[str, np.ndarray]:
    """Measure the mouth of every frame.

    Parameters
    ----------
    mesh : a generic or fitted head
    performance : a performance, or weights (T, 52) of a head that looks straight ahead

    Returns
    -------
    float32 (T,) per name, in distances of the outer eye corners; ``area`` in its square, ``pitch`` and ``yaw`` in
    radians
    """
    return geometry_of(MouthModel.of(mesh), performance)


def geometry_of(model: MouthModel, performance: Performance | np.ndarray) -> dict[str, np.ndarray]:
    """As `mouth_geometry`, for a mesh that was reduced before."""
    if isinstance(performance, Performance):
        weights, turn = performance.weights, performance.head[:, :3]
    else:
        weights, turn = np.atleast_2d(np.asarray(performance)), np.zeros((1, 3))
    points = model.points(weights)

    def at(*landmarks: int) -> np.ndarray:
        return points[:, [_AT[i] for i in landmarks]]

    result = {name: at(upper)[:, 0, 1] - at(lower)[:, 0, 1] for name, (upper, lower) in HEIGHTS.items()}
    for name in OPENINGS:
        result[name] = np.maximum(result[name], 0)
    for name, (right, left) in WIDTHS.items():
        result[name] = np.linalg.norm(at(right)[:, 0] - at(left)[:, 0], axis=1)
    corners = at(61, 291)
    result["protrude"] = at(0, 17)[..., 2].mean(1) - corners[..., 2].mean(1)
    result["cornerY"] = corners[..., 1].mean(1) - at(2)[:, 0, 1]
    x, y = np.moveaxis(at(*_LOOP)[..., :2], -1, 0)
    result["area"] = np.abs((x * np.roll(y, -1, 1) - np.roll(x, -1, 1) * y).sum(1)) / 2
    turned = np.einsum("tij,tlj->tli", np.broadcast_to(head_rotation(turn), (len(points), 3, 3)), at(13, 14, 61, 291))
    result["ap2d"] = np.linalg.norm(turned[:, 0, :2] - turned[:, 1, :2], axis=1)
    result["w2d"] = np.linalg.norm(turned[:, 2, :2] - turned[:, 3, :2], axis=1)
    result["pitch"] = np.broadcast_to(turn[:, 0], len(points))
    result["yaw"] = np.broadcast_to(turn[:, 1], len(points))
    return {name: np.asarray(values, np.float32) for name, values in result.items()}


def neutral_geometry(mesh: HeadMesh) -> dict[str, float]:
    """The mouth at rest, as one number a name."""
    return {name: float(values[0]) for name, values in mouth_geometry(mesh, np.zeros((1, arkit.COUNT))).items()}
