"""Breathing: the head rises with the breath taken before a phrase and sinks while the phrase uses it up."""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np

from app.core.passes.scene import Motion, Scene
from engines.api import Performance

NAME: Final = "breath"
RISE_CM, RISE_DEG = 0.14, 0.5
INHALE_S: Final = 0.55
REST_S: Final = 3.8
"""Time between breaths in silence."""


def apply(performance: Performance, scene: Scene) -> Performance:
    """Add the head's rise and fall."""
    if scene.auto.breath <= 0:
        return performance
    volume = scene.auto.breath * lung_volume(scene)
    head = performance.head.astype(np.float64)
    head[:, 0] += np.radians(RISE_DEG) * volume
    head[:, 4] += RISE_CM * volume
    return performance.with_(head=head)


def lung_volume(scene: Scene) -> np.ndarray:
    """0 empty to about 1 full : float64 (T,)."""
    rng = scene.rng(NAME)
    breaths: list[float] = []
    last = -rng.uniform(1.0, REST_S)
    for start, end in [*scene.phrases, (scene.duration_s + REST_S, 0.0)]:
        while start - last > 1.6 * REST_S:  # a long silence, or a long phrase before
            last += REST_S * rng.uniform(0.85, 1.15)
            breaths.append(last)
        if end - start > 0.5 and start - last > 1.2:
            last = start - 0.05
            breaths.append(last)
        last = max(last, min(end - 1.5 * REST_S, scene.duration_s))
    breaths = sorted(b for b in breaths if b > -INHALE_S)
    volume = Motion(scene, 1)
    for at, following in itertools.pairwise([*breaths, scene.duration_s + REST_S]):
        size = rng.uniform(0.75, 1.05)
        volume.pulse(at, INHALE_S, max(following - INHALE_S - at, 0.5), size)
    return volume.values[:, 0]
