"""What a net that learnt on real faces makes of landmarks: scores of the units that drawn faces tell too little about.

On a drawn face every unit moves the skin as the rig has it. Real lips that bare the lower teeth take the chin along,
so that landmarks alone look like an open jaw. MediaPipe's face landmarker ends in a net from landmarks to ARKit's
units that learnt from people (BlendshapeV2, model card of 2022). ``assets/capture/scores.npz`` holds a small net
that learnt to answer as it does (Hinton et al. 2015, "Distilling the knowledge in a neural network") on landmarks of
drawn people (`packaging/make_scores.py`); `engines.capture.decode` weighs its scores against the landmarks themselves.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy.special import expit

from engines import arkit
from engines.capture.shipped import shipped
from engines.face.landmarks import OUTER_EYE_CORNERS

ASSET: Final = Path(__file__).resolve().parents[2] / "assets" / "capture" / "scores.npz"
UNITS: Final = arkit.indices(
    "jawOpen", "mouthSmile", "mouthLowerDown", "mouthUpperUp", "browInnerUp", "browOuterUp", "browDown"
)
"""The units that are scored."""


@dataclass(frozen=True, eq=False)
class ScoreNet:
    """Landmarks to scores.

    Attributes
    ----------
    landmarks : int (L,), those that are read
    weights, biases : of each layer, float32 (N, M) and (M,); the input is `upright`, flat
    """

    landmarks: np.ndarray
    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Scores, 0 to 1 : float32 (T, K), columns `UNITS`.

        Parameters
        ----------
        points : (T, 478, 2 or 3) landmarks, y down, in any unit of length
        """
        h = upright(points, self.landmarks).reshape(len(points), -1)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            h = h @ weight + bias
            h = h * expit(h)
        return np.asarray(expit(h @ self.weights[-1] + self.biases[-1]), np.float32)


def upright(points: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Some landmarks about their middle, at a mean distance of 1 from it, the eyes level : float32 (T, L, 2).

    Parameters
    ----------
    points : (T, 478, 2 or 3)
    landmarks : int (L,)
    """
    left, right = (points[:, i, :2] for i in OUTER_EYE_CORNERS)
    x, y = (right - left).T / np.maximum(np.linalg.norm(right - left, axis=1), 1e-9)
    turn = np.stack([np.stack([x, -y], -1), np.stack([y, x], -1)], -2)
    flat = points[:, landmarks, :2] @ turn
    flat = flat - flat.mean(1, keepdims=True)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=2).mean(1), 1e-9)[:, None, None], np.float32)


@functools.cache
def load_scores() -> ScoreNet:
    """The net that ships.

    Raises
    ------
    EngineError
        When its file is missing or damaged.
    """
    with shipped(ASSET) as data:
        layers = range(sum(name.startswith("weight") for name in data.files))
        parts = [tuple(data[f"{kind}{i}"].astype(np.float32) for i in layers) for kind in ("weight", "bias")]
        net = ScoreNet(data["landmarks"].astype(int), *parts)
        if net.biases[-1].shape != (len(UNITS),):
            raise ValueError("made for other units")
    return net
