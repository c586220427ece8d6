"""Triangle rasteriser: depth-tested, screen-linear attributes, compiled with numba and free of the GIL.

Attributes are interpolated linearly on the screen, not divided by depth: a portrait is its own texture, so a
vertex' texture coordinate *is* the place where it was seen, and only screen-linear interpolation gives the photo
back exactly when nothing moves. The error against perspective interpolation is that of one triangle's own depth
(under 1 cm at 60 cm and more), far below a pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numba
import numpy as np

NOTHING: Final = -1e9
"""Depth where nothing was drawn; finite, as the compiler's fast arithmetic knows no infinity."""


def compiled(function: Callable[..., Any]) -> Any:
    """Compile with numba, cached on disk where a folder for it can be written (numba falls back to the user's)."""
    try:
        return numba.njit(function, cache=True, nogil=True, fastmath=True, error_model="numpy")
    except RuntimeError:  # no folder to cache in: compile in memory
        return numba.njit(function, nogil=True, fastmath=True, error_model="numpy")


@compiled
def raster(
    xy: np.ndarray,
    nearness: np.ndarray,
    attributes: np.ndarray,
    triangles: np.ndarray,
    left: int,
    top: int,
    depth: np.ndarray,
    out: np.ndarray,
    both_sides: bool,
) -> None:
    """Draw triangles into a window of the picture; nearer wins.

    Parameters
    ----------
    xy : float32 (V, 2), picture coordinates, pixel (i, j) is centred at (i, j)
    nearness : float32 (V,), larger is nearer
    attributes : float32 (V, K)
    triangles : int32 (F, 3), counter-clockwise as seen on the screen when they face the camera
    left, top : picture coordinates of the window's first pixel
    depth : float32 (h, w), nearness so far; changed in place
    out : float32 (h, w, K), changed in place
    both_sides : draw triangles that face away, too
    """
    height, width = depth.shape
    count = attributes.shape[1]
    for f in range(triangles.shape[0]):
        # swapped, as y points down on the screen
        a, b, c = triangles[f, 0], triangles[f, 2], triangles[f, 1]
        ax, ay = xy[a, 0] - left, xy[a, 1] - top
        bx, by = xy[b, 0] - left, xy[b, 1] - top
        cx, cy = xy[c, 0] - left, xy[c, 1] - top
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area <= 1e-9 and (not both_sides or area >= -1e-9):
            continue
        x0 = max(0, int(np.ceil(min(ax, min(bx, cx)) - 1e-3)))
        x1 = min(width - 1, int(np.floor(max(ax, max(bx, cx)) + 1e-3)))
        y0 = max(0, int(np.ceil(min(ay, min(by, cy)) - 1e-3)))
        y1 = min(height - 1, int(np.floor(max(ay, max(by, cy)) + 1e-3)))
        if x0 > x1 or y0 > y1:
            continue
        inverse = 1.0 / area
        # barycentric weights of b and c are affine in x and y: step instead of recomputing
        wb_x = (cy - ay) * inverse
        wb_y = -(cx - ax) * inverse
        wc_x = -(by - ay) * inverse
        wc_y = (bx - ax) * inverse
        za, zb, zc = nearness[a], nearness[b] - nearness[a], nearness[c] - nearness[a]
        for y in range(y0, y1 + 1):
            wb = (x0 - ax) * wb_x + (y - ay) * wb_y
            wc = (x0 - ax) * wc_x + (y - ay) * wc_y
            for x in range(x0, x1 + 1):
                if wb >= -1e-4 and wc >= -1e-4 and wb + wc <= 1.0001:
                    z = za + wb * zb + wc * zc
                    if z > depth[y, x]:
                        depth[y, x] = z
                        for k in range(count):
                            value = attributes[a, k]
                            out[y, x, k] = value + wb * (attributes[b, k] - value) + wc * (attributes[c, k] - value)
                wb += wb_x
                wc += wc_x


@compiled
def sample_cubic(texture: np.ndarray, x: float, y: float, out: np.ndarray) -> None:
    """Catmull-Rom sample of a texture; coordinates outside are reflected at the border.

    Parameters
    ----------
    texture : (H, W, C)
    x, y : texture coordinates, texel (i, j) is centred at (i, j)
    out : float32 (C,), changed in place
    """
    height, width, channels = texture.shape
    ix, iy = int(np.floor(x)), int(np.floor(y))
    fx, fy = x - ix, y - iy
    wx0 = ((-0.5 * fx + 1.0) * fx - 0.5) * fx
    wx1 = (1.5 * fx - 2.5) * fx * fx + 1.0
    wx2 = ((-1.5 * fx + 2.0) * fx + 0.5) * fx
    wx3 = (0.5 * fx - 0.5) * fx * fx
    wy0 = ((-0.5 * fy + 1.0) * fy - 0.5) * fy
    wy1 = (1.5 * fy - 2.5) * fy * fy + 1.0
    wy2 = ((-1.5 * fy + 2.0) * fy + 0.5) * fy
    wy3 = (0.5 * fy - 0.5) * fy * fy
    for c in range(channels):
        out[c] = 0.0
    inside = ix >= 1 and iy >= 1 and ix < width - 2 and iy < height - 2
    for j in range(4):
        wy = wy0 if j == 0 else (wy1 if j == 1 else (wy2 if j == 2 else wy3))
        row = iy - 1 + j
        if not inside:
            row = reflected(row, height)
        for i in range(4):
            weight = wy * (wx0 if i == 0 else (wx1 if i == 1 else (wx2 if i == 2 else wx3)))
            column = ix - 1 + i
            if not inside:
                column = reflected(column, width)
            for c in range(channels):
                out[c] += weight * texture[row, column, c]


@compiled
def sample_linear(texture: np.ndarray, x: float, y: float, out: np.ndarray) -> None:
    """Bilinear sample; as `sample_cubic`."""
    height, width, channels = texture.shape
    ix, iy = int(np.floor(x)), int(np.floor(y))
    fx, fy = x - ix, y - iy
    x0, x1 = reflected(ix, width), reflected(ix + 1, width)
    y0, y1 = reflected(iy, height), reflected(iy + 1, height)
    for c in range(channels):
        upper = texture[y0, x0, c] * (1.0 - fx) + texture[y0, x1, c] * fx
        lower = texture[y1, x0, c] * (1.0 - fx) + texture[y1, x1, c] * fx
        out[c] = upper * (1.0 - fy) + lower * fy


@numba.njit(inline="always")
def reflected(index: int, size: int) -> int:
    """Index mirrored into 0 .. size - 1."""
    if index < 0:
        index = -index - 1
    if index >= size:
        index = 2 * size - 1 - index
    return min(max(index, 0), size - 1)
