"""A video of a face becomes a Performance.

1. The face is followed (`track`); the steadiest, most frontal frame with a calm face is fitted (`engines.rig.fit`).
2. Every frame is explained with that head (`solve`), shot by shot.
3. What the face always shows is taken as its rest (`calibrated`), gaps are bridged, the curves smoothed (`smooth`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from engines import arkit
from engines.api import CancelToken, Performance, Progress, no_progress
from engines.capture.smooth import fill, smooth_motion, smooth_weights
from engines.capture.solve import FaceSolver, Pose
from engines.capture.track import Track, Tracker
from engines.capture.video import open_video
from engines.errors import InputError
from engines.face.landmarks import FaceLandmarks
from engines.rig.fit import FittedHead, fit_head

MAX_SIDE: Final = 960
"""Longer pictures are made smaller: landmarks do not gain from more."""
LOST_ERROR: Final = 0.09
"""Mean landmark error, in eye distances, from which a frame is not believed at all."""
MIN_EYES_PX: Final = 14.0
_CALIBRATED: Final = tuple(
    i for i, n in enumerate(arkit.NAMES) if not n.startswith(("eyeLook", "eyeBlink", "jawL", "jawR"))
)


@dataclass(frozen=True, eq=False)
class Capture:
    """What a video's face does.

    Attributes
    ----------
    performance : head angles and place relative to the calmest frame, weights relative to the person's rest
    confidence : float32 (T,), 0 not seen to 1
    head : the person's head
    shots : first frame of each shot
    notes : what the user should know: bridged gaps, cuts, other faces
    track : the landmarks that were followed, in pixels of pictures no larger than `MAX_SIDE`
    rest : float32 (52,), weights of the fitted head that count as the person's resting face (`calibrated`)
    """

    performance: Performance
    confidence: np.ndarray
    head: FittedHead
    shots: tuple[int, ...]
    notes: tuple[str, ...]
    track: Track
    rest: np.ndarray


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
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Capture:
    """Capture the motion of a face.

    Parameters
    ----------
    path : a video
    face : which of several faces, 0 the largest
    rate : frames a second of the result; None: the video's own

    Raises
    ------
    InputError
        When the file is no readable video, or shows no face.
    Cancelled
        When the user cancelled.
    """
    video = open_video(path)
    rate = rate or video.rate
    expected = max(1, round(video.duration_s * float(rate)))
    tracker = Tracker(face)
    for index, frame in enumerate(video.frames(rate, MAX_SIDE)):
        if cancel is not None:
            cancel.check()
        tracker.add(frame)
        progress(0.8 * min(1.0, (index + 1) / expected), "following the face")
    track = tracker.track()
    if not track.seen.any():
        raise InputError(
            f"No face was found in the video {video.path}. Use footage with one face turned to the camera, at least "
            "64 px wide."
        )
    if float(np.nanmax(track.eye_distance)) < MIN_EYES_PX:
        raise InputError(f"The face in the video {video.path} is too small to capture; film it from nearer.")
    notes = []
    if tracker.faces > 1:
        notes.append(f"{tracker.faces} faces are in the picture; face {face} was captured.")
    return _perform(track, rate, notes, lambda part: progress(0.8 + 0.2 * part, "explaining the face"), cancel)


def _perform(
    track: Track, rate: Fraction, notes: list[str], progress: Callable[[float], None], cancel: CancelToken | None
) -> Capture:
    from threadpoolctl import threadpool_limits

    # Small systems: threads of the linear algebra cost more than they give.
    with threadpool_limits(1):
        return _explain(track, rate, notes, progress, cancel)


def _explain(
    track: Track, rate: Fraction, notes: list[str], progress: Callable[[float], None], cancel: CancelToken | None
) -> Capture:
    fitted = fit_head(*_calmest(track))
    solver = FaceSolver(fitted)
    starts = set(track.shots)
    poses: list[Pose | None] = []
    for index, points in enumerate(track.points):
        if cancel is not None:
            cancel.check()
        if index in starts or (poses and poses[-1] is None):
            solver.restart()
        poses.append(solver.step(points) if track.seen[index] else None)
        progress((index + 1) / len(track.points))
    return _finish(track, rate, fitted, poses, notes)


def _finish(track: Track, rate: Fraction, fitted: FittedHead, poses: list[Pose | None], notes: list[str]) -> Capture:
    error = np.array([np.inf if p is None else p.error for p in poses])
    confidence = np.clip(1.25 - error / (0.8 * LOST_ERROR), 0, 1) * np.clip(1.3 - track.spread / 0.05, 0, 1)
    seen = error < LOST_ERROR
    if not seen.any():
        seen = np.isfinite(error)
    blank = Pose(np.zeros(arkit.COUNT), np.zeros(6), np.zeros(4), np.inf)
    weights, head, gaze = (np.array([getattr(p or blank, name) for p in poses]) for name in ("weights", "head", "gaze"))
    head[:, :3] = np.unwrap(head[:, :3], axis=0)
    weights, head, gaze = (fill(v, seen) for v in (weights, head, gaze))
    gaze = _through_blinks(gaze, weights)
    parts = [*track.shots, len(weights)]
    for start, stop in pairwise(parts):
        part = np.s_[start:stop]
        weights[part] = smooth_weights(weights[part], rate)
        head[part] = smooth_motion(head[part], rate)
        gaze[part] = smooth_motion(gaze[part], rate, 0.12)
    rest = resting(weights, seen)
    weights = calibrated(weights, rest)
    head = head - np.median(head[seen], axis=0)
    gaze = gaze - np.median(gaze[seen], axis=0)
    missing = int((~seen).sum())
    if missing:
        notes.append(f"In {missing} of {len(seen)} frames the face was not seen; the motion is led over them.")
    if len(track.shots) > 1:
        notes.append(f"{len(track.shots)} shots, cut at frames {', '.join(map(str, track.shots[1:]))}.")
    performance = Performance(rate, weights, head, gaze, np.zeros(len(weights)))
    return Capture(performance, confidence.astype(np.float32), fitted, track.shots, tuple(notes), track, rest)


def _calmest(track: Track) -> tuple[FaceLandmarks, tuple[int, int]]:
    """The frame to fit the head to: frontal, steady, lips together, eyes open."""
    p = track.points.astype(float)
    eyes = track.eye_distance
    with np.errstate(invalid="ignore"):
        lips = np.linalg.norm(p[:, 13] - p[:, 14], axis=1) / eyes
        lids = 0.5 * sum(np.linalg.norm(p[:, a] - p[:, b], axis=1) for a, b in ((386, 374), (159, 145))) / eyes
        left, right = (np.abs(p[:, 1, 0] - p[:, k, 0]) for k in (263, 33))
        turn = np.abs(np.log((left + 1) / (right + 1)))
        smile = np.abs(p[:, 61, 0] - p[:, 291, 0]) / eyes
        open_eyes = np.nanpercentile(lids, 70)
        cost = 3 * lips + 4 * np.abs(lids - open_eyes) + 0.6 * turn + 4 * track.spread
        cost = cost + 0.8 * np.abs(smile - np.nanmedian(smile))
    best = int(np.nanargmin(np.where(track.seen, cost, np.nan)))
    near = [i for i in range(best - 2, best + 3) if 0 <= i < len(p) and track.seen[i] and cost[i] < cost[best] + 0.08]
    points = np.median(p[near], axis=0)
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    spread = np.full(len(points), max(float(track.spread[best]) * eyes[best], 1e-3), np.float32)
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return FaceLandmarks(points.astype(np.float32), spread, box, 1.0), track.size


def resting(weights: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The person's resting face : float32 (52,).

    A unit that is never lower than some value belongs to the person's features, not to what they do: its tenth
    percentile, 0.4 at most.

    Parameters
    ----------
    weights : (T, 52)
    seen : bool (T,)
    """
    rest = np.zeros(arkit.COUNT, np.float32)
    index = list(_CALIBRATED)
    rest[index] = np.minimum(np.percentile(weights[seen][:, index], 10, axis=0), 0.4)
    return rest


def calibrated(weights: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Weights (T, 52) with the resting face ``rest`` (52,) taken as 0; 1 stays 1."""
    return np.asarray(np.clip((weights - rest) / (1 - rest), 0, 1))


def _through_blinks(gaze: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Gaze led over the frames in which the lids hide the pupils."""
    shut = weights[:, list(arkit.indices("eyeBlink"))].max(axis=1) > 0.55
    if shut.all():
        return gaze
    return fill(gaze, ~shut)
