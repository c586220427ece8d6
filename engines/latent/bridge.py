"""From a Performance to a network's own coordinates: learnt on frames that the rig draws of the same portrait.

The rig performs lessons in which only the mouth, only the rest of the face or only the head moves; the network's
encoder says where each drawn frame lies in its banks, and ridge regression ties the two. Each part of the face reaches
its own bank alone, so a mouth cannot turn the head. A small error of that regression proves nothing (an encoder that
collapsed to the pose has it too), so the network then draws lessons it has not seen, and a part is only used if what
it draws changes where the rig's changes, about as much, in the same way, and little elsewhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engines import weights
from engines.api import CancelToken, Performance, Progress, RenderOptions, no_progress
from engines.blendshape.engine import BlendshapeEngine
from engines.latent.crop import FaceCrop
from engines.latent.pictures import Animated, encode, to_pictures
from engines.teaching.banks import EXPRESSION, MOUTH, POSE, Motion, banks
from engines.teaching.banks import motion as motion_of
from engines.teaching.lessons import lessons
from engines.teaching.prior import OF_MOUTH, face_features, pose_features

if TYPE_CHECKING:
    from engines.blendshape.actor import BlendshapeActor

VERSION: Final = 1
"""Counted up whenever the same portrait and checkpoint would give another bridge."""
PARTS: Final = ("mouth", "pose", "expression")
LESSONS: Final = {"mouth": 96, "pose": 48, "expression": 64}
EXAMS: Final = 8
LEAST_CHANGE, MOST_CHANGE = 0.4, 2.5
"""Change of the part's own region beside the rig's."""
MOST_LEAK: Final = 0.35
"""Change elsewhere as a share of the change of the region, more than which the rig's own has."""
LEAST_LIKENESS: Final = 0.4
"""Cosine between what the network changes in the region and what the rig changes there."""
_STRENGTHS: Final = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
_BATCH: Final = 4
_SEEDS: Final = {"mouth": 41, "pose": 42, "expression": 43}


@dataclass(frozen=True)
class Exam:
    """How a part of the bridge did on lessons it was not fitted to.

    Attributes
    ----------
    part : ``mouth``, ``pose`` or ``expression``
    explained : share of the variance of the encoder's coordinates that the fit explains (never a reason to accept)
    change : what the network changes in the part's region as a share of what the rig changes there
    leak : what it changes elsewhere as a share of that region's change
    rig_leak : the same of the rig
    likeness : cosine between the two changes in the region
    """

    part: str
    explained: float
    change: float
    leak: float
    rig_leak: float
    likeness: float

    @property
    def problem(self) -> str:
        """Why the part is not used; empty if it is."""
        if not LEAST_CHANGE <= self.change <= MOST_CHANGE:
            return f"the network moves it {self.change:.2f} times as much as it should"
        if self.likeness < LEAST_LIKENESS:
            return f"what the network draws resembles what was asked for by {self.likeness:.2f} only"
        if self.leak - self.rig_leak > MOST_LEAK:
            return f"{self.leak:.2f} of its change shows elsewhere in the picture"
        return ""

    def told(self) -> str:
        """For people."""
        verdict = f"not used: {self.problem}" if self.problem else "used"
        return (
            f"{self.part} {verdict} (change {self.change:.2f} of the rig's, elsewhere {self.leak:.2f} of it, likeness "
            f"{self.likeness:.2f}, explained {100 * self.explained:.0f} %)"
        )


class Examined:
    """What moves parts of a face, each only where it passed its exam."""

    exams: tuple[Exam, ...]

    def used(self, part: str) -> bool:
        """Whether a part passed its exam."""
        return any(e.part == part and not e.problem for e in self.exams)

    def told(self) -> str:
        """The exams for people."""
        return "; ".join(exam.told() for exam in self.exams)


@dataclass(frozen=True, eq=False)
class Bridge(Examined):
    """Linear maps from features of a Performance to changes of a network's coordinates.

    Attributes
    ----------
    mouth : float32 (F, N), from the mouth's part of `engines.teaching.prior.face_features`
    pose : float32 (27, N)
    expression : float32 (10, N)
    exams : how each part did; parts that failed have no effect
    """

    mouth: np.ndarray
    pose: np.ndarray
    expression: np.ndarray
    exams: tuple[Exam, ...]

    def changes(self, motion: Motion) -> np.ndarray:
        """What a motion asks of the coordinates, relative to the still portrait : float32 (T, N)."""
        coordinates = banks().coordinates(motion)
        total = np.zeros((len(coordinates), self.pose.shape[1]), np.float32)
        for part in PARTS:
            if self.used(part):
                total += features(part, coordinates) @ getattr(self, part)
        return total


def features(part: str, coordinates: np.ndarray) -> np.ndarray:
    """What of our own 36 coordinates (T, 36) speaks for a part : (T, F)."""
    if part == "pose":
        return pose_features(coordinates[:, POSE])
    if part == "expression":
        return np.asarray(coordinates[:, EXPRESSION])
    alone = np.zeros_like(coordinates)
    alone[:, MOUTH] = coordinates[:, MOUTH]
    return face_features(alone)[:, OF_MOUTH]


def lesson(part: str, count: int, seed: int) -> Performance:
    """Frames in which one part alone moves."""
    return lessons(count, seed, head=part == "pose", mouth=part == "mouth", expression=part == "expression")


def own_columns(part: str, spans: dict[str, slice], count: int) -> np.ndarray:
    """Which coordinates a part may move : bool (N,).

    A network without a bank of its own for a part (LIA has one bank for everything) moves all of what it has; the
    lip-and-pose network has no place for expressions.
    """
    may = np.zeros(count, bool)
    if len(spans) == 1:
        may[:] = True
    elif part in spans:
        may[spans[part]] = True
    return may


def fit(
    rig: BlendshapeActor,
    painter: BlendshapeEngine,
    crop: FaceCrop,
    animator: Animated,
    source: Any,
    start: np.ndarray,
    *,
    device: str = "cpu",
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Bridge:
    """Fit the bridge of one portrait and one checkpoint.

    Parameters
    ----------
    rig, painter : the portrait as the rig prepared it, and the rig
    crop : what the network sees of the portrait
    animator, source : the network, and the portrait as it keeps it
    start : (N,), coordinates of the still portrait
    """
    cancel = cancel or CancelToken()
    still = crop.cut(rig.portrait.rgb).astype(np.float32)
    rest = motion_of(Performance.rest(1, _RATE), rig_rest(rig), rig.head.rest_head)
    total = sum(LESSONS.values()) + 2 * EXAMS * len(PARTS)
    done = 0

    def advance(frames: int) -> None:
        nonlocal done
        done += frames
        progress(done / total, "Learning how the network moves this face")
        cancel.check()

    maps: dict[str, np.ndarray] = {}
    exams: list[Exam] = []
    still_drawn = _drawn(animator, source, start[None], device, lambda _: None)[0]
    for part in PARTS:
        may = own_columns(part, animator.banks, len(start))
        size = features(part, banks().coordinates(rest)).shape[1]
        maps[part] = np.zeros((size, len(start)), np.float32)
        if not may.any():
            continue
        taught, asked = (lesson(part, n, _SEEDS[part] + k) for n, k in ((LESSONS[part], 0), (EXAMS, 10)))
        seen = [_performed(p, rig, painter, crop) for p in (taught, asked)]
        told = [features(part, banks().coordinates(_motion(p, rig))) for p in (taught, asked)]
        where = [_encoded(animator, pictures, device, advance) - start for pictures in seen]
        maps[part][:, may], explained = _ridge(told[0], where[0][:, may], told[1], where[1][:, may])
        drawn = _drawn(animator, source, start + told[1] @ maps[part], device, advance)
        exams.append(_examine(part, drawn - still_drawn, seen[1] - still, regions(rig, crop)[part], explained))
    return Bridge(maps["mouth"], maps["pose"], maps["expression"], tuple(exams))


_RATE: Final = Fraction(25)


def rig_rest(rig: BlendshapeActor) -> np.ndarray:
    """The photo's own expression, effective : (52,)."""
    from engines.rig.mesh import effective_weights

    return np.asarray(effective_weights(rig.head.rest_weights))


def _motion(performance: Performance, rig: BlendshapeActor) -> Motion:
    return motion_of(performance, rig_rest(rig), rig.head.rest_head)


def _performed(performance: Performance, rig: BlendshapeActor, painter: BlendshapeEngine, crop: FaceCrop) -> np.ndarray:
    """The rig's frames as the network sees them : uint8 (T, side, side, 3)."""
    height, width = rig.portrait.rgb.shape[:2]
    scale = min(1.0, 1 / crop.scale)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    shown = rig.crop(size)
    there = crop.seen_in(shown.left, shown.top, shown.scale)
    frames = painter.render(rig, performance, options=RenderOptions(size=size))
    return np.stack([there.cut(frame) for frame in frames])


def _encoded(animator: Animated, pictures: np.ndarray, device: str, advance: Callable[[int], None]) -> np.ndarray:
    found = []
    for i in range(0, len(pictures), _BATCH):
        found.append(encode(animator, pictures[i : i + _BATCH], device))
        advance(len(found[-1]))
    return np.concatenate(found)


def _drawn(
    animator: Animated, source: Any, alpha: np.ndarray, device: str, advance: Callable[[int], None]
) -> np.ndarray:
    """The network's pictures : float32 (T, side, side, 3), 0 to 255."""
    import torch

    found = []
    for row in np.asarray(alpha, np.float32):
        found.append(to_pictures(animator.frames(source, torch.from_numpy(row[None]).to(device)))[0])
        advance(1)
    return np.stack(found)


def _ridge(
    told: np.ndarray, where: np.ndarray, told_after: np.ndarray, where_after: np.ndarray
) -> tuple[np.ndarray, float]:
    """The map from features to coordinates, its strength chosen inside the lessons; and what it explains of others."""
    scale = np.sqrt(np.square(told).mean(0)) + 1e-6
    x = told / scale
    half = np.arange(len(x)) % 4 == 0

    def solve(rows: np.ndarray, strength: float) -> np.ndarray:
        a, b = x[rows], where[rows]
        return np.asarray(np.linalg.solve(a.T @ a + strength * len(a) * np.eye(x.shape[1]), a.T @ b))

    errors = [np.square(x[half] @ solve(~half, s) - where[half]).sum() for s in _STRENGTHS]
    solved = solve(np.ones(len(x), bool), _STRENGTHS[int(np.argmin(errors))]) / scale[:, None]
    left = np.square(told_after @ solved - where_after).sum()
    explained = 1 - left / max(float(np.square(where_after).sum()), 1e-12)
    return solved.astype(np.float32), float(explained)


def regions(rig: BlendshapeActor, crop: FaceCrop) -> dict[str, np.ndarray]:
    """Where each part may act in the crop : bool (side, side)."""
    matrix = np.linalg.inv(crop.matrix[:, :2])
    points = (rig.landmarks.points[:, :2] - crop.matrix[:, 2]) @ matrix.T
    nose, root, chin = points[2, 1], points[168, 1], points[152, 1]
    left, right = points[:468, 0].min(), points[:468, 0].max()
    y, x = np.mgrid[: crop.side, : crop.side]
    face = (x > left) & (x < right)
    mouth = face & (y > root) & (y < chin + 0.35 * (chin - nose))
    head = (x > 2 * left - (left + right) / 2) & (x < 2 * right - (left + right) / 2)
    return {"mouth": mouth, "expression": face & (y < nose), "pose": head}


def _examine(part: str, ours: np.ndarray, rig: np.ndarray, region: np.ndarray, explained: float) -> Exam:
    """Compare changes of frames (T, side, side, 3) in a region (side, side)."""
    inside = [float(np.abs(c)[:, region].mean()) for c in (ours, rig)]
    outside = [float(np.abs(c)[:, ~region].mean()) if (~region).any() else 0.0 for c in (ours, rig)]
    a, b = (c[:, region].ravel().astype(np.float64) for c in (ours, rig))
    likeness = float(a @ b) / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-9)
    leak, rig_leak = (float(outside[k] / max(inside[k], 1e-6)) for k in (0, 1))
    return Exam(part, explained, inside[0] / max(inside[1], 1e-6), leak, rig_leak, likeness)


def kept(entry: str, name: str, make: Callable[[], Bridge]) -> Bridge:
    """The bridge kept beside a checkpoint for ``name``, which says all it depends on; else a new one, kept from now."""
    key = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    path = weights.folder() / entry / "bridges" / f"{key}.npz"
    found = load(path)
    if found is None:
        found = make()
        save(found, path)
    return found


def save(bridge: Bridge, path: Path) -> None:
    """Keep a bridge; a full disk only means that it is fitted again."""
    numbers = np.array([[e.explained, e.change, e.leak, e.rig_leak, e.likeness] for e in bridge.exams], np.float64)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            arrays = {name: getattr(bridge, name) for name in PARTS}
            np.savez(
                file, **arrays, exams=numbers.reshape(-1, 5), names=np.array([e.part for e in bridge.exams], "U16")
            )
        os.replace(part, path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def load(path: Path) -> Bridge | None:
    """A bridge that was kept, or None."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            exams = tuple(
                Exam(str(name), *map(float, row)) for name, row in zip(data["names"], data["exams"], strict=True)
            )
            return Bridge(data["mouth"], data["pose"], data["expression"], exams)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
