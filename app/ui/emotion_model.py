"""Emotion presets as the panel shows them, and what a point on the valence and arousal pad means. No Qt."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.core.presets import Emotion
from app.core.project import EmotionClip, Project

BASIC: Final = ("neutral", "happy", "sad", "angry", "afraid", "disgusted", "surprised", "contempt")
NEUTRAL_RADIUS: Final = 0.16
"""Points nearer to the middle of the pad than this are neutral."""


@dataclass(frozen=True)
class Part:
    """One emotion of a blend."""

    emotion: str
    intensity: float


def in_order(emotions: Mapping[str, Emotion]) -> list[str]:
    """Ids with the basic emotions first."""
    known = [name for name in BASIC if name in emotions]
    return known + sorted((name for name in emotions if name not in BASIC), key=lambda n: emotions[n].name)


def blend(emotions: Mapping[str, Emotion], valence: float, arousal: float, count: int = 2) -> tuple[Part, ...]:
    """The nearest emotions of a place on the pad, and how strong each is there.

    The distance from the middle is the strength, the direction and nearness choose the emotions: weights fall with the
    square of the distance, so that a point on an emotion is that emotion alone.

    Parameters
    ----------
    valence, arousal : -1 to 1
    """
    strength = math.hypot(valence, arousal)
    if strength < NEUTRAL_RADIUS or not emotions:
        return ()
    candidates = []
    for name, emotion in emotions.items():
        radius = math.hypot(emotion.valence, emotion.arousal)
        if name == "neutral" or radius < 1e-6:
            continue
        distance = math.hypot(valence - emotion.valence, arousal - emotion.arousal)
        candidates.append((distance, name, radius))
    candidates.sort()
    chosen = candidates[:count]
    weights = [1 / (distance * distance + 1e-4) for distance, _, _ in chosen]
    total = sum(weights)
    parts = []
    for (_, name, radius), weight in zip(chosen, weights, strict=True):
        intensity = min(1.0, strength / max(radius, 0.35)) * weight / total
        if intensity >= 0.05:
            parts.append(Part(name, round(intensity, 2)))
    return tuple(parts)


def place(project: Project, parts: tuple[Part, ...], start: int, end: int | None, ease: int) -> Project:
    """The project with a clip for each part over the same frames."""
    from app.core import commands

    clips = [EmotionClip(start, end, part.emotion, part.intensity, ease, ease) for part in parts]
    return commands.add_clips(project, "emotions", clips)


def clip_span(start: int, total: int, rate: float, seconds: float = 2.0) -> tuple[int, int]:
    """Frames of a new clip at the playhead: two seconds, or what is left (at least half a second)."""
    end = min(total, start + max(2, round(seconds * rate)))
    if end - start < rate / 2:
        start = max(0, total - round(rate / 2))
        end = max(total, start + 1)
    return start, end


def describe(parts: tuple[Part, ...], emotions: Mapping[str, Emotion]) -> str:
    """A blend in words: ``Happy 60 %, Excited 20 %``."""
    if not parts:
        return "Neutral"
    return ", ".join(f"{emotions[p.emotion].name} {p.intensity:.0%}".replace("%", " %") for p in parts)
