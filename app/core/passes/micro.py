"""Micro-movement: a living face is never quite still and never quite symmetric."""

from __future__ import annotations

from typing import Final

import numpy as np

from app.core.passes.scene import Scene, unrest
from engines.api import Performance
from engines.arkit import indices

NAME: Final = "micro"
UNITS: Final = {
    "browInnerUp": 0.035,
    "browOuterUp": 0.02,
    "browDown": 0.02,
    "eyeSquint": 0.03,
    "cheekSquint": 0.02,
    "mouthSmile": 0.012,
    "mouthDimple": 0.012,
    "noseSneer": 0.008,
}
"""Deviation of each unit."""


def apply(performance: Performance, scene: Scene) -> Performance:
    """Add slow random motion of a few units, mostly the same on both sides."""
    if scene.auto.micro <= 0:
        return performance
    rng = scene.rng(NAME)
    weights = performance.weights.astype(np.float64)
    for name, deviation in UNITS.items():
        both = unrest(rng, scene.times_s, 0.6)[:, 0]
        for i in indices(name):
            own = unrest(rng, scene.times_s, 0.9)[:, 0]
            moved = scene.auto.micro * deviation * (0.5 + both + 0.5 * own)
            weights[:, i] = np.clip(weights[:, i] + moved * (1 - weights[:, i]), 0, 1)
    return performance.with_(weights=weights)
