"""From followed landmarks to curves: who is who, which head each person has, and what it does in every frame."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

import numpy as np

from engines import arkit
from engines.api import CancelToken
from engines.capture.calm import calmest
from engines.capture.decode import BROWS_UP, LOOK, LOWEST, Decoder
from engines.capture.flow import FlowReference, likeness
from engines.capture.lids import BLINK, open_eyes, shut
from engines.capture.pose import SKIN
from engines.capture.rounding import ROUNDED
from engines.capture.sides import evened, leaning
from engines.capture.smooth import fill, smooth_lids, smooth_motion, smooth_weights
from engines.capture.solve import FaceSolver
from engines.capture.track import Track
from engines.face.landmarks import FaceLandmarks
from engines.rig.fit import FittedHead, fit_head
from engines.rig.head import load_head

LOST_ERROR: Final = 0.06
"""Mean distance of explained and found landmarks, in eye distances, from which a frame is not believed at all."""
SAME_PERSON: Final = 0.77
"""Likeness of two faces (`engines.capture.flow.likeness`) from which they belong to one person."""
REST_MOST: Final = 0.4
REST_LEAST: Final = np.full(arkit.COUNT, -0.3)
REST_LEAST[BROWS_UP] = LOWEST[BROWS_UP]
LIDS_REST_MOST: Final = 0.25
_UNCALIBRATED: Final = list(arkit.indices("eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp", "jawLeft", "jawRight"))
MEASURED: Final = np.full(arkit.COUNT, 0.5)
"""How much of each unit is what was measured, the rest is geometry: lids are told by their rims, brows slide under the
skin that landmarks lie on, where the eyes look has one answer, and only what is measured knows of scores that tell
bared teeth from an open jaw."""
MEASURED[BLINK] = 0.3
MEASURED[list(arkit.indices("browInnerUp", "browOuterUp", "browDown"))] = 0.75
MEASURED[LOOK] = 1.0
MEASURED[[*arkit.indices("jawOpen", "mouthSmile", "mouthLowerDown", "mouthUpperUp"), *ROUNDED]] = 1.0
_FIRST_LOOK: Final = 200
"""So many frames, evenly spread, are read to choose the one at rest."""
_TURNED_RAD: Final = (0.6, 1.1)
"""Yaw from which a face begins to hide half of itself, and at which nothing is sure any more."""


@dataclass(frozen=True, eq=False)
class Explained:
    """Curves of a whole video.

    Attributes
    ----------
    weights, head, gaze : (T, 52), (T, 6), (T, 4) as in `engines.api.Performance`
    confidence : float32 (T,)
    seen : bool (T,), where a face was seen and believed
    heads : the fitted head of each person in order of appearance
    persons : int (T,), whose frame it is; -1 where nobody was seen
    rest : float32 (52,), resting face of the person who is seen most
    """

    weights: np.ndarray
    head: np.ndarray
    gaze: np.ndarray
    confidence: np.ndarray
    seen: np.ndarray
    heads: tuple[FittedHead, ...]
    persons: np.ndarray
    rest: np.ndarray


def explain(
    track: Track, rate: Fraction, progress: Callable[[float], None], cancel: CancelToken | None = None
) -> Explained:
    """Explain a video in which at least one frame shows a face.

    Parameters
    ----------
    rate : frames a second
    """
    count = len(track.points)
    persons = people(track)
    weights, head, gaze = np.zeros((count, arkit.COUNT)), np.zeros((count, 6)), np.zeros((count, 4))
    error, alike, lids = np.full(count, np.inf), np.zeros(count), np.zeros((count, 2))
    heads = []
    done = 0
    for person in range(int(persons.max()) + 1):
        frames = np.flatnonzero((persons == person) & track.seen)
        calm = resting_frame(track, frames, cancel)
        fitted = fit_head(*portrait_of(track, frames, calm))
        heads.append(fitted)
        decoder, solver, at_rest = Decoder(fitted), FaceSolver(fitted), resting_scores(track, calm)
        opened = open_eyes(track.points[frames])
        last = -2
        for part, detected, corrected, share in compared(track, frames, calm, cancel):
            alike[part] = share
            geometric = solved(solver, below_corrected(detected, corrected), part, track.shots, last)
            found = decoder.decode(detected, corrected, track.scores[part] - at_rest, geometric)
            head[part], gaze[part], error[part] = found.head, found.gaze, found.error
            weights[part], lids[part] = both(found.weights, geometric), shut(detected, opened)
            last = int(part[-1])
            done += len(part)
            progress(done / max(1, int(track.seen.sum())))
    confidence = confidence_of(error, track.spread, alike, head[:, 1])
    seen = error < LOST_ERROR
    if not seen.any():
        seen = np.isfinite(error)
    curves = _finish(track, rate, seen, persons, weights, head, gaze, lids)
    return Explained(*curves[:3], confidence, seen, tuple(heads), persons, curves[3])


def resting_frame(track: Track, frames: np.ndarray, cancel: CancelToken | None = None) -> int:
    """The frame to fit a person's head to: chosen by its looks, and again by what the first choice makes of the others.

    Parameters
    ----------
    frames : int (N,), those of the person
    """
    first = calmest(track, frames)
    decoder = Decoder(fit_head(*portrait_of(track, frames, first)))
    some = frames[np.unique(np.linspace(0, len(frames) - 1, _FIRST_LOOK).round().astype(int))]
    at_rest = resting_scores(track, first)
    read = [
        decoder.decode(found, better, track.scores[part] - at_rest).weights
        for part, found, better, _ in compared(track, some, first, cancel)
    ]
    return calmest(track, some, np.concatenate(read))


def compared(
    track: Track, frames: np.ndarray, calm: int, cancel: CancelToken | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Frames compared with the one at rest, some at a time.

    Yields
    ------
    Numbers of frames (K,), their landmarks as detected and as the picture corrects them (K, 478, 3), and the share of
    the face that looks like that at rest (K,).
    """
    reference = None if track.faces is None else FlowReference(track.faces.get(calm))
    for part in np.array_split(frames, max(1, len(frames) // 128)):
        if cancel is not None:
            cancel.check()
        detected = track.points[part].astype(np.float64)
        if reference is None or track.faces is None:
            yield part, detected, detected, np.ones(len(part))
            continue
        refined = [reference.refine(track.faces.get(int(i)), p) for i, p in zip(part, detected, strict=True)]
        yield part, detected, np.stack([points for points, _ in refined]), np.array([share for _, share in refined])


def solved(
    solver: FaceSolver, points: np.ndarray, frames: np.ndarray, shots: tuple[int, ...], before: int = -2
) -> np.ndarray:
    """Weights (T, 52) by which the mesh itself explains landmarks (T, 478, 3).

    Parameters
    ----------
    frames : int (T,), increasing numbers of the frames
    shots : first frame of each shot
    before : the frame that the solver saw last
    """
    result = np.zeros((len(points), arkit.COUNT))
    for row, (frame, face) in enumerate(zip(frames, points, strict=True)):
        if frame != before + 1 or frame in shots:
            solver.restart()
        result[row] = solver.step(face).weights
        before = int(frame)
    return result


def below_corrected(detected: np.ndarray, corrected: np.ndarray) -> np.ndarray:
    """Landmarks (T, 478, 3) as they were detected, below the nose as the picture corrects them.

    There the picture knows better how lips and jaw move; lids are told by where their rims are detected.
    """
    result = detected.copy()
    result[:, _below_nose()] = corrected[:, _below_nose()]
    return result


@functools.cache
def _below_nose() -> np.ndarray:
    """Landmarks of the skin below the base of the nose : int (N,)."""
    height = load_head().landmarks(load_head().mesh.vertices)[:SKIN, 1]
    return np.flatnonzero(height < height[2])


def both(measured: np.ndarray, geometric: np.ndarray) -> np.ndarray:
    """Two readings of the weights (T, 52) as one; they err for different reasons.

    One knows what landmarks were seen to do on drawn faces (`engines.capture.decode`), the other trusts the mesh and
    the landmarks as they are (`engines.capture.solve`); most units are their mean (`MEASURED`).
    """
    return np.asarray(MEASURED * measured + (1 - MEASURED) * geometric)


def confidence_of(error: np.ndarray, spread: np.ndarray, alike: np.ndarray, yaw: np.ndarray) -> np.ndarray:
    """How far to trust frames : float32 (T,), 0 to 1.

    Parameters
    ----------
    error : (T,) of `engines.capture.decode.Decoded`
    spread : (T,) of `Track`
    alike : (T,) share of the face that looks like the reference (a hand before it does not)
    yaw : (T,) radians
    """
    sure = np.clip(1.25 - error / (0.8 * LOST_ERROR), 0, 1) * np.clip(1.3 - spread / 0.05, 0, 1)
    near, far = _TURNED_RAD
    sure = sure * np.clip((far - np.abs(yaw)) / (far - near), 0, 1) * np.clip(alike / 0.7, 0, 1)
    return np.asarray(np.where(np.isfinite(error), sure, 0), np.float32)


def people(track: Track) -> np.ndarray:
    """Whose face each frame shows : int (T,), counted in order of appearance; -1 for shots without a face."""
    persons = np.full(len(track.points), -1)
    known: list[np.ndarray] = []
    for start, stop in pairwise([*track.shots, len(persons)]):
        frames = start + np.flatnonzero(track.seen[start:stop])
        if not len(frames):
            continue
        if track.faces is None:
            persons[start:stop] = 0
            continue
        face = track.faces.get(calmest(track, frames))
        alike = [likeness(face, other) for other in known]
        if alike and max(alike) >= SAME_PERSON:
            persons[start:stop] = int(np.argmax(alike))
        else:
            persons[start:stop] = len(known)
            known.append(face)
    return persons


def portrait_of(track: Track, frames: np.ndarray, calm: int) -> tuple[FaceLandmarks, tuple[int, int]]:
    """The landmarks about the calmest frame, steadied, as those of a portrait."""
    near = [i for i in range(calm - 2, calm + 3) if i in set(frames.tolist())]
    eyes = track.eye_distance[calm]
    still = [i for i in near if np.abs(track.points[i] - track.points[calm])[:, :2].mean() < 0.03 * eyes]
    points = np.median(track.points[still], axis=0)
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    spread = np.full(len(points), max(float(track.spread[calm]) * eyes, 1e-3), np.float32)
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return FaceLandmarks(points.astype(np.float32), spread, box, 1.0), track.size


def resting_scores(track: Track, calm: int) -> np.ndarray:
    """Scores about the calmest frame, steadied : float32 (K,)."""
    return np.asarray(np.nanmedian(track.scores[max(0, calm - 2) : calm + 3], axis=0))


def _finish(
    track: Track,
    rate: Fraction,
    seen: np.ndarray,
    persons: np.ndarray,
    weights: np.ndarray,
    head: np.ndarray,
    gaze: np.ndarray,
    lids: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Gaps led over, shot by shot; curves smoothed and laid to each person's rest; the rest of the main person.

    Parameters
    ----------
    lids : (T, 2) from `engines.capture.lids.shut`
    """
    weights, gaze = np.clip(weights, REST_LEAST, 1.3), np.array(gaze)
    head, lids = np.array(head), np.array(lids)
    parts = [*track.shots, len(weights)]
    for start, stop in pairwise(parts):
        part = np.s_[start:stop]
        if not seen[part].any():
            continue
        head[part, :3] = np.unwrap(head[part, :3], axis=0)
        for values in (weights, head, gaze, lids):
            values[part] = fill(values[part], seen[part])
        gaze[part] = _through_blinks(gaze[part], np.maximum(weights[part][:, BLINK], lids[part]))
        weights[part] = smooth_weights(weights[part], rate)
        head[part] = smooth_motion(head[part], rate)
        gaze[part] = smooth_motion(gaze[part], rate, 0.12)
        lids[part] = smooth_lids(lids[part], rate)
    main, longest = np.zeros(arkit.COUNT, np.float32), 0
    for person in range(int(persons.max()) + 1):
        own = persons == person
        at = own & seen
        if not at.any():
            continue
        rest = resting(weights, at)
        weights[own] = calibrated(weights[own], rest)
        weights[np.ix_(own, BLINK)] = np.maximum(weights[np.ix_(own, BLINK)], lids[own])
        weights[own] = evened(weights[own], leaning(weights[at]))
        head[own] -= np.median(head[at], axis=0)
        gaze[own] -= np.median(gaze[at], axis=0)
        if at.sum() > longest:
            main, longest = rest, int(at.sum())
    nobody = np.ones(len(seen), bool)
    for start, stop in pairwise(parts):
        nobody[start:stop] = not seen[start:stop].any()
    if nobody.any():  # shots without a face: led over between those with one
        weights, head, gaze = (fill(v, ~nobody) for v in (weights, head, gaze))
    return np.clip(weights, 0, 1), head, gaze, main


def resting(weights: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The person's resting face : float32 (52,).

    A unit that is never lower than some value belongs to the person's features, not to what they do: its tenth
    percentile, within limits.

    Parameters
    ----------
    weights : (T, 52), not yet limited to 0 and more
    seen : bool (T,)
    """
    low = np.clip(np.percentile(weights[seen], 10, axis=0), REST_LEAST, REST_MOST)
    low[BLINK] = np.minimum(low[BLINK], LIDS_REST_MOST)
    low[_UNCALIBRATED] = 0
    return np.asarray(low, np.float32)


def calibrated(weights: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Weights (T, 52) with the resting face ``rest`` (52,) taken as 0; 1 stays 1."""
    return np.asarray(np.clip((weights - rest) / (1 - rest), 0, 1))


def _through_blinks(gaze: np.ndarray, blinks: np.ndarray) -> np.ndarray:
    """Gaze led over the frames in which the lids, blinking as far as (T, 2), hide the pupils."""
    hidden = blinks.max(axis=1) > 0.55
    if hidden.all():
        return gaze
    return fill(gaze, ~hidden)
