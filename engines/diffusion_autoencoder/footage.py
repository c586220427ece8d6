"""Footage of one person as material for an actor: the calmest frame is its portrait, the others are what it learns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from engines import arkit
from engines.api import CancelToken, Performance, Progress, no_progress
from engines.blendshape.actor import BlendshapeActor
from engines.capture.footage import Footage, FootageClip
from engines.diffusion_autoencoder.pairs import Pairs, from_footage
from engines.diffusion_autoencoder.speech import features
from engines.errors import InputError
from engines.rig.mesh import effective_weights
from engines.teaching import bridge
from engines.teaching.banks import motion
from engines.teaching.closed import ClosedForm
from engines.teaching.window import Window

LEAST_FRAMES: Final = 100
_UNSEEN_SHARE: Final = 0.12
_SURE: Final = 0.5
"""Confidence below which a frame's motion is not believed."""
_STEADY: Final = (10, 152, 33, 133, 263, 362, 168, 6, 127, 356)
"""Landmarks that speech hardly moves."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What footage gave.

    Attributes
    ----------
    taught, unseen : frames to learn from; the end of every clip to check with
    heads : float32 (N, 6), pose of every frame of ``taught``
    """

    taught: Pairs
    unseen: Pairs
    heads: np.ndarray


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
    cost += 5 * (clip.confidence() < _SURE)
    return clip, int(cost.argmin())


def relative(performance: Performance, frame: int) -> Performance:
    """A performance as seen from one of its frames: there the head is at rest."""
    return performance.with_(head=performance.head - performance.head[frame], gaze=performance.gaze)


def see(
    closed: ClosedForm,
    window: Window,
    footage: Footage,
    chosen: tuple[FootageClip, int],
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Seen:
    """Every frame whose motion is known, with the closed form's picture of it.

    Parameters
    ----------
    chosen : as `calmest` gives it
    """
    taught, unseen, heads = [], [], []
    for number, (clip, moved, pictures) in enumerate(clips_of(footage, chosen)):

        def told(part: float, what: str, number: int = number) -> None:
            progress((number + part) / len(footage.clips), what)

        pairs = from_footage(closed, window, pictures, moved, progress=told, cancel=cancel)
        sure = clip.confidence()[: len(pairs)] >= _SURE
        first = len(pairs) - max(1, round(_UNSEEN_SHARE * len(pairs)))
        at = np.arange(len(pairs))
        learn, check = sure & (at < first), sure & (at >= first)
        taught.append(pairs.part(learn))
        unseen.append(pairs.part(check))
        heads.append(moved.head[: len(pairs)][learn])
    return Seen(joined(taught), joined(unseen), np.concatenate(heads))


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


def speech_of(
    rig: BlendshapeActor,
    window: Window,
    footage: Footage,
    chosen: tuple[FootageClip, int],
    encode: Callable[[np.ndarray], np.ndarray],
    cancel: CancelToken | None = None,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Sound and codes of every clip with a voice.

    Parameters
    ----------
    encode : codes (N, code_dim) of pictures (N, S, S, 3)

    Returns
    -------
    of each clip, features (2 T, F) and codes (T, code_dim): motion as it was captured, the rest as it is encoded
    """
    found = []
    for clip, seen, pictures in clips_of(footage, chosen):
        speech = clip.speech()
        if speech is None or clip.voice_path is None:
            continue
        known = bridge.numbers(motion(seen, effective_weights(rig.head.rest_weights), rig.head.rest_head))
        own = []
        for picture in pictures:
            if cancel is not None:
                cancel.check()
            own.append(encode(window.picture(picture)[None])[0, bridge.COUNT :])
        codes = np.concatenate([known, np.stack(own)], 1).astype(np.float32)
        found.append((features(clip.voice(), speech, clip.rate, len(clip)), codes))
    return found


def joined(parts: list[Pairs]) -> Pairs:
    """Several as one."""
    return Pairs(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("frames", "references", "codes")))


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
