"""What a metric needs of the pictures: brightness of parts, detail inside the mouth, likeness of two frames."""

from __future__ import annotations

from typing import Final

import numpy as np

from engines.judge.geometry import upright_map
from engines.rig.landmark_sets import EYE_LOWER, EYE_UPPER, INNER_LOWER, INNER_UPPER

BLOCKS: Final = 32
"""Blocks across the longer side of the picture whose mean brightness is watched for flicker."""

_DETAIL_SIDE, _DETAIL_EYES = 256, 0.72
MIN_APERTURE: Final = 0.07
"""Opening of the lips, in eye distances, from which there is an inside to look at."""


def block_means(rgb: np.ndarray) -> np.ndarray:
    """Mean grey of blocks of the picture, `BLOCKS` along the longer side : float32 (h, w)."""
    import cv2

    height, width = rgb.shape[:2]
    scale = BLOCKS / max(height, width)
    size = max(2, round(width * scale)), max(2, round(height * scale))
    return np.asarray(cv2.resize(_grey(rgb), size, interpolation=cv2.INTER_AREA), np.float32)


def background_blocks(points: np.ndarray, shape: tuple[int, ...], blocks: tuple[int, ...]) -> np.ndarray:
    """Blocks that show neither head nor shoulders : bool (h, w).

    Parameters
    ----------
    points : (478, 3) landmarks in pixels
    shape : of the picture
    blocks : of the block means
    """
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    size = high - low
    ys, xs = np.meshgrid(
        (np.arange(blocks[0]) + 0.5) * shape[0] / blocks[0], (np.arange(blocks[1]) + 0.5) * shape[1] / blocks[1],
        indexing="ij",
    )  # fmt: skip
    beside = (xs < low[0] - 0.45 * size[0]) | (xs > high[0] + 0.45 * size[0]) | (ys < low[1] - 0.75 * size[1])
    return np.asarray(beside & (ys < high[1] - 0.1 * size[1]))


def details(rgb: np.ndarray, points: np.ndarray, rigid: np.ndarray, aperture: float) -> tuple[float, float]:
    """Fine detail inside the mouth and in the eyes: mean size of the Laplacian in grey levels, not a number where shut.

    The face is brought to one size, so that the numbers of a small and a large face may be compared.
    """
    import cv2

    matrix = upright_map(rigid, _DETAIL_SIDE, _DETAIL_EYES, (0.0, 0.45))
    flags = cv2.INTER_AREA if matrix[0, 0] > 1.5 else cv2.INTER_LINEAR
    face = cv2.warpAffine(
        rgb, matrix, (_DETAIL_SIDE, _DETAIL_SIDE), flags=flags | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    detail = np.abs(cv2.Laplacian(_grey(face), cv2.CV_32F, ksize=3))
    there = np.linalg.inv(np.vstack([matrix, (0, 0, 1)]))[:2]
    flat = points[:, :2] @ there[:, :2].T + there[:, 2]
    eyes = [flat[[*up, *low[-2:0:-1]]] for up, low in zip(EYE_UPPER, EYE_LOWER, strict=True)]
    mouth = flat[[*INNER_UPPER, *INNER_LOWER[-2:0:-1]]]
    inside = _mean_inside(detail, [mouth], 3) if aperture > MIN_APERTURE else np.nan
    return inside, _mean_inside(detail, eyes, 1)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two pictures, uint8, in dB; 100 where they are the same."""
    error = float(np.mean((a.astype(np.float32) - b.astype(np.float32)) ** 2))
    return 100.0 if error < 255.0**2 * 1e-10 else float(10 * np.log10(255.0**2 / error))


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Structural similarity of the grey pictures, window 11, sigma 1.5 (Wang, Bovik, Sheikh and Simoncelli 2004)."""
    import cv2

    def blur(x: np.ndarray) -> np.ndarray:
        return np.asarray(cv2.GaussianBlur(x, (11, 11), 1.5))

    x, y = _grey(a), _grey(b)
    mx, my = blur(x), blur(y)
    vx, vy, vxy = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(np.mean((2 * mx * my + c1) * (2 * vxy + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))))


def _grey(rgb: np.ndarray) -> np.ndarray:
    import cv2

    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32)


def _mean_inside(values: np.ndarray, polygons: list[np.ndarray], shrink: int) -> float:
    import cv2

    mask = np.zeros(values.shape, np.uint8)
    for polygon in polygons:
        cv2.fillPoly(mask, [polygon.round().astype(np.int32)], (1,))
    inside = np.asarray(cv2.erode(mask, np.ones((2 * shrink + 1, 2 * shrink + 1), np.uint8))) > 0
    return float(values[inside].mean()) if inside.sum() >= 24 else float("nan")
