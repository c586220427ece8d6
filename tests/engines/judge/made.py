"""Takes and voices of known content."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from engines.judge.geometry import MOUTH, RIGID, average_face
from engines.judge.observe import Observation
from engines.speech.analysis import SpeechAnalysis
from engines.speech.prosody import RATE
from engines.speech.readout import GEOMETRY
from engines.speech.segment import Segment

FPS = Fraction(25)


def take(count: int = 200, **arrays: Any) -> Observation:
    """A face that does nothing, seen in every frame, but for what is given."""
    still = average_face()[list(RIGID), :2] * (100.0, -100.0) + 128
    plain = Observation(
        rate=FPS, size=(256, 256), shots=(0,), faces=1,
        head=np.zeros((count, 3), np.float32), eyes_px=np.full(count, 100, np.float32),
        mouth=np.tile(np.linspace(0.1, 0.9, len(MOUTH)).astype(np.float32), (count, 1)),
        lids=np.full((count, 2), 0.3, np.float32), gaze=np.zeros((count, 2), np.float32),
        rigid=np.tile(still.astype(np.float32), (count, 1, 1)), background=np.full(count, 0.01, np.float32),
        skin=np.zeros((count, 4), np.float32), detail=np.tile(np.float32([8, 10]), (count, 1)),
        emotion=np.full((count, 7), np.nan, np.float32), identity=np.full(count, np.nan, np.float32),
        drift=np.full(count, 0.1, np.float32), missing={}, strip=((0, np.zeros((90, 160, 3), np.uint8)),),
    )  # fmt: skip
    return replace(plain, **arrays)


def speaking(count: int, rate: float, delay_s: float = 0.0) -> np.ndarray:
    """A mouth that talks, one curve a measure : (count, len(GEOMETRY)), the same at any rate."""
    t = np.arange(count) / rate - delay_s
    draw = np.random.default_rng(3)
    waves = [(draw.uniform(0.8, 5), draw.uniform(0, 6.3)) for _ in range(12)]
    tracks = [sum(np.sin(2 * np.pi * f * t + p + k) / (1 + f) for f, p in waves) for k in range(len(GEOMETRY))]
    return np.stack(tracks, 1).astype(np.float32)


def voice(
    seconds: float, delay_s: float = 0.0, phones: tuple[Segment, ...] = (), silent: bool = False
) -> SpeechAnalysis:
    """The voice of `speaking`, ``delay_s`` late."""
    count = round(seconds * RATE)
    mouth = speaking(count, RATE, delay_s)
    return SpeechAnalysis(
        samples=round(seconds * 16000), sample_rate=16000, voice_digest="", text="", language="en",
        loudness_db=np.full(count, -20, np.float32), pitch_hz=np.full(count, 120, np.float32),
        speaking=np.ones(count, bool), mouth={n: mouth[:, k] for k, n in enumerate(GEOMETRY)}, phones=phones,
        silent=silent,
    )  # fmt: skip


def talking(count: int = 200) -> Observation:
    """A take of `speaking`."""
    tracks = speaking(count, float(FPS))
    mouth = np.stack([tracks[:, GEOMETRY.index(name)] for name in MOUTH], 1)
    return take(count, mouth=(0.3 + 0.05 * mouth).astype(np.float32))
