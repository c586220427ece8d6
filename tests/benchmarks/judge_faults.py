"""Known faults for real takes: each spoils one thing and leaves the rest of the picture as it was.

What is laid over a face follows landmarks smoothed a little in time, so that it does not tremble with their noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from engines.api import Portrait
from engines.face.landmarks import find_face
from engines.judge.geometry import RIGID
from engines.rig.landmark_sets import EYE_UPPER, INNER_LOWER, INNER_UPPER, OUTER_LOWER, OUTER_UPPER, OVAL

CANVAS: Final = 320
"""Pixels across the other person's face, as it is laid on."""
NOSE_ROOT: Final = 168
NOSE_BASE: Final = 2

Edit = Callable[[int, np.ndarray], np.ndarray]
"""A frame's number and the frame, uint8 (H, W, 3) : the spoilt frame."""


@dataclass(frozen=True, eq=False)
class Footage:
    """Frames, uint8 (H, W, 3), with landmarks (T, 478, 3) in pixels, and another person's portrait."""

    frames: list[np.ndarray]
    points: np.ndarray
    other: Portrait | None = None

    @cached_property
    def eyes(self) -> float:
        """Distance of the outer eye corners in pixels."""
        return float(np.median(np.linalg.norm(self.points[:, 33, :2] - self.points[:, 263, :2], axis=1)))

    def steady(self, frames: float) -> np.ndarray:
        """The landmarks in the picture, smoothed over time by so many frames (a standard deviation) : (T, 478, 2)."""
        return np.asarray(gaussian_filter1d(self.points[..., :2], frames, axis=0, mode="nearest"))


def shaken(take: Footage, strength: float) -> Edit:
    """The head shakes before a background that stands still."""
    import cv2

    moves = np.random.default_rng(5).normal(0, strength / 100 * take.eyes, (len(take.frames), 2))

    def edit(i: int, rgb: np.ndarray) -> np.ndarray:
        low, high = take.points[i, :, :2].min(0), take.points[i, :, :2].max(0)
        middle, size = (0.5 * (low + high)).round().astype(int), (0.72 * (high - low)).round().astype(int)
        mask = cv2.ellipse(np.zeros(rgb.shape[:2], np.float32), middle.tolist(), size.tolist(), 0, 0, 360, (1.0,), -1)
        mask = cv2.GaussianBlur(mask, (0, 0), 0.12 * take.eyes)
        y, x = np.mgrid[: rgb.shape[0], : rgb.shape[1]].astype(np.float32)
        places = [(g - mask * m).astype(np.float32) for g, m in zip((x, y), moves[i], strict=True)]
        return np.asarray(cv2.remap(rgb, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))

    return edit


def leaping(take: Footage, strength: float) -> Edit:
    """From the middle on the whole picture lies elsewhere."""
    import cv2

    matrix = np.float32([[1, 0, strength / 100 * take.eyes], [0, 1, 0]])

    def edit(i: int, rgb: np.ndarray) -> np.ndarray:
        if i < len(take.frames) // 2:
            return rgb
        return np.asarray(cv2.warpAffine(rgb, matrix, rgb.shape[1::-1], borderMode=cv2.BORDER_REFLECT))

    return edit


def flickering(take: Footage, strength: float) -> Edit:
    light = np.random.default_rng(6).normal(0, strength, len(take.frames))
    return lambda i, rgb: np.clip(rgb + light[i], 0, 255).astype(np.uint8)


def blurred(take: Footage, strength: float) -> Edit:
    """What lies between the lips is blurred by itself, the more the farther from them: their rims stay as they are."""
    import cv2

    def edit(i: int, rgb: np.ndarray) -> np.ndarray:
        inside = _filled(rgb, take.points[i, [*INNER_UPPER, *INNER_LOWER[-2:0:-1]], :2])
        far = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5)
        wide = strength / 100 * far  # standard deviation wanted at each place
        drawn = before = rgb.astype(np.float32)
        last = 0.0
        for sigma in np.arange(0.5, float(wide.max()) + 0.5, 0.5):
            weight = np.maximum(cv2.GaussianBlur(inside, (0, 0), sigma), 1e-6)[..., None]
            soft = cv2.GaussianBlur(rgb * inside[..., None], (0, 0), sigma) / weight
            share = np.clip((wide - last) / (sigma - last), 0, 1)[..., None]
            drawn = np.where(share > 0, before + (soft - before) * share, drawn)
            before, last = soft, float(sigma)
        return _mixed(rgb, drawn, inside)

    return edit


def frozen(take: Footage, strength: float) -> Edit:
    """The mouth of one calm frame over that of the first frames, moving with the skull."""
    import cv2

    still = int(np.argmin(np.linalg.norm(take.points[:, 13, :2] - take.points[:, 14, :2], axis=1)))
    steady = take.steady(0.5)  # more would take the skull's own tremble out of the picture
    picture, there = take.frames[still], steady[still]
    until = strength * len(take.frames)
    part = [*OUTER_UPPER, *OUTER_LOWER, *OVAL[12:25]]

    def edit(i: int, rgb: np.ndarray) -> np.ndarray:
        if i >= until:
            return rgb
        matrix = _similarity(there[list(RIGID)], steady[i, list(RIGID)])
        moved = cv2.warpAffine(picture, matrix, rgb.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        area = np.concatenate([steady[i, part], there[part] @ matrix[:, :2].T + matrix[:, 2]])
        hull = cv2.convexHull(area.astype(np.float32))[:, 0]
        return _mixed(rgb, moved, cv2.GaussianBlur(_filled(rgb, hull), (0, 0), 0.04 * take.eyes))

    return edit


def swapped(take: Footage, strength: float) -> Edit:
    """Forehead, brows, upper cheeks and nose of another person, landmark on landmark; lids, mouth and chin stay.

    What is laid on is the difference of the other face from this one's mean: folds and shadows that come and go stay.
    """
    import cv2
    from scipy.spatial import Delaunay

    assert take.other is not None
    found = find_face(take.other).points[:468, :2]
    low, high = found.min(0), found.max(0)
    scale = CANVAS / float((high - low).max())
    face = (found - low + 0.05 * (high - low)) * scale
    matrix = np.column_stack([scale * np.eye(2), face[0] - scale * found[0]])
    size = (1.1 * scale * (high - low)).astype(int)
    source = cv2.warpAffine(take.other.rgb, matrix, size.tolist(), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
    triangles = Delaunay(face).simplices
    steady = take.steady(1.0)[:, :468]
    mean = np.zeros(source.shape, np.float32)
    shown = range(0, len(take.frames), 5)
    for i in shown:
        places, _ = _carried(source.shape, face, steady[i], triangles)
        mean += cv2.remap(take.frames[i], places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    change = source - mean / len(shown)
    change -= cv2.GaussianBlur(change, (0, 0), 0.15 * CANVAS)  # in the light of this take

    def edit(i: int, rgb: np.ndarray) -> np.ndarray:
        there = steady[i]
        places, covered = _carried(rgb.shape, there, face, triangles)
        edge = cv2.GaussianBlur(_filled(rgb, there[list(OVAL)]) * covered, (0, 0), 0.07 * take.eyes)
        share = np.clip(2 * edge - 1, 0, 1) * (1 - _kept(rgb, there, take.eyes))
        drawn = cv2.remap(change, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        return (rgb + strength * share[..., None] * drawn).round().clip(0, 255).astype(np.uint8)

    return edit


def _kept(rgb: np.ndarray, there: np.ndarray, eyes: float) -> np.ndarray:
    """Where the eyes with their lids are, and all from the tip of the nose down : float32 (H, W)."""
    import cv2

    mask = np.zeros(rgb.shape[:2], np.float32)
    for upper in EYE_UPPER:
        across = there[upper[-1]] - there[upper[0]]
        middle, width = 0.5 * (there[upper[0]] + there[upper[-1]]), float(np.hypot(*across))
        size, turn = (1.6 * width, 1.05 * width), float(np.degrees(np.arctan2(across[1], across[0])))
        cv2.ellipse(mask, (middle.tolist(), size, turn), (1.0,), -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.04 * eyes)
    down = there[NOSE_BASE] - there[NOSE_ROOT]
    down = down / np.hypot(*down)
    y, x = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
    below = 0.14 * eyes + (x - there[NOSE_BASE, 0]) * down[0] + (y - there[NOSE_BASE, 1]) * down[1]
    return np.asarray(np.maximum(mask, np.clip(0.5 + below / (0.16 * eyes), 0, 1)), np.float32)


def _carried(
    shape: tuple[int, ...], here: np.ndarray, there: np.ndarray, triangles: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel lies in another picture, by triangles : float32 (H, W, 2), and whether it lies in any."""
    import cv2

    number = np.zeros(shape[:2], np.int32)
    maps = [np.zeros((2, 3), np.float32)]
    for k, corners in enumerate(triangles, 1):
        cv2.fillConvexPoly(number, here[corners].round().astype(np.int32), (k,))
        maps.append(cv2.getAffineTransform(here[corners].astype(np.float32), there[corners].astype(np.float32)))
    y, x = np.mgrid[: shape[0], : shape[1]]
    at = np.array(maps)[number]
    places = at[..., 0] * x[..., None] + at[..., 1] * y[..., None] + at[..., 2]
    return places.astype(np.float32), (number > 0).astype(np.float32)


def _similarity(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The least-squares similarity from points (N, 2) to others : (2, 3)."""
    p, q = (a - a.mean(0)) @ [1, 1j], (b - b.mean(0)) @ [1, 1j]
    factor = (p.conj() @ q) / (p.conj() @ p).real
    turn = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack([turn, b.mean(0) - turn @ a.mean(0)])


def _filled(rgb: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """1 inside a polygon (N, 2) : float32 (H, W)."""
    import cv2

    mask = np.zeros(rgb.shape[:2], np.float32)
    cv2.fillPoly(mask, [(16 * polygon).round().astype(np.int32)], (1.0,), cv2.LINE_8, 4)
    return mask


def _mixed(rgb: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    return (rgb + (other.astype(np.float32) - rgb) * share[..., None]).round().clip(0, 255).astype(np.uint8)
