"""Jaw and lip strength as two independent axes, after Edwards et al. 2016, "JALI: an animator-centric viseme model".

The strength of the speaking style and of the emotion act together. Closures survive any strength: where the voice asks
for closed lips the lips keep at least their natural strength and the jaw opens no further than it would.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from app.core.passes.scene import Scene
from app.core.presets import Style
from engines import arkit
from engines.api import Performance

JAW = [arkit.INDEX[name] for name in ("jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose")]
"""``mouthClose`` goes with the jaw: it takes back what ``jawOpen`` opens."""
LIPS = [arkit.INDEX[n] for n in arkit.NAMES if n.startswith("mouth") and n != "mouthClose"]


_LEFT, _RIGHT = ([i for i in LIPS if arkit.NAMES[i].endswith(side)] for side in ("Left", "Right"))


def apply(performance: Performance, scene: Scene) -> Performance:
    """Scale speech by the styles and emotions in effect, and add what a style holds."""
    jaw = scene.factor(lambda e: e.jaw, lambda s: s.jaw)
    lips = scene.factor(lambda e: e.lips, lambda s: s.lips)
    shut = np.zeros(scene.count) if scene.shut is None else scene.shut
    jaw = jaw * (1 - shut) + np.minimum(jaw, 1) * shut
    lips = lips * (1 - shut) + np.maximum(lips, 1) * shut
    weights = performance.weights.astype(np.float64)
    mouth, rate = JAW + LIPS, float(scene.rate)
    spoken = weights[:, mouth]
    for preset, share in zip(scene.styles, scene.controls.style.T, strict=True):
        if preset.smoothing_s or preset.lag_s:
            part = (share * (1 - shut))[:, None]
            other = smoothed(later(spoken, preset.lag_s * rate), preset.smoothing_s * rate)
            weights[:, mouth] += part * (other - spoken)
    weights[:, JAW] *= jaw[:, None]
    weights[:, LIPS] *= lips[:, None]
    lean = leaning(scene, lambda s: s.lean)[:, None]
    weights[:, _LEFT] *= 1 + lean
    weights[:, _RIGHT] *= 1 - lean
    for preset, share in zip(scene.styles, scene.controls.style.T, strict=True):
        for name, value in preset.weights.items():
            for i in arkit.indices(name):
                weights[:, i] += share * value * (1 - weights[:, i])
    return performance.with_(weights=np.clip(weights, 0, 1))


def leaning(scene: Scene, value: Callable[[Style], float]) -> np.ndarray:
    """How much more the left side moves than the right, mixed from the styles in effect, -1 to 1 : float64 (T,)."""
    if not scene.styles:
        return np.zeros(scene.count)
    return np.asarray(scene.controls.style.astype(np.float64) @ np.array([value(s) for s in scene.styles]))


def smoothed(curves: np.ndarray, sigma: float) -> np.ndarray:
    """Curves (T, ...) run into each other by a Gaussian of ``sigma`` frames; a negative one parts them instead."""
    if sigma >= 0:
        return gaussian(curves, sigma)
    return np.asarray(2 * curves.astype(np.float64) - gaussian(curves, -sigma))


def later(curves: np.ndarray, frames: float) -> np.ndarray:
    """Curves (T, ...) moved in time, ends held; negative: earlier : float64 (T, ...)."""
    if frames == 0 or len(curves) == 0:
        return np.asarray(curves, np.float64)
    position = np.clip(np.arange(len(curves)) - frames, 0, len(curves) - 1)
    low = np.floor(position).astype(np.int64)
    high = np.minimum(low + 1, len(curves) - 1)
    part = (position - low).reshape(-1, *(1,) * (curves.ndim - 1))
    return np.asarray(curves[low] * (1 - part) + curves[high] * part, np.float64)


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
