"""Two clips of one person, explained with one head, so that what their faces hold can be compared.

A head that is fitted to a clip takes a smile that never ends for the person's features. The clip to compare is
therefore explained with the head of the other, laid to where the other's face is in its picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.api import CancelToken
from engines.capture.solve import FaceSolver
from engines.capture.track import Track
from engines.face.landmarks import OUTER_EYE_CORNERS
from engines.rig.fit import FittedHead

MOST_FRAMES: Final = 240
"""So many frames, evenly spread, tell what a face holds."""


@dataclass(frozen=True, eq=False)
class Held:
    """What a face holds in a clip: medians over its frames, without any calibration.

    Attributes
    ----------
    weights : (52,)
    angles_rad : (3,) pitch, yaw, roll of the head
    gaze : (4,), as in `engines.api.Performance.gaze`
    """

    weights: np.ndarray
    angles_rad: np.ndarray
    gaze: np.ndarray


def held(track: Track, head: FittedHead, like: Track, cancel: CancelToken | None = None) -> Held:
    """What a face holds in a clip.

    Parameters
    ----------
    track : the clip that is explained
    head : fitted to the clip ``like`` (the same clip, or another of the same person)
    """
    points = track.points[track.seen]
    points = points[:: max(1, len(points) // MOST_FRAMES)].astype(np.float64)
    solver, found = FaceSolver(head), []
    for face in laid_over(points, like.points[like.seen].astype(np.float64)):
        if cancel is not None:
            cancel.check()
        solver.restart()
        found.append(solver.step(face))
    weights, angles, gaze = ([getattr(p, name) for p in found] for name in ("weights", "head", "gaze"))
    return Held(np.median(weights, 0), np.median(angles, 0)[:3], np.median(gaze, 0))


def laid_over(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Landmarks (K, 478, 3) moved and scaled as a whole to where other landmarks (L, 478, 3) of that person are."""

    def place(faces: np.ndarray) -> tuple[np.ndarray, float]:
        eyes = faces[:, list(OUTER_EYE_CORNERS), :2]
        # Turned heads show their eyes nearer to each other: the widest are those that face the camera.
        return np.median(eyes.mean(1), 0), float(np.percentile(np.hypot(*(eyes[:, 0] - eyes[:, 1]).T), 90))

    (centre, size), (aim, wanted) = place(points), place(others)
    scale = wanted / size
    moved = points * scale
    moved[:, :, :2] += aim - scale * centre
    return moved
