"""Strength and time shift of facial regions, as in Face Robot's speech mixer."""

from __future__ import annotations

import numpy as np

from app.core.passes.scene import Scene
from app.core.passes.style import later
from app.core.project import RegionSettings
from engines import arkit
from engines.api import Performance


def apply(performance: Performance, scene: Scene) -> Performance:
    """Scale and shift each region that has settings."""
    weights = performance.weights.astype(np.float64)
    head, tongue = performance.head.astype(np.float64), performance.tongue.astype(np.float64)
    for name, settings in scene.controls.regions.items():
        if name == "head":
            head = settings.strength * shifted(head, settings, scene)
            continue
        columns = [arkit.INDEX[n] for n, region in arkit.REGION.items() if region == name]
        weights[:, columns] = settings.strength * shifted(weights[:, columns], settings, scene)
        if name == "tongue":
            tongue = settings.strength * shifted(tongue, settings, scene)
    return performance.with_(weights=np.clip(weights, 0, 1), head=head, tongue=np.clip(tongue, 0, 1))


def shifted(values: np.ndarray, settings: RegionSettings, scene: Scene) -> np.ndarray:
    """Values moved in time, ends held : float64 (T, ...)."""
    return later(values, settings.offset_s * float(scene.rate))
