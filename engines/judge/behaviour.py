"""Blinks, trembling, leaps: how the face moves, whatever it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.ndimage import median_filter, percentile_filter

from engines.judge.geometry import RIGID, average_face
from engines.judge.registry import NotMeasured

if TYPE_CHECKING:
    from engines.judge.evidence import Evidence
    from engines.judge.observe import Observation

SHUT: Final = 0.72
"""A dip of the lids below this part of their usual opening may be a blink ..."""
DEEP: Final = 0.55
"""... if it reaches this."""
LONGEST_BLINK_S: Final = 0.7

_FLOOR: Final = 0.006
"""The leap that a landmark detector shows on a still picture, in eye distances; of a plain step 0.004."""


@dataclass(frozen=True)
class Blink:
    """A blink: second of its deepest point, width at half depth in seconds, depth 0 to 1."""

    t_s: float
    width_s: float
    depth: float


def lid_opening(take: Observation) -> np.ndarray:
    """Opening of the eyes in parts of what is usual around that moment : (T,), 1 open."""
    if take.seen.sum() < 5:
        raise NotMeasured("no face is seen")
    there = np.flatnonzero(take.seen)
    both = np.interp(np.arange(len(take)), there, take.lids[there].mean(1))
    window = max(5, round(4 * float(take.rate)))
    return np.asarray(both / np.maximum(percentile_filter(both, 75, window, mode="nearest"), 1e-3))


def blinks(take: Observation) -> list[Blink]:
    """All blinks of a take."""
    opening, rate = lid_opening(take), float(take.rate)
    below = np.concatenate([[False], opening < SHUT, [False]])
    edges = np.flatnonzero(np.diff(below.astype(int)))
    found = []
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        deepest = start + int(np.argmin(opening[start:stop]))
        least = float(opening[deepest])
        half = 0.5 * (1 + least)
        width = (_crossing(opening, deepest, 1, half) + _crossing(opening, deepest, -1, half)) / rate
        if least < DEEP and width <= LONGEST_BLINK_S:
            found.append(Blink(deepest / rate, width, 1 - least))
    return found


def blink_rate(evidence: Evidence) -> float:
    take = evidence.take
    seconds = len(take) / float(take.rate)
    if seconds < 3:
        raise NotMeasured("needs at least 3 s")
    return 60 * len(blinks(take)) / seconds


def blink_duration(evidence: Evidence) -> float:
    return 1000 * float(np.median([b.width_s for b in _some_blinks(evidence)]))


def blink_depth(evidence: Evidence) -> float:
    return 100 * float(np.mean([b.depth for b in _some_blinks(evidence)]))


def head_motion(evidence: Evidence) -> float:
    take = evidence.take
    if take.seen.sum() < 5:
        raise NotMeasured("no face is seen")
    return float(np.degrees(np.linalg.norm(take.head[take.seen].std(0))))


def head_jitter(evidence: Evidence) -> float:
    return float(np.degrees(_typical_bend(evidence.take, np.unwrap(evidence.take.head, axis=0)[:, None])))


def landmark_jitter(evidence: Evidence) -> float:
    take = evidence.take
    return 100 * _typical_bend(take, take.rigid / _eyes(take))


def face_wobble(evidence: Evidence) -> float:
    take = evidence.take
    return 100 * _typical_bend(take, held_still(take.rigid))


def largest_jump(evidence: Evidence) -> float:
    return float(np.nanmax(jumps(evidence.take)))


def join_jump(evidence: Evidence) -> float:
    take = evidence.take
    joins = [j for j in evidence.joins if 0 < j < len(take)]
    if not joins:
        raise NotMeasured("no joins were named: give them with --joins")
    leap = jumps(take)
    at = [np.nanmax(leap[max(0, j - 1) : j + 2]) for j in joins]
    return float(np.nanmean(at) / max(float(np.nanmedian(leap)), 1e-6))


def jumps(take: Observation) -> np.ndarray:
    """How much more each frame leaps than is usual around it : (T,), 1 usual, the first not a number.

    A leap is a step of the landmarks that follow the skull which is unlike the steps before and after it: their mean
    distance from the middle of the two. However quick, a turn of the head that gathers way over frames is none.
    """
    step = np.diff(take.rigid / _eyes(take), axis=0)
    if len(step) < 3:
        raise NotMeasured("needs at least 8 frames with a face")
    before, after = np.concatenate([step[1:2], step[:-1]]), np.concatenate([step[1:], step[-2:-1]])
    odd = np.linalg.norm(step - 0.5 * (before + after), axis=2).mean(1)
    there = np.isfinite(odd)
    if there.sum() < 8:
        raise NotMeasured("needs at least 8 frames with a face")
    whole = np.interp(np.arange(len(odd)), np.flatnonzero(there), odd[there])
    usual = median_filter(whole, max(5, round(0.6 * float(take.rate))), mode="mirror")  # the ends count once
    return np.concatenate([[np.nan], np.where(there, (whole + _FLOOR) / (usual + _FLOOR), np.nan)])


def face_seen(evidence: Evidence) -> float:
    return 100 * float(evidence.take.seen.mean())


def cuts(evidence: Evidence) -> float:
    return float(len(evidence.take.shots) - 1)


def _some_blinks(evidence: Evidence) -> list[Blink]:
    found = blinks(evidence.take)
    if not found:
        raise NotMeasured("nobody blinks")
    return found


def _crossing(values: np.ndarray, start: int, step: int, level: float) -> float:
    """How far from ``start``, in samples, values rise above a level in one direction."""
    at = start
    while 0 <= at + step < len(values) and values[at + step] < level:
        at += step
    if not 0 <= at + step < len(values):
        return float(abs(at - start))
    low, high = values[at], values[at + step]
    return float(abs(at - start) + (level - low) / max(high - low, 1e-9))


def _eyes(take: Observation) -> float:
    if take.seen.sum() < 3:
        raise NotMeasured("no face is seen")
    return float(np.nanmedian(take.eyes_px))


def _typical_bend(take: Observation, places: np.ndarray) -> float:
    """Median over time of the mean size of second differences of (T, N, D); shots are not compared across."""
    bend = np.linalg.norm(places[:-2] - 2 * places[1:-1] + places[2:], axis=2).mean(1)
    for cut in take.shots[1:]:
        bend[max(0, cut - 2) : cut] = np.nan
    if np.isfinite(bend).sum() < 3:
        raise NotMeasured("needs at least five frames with a face in a row")
    return float(np.nanmedian(bend))


def held_still(rigid: np.ndarray) -> np.ndarray:
    """Landmarks after the best similarity onto the average face : (T, N, 2), eye distances."""
    model = average_face()[list(RIGID), :2] * (1.0, -1.0)
    m = (model - model.mean(0)) @ [1, 1j]
    s = (rigid - rigid.mean(1, keepdims=True)) @ [1, 1j]
    with np.errstate(invalid="ignore"):
        factor = (s.conj() @ m) / (np.abs(s) ** 2).sum(1)
    still = s * factor[:, None]
    return np.stack([still.real, still.imag], -1)
