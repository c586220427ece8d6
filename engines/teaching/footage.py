"""Footage of one person for engines that learn: the calmest frame is the portrait, the others are the lessons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from engines import arkit
from engines.api import Performance
from engines.capture.footage import Footage, FootageClip
from engines.errors import InputError

LEAST_FRAMES: Final = 100
SURE: Final = 0.5
"""Confidence below which a frame's motion is not believed."""
_STEADY: Final = (10, 152, 33, 133, 263, 362, 168, 6, 127, 356)
"""Landmarks that speech hardly moves."""


def calmest(footage: Footage) -> tuple[FootageClip, int]:
    """The frame that serves as portrait: turned to the front, mouth and eyes at rest, surely tracked.

    Raises
    ------
    InputError
        If there is too little footage.
    """
    if len(footage) < LEAST_FRAMES:
        raise InputError(
            f"{footage.folder} holds {len(footage)} usable frames; an actor needs {LEAST_FRAMES} at least "
            f"({LEAST_FRAMES / float(footage.rate):.0f} s), and gets good with minutes. Add footage."
        )
    clip = max(footage.clips, key=len)
    performance = clip.performance()
    busy = [i for i, n in enumerate(arkit.NAMES) if arkit.REGION[n] in ("jaw", "lips", "tongue") or "Blink" in n]
    cost = performance.weights[:, busy].sum(1) + 3 * np.abs(performance.head[:, :3]).sum(1)
    cost += 5 * (clip.confidence() < SURE)
    return clip, int(cost.argmin())


def relative(performance: Performance, frame: int) -> Performance:
    """A performance as seen from one of its frames: there the head is at rest."""
    return performance.with_(head=performance.head - performance.head[frame], gaze=performance.gaze)


def clips_of(
    footage: Footage, chosen: tuple[FootageClip, int]
) -> Iterator[tuple[FootageClip, Performance, Iterator[np.ndarray]]]:
    """Every clip, its motion as seen from the portrait, and its frames laid onto the portrait."""
    clip0, frame0 = chosen
    aim = clip0.landmarks()[frame0]
    for clip in footage.clips:
        performance = clip.performance()
        own = clip.name == clip0.name
        calm = frame0 if own else int(np.abs(performance.head[:, :3]).sum(1).argmin())
        onto = None if own else _similarity(clip.landmarks()[calm], aim)
        yield clip, relative(performance, calm), _moved(clip, onto)


def _moved(clip: FootageClip, onto: np.ndarray | None) -> Iterator[np.ndarray]:
    import cv2

    for frame in clip.frames():
        if onto is None:
            yield frame
        else:
            yield cv2.warpAffine(frame, onto, (clip.size, clip.size), borderMode=cv2.BORDER_REFLECT)


def _similarity(points: np.ndarray, aim: np.ndarray) -> np.ndarray:
    """The turn, size and shift (2, 3) that bring landmarks (478, 2) nearest to others (Umeyama, 1991)."""
    a, b = points[list(_STEADY)].astype(np.float64), aim[list(_STEADY)].astype(np.float64)
    middle_a, middle_b = a.mean(0), b.mean(0)
    za, zb = (a - middle_a) @ [1, 1j], (b - middle_b) @ [1, 1j]
    turn = np.vdot(za, zb) / np.vdot(za, za).real
    matrix = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.concatenate([matrix, (middle_b - matrix @ middle_a)[:, None]], 1)
