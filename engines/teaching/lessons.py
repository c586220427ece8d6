"""Motion that covers what a face can do, to teach actors with: random, but shaped like speech and direction."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import numpy as np

from engines import arkit
from engines.api import LOOK_FULL_RAD, Performance, look_weights

_SPEECH: Final = (
    # unit, how often it is used, most
    ("jawOpen", 0.75, 0.8), ("mouthLowerDown", 0.7, 0.9), ("mouthUpperUp", 0.65, 0.7), ("mouthPucker", 0.35, 0.9),
    ("mouthFunnel", 0.2, 0.7), ("mouthStretch", 0.35, 0.6), ("mouthRollUpper", 0.3, 0.5), ("mouthRollLower", 0.2, 0.5),
    ("mouthPress", 0.15, 0.6), ("mouthShrugUpper", 0.25, 0.4), ("mouthShrugLower", 0.2, 0.5),
)  # fmt: skip
_MOOD: Final = (
    ("mouthSmile", 0.4, 0.8), ("mouthFrown", 0.25, 0.6), ("mouthDimple", 0.2, 0.4), ("cheekSquint", 0.35, 0.7),
    ("eyeSquint", 0.35, 0.6), ("browDown", 0.3, 0.9), ("browInnerUp", 0.35, 0.9), ("browOuterUp", 0.35, 0.9),
    ("noseSneer", 0.2, 0.7), ("cheekPuff", 0.08, 0.8), ("jawForward", 0.08, 0.6), ("tongueOut", 0.03, 0.6),
    ("eyeWide", 0.2, 0.8),
)  # fmt: skip
_SIDEWAYS: Final = (("jawLeft", "jawRight", 0.1, 0.6), ("mouthLeft", "mouthRight", 0.12, 0.6))
_ONE_SIDED: Final = 0.12
"""How often left and right differ."""
_YAW_RAD, _PITCH_RAD, _ROLL_RAD, _SHIFT_CM = 0.34, 0.28, 0.3, (1.2, 1.2, 2.0)


def lessons(
    count: int, seed: int | Sequence[int], *, head: bool = True, mouth: bool = True, expression: bool = True
) -> Performance:
    """Independent frames, the mouth and the eyes of most of them active.

    Parameters
    ----------
    count : frames
    seed : of the random numbers, as `numpy.random.default_rng` takes it; the same gives the same
    head, mouth, expression : False keeps the head; jaw, lips and tongue; or the rest of the face still
    """
    rng = np.random.default_rng(seed)
    weights, gaze = np.zeros((count, arkit.COUNT)), np.zeros((count, 4))
    turns, tongue = np.zeros((count, 6)), np.zeros(count)
    for name, often, most in (*_SPEECH, *_MOOD):
        amount = most * rng.beta(1.0, 1.4, count) * (rng.random(count) < often)
        _set(weights, name, amount, rng)
    for left, right, often, most in _SIDEWAYS:
        amount = most * rng.uniform(-1, 1, count) * (rng.random(count) < often)
        weights[:, arkit.INDEX[left]] = np.maximum(amount, 0)
        weights[:, arkit.INDEX[right]] = np.maximum(-amount, 0)
    closing = rng.random(count) * (rng.random(count) < 0.25)
    weights[:, arkit.INDEX["mouthClose"]] = closing * weights[:, arkit.INDEX["jawOpen"]]
    shut = rng.choice([0.0, 1.0, 2.0], count, p=[0.55, 0.15, 0.3])
    _set(weights, "eyeBlink", np.where(shut == 2, rng.random(count), shut), rng)
    tongue = rng.random(count) * (rng.random(count) < 0.3)
    yaw = rng.normal(0, 0.16, count) * (rng.random(count) < 0.7)
    pitch = rng.normal(0, 0.1, count) * (rng.random(count) < 0.7)
    gaze = np.clip(np.stack([yaw, pitch, yaw, pitch], 1), -LOOK_FULL_RAD, LOOK_FULL_RAD)
    looking = arkit.indices("eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp")
    weights[:, looking] = look_weights(gaze)
    weights[rng.random(count) < 0.04] = 0  # the face at rest
    mouth_units = [i for i, n in enumerate(arkit.NAMES) if arkit.REGION[n] in ("jaw", "lips", "tongue")]
    others = [i for i in range(arkit.COUNT) if i not in mouth_units]
    if not mouth:
        weights[:, mouth_units], tongue = 0, np.zeros(count)
    if not expression:
        weights[:, others], gaze = 0, np.zeros((count, 4))
    if head:
        shape = (count, 3)
        turns[:, :3] = rng.normal(0, 0.4, shape) * [_PITCH_RAD, _YAW_RAD, _ROLL_RAD]
        turns[:, 3:] = rng.normal(0, 0.4, shape) * _SHIFT_CM
    return Performance(Fraction(1, 1000), weights, turns, gaze, tongue)


def _set(weights: np.ndarray, name: str, amount: np.ndarray, rng: np.random.Generator) -> None:
    for channel in arkit.indices(name):
        differs = rng.random(len(amount)) < _ONE_SIDED
        weights[:, channel] = np.where(differs, amount * rng.random(len(amount)), amount)
