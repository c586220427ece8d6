"""Footage of one person as material for an actor: what its network learns from the frames, and from the sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.api import CancelToken, Progress, no_progress
from engines.blendshape.actor import BlendshapeActor
from engines.capture.footage import Footage, FootageClip
from engines.diffusion_autoencoder.pairs import Pairs, from_footage
from engines.diffusion_autoencoder.speech import features
from engines.rig.mesh import effective_weights
from engines.teaching import bridge
from engines.teaching.banks import motion
from engines.teaching.closed import ClosedForm
from engines.teaching.footage import SURE, clips_of
from engines.teaching.window import Window

_UNSEEN_SHARE: Final = 0.12


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
    chosen : as `engines.teaching.footage.calmest` gives it
    """
    taught, unseen, heads = [], [], []
    for number, (clip, moved, pictures) in enumerate(clips_of(footage, chosen)):

        def told(part: float, what: str, number: int = number) -> None:
            progress((number + part) / len(footage.clips), what)

        pairs = from_footage(closed, window, pictures, moved, progress=told, cancel=cancel)
        sure = clip.confidence()[: len(pairs)] >= SURE
        first = len(pairs) - max(1, round(_UNSEEN_SHARE * len(pairs)))
        at = np.arange(len(pairs))
        learn, check = sure & (at < first), sure & (at >= first)
        taught.append(pairs.part(learn))
        unseen.append(pairs.part(check))
        heads.append(moved.head[: len(pairs)][learn])
    return Seen(joined(taught), joined(unseen), np.concatenate(heads))


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
