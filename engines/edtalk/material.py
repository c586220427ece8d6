"""What the network is taught with: a source, three drivers and the picture they ask for.

From portraits the rig draws all five, so the true mouth, pose and expression groups say what each driver is to give.
From footage source and target are two moments of a clip; a driver of the mouth is another moment with the target's
mouth pasted into it, the driver of the pose is the target with that moment's mouth (EDTalk's composites).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from engines import arkit
from engines.api import CancelToken, Performance, Progress, RenderOptions, no_progress
from engines.errors import InputError
from engines.rig.landmark_sets import OUTER_LOWER, OUTER_UPPER
from engines.teaching.lessons import lessons
from engines.teaching.table import Table

if TYPE_CHECKING:
    from engines.api import Portrait
    from engines.capture.footage import Footage

_MOUTH_UNITS: Final = [i for i, n in enumerate(arkit.NAMES) if arkit.REGION[n] in ("jaw", "lips", "tongue")]
_LIPS, _REST = 6.0, 1.0
"""How much the lips and the rest of a picture count."""


@dataclass(frozen=True, eq=False)
class Material(Table):
    """Samples.

    Attributes
    ----------
    source, mouth, pose, expression, target : uint8 (N, S, S, 3)
    weight : uint8 (N, S, S), 16 times how much a pixel of the target counts
    person : int64 (N,), whose face it is
    """

    source: np.ndarray
    mouth: np.ndarray
    pose: np.ndarray
    expression: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    person: np.ndarray


def from_portraits(
    portraits: Sequence[Portrait],
    size: int,
    count: int,
    seed: int,
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Material:
    """Samples that the rig draws.

    Parameters
    ----------
    size : side of the pictures, pixels
    count : samples of all portraits together
    """
    from engines import registry
    from engines.blendshape.actor import BlendshapeActor
    from engines.blendshape.engine import BlendshapeEngine
    from engines.edtalk.crop import face_crop

    rig = BlendshapeEngine(registry.info("blendshape"))
    cancel = cancel or CancelToken()
    each = max(1, count // len(portraits))
    found = []
    for number, portrait in enumerate(portraits):
        actor = rig.prepare(portrait, cancel=cancel)
        if not isinstance(actor, BlendshapeActor):
            raise InputError(f"{portrait.source} is a head in 3D; the network learns from pictures.")
        crop = face_crop(actor.landmarks.points, size)
        height, width = portrait.rgb.shape[:2]
        scale = min(1.0, 1 / crop.scale)
        shown = max(8, round(width * scale)), max(8, round(height * scale))
        view = actor.crop(shown)
        there = crop.seen_in(view.left, view.top, view.scale)

        def draw(performance: Performance) -> list[np.ndarray]:
            frames = rig.render(actor, performance, options=RenderOptions(size=shown), cancel=cancel)  # noqa: B023
            return [there.cut(frame) for frame in frames]  # noqa: B023

        motions = [lessons(each, seed + 1000 * number + k) for k in range(4)]
        pictures = [draw(m) for m in (*motions, mixed(*motions[1:]))]
        inverse = np.linalg.inv(crop.matrix[:, :2])
        points = (actor.landmarks.points[:, :2] - crop.matrix[:, 2]) @ inverse.T
        weight = np.repeat(_weight(points, size, 1.6)[None], each, 0)
        source, mouth, pose, expression, target = map(np.stack, pictures)
        whose = np.full(each, number)
        found.append(Material(source, mouth, pose, expression, target, weight, whose))
        progress((number + 1) / len(portraits), "Drawing lessons")
    return Material.joined(found)


def mixed(mouth: Performance, pose: Performance, expression: Performance) -> Performance:
    """The mouth of one performance, the head of another, the rest of the face of a third."""
    weights = expression.weights.copy()
    weights[:, _MOUTH_UNITS] = mouth.weights[:, _MOUTH_UNITS]
    return expression.with_(weights=weights, head=pose.head, tongue=mouth.tongue)


def from_footage(
    footage: Footage,
    size: int,
    count: int,
    seed: int,
    *,
    person: int = 0,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Material:
    """Samples of real frames; parameters as `from_portraits`."""
    from engines.edtalk.crop import steady_crop

    cancel = cancel or CancelToken()
    if not len(footage):
        raise InputError(f"{footage.folder} holds no usable frame. Make footage of a face that is seen well.")
    rng = np.random.default_rng(seed)
    shares = np.array([len(clip) for clip in footage.clips], float)
    found = []
    for number in range(count):
        cancel.check()
        clip = footage.clips[rng.choice(len(shares), p=shares / shares.sum())]
        landmarks = clip.landmarks()
        crop = steady_crop(landmarks, size)
        inverse = np.linalg.inv(crop.matrix[:, :2])
        chosen = rng.integers(0, len(clip), 3)
        source, target, other = (crop.cut(clip.frame(int(i))) for i in chosen)
        points = [(landmarks[i] - crop.matrix[:, 2]) @ inverse.T for i in chosen]
        mouth = with_mouth(other, points[2], target, points[1])
        pose = with_mouth(target, points[1], other, points[2])
        weight = _weight(points[1], size, 1.0)
        one = (p[None] for p in (source, mouth, pose, target, target, weight, np.array(person)))
        found.append(Material(*one))
        progress((number + 1) / count, "Looking at the footage")
    return Material.joined(found)


def with_mouth(picture: np.ndarray, points: np.ndarray, other: np.ndarray, other_points: np.ndarray) -> np.ndarray:
    """A picture (S, S, 3) with the mouth of another one, laid over its own by their landmarks (478, 2)."""
    import cv2

    rim = list(dict.fromkeys((*OUTER_UPPER, *OUTER_LOWER)))
    a, b = other_points[rim].astype(np.float32), points[rim].astype(np.float32)
    middle_a, middle_b = a.mean(0), b.mean(0)
    # same size, turned and moved: how wide the mouth is open belongs to what is copied
    across = [p[291, :2] - p[61, :2] for p in (other_points, points)]
    angle = np.arctan2(across[1][1], across[1][0]) - np.arctan2(across[0][1], across[0][0])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([turn, middle_b - turn @ middle_a])
    side = picture.shape[0]
    laid = cv2.warpAffine(other, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.warpAffine(_mouth_mask(other_points, side, 1.5), matrix, (side, side))
    mask = np.maximum(mask, _mouth_mask(points, side, 1.5))[..., None]
    return np.clip(picture + mask * (laid.astype(np.float32) - picture) + 0.5, 0, 255).astype(np.uint8)


def _mouth_mask(points: np.ndarray, side: int, grow: float) -> np.ndarray:
    """1 on and around the lips, soft : float32 (side, side)."""
    import cv2

    rim = points[[*OUTER_UPPER, *OUTER_LOWER[::-1]], :2]
    middle = rim.mean(0)
    hull = cv2.convexHull((middle + grow * (rim - middle)).astype(np.float32)).round().astype(np.int32)
    mask = np.zeros((side, side), np.float32)
    cv2.fillConvexPoly(mask, hull, (1.0,))
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.015 * side), np.float32)


def _weight(points: np.ndarray, side: int, grow: float) -> np.ndarray:
    share = _REST + (_LIPS - _REST) * _mouth_mask(points, side, grow)
    return np.clip(16 * share, 0, 255).astype(np.uint8)
