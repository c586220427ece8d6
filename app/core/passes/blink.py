"""Blinks: log-normal intervals, drawn to pauses and gaze shifts, quick to close and slower to open.

Intervals between blinks of talkers are log-normal; their lids close in about 90 ms and open in about 150 ms
(Bentivoglio et al. 1997; Trutoiu et al. 2011, "Modeling and animating eye blinks").
"""

from __future__ import annotations

from typing import Final

import numpy as np

from app.core.passes.scene import Scene, least_jerk
from engines.api import Performance
from engines.arkit import indices

NAME: Final = "blink"
MEDIAN_S, SIGMA = 2.6, 0.45
"""Of the intervals: about 20 blinks a minute."""
SHORTEST_S, LONGEST_S = 1.1, 9.0
CLOSE_S, SHUT_S, OPEN_S = 0.09, 0.025, 0.15


def apply(performance: Performance, scene: Scene) -> Performance:
    """Add blinks."""
    if scene.auto.blink <= 0 or scene.count < 2:
        return performance
    return with_blinks(performance, scene, blink_times(performance, scene))


def blink_times(performance: Performance, scene: Scene) -> list[float]:
    """When the eyes are shut, in seconds."""
    rng = scene.rng(NAME)
    rate = scene.factor(lambda e: e.blink_rate, lambda s: s.blink_rate) * scene.auto.blink
    wishes = _good_moments(performance, scene)
    times: list[float] = []
    now = rng.uniform(0.3, 1.6)
    while now < scene.duration_s - 0.2:
        around = wishes[np.searchsorted(wishes, now - 0.55) : np.searchsorted(wishes, now + 0.55)]
        near = [float(w) for w in around if not times or w - times[-1] > SHORTEST_S]
        at = min(near, key=lambda w: abs(w - now), default=now) if rng.random() < 0.75 else now
        times.append(at)
        if rng.random() < 0.06:  # a double blink
            times.append(at + rng.uniform(0.34, 0.45))
        interval = float(np.exp(rng.normal(np.log(MEDIAN_S), SIGMA)))
        local = rate[min(int(at * scene.rate), scene.count - 1)]
        now = times[-1] + float(np.clip(interval / max(local, 0.05), SHORTEST_S, LONGEST_S / max(local, 0.2)))
    return [t for t in times if t < scene.duration_s - 0.1]


def _good_moments(performance: Performance, scene: Scene) -> np.ndarray:
    """Starts of pauses and large gaze shifts, in seconds, rising."""
    moments = [end + 0.06 for _, end in scene.phrases]
    if len(performance) > 1:
        jump = np.abs(np.diff(performance.gaze[:, :2], axis=0)).max(1)
        moments += [float(i / scene.rate) for i in np.flatnonzero(jump > np.radians(4.0))]
    return np.sort(moments)


def with_blinks(performance: Performance, scene: Scene, times: list[float]) -> Performance:
    """The performance with blinks whose middles lie at ``times``; each shuts the eyes in at least one frame."""
    weights = performance.weights.astype(np.float64)
    closed = lid_closure(scene, times)
    for i in indices("eyeBlink"):
        weights[:, i] = weights[:, i] + (1 - weights[:, i]) * closed
    for i in indices("eyeWide"):
        weights[:, i] *= 1 - closed
    for i in indices("eyeSquint"):
        weights[:, i] *= 1 - 0.6 * closed
    for i in indices("browDown"):
        weights[:, i] += 0.05 * closed * (1 - weights[:, i])
    return performance.with_(weights=weights)


def lid_closure(scene: Scene, times: list[float]) -> np.ndarray:
    """How far blinks shut the eyes, 0 to 1 : float64 (T,)."""
    closed = np.zeros(scene.count)
    rate = float(scene.rate)
    for wanted in times:
        middle = float(round(wanted * scene.rate) / scene.rate)  # so that a frame shows the eyes shut
        first = max(0, int((middle - SHUT_S - CLOSE_S) * rate))
        last = min(scene.count, int(np.ceil((middle + SHUT_S + OPEN_S) * rate)) + 1)
        t = scene.times_s[first:last] - middle
        shut = least_jerk((t + SHUT_S / 2 + CLOSE_S) / CLOSE_S) * (1 - least_jerk((t - SHUT_S / 2) / OPEN_S))
        closed[first:last] = np.maximum(closed[first:last], shut)
    return closed
