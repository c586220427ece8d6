"""How a photo's light falls on a face, and how a turn of the head changes it.

First-order shading (Ramamoorthi and Hanrahan 2001, the first four harmonics): brightness is ``ambient + direction . n``
for a normal ``n``. Fitted to the brightness of skin, it says by how much each place brightens or darkens as it turns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.ndimage import map_coordinates

_LUMA: Final = np.array([0.299, 0.587, 0.114])
_SKIN: Final = (
    10, 338, 297, 332, 284, 251, 109, 67, 103, 54, 21, 151, 9, 8, 108, 69, 337, 299, 50, 280, 101, 330, 36, 266, 205,
    425, 187, 411, 147, 376, 123, 352, 116, 345, 117, 346, 118, 347, 207, 427, 192, 416, 213, 433, 4, 5, 195, 197, 6,
    45, 275, 48, 278, 199, 175, 171, 396, 140, 369, 32, 262, 208, 428, 194, 418, 135, 364, 169, 394,
)  # fmt: skip
"""Landmarks on bare skin: forehead, cheeks, nose, chin."""
_PRIOR: Final = 0.02
"""How firmly an unlit face is believed, against the scatter of skin's own brightness."""
_MOST: Final = 0.55
"""Strongest direction of the light over its mean."""
_SHARE: Final = 0.8
"""Share of the change that is shown: part of what looks like light is the skin's own tone."""
_RANGE: Final = (0.72, 1.28)


@dataclass(frozen=True)
class Light:
    """Light of a photo: ``direction`` (3,) in the camera's axes, over the ambient light."""

    direction: tuple[float, float, float]

    def change(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Factor of brightness of surfaces that turn : float32 (N,), 1 where nothing turns.

        Parameters
        ----------
        before, after : (N, 3) normals in the camera's axes; shorter ones take less part
        """
        direction = np.asarray(self.direction, np.float32)
        ratio = (1 + after @ direction) / np.maximum(1 + before @ direction, 0.3)
        return np.asarray(np.clip(1 + _SHARE * (ratio - 1), *_RANGE), np.float32)


def read_light(rgb: np.ndarray, landmarks: np.ndarray, normals: np.ndarray) -> Light:
    """Judge a photo's light by its skin.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    landmarks : (478, >=2), in its pixels
    normals : (478, 3), of the skin there, in the camera's axes
    """
    import cv2

    rows = list(_SKIN)
    face = float(np.ptp(landmarks[:468, 0]))
    smooth = cv2.GaussianBlur(rgb, (0, 0), max(0.6, 0.02 * face)).astype(np.float64) @ _LUMA
    places = np.asarray(landmarks, np.float64)[rows, :2]
    luma = map_coordinates(smooth, places.T[::-1], order=1, mode="nearest")
    seen = np.asarray(normals, np.float64)[rows]
    luma = luma / max(float(np.median(luma)), 1.0)
    matrix = np.concatenate([np.ones((len(rows), 1)), seen], 1)
    weight = np.clip(seen[:, 2], 0.05, 1)  # what faces away shows little
    solution = np.zeros(4)
    for _ in range(6):  # hair, beards and highlights are left out step by step
        normal = (matrix * weight[:, None]).T @ matrix + _PRIOR * len(rows) * np.diag([0, 1, 1, 1])
        solution = np.linalg.solve(normal, (matrix * weight[:, None]).T @ luma)
        off = np.abs(luma - matrix @ solution)
        weight = np.clip(seen[:, 2], 0.05, 1) / (1 + (off / 0.12) ** 2)
    # Towards the camera, light and tone cannot be told apart: that part counts as ambient.
    direction = solution[1:] / max(float(solution[0] + 0.7 * max(solution[3], 0.0)), 0.2)
    direction[2] = np.clip(direction[2], 0, 0.3)
    size = float(np.linalg.norm(direction))
    direction *= min(1.0, _MOST / max(size, 1e-6))
    return Light((float(direction[0]), float(direction[1]), float(direction[2])))
