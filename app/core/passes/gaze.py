"""Where the eyes look: at the camera most of the time, with saccades, short looks away and microsaccades.

The eyes hold their target while the head moves (the vestibulo-ocular reflex). A saccade lasts about
21 ms + 2.2 ms a degree (Bahill, Clark & Stark 1975); looks away cluster at the start of phrases, where talkers plan
(Kendon 1967).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from app.core.passes.scene import Motion, Scene, unrest
from engines.api import Performance

NAME: Final = "gaze"
LIMIT_RAD: Final = 0.5
"""Eyes turn no further than this in the head; beyond, the head would follow."""
REFLEX: Final = 0.92
"""Share of the head's rotation that the eyes take back."""


def apply(performance: Performance, scene: Scene) -> Performance:
    """Add gaze relative to the head."""
    target = np.radians(scene.emotion_sum(lambda e: (e.gaze_yaw_deg, e.gaze_pitch_deg)))
    amount = scene.auto.gaze
    if amount > 0:
        wander = scene.factor(lambda e: e.gaze_motion) * amount
        target = target + np.radians(saccades(scene)) * wander[:, None]
        reflex = REFLEX * min(amount, 1.0) * performance.head[:, [1, 0]].astype(np.float64)
        target = target - reflex
    gaze = performance.gaze.astype(np.float64)
    gaze[:, :2] += target
    gaze[:, 2:] += target
    return performance.with_(gaze=soft_limit(gaze, LIMIT_RAD))


def soft_limit(values: np.ndarray, limit: float) -> np.ndarray:
    """Values that approach ``limit`` smoothly and never pass it; those up to 60 % of it stay as they are."""
    knee = 0.6 * limit
    size = np.abs(values)
    room = limit - knee
    over = knee + room * np.tanh((size - knee) / room)
    return np.asarray(np.where(size <= knee, values, np.sign(values) * over))


def saccades(scene: Scene) -> np.ndarray:
    """Yaw and pitch of the target about the camera, in degrees : float64 (T, 2)."""
    rng, t = scene.rng(NAME), scene.times_s
    onsets = [start for start, end in scene.phrases if end - start > 0.6]
    path = Motion(scene, 2)
    place, away = np.zeros(2), False
    now = rng.uniform(0.4, 1.2)
    while now < scene.duration_s:
        nearest = int(np.searchsorted(onsets, now - 0.25))
        planning = nearest < len(onsets) and -0.35 < now - onsets[nearest] < 0.25
        if away:
            goal, away = rng.normal(0, 0.4, 2), False
        elif rng.random() < (0.45 if planning else 0.12):
            goal = np.array([rng.choice([-1, 1]) * rng.uniform(4, 9), rng.normal(0.5, 2.5)])
            away = True
        else:  # between the camera's left and right, as eyes move over a face
            goal = np.array([rng.normal(0, 1.3), rng.normal(-0.2, 0.8)])
        step = goal - place
        length = 0.021 + 0.0022 * float(np.hypot(*step))
        path.step(now, max(length, 0.03), step)
        place = goal
        now += float(np.clip(np.exp(rng.normal(np.log(0.55 if away else 1.1), 0.45)), 0.25, 3.5))
    return path.values + 0.12 * unrest(rng, t, 1.2, 2)
