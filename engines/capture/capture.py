"""A video of a face becomes a Performance.

1. The face is followed (`track`); the steadiest, most frontal frame with a calm face is fitted (`engines.rig.fit`).
2. Every frame is compared with that one picture by picture (`flow`) and explained with that head (`decode`). After a
   cut to another person, that person gets a head of their own (`people`).
3. What the face always shows is taken as its rest (`calibrated`), gaps are bridged, the curves smoothed (`smooth`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from engines.api import SURE, CancelToken, Performance, Progress, no_progress
from engines.capture.explain import Explained, calibrated, explain, resting
from engines.capture.landmarker import make_landmarker
from engines.capture.track import Track, Tracker
from engines.capture.video import open_video
from engines.errors import InputError
from engines.rig.fit import FittedHead

__all__ = ["Capture", "calibrated", "capture", "capture_video", "resting"]

MAX_SIDE: Final = 960
"""Longer pictures are made smaller: landmarks do not gain from more."""
MIN_EYES_PX: Final = 14.0


@dataclass(frozen=True, eq=False)
class Capture:
    """What a video's face does.

    Attributes
    ----------
    performance : head angles and place relative to the calmest frame, weights relative to the person's rest; `SURE` is
        in its extras
    confidence : float32 (T,), 0 not seen to 1
    head : the head of the person who is seen most
    shots : first frame of each shot
    notes : what the user should know: bridged gaps, cuts, other faces
    track : the landmarks that were followed, in pixels of pictures no larger than `MAX_SIDE`
    rest : float32 (52,), weights of the fitted head that count as the person's resting face (`calibrated`)
    persons : int (T,), whose frame it is, in order of appearance; -1 where nobody was seen
    """

    performance: Performance
    confidence: np.ndarray
    head: FittedHead
    shots: tuple[int, ...]
    notes: tuple[str, ...]
    track: Track
    rest: np.ndarray
    persons: np.ndarray


def capture_video(
    path: str | Path, *, progress: Progress = no_progress, cancel: CancelToken | None = None
) -> Performance:
    """The motion of the largest face in a video, at the video's rate; see `capture` for more."""
    return capture(path, progress=progress, cancel=cancel).performance


def capture(
    path: str | Path,
    *,
    face: int = 0,
    rate: Fraction | None = None,
    landmarker: str = "auto",
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Capture:
    """Capture the motion of a face.

    Parameters
    ----------
    path : a video
    face : which of several faces, 0 the largest
    rate : frames a second of the result; None: the video's own
    landmarker : one of `engines.capture.landmarker.KINDS`

    Raises
    ------
    InputError
        When the file is no readable video, or shows no face.
    Cancelled
        When the user cancelled.
    """
    from threadpoolctl import threadpool_limits

    video = open_video(path)
    rate = rate or video.rate
    expected = round(video.duration_s * float(rate))
    tracker = Tracker(face, make_landmarker(landmarker), keep=True)
    try:
        for index, frame in enumerate(video.frames(rate, MAX_SIDE)):
            if cancel is not None:
                cancel.check()
            tracker.add(frame)
            progress(0.7 * min(1.0, (index + 1) / max(1, expected)), "following the face")
        track = tracker.track()
        _check(track, video.path)
        # Small systems: threads of the linear algebra cost more than they give.
        with threadpool_limits(1):
            found = explain(track, rate, lambda part: progress(0.7 + 0.3 * part, "explaining the face"), cancel)
    finally:
        tracker.close()
    sure = {SURE: np.repeat(found.confidence[:, None], 2, 1)}
    performance = Performance(rate, found.weights, found.head, found.gaze, np.zeros(len(found.weights)), sure)
    return Capture(
        performance,
        found.confidence,
        found.heads[int(np.bincount(found.persons[found.persons >= 0]).argmax())],
        track.shots,
        tuple(_notes(track, found, tracker.faces, face, expected)),
        replace(track, faces=None),
        found.rest,
        found.persons,
    )


def _check(track: Track, path: Path) -> None:
    if not track.seen.any():
        raise InputError(
            f"No face was found in the video {path}. Use footage with one face turned to the camera, at least "
            "64 px wide."
        )
    if float(np.nanmax(track.eye_distance)) < MIN_EYES_PX:
        raise InputError(f"The face in the video {path} is too small to capture; film it from nearer.")


def _notes(track: Track, found: Explained, faces: int, face: int, expected: int) -> Iterator[str]:
    """What the user should know."""
    if faces > 1:
        yield f"{faces} faces are in the picture; face {face + 1}, counted from the largest, was captured."
    if missing := int((~found.seen).sum()):
        yield f"In {missing} of {len(found.seen)} frames the face was not seen; the motion is led over them."
    if len(track.shots) > 1:
        yield f"{len(track.shots)} shots, cut at frames {', '.join(map(str, track.shots[1:]))}."
    if len(found.heads) > 1:
        starts = [int(np.argmax(found.persons == k)) for k in range(1, len(found.heads))]
        yield (
            f"{len(found.heads)} people are seen one after another (others from frame {', '.join(map(str, starts))}); "
            "each is captured from a rest of their own."
        )
    if len(found.seen) < 0.9 * expected - 2:
        yield (
            f"Only {len(found.seen)} of about {expected} frames could be read: the file is damaged after that, and the "
            "performance ends there."
        )
    if float(np.median(found.confidence[found.seen])) < 0.5:
        yield "The face is hard to see (small, blurred, turned or hidden): look the curves through before using them."
