"""Lips that the voice wants shut are shut, whatever style and emotion have added.

The opening between the lips is very nearly linear in the units, so what opens them is scaled back by just as much as
the opening exceeds what the voice allows; the rest of the expression stays.
"""

from __future__ import annotations

import numpy as np

from app.core.passes.scene import Scene
from engines import arkit
from engines.api import Performance

_MOUTH = np.array([arkit.REGION[n] in ("lips", "jaw") for n in arkit.NAMES])


def apply(performance: Performance, scene: Scene) -> Performance:
    """Close the lips where ``scene.shut`` asks for it."""
    if scene.shut is None or scene.opening is None:
        return performance
    slope = np.where(_MOUTH, scene.opening, 0.0)
    weights = performance.weights.astype(np.float64)
    parts = weights * slope
    opening = np.maximum(parts, 0).sum(1)
    closing = np.maximum(-parts, 0).sum(1)
    surplus = scene.shut * np.maximum(opening - closing, 0)
    keep = 1 - np.divide(surplus, opening, out=np.zeros_like(opening), where=opening > 1e-9)
    weights = np.where(slope > 0, weights * keep[:, None], weights)
    # jawOpen and its corrective shrink together, or the lips would be pressed through each other.
    corrective = arkit.INDEX["mouthClose"]
    jaw = arkit.INDEX["jawOpen"]
    lost = np.divide(weights[:, jaw], performance.weights[:, jaw], out=np.ones(scene.count), where=parts[:, jaw] > 1e-9)
    weights[:, corrective] *= lost
    return performance.with_(weights=weights)
