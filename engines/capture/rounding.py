"""How rounded lips are: pucker and funnel, which landmarks tell from each other and from a shut jaw only together.

Both push the lips forward, which a frontal picture does not show; what it shows, a narrower mouth and thicker lips,
other units do as well, and not in proportion. Straight relations (`engines.capture.decode`, `engines.capture.solve`)
leave much of that open, so small nets read those two's answers again, beside the landmarks about the mouth. They
learnt on drawn people (`packaging/make_rounding.py`); ``assets/capture/rounding.npz`` holds them.
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
from engines.rig.landmark_sets import INNER_LOWER, INNER_UPPER, OUTER_LOWER, OUTER_UPPER

ASSET: Final = Path(__file__).resolve().parents[2] / "assets" / "capture" / "rounding.npz"
ROUNDED: Final = list(arkit.indices("mouthPucker", "mouthFunnel"))
"""The units that are told."""
_ABOUT: Final = (2, 17, 18, 50, 148, 152, 164, 192, 199, 200, 205, 214, 280, 377, 416, 425, 434)
MOUTH: Final = sorted({*INNER_UPPER, *INNER_LOWER, *OUTER_UPPER, *OUTER_LOWER, *_ABOUT})
"""Landmarks that are read: the rims of the lips, some of the cheeks and the chin."""
_UNITS: Final = [i for i, name in enumerate(arkit.NAMES) if name.startswith(("jaw", "mouth", "cheek", "nose"))]


def features(measured: np.ndarray, geometric: np.ndarray, mouth: np.ndarray) -> np.ndarray:
    """What the nets read : float64 (T, D).

    Parameters
    ----------
    measured : (T, 52) weights that landmarks give alone (`engines.capture.decode.Decoded.alone`)
    geometric : (T, 52) weights by `engines.capture.solve`
    mouth : (T, L, 4), places of `MOUTH` (`engines.capture.decode.Decoded.mouth`)
    """
    return np.concatenate([measured[:, _UNITS], geometric[:, _UNITS], mouth.reshape(len(mouth), -1)], 1)


@dataclass(frozen=True, eq=False)
class RoundingNets:
    """Nets of one hidden layer that are averaged.

    Attributes
    ----------
    hidden, hidden_bias : float32 (N, D, H) and (N, 1, H)
    out, out_bias : float32 (N, H, 2) and (N, 1, 2)
    """

    hidden: np.ndarray
    hidden_bias: np.ndarray
    out: np.ndarray
    out_bias: np.ndarray

    def __call__(self, measured: np.ndarray, geometric: np.ndarray, mouth: np.ndarray) -> np.ndarray:
        """Weights of `ROUNDED` : float64 (T, 2), hardly below 0; parameters as `features` has them."""
        h = features(measured, geometric, mouth) @ self.hidden + self.hidden_bias
        return np.asarray((h * expit(h) @ self.out + self.out_bias).mean(0), float)


@functools.cache
def load_rounding() -> RoundingNets:
    """The nets that ship.

    Raises
    ------
    EngineError
        When their file is missing or damaged.
    """
    with shipped(ASSET) as data:
        nets = RoundingNets(*(data[name].astype(np.float32) for name in RoundingNets.__dataclass_fields__))
        if nets.hidden.shape[1] != 2 * len(_UNITS) + 4 * len(MOUTH):
            raise ValueError("made for other features")
    return nets
