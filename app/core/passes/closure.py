"""Lips that the voice wants shut are shut, whatever style and emotion have added.

The opening between the lips is very nearly linear in the units, so what opens them is scaled back by just as much as
the opening exceeds what the voice alone would do; the rest of the expression stays.
"""

from __future__ import annotations

import numpy as np

from app.core.passes.scene import Scene
from engines import arkit
from engines.api import Performance

_JAW, _CLOSE = arkit.INDEX["jawOpen"], arkit.INDEX["mouthClose"]
_OPENERS = np.array([arkit.REGION[n] in ("lips", "jaw") and n != "mouthClose" for n in arkit.NAMES])


def lip_openers(weights: np.ndarray, opening: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What opens the lips : weights (T, 52) with the jaw less its corrective, and the opening they make (T,).

    Parameters
    ----------
    weights : (T, 52)
    opening : (52,), as in `Scene.opening`
    """
    net = np.where(_OPENERS & (opening > 0), weights, 0.0).astype(np.float64)
    net[:, _JAW] = np.maximum(weights[:, _JAW] - weights[:, _CLOSE], 0)
    return net, net @ np.maximum(opening, 0)


def apply(performance: Performance, scene: Scene) -> Performance:
    """Close the lips where ``scene.shut`` asks for it."""
    if scene.shut is None or scene.opening is None or scene.spoken_opening is None:
        return performance
    net, now = lip_openers(performance.weights, scene.opening)
    surplus = scene.shut * np.maximum(now - scene.spoken_opening, 0)
    lost = np.divide(surplus, now, out=np.zeros_like(now), where=now > 1e-9)
    return performance.with_(weights=performance.weights - net * lost[:, None])
