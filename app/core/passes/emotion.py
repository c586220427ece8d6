"""Emotion: a weighted mix of presets that adds to speech.

What a preset asks of the mouth yields a little while somebody speaks and gives way to rounded lips; the closure pass,
later, keeps lips shut. The two sides differ a little, and the strength follows the energy of the voice.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from app.core.passes.scene import TRACK_RATE, Scene, unrest
from app.core.passes.style import gaussian
from engines import arkit
from engines.api import Performance

NAME: Final = "emotion"
SIDE: Final = 0.06
"""Deviation of the difference between the sides."""
LIPS_WHILE_SPEAKING: Final = 0.8
_MOUTH = [i for i, n in enumerate(arkit.NAMES) if arkit.REGION[n] in ("lips", "jaw")]
_ROUND = list(arkit.indices("mouthPucker", "mouthFunnel"))
_SPREAD = list(arkit.indices("mouthSmile", "mouthStretch", "mouthDimple", "mouthFrown"))


def apply(performance: Performance, scene: Scene) -> Performance:
    """Add the emotions in effect."""
    if not scene.emotions:
        return performance
    added = scene.emotion_sum(lambda e: e.vector())
    added = added * (energy(scene)[:, None] * sides(scene))
    speaking = np.zeros(scene.count) if scene.speaking is None else scene.speaking
    added[:, _MOUTH] *= (1 - (1 - LIPS_WHILE_SPEAKING) * speaking)[:, None]
    weights = performance.weights.astype(np.float64)
    rounded = np.clip(weights[:, _ROUND].sum(1), 0, 1)
    added[:, _SPREAD] *= (1 - 0.55 * rounded)[:, None]
    # Towards 1 by the share of what is left, so that speech and emotion together never overshoot.
    weights = np.where(added >= 0, weights + added * (1 - weights), weights * (1 + added))
    return performance.with_(weights=np.clip(weights, 0, 1))


def energy(scene: Scene) -> np.ndarray:
    """How much stronger or weaker the emotion shows with the loudness of the voice, about 1 : float64 (T,)."""
    if scene.speech is None or scene.speech.silent or scene.auto.micro <= 0:
        return np.ones(scene.count)
    return 1 + 0.1 * scene.auto.micro * np.clip(scene.at_frames(loudness_score(scene), TRACK_RATE), -1.5, 1.5)


def loudness_score(scene: Scene, sigma_s: float = 0.3) -> np.ndarray:
    """Loudness of the voice in deviations from its middle while speaking, smooth, 0 in pauses : float64 (N,)."""
    assert scene.speech is not None
    loudness = np.asarray(scene.speech.loudness_db, np.float64)
    speaking = np.asarray(scene.speech.speaking, bool)
    if speaking.sum() < 5:
        return np.zeros(len(loudness))
    middle, deviation = loudness[speaking].mean(), max(float(loudness[speaking].std()), 1.0)
    return gaussian(np.where(speaking, (loudness - middle) / deviation, 0.0), sigma_s * TRACK_RATE)


def sides(scene: Scene) -> np.ndarray:
    """Gain of each unit about 1, different on the two sides : float64 (T, 52)."""
    gain = np.ones((scene.count, arkit.COUNT))
    if scene.auto.micro <= 0:
        return gain
    rng = scene.rng(NAME)
    lean = rng.standard_normal() * SIDE
    slow = 0.6 * SIDE * unrest(rng, scene.times_s, 0.4)[:, 0]
    for i, name in enumerate(arkit.NAMES):
        if name.endswith("Left"):
            gain[:, i] += scene.auto.micro * (lean + slow)
        elif name.endswith("Right"):
            gain[:, i] -= scene.auto.micro * (lean + slow)
    return np.asarray(np.clip(gain, 0.75, 1.25))
