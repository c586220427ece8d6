"""Jaw and lip strength as two independent axes, after Edwards et al. 2016, "JALI: an animator-centric viseme model".

The strength of the speaking style and of the emotion act together. Closures survive any strength: where the voice asks
for closed lips the lips keep at least their natural strength and the jaw opens no further than it would.
"""

from __future__ import annotations

import numpy as np

from app.core.passes.scene import Scene
from engines import arkit
from engines.api import Performance

JAW = [arkit.INDEX[name] for name in ("jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose")]
"""``mouthClose`` goes with the jaw: it takes back what ``jawOpen`` opens."""
LIPS = [arkit.INDEX[n] for n in arkit.NAMES if n.startswith("mouth") and n != "mouthClose"]


def apply(performance: Performance, scene: Scene) -> Performance:
    """Scale speech by the styles and emotions in effect, and add what a style holds."""
    jaw = scene.factor(lambda e: e.jaw, lambda s: s.jaw)
    lips = scene.factor(lambda e: e.lips, lambda s: s.lips)
    shut = np.zeros(scene.count) if scene.shut is None else scene.shut
    jaw = jaw * (1 - shut) + np.minimum(jaw, 1) * shut
    lips = lips * (1 - shut) + np.maximum(lips, 1) * shut
    weights = performance.weights.astype(np.float64)
    for preset, share in zip(scene.styles, scene.controls.style.T, strict=True):
        if preset.smoothing_s > 0:
            part = (share * (1 - shut))[:, None]
            mouth = JAW + LIPS
            smooth = gaussian(weights[:, mouth], preset.smoothing_s * float(scene.rate))
            weights[:, mouth] += part * (smooth - weights[:, mouth])
    weights[:, JAW] *= jaw[:, None]
    weights[:, LIPS] *= lips[:, None]
    for preset, share in zip(scene.styles, scene.controls.style.T, strict=True):
        for name, value in preset.weights.items():
            for i in arkit.indices(name):
                weights[:, i] += share * value * (1 - weights[:, i])
    return performance.with_(weights=np.clip(weights, 0, 1))


def gaussian(curves: np.ndarray, sigma: float) -> np.ndarray:
    """Curves smoothed along time by a Gaussian of ``sigma`` frames, ends held : float64 (T, ...)."""
    radius = int(np.ceil(3 * sigma))
    if radius == 0 or len(curves) == 0:
        return np.asarray(curves, np.float64)
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(curves.astype(np.float64), [(radius, radius), *[(0, 0)] * (curves.ndim - 1)], mode="edge")
    return np.asarray(sum(k * padded[i : i + len(curves)] for i, k in enumerate(kernel)))
