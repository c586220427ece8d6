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


@numba.njit(inline="always")
def reflected(index: int, size: int) -> int:
    """Index mirrored into 0 .. size - 1."""
    if index < 0:
        index = -index - 1
    if index >= size:
        index = 2 * size - 1 - index
    return min(max(index, 0), size - 1)


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
    low, high = np.float32(-1e-4), np.float32(1.0001)
    for f in range(triangles.shape[0]):
        # swapped, as y points down on the screen
        a, b, c = triangles[f, 0], triangles[f, 2], triangles[f, 1]
        ax, ay = xy[a, 0] - np.float32(left), xy[a, 1] - np.float32(top)
        bx, by = xy[b, 0] - np.float32(left), xy[b, 1] - np.float32(top)
        cx, cy = xy[c, 0] - np.float32(left), xy[c, 1] - np.float32(top)
        y0 = max(0, int(np.ceil(min(ay, min(by, cy)) - 1e-3)))
        y1 = min(height - 1, int(np.floor(max(ay, max(by, cy)) + 1e-3)))
        x0 = max(0, int(np.ceil(min(ax, min(bx, cx)) - 1e-3)))
        x1 = min(width - 1, int(np.floor(max(ax, max(bx, cx)) + 1e-3)))
        if x0 > x1 or y0 > y1:
            continue
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area <= 1e-9 and (not both_sides or area >= -1e-9):
            continue
        inverse = np.float32(1.0) / area
        # barycentric weights of b and c are affine in x and y: step instead of recomputing
        wb_x = (cy - ay) * inverse
        wb_y = -(cx - ax) * inverse
        wc_x = -(by - ay) * inverse
        wc_y = (bx - ax) * inverse
        za, zb, zc = nearness[a], nearness[b] - nearness[a], nearness[c] - nearness[a]
        for y in range(y0, y1 + 1):
            wb = (np.float32(x0) - ax) * wb_x + (np.float32(y) - ay) * wb_y
            wc = (np.float32(x0) - ax) * wc_x + (np.float32(y) - ay) * wc_y
            for x in range(x0, x1 + 1):
                if wb >= low and wc >= low and wb + wc <= high:
                    z = za + wb * zb + wc * zc
                    if z > depth[y, x]:
                        depth[y, x] = z
                        for k in range(count):
                            value = attributes[a, k]
                            out[y, x, k] = value + wb * (attributes[b, k] - value) + wc * (attributes[c, k] - value)
                wb += wb_x
                wc += wc_x


@compiled
def moved_box(
    places: np.ndarray, before: np.ndarray, rows: int, columns: int, still: float
) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest coordinates, now and before, of the vertices of a grid that moved, and of their neighbours.

    Parameters
    ----------
    places, before : float32 (rows * columns, 2), where the vertices are and were
    still : pixels up to which a vertex counts as unmoved

    Returns
    -------
    float64 (2,) and (2,); the first larger than the second where nothing moved
    """
    low, high = np.full(2, -NOTHING), np.full(2, NOTHING)
    for j in range(rows):
        for i in range(columns):
            k = j * columns + i
            if abs(places[k, 0] - before[k, 0]) <= still and abs(places[k, 1] - before[k, 1]) <= still:
                continue
            for y in range(max(0, j - 1), min(rows, j + 2)):
                for x in range(max(0, i - 1), min(columns, i + 2)):
                    n = y * columns + x
                    for axis in range(2):
                        low[axis] = min(low[axis], places[n, axis], before[n, axis])
                        high[axis] = max(high[axis], places[n, axis], before[n, axis])
    return low, high


@compiled
def _tap(
    texture: np.ndarray, row: int, c0: int, c1: int, c2: int, c3: int, w0: float, w1: float, w2: float, w3: float
) -> tuple[float, float, float, float]:
    r = w0 * texture[row, c0, 0] + w1 * texture[row, c1, 0] + w2 * texture[row, c2, 0] + w3 * texture[row, c3, 0]
    g = w0 * texture[row, c0, 1] + w1 * texture[row, c1, 1] + w2 * texture[row, c2, 1] + w3 * texture[row, c3, 1]
    b = w0 * texture[row, c0, 2] + w1 * texture[row, c1, 2] + w2 * texture[row, c2, 2] + w3 * texture[row, c3, 2]
    a = w0 * texture[row, c0, 3] + w1 * texture[row, c1, 3] + w2 * texture[row, c2, 3] + w3 * texture[row, c3, 3]
    return r, g, b, a


@compiled
def sample_cubic(texture: np.ndarray, x: float, y: float) -> tuple[float, float, float, float]:
    """Catmull-Rom sample of a texture; coordinates outside are reflected at the border.

    Parameters
    ----------
    texture : float32 (H, W, 4)
    x, y : texture coordinates, texel (i, j) is centred at (i, j)

    Returns
    -------
    the four channels
    """
    height, width = texture.shape[:2]
    ix, iy = int(np.floor(x)), int(np.floor(y))
    fx, fy = np.float32(x - ix), np.float32(y - iy)
    half, one, two = np.float32(0.5), np.float32(1.0), np.float32(2.0)
    more, most = np.float32(1.5), np.float32(2.5)
    wx0 = ((-half * fx + one) * fx - half) * fx
    wx1 = (more * fx - most) * fx * fx + one
    wx2 = ((-more * fx + two) * fx + half) * fx
    wx3 = (half * fx - half) * fx * fx
    wy0 = ((-half * fy + one) * fy - half) * fy
    wy1 = (more * fy - most) * fy * fy + one
    wy2 = ((-more * fy + two) * fy + half) * fy
    wy3 = (half * fy - half) * fy * fy
    c0, c1, c2, c3 = ix - 1, ix, ix + 1, ix + 2
    r0, r1, r2, r3 = iy - 1, iy, iy + 1, iy + 2
    if c0 < 0 or r0 < 0 or c3 >= width or r3 >= height:
        c0, c1, c2, c3 = reflected(c0, width), reflected(c1, width), reflected(c2, width), reflected(c3, width)
        r0, r1, r2, r3 = reflected(r0, height), reflected(r1, height), reflected(r2, height), reflected(r3, height)
    ar, ag, ab, aa = _tap(texture, r0, c0, c1, c2, c3, wx0, wx1, wx2, wx3)
    br, bg, bb, ba = _tap(texture, r1, c0, c1, c2, c3, wx0, wx1, wx2, wx3)
    cr, cg, cb, ca = _tap(texture, r2, c0, c1, c2, c3, wx0, wx1, wx2, wx3)
    dr, dg, db, da = _tap(texture, r3, c0, c1, c2, c3, wx0, wx1, wx2, wx3)
    return (
        wy0 * ar + wy1 * br + wy2 * cr + wy3 * dr,
        wy0 * ag + wy1 * bg + wy2 * cg + wy3 * dg,
        wy0 * ab + wy1 * bb + wy2 * cb + wy3 * db,
        wy0 * aa + wy1 * ba + wy2 * ca + wy3 * da,
    )


@compiled
def sample_linear(texture: np.ndarray, x: float, y: float) -> tuple[float, float, float, float]:
    """Bilinear sample; as `sample_cubic`."""
    height, width = texture.shape[:2]
    ix, iy = int(np.floor(x)), int(np.floor(y))
    fx, fy = np.float32(x - ix), np.float32(y - iy)
    x0, x1 = reflected(ix, width), reflected(ix + 1, width)
    y0, y1 = reflected(iy, height), reflected(iy + 1, height)
    one = np.float32(1.0)
    w00, w01, w10, w11 = (one - fx) * (one - fy), fx * (one - fy), (one - fx) * fy, fx * fy
    return (
        w00 * texture[y0, x0, 0] + w01 * texture[y0, x1, 0] + w10 * texture[y1, x0, 0] + w11 * texture[y1, x1, 0],
        w00 * texture[y0, x0, 1] + w01 * texture[y0, x1, 1] + w10 * texture[y1, x0, 1] + w11 * texture[y1, x1, 1],
        w00 * texture[y0, x0, 2] + w01 * texture[y0, x1, 2] + w10 * texture[y1, x0, 2] + w11 * texture[y1, x1, 2],
        w00 * texture[y0, x0, 3] + w01 * texture[y0, x1, 3] + w10 * texture[y1, x0, 3] + w11 * texture[y1, x1, 3],
    )


@compiled
def byte(value: float) -> np.uint8:
    """A colour rounded into 0 .. 255."""
    return np.uint8(min(np.float32(255.0), max(np.float32(0.0), np.float32(value))) + np.float32(0.5))
