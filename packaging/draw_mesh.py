"""A plain z-buffer rasteriser, enough to show a head to a landmark detector or to a developer."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def rasterise(
    points: np.ndarray, triangles: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Visible triangle of every pixel.

    Parameters
    ----------
    points : float64 (V, 3), x and y in pixels (y down), z growing away from the camera
    triangles : int32 (F, 3)

    Returns
    -------
    index : int32 (H, W), -1 where nothing is
    bary : float64 (H, W, 3)
    depth : float64 (H, W)
    """
    index = np.full((height, width), -1, np.int32)
    bary = np.zeros((height, width, 3))
    depth = np.full((height, width), np.inf)
    for f in range(len(triangles)):
        a, b, c = points[triangles[f, 0]], points[triangles[f, 1]], points[triangles[f, 2]]
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        if area >= -1e-12:  # seen from behind (y is down)
            continue
        left = max(0, int(np.ceil(min(a[0], b[0], c[0]))))
        right = min(width - 1, int(np.floor(max(a[0], b[0], c[0]))))
        top = max(0, int(np.ceil(min(a[1], b[1], c[1]))))
        bottom = min(height - 1, int(np.floor(max(a[1], b[1], c[1]))))
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                u = ((b[0] - x) * (c[1] - y) - (b[1] - y) * (c[0] - x)) / area
                v = ((c[0] - x) * (a[1] - y) - (c[1] - y) * (a[0] - x)) / area
                w = 1 - u - v
                if u < 0 or v < 0 or w < 0:
                    continue
                z = u * a[2] + v * b[2] + w * c[2]
                if z < depth[y, x]:
                    depth[y, x] = z
                    index[y, x] = f
                    bary[y, x, 0], bary[y, x, 1], bary[y, x, 2] = u, v, w
    return index, bary, depth


def normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit vertex normals, weighted by area : (V, 3)."""
    corners = vertices[triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    result = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(result, triangles[:, k], faces)
    return result / np.maximum(np.linalg.norm(result, axis=1, keepdims=True), 1e-12)


def shade(
    vertices: np.ndarray,
    pixels: np.ndarray,
    triangles: np.ndarray,
    colours: np.ndarray,
    size: tuple[int, int],
    background: np.ndarray,
) -> np.ndarray:
    """A picture of coloured vertices under a soft frontal light.

    Parameters
    ----------
    vertices : (V, 3) in the world, Y up, Z to the camera
    pixels : (V, 3) the same points in the picture: x, y in pixels, depth
    colours : (V, 3), 0 to 1
    size : width and height
    background : uint8 (H, W, 3) or (3,)

    Returns
    -------
    uint8 (H, W, 3)
    """
    index, bary, _ = rasterise(pixels.astype(np.float64), triangles, *size)
    direction = normals(vertices, triangles) @ (np.array([0.25, 0.45, 1.0]) / np.linalg.norm([0.25, 0.45, 1.0]))
    lit = colours * (0.35 + 0.65 * np.clip(direction, 0, 1))[:, None]
    result = np.broadcast_to(background, (size[1], size[0], 3)).astype(np.float64).copy()
    seen = index >= 0
    result[seen] = 255 * (lit[triangles[index[seen]]] * bary[seen][..., None]).sum(1)
    return np.clip(np.rint(result), 0, 255).astype(np.uint8)
