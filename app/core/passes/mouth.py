"""Speech on the mouth: the voice's mouth geometry, solved onto the units of the person's head.

The expensive part, `speak`, depends on the voice, the phones and the head alone, so direction never repeats it.
"""

from __future__ import annotations

import hashlib
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from app.core.passes.closure import lip_openers
from app.core.passes.scene import TRACK_RATE, Scene
from engines import arkit
from engines.api import Performance

if TYPE_CHECKING:
    from engines.rig.mesh import HeadMesh
    from engines.speech.analysis import SpeechAnalysis
    from engines.speech.mouth import PhoneLike

SHUT_BELOW, OPEN_ABOVE = 0.004, 0.022
"""Apertures, in distances between the outer eye corners, at which the voice alone counts as asking for shut lips."""

CHUNK: Final = 500
"""Values that are solved at once: ten seconds."""


@dataclass(frozen=True, eq=False)
class Mouth:
    """What the voice makes the mouth do, 50 values a second.

    Attributes
    ----------
    weights : float32 (N, 52)
    shut : float32 (N,), how firmly it wants the lips closed, 0 to 1
    tongue : float32 (N,)
    """

    weights: np.ndarray
    shut: np.ndarray
    tongue: np.ndarray


def speak(
    speech: SpeechAnalysis,
    phones: Sequence[PhoneLike],
    mesh: HeadMesh,
    solved: MutableMapping[bytes, np.ndarray] | None = None,
) -> Mouth:
    """Solve the voice's mouth for one head.

    Parameters
    ----------
    solved : stretches that were solved before for this head; an edited phone then costs only the stretches it changes
    """
    from engines.rig.measure import neutral_geometry
    from engines.rig.solve import solve_mouth
    from engines.speech import mouth

    targets = mouth.geometry_targets(mouth.mouth_track(speech, phones), neutral_geometry(mesh))
    count = len(speech)
    aperture = targets["aperture"]
    heard = np.clip((OPEN_ABOVE - aperture) / (OPEN_ABOVE - SHUT_BELOW), 0, 1)
    gate = mouth.closure_gate(mouth.closures_at_dips(speech, phones), count)
    solved = {} if solved is None else solved
    parts = []
    for first in range(0, count, CHUNK):  # frames are solved on their own; this bounds the memory too
        part = {name: values[first : first + CHUNK] for name, values in targets.items()}
        key = hashlib.blake2b(b"".join(values.tobytes() for values in part.values()), digest_size=16).digest()
        if key not in solved:
            solved[key] = np.asarray(solve_mouth(mesh, part), np.float32)
        parts.append(solved[key])
    return Mouth(
        np.concatenate(parts),
        np.maximum(heard, gate).astype(np.float32),
        mouth.tongue_track(phones, count),
    )


def lip_opening(mesh: HeadMesh) -> np.ndarray:
    """How far each unit opens the lips for weight 1, about a slightly open jaw : float64 (52,); shutting is negative.

    In distances between the outer eye corners.
    """
    from engines.rig.measure import mouth_geometry

    step = 0.15
    tried = np.concatenate([np.zeros((1, arkit.COUNT)), step * np.eye(arkit.COUNT)]).astype(np.float32)
    tried[:, arkit.INDEX["jawOpen"]] += 0.3  # shut lips could not show what shuts them further
    aperture = np.asarray(mouth_geometry(mesh, tried)["aperture"], np.float64)
    return (aperture[1:] - aperture[0]) / step


def apply(performance: Performance, scene: Scene, mouth: Mouth) -> Performance:
    """Add the mouth at the frames of the shot."""
    position = scene.times_s * TRACK_RATE
    last = len(mouth.weights) - 1
    low = np.clip(np.floor(position).astype(np.int64), 0, last)
    high = np.minimum(low + 1, last)
    part = np.clip(position - low, 0, 1)[:, None]
    weights = mouth.weights[low] * (1 - part) + mouth.weights[high] * part
    tongue = scene.at_frames(mouth.tongue, TRACK_RATE)
    return performance.with_(
        weights=np.clip(performance.weights + weights, 0, 1), tongue=np.clip(performance.tongue + tongue, 0, 1)
    )


def closures(mouth: Mouth, opening: np.ndarray, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """How firmly the lips are wanted shut at each frame, and how far the voice opens them : float64 (T,) both.

    A closure whose middle falls between two frames counts in full for the nearer one, so that no frame rate skips it.
    """
    shut = np.asarray(mouth.shut, np.float64)
    spoken = lip_openers(mouth.weights, opening)[1]
    at_frames, opened = scene.at_frames(shut, TRACK_RATE), scene.at_frames(spoken, TRACK_RATE)
    rises, falls = np.diff(shut, prepend=0.0) >= 0, np.diff(shut, append=0.0) < 0
    peaks = np.flatnonzero((shut > 0.5) & rises & falls)
    frames = np.round(peaks / TRACK_RATE * float(scene.rate)).astype(np.int64)
    inside = frames < scene.count
    np.maximum.at(at_frames, frames[inside], shut[peaks[inside]])
    np.minimum.at(opened, frames[inside], spoken[peaks[inside]])
    return at_frames, opened
