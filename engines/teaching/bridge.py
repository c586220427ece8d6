"""The bridge from a Performance to an engine's latent space: what the face does as numbers of about unit size.

Latent engines learn their own latent from these numbers (a layer of their network, taught together with it), so the
same timeline drives all of them. The numbers can be read back: what an encoder sees in a picture is motion again.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from engines import arkit
from engines.teaching.banks import FACE_UNITS, MOUTH_UNITS, POSE_SCALE, Motion, motion

_MOUTH, _HEAD, _FACE = len(MOUTH_UNITS) + 2, 6, len(FACE_UNITS) + 8
MOUTH: Final = slice(0, _MOUTH)
HEAD: Final = slice(_MOUTH, _MOUTH + _HEAD)
FACE: Final = slice(_MOUTH + _HEAD, _MOUTH + _HEAD + _FACE)
GATES: Final = slice(FACE.stop, FACE.stop + 3)
"""How much of the drawn mouth, the left and the right eye shows; they follow from the others."""
COUNT: Final = GATES.stop


@cache
def _scales() -> np.ndarray:
    """Size of one unit of each number : (COUNT,); from the motion that actors are taught with."""
    from engines.teaching.lessons import lessons

    found = motion(lessons(1000, seed=2), np.zeros(arkit.COUNT), np.zeros(3))
    spread = (np.maximum(np.sqrt((part**2).mean(0)), 0.05) for part in (found.mouth, found.face))
    mouth, face = spread
    return np.concatenate([mouth, POSE_SCALE, face, np.ones(3)])


def numbers(found: Motion) -> np.ndarray:
    """Motion of every frame : float32 (T, `COUNT`), 0 where the photo is as it is."""
    gates = np.concatenate([found.speaks[:, None], found.looks], 1)
    parts = [found.mouth, found.head, found.face, gates]
    return np.asarray(np.concatenate(parts, 1) / _scales(), np.float32)


def motion_of(values: np.ndarray) -> Motion:
    """The motion that numbers (T, >= `COUNT`) stand for; what an encoder read off pictures is kept within reason."""
    real = np.asarray(values[:, :COUNT], np.float64) * _scales()
    mouth, face = real[:, MOUTH].clip(-1.1, 1.1), real[:, FACE].clip(-1.1, 1.1)
    return Motion(mouth, face, real[:, HEAD])
