"""The photo as an elastic sheet: a grid over the picture, lifted to depth, that the head carries along.

Inside the face a grid point is fastened to the fitted mesh and moves exactly as the mesh does; outside it (hair,
ears, neck, shoulders) depth, motion and the share of the head's turn are continued smoothly and fade towards the
shoulders. One continuous sheet has no seam and no hole; only mouth and eyes, where skin really opens, are drawn
separately. Displacements are relative to rest, so where nothing moves the photo stays as it is, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import coo_matrix, csc_matrix, diags
from scipy.sparse.linalg import splu

from engines.blendshape.raster import NOTHING, raster

_CELLS: Final = 46
"""Grid cells across the width of the face."""
_GROWTH: Final = 1.12
"""How much each cell is larger than the one before it, away from the face."""
_MARGIN: Final = 0.12
"""How far the sheet reaches beyond the picture, as a part of its sides (the photo continues mirrored there)."""
_SHOULDER_CM: Final = (-4.0, -13.0)
"""Height below the head's pivot at which hair begins to stay behind the head, and where the body stays still."""
_SLOPE: Final = 1.3
"""Steepest slope of the sheet behind an outline."""
_SKIRT_CM: Final = 1.2
"""How far behind an outline the sheet still follows it."""
_HOLD: Final = 0.5
"""How far from the border of the picture hair and shoulders are held by it, in widths of the face."""
BODY_SHARE: Final = 0.12
"""Share of the head's translation that the shoulders take."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """The grid in its rest position.

    Attributes
    ----------
    places : float32 (G, 2), picture coordinates at rest, which are also the texture coordinates
    points : float32 (G, 3), in the camera's axes, cm
    turn : float32 (G,), share of the head's motion
    held : float32 (4, G), share of motion away from the left, upper, right and lower border of the picture
    units : float32 (53, G, 3), as in `engines.blendshape.placement.Placement`
    normals : float32 (G, 3), of the face, in the camera's axes, and shorter ones further away from it
    triangles : int32 (F, 3), counter-clockwise on the screen
    shape : rows and columns, G = rows * columns
    """

    places: np.ndarray
    points: np.ndarray
    turn: np.ndarray
    held: np.ndarray
    units: np.ndarray
    normals: np.ndarray
    triangles: np.ndarray
    shape: tuple[int, int]


def _axis(low: float, high: float, start: float, stop: float, cell: float) -> np.ndarray:
    """Coordinates from ``start`` to ``stop``, ``cell`` apart between ``low`` and ``high`` and growing outside."""
    count = max(4, round((high - low) / cell))
    middle = np.linspace(low, high, count + 1)
    after, before, step = [], [], (high - low) / count
    position, size = high, step
    while position < stop:
        size *= _GROWTH
        position += size
        after.append(position)
    position, size = low, step
    while position > start:
        size *= _GROWTH
        position -= size
        before.append(position)
    return np.concatenate([before[::-1], middle, after])


def _continued(values: np.ndarray, known: np.ndarray, spacing: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Continue grid values (R, C, K) harmonically where ``known`` (R, C) is False, with free ends at the borders.

    Parameters
    ----------
    spacing : distances between columns (C - 1,) and between rows (R - 1,)
    """
    rows, columns = known.shape
    if known.all():
        return values
    index = np.arange(rows * columns).reshape(rows, columns)
    across, along = spacing
    pairs = [
        (index[:, :-1].ravel(), index[:, 1:].ravel(), np.broadcast_to(1 / across, (rows, columns - 1)).ravel()),
        (index[:-1].ravel(), index[1:].ravel(), np.broadcast_to(1 / along[:, None], (rows - 1, columns)).ravel()),
    ]
    first, second, pull = (np.concatenate(part) for part in zip(*pairs, strict=True))
    size = rows * columns
    links = coo_matrix((np.tile(pull, 2), (np.r_[first, second], np.r_[second, first])), (size, size)).tocsr()
    laplacian = diags(np.asarray(links.sum(1)).ravel()) - links
    free = np.flatnonzero(~known.ravel())
    fixed = np.flatnonzero(known.ravel())
    flat = values.reshape(size, -1)
    right = -(laplacian[free][:, fixed] @ flat[fixed])
    solved = splu(csc_matrix(laplacian[free][:, free]), permc_spec="MMD_AT_PLUS_A").solve(np.asarray(right, float))
    result = flat.astype(np.float64)
    result[free] = solved
    return np.asarray(result.reshape(values.shape))


def _smoothed(values: np.ndarray, where: np.ndarray, rounds: int) -> np.ndarray:
    """Average with the four neighbours where ``where`` (R, C) is True."""
    mask = where[..., None]
    for _ in range(rounds):
        padded = np.pad(values, ((1, 1), (1, 1), (0, 0)), mode="edge")
        mean = (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]) / 4
        values = np.where(mask, 0.5 * values + 0.5 * mean, values)
    return values


def build_sheet(
    size: tuple[int, int],
    wanted: np.ndarray,
    face_box: tuple[float, float, float, float],
    screen: np.ndarray,
    points: np.ndarray,
    triangles: np.ndarray,
    units: np.ndarray,
    normals: np.ndarray,
    head_share: np.ndarray,
    eyes: list[tuple[float, float, float, float]],
    rigid: Callable[[np.ndarray], np.ndarray] | None,
    cm_per_px: float,
    unproject: Callable[[np.ndarray, np.ndarray], np.ndarray],
    height_cm: Callable[[np.ndarray], np.ndarray],
) -> Sheet:
    """Fasten a grid over the picture to the mesh.

    Parameters
    ----------
    size : (width, height) of the picture
    wanted : bool (H, W), where the picture is not plain background
    face_box : left, top, right, bottom of the face in pixels
    screen : float32 (V, 2), where the mesh is seen at rest
    points : float32 (V, 3), the mesh at rest in the camera's axes, cm
    triangles : int32 (F, 3) of the skin
    units : float32 (53, V, 3), as in `engines.blendshape.placement.Placement`
    normals : float32 (V, 3) of the mesh, in the camera's axes
    head_share : float32 (V,), weight of the head bone
    eyes : centre x, y and half axes x, y of the eyes' surroundings
    rigid : function of places (..., 2) that gives how far they keep out of all expression, 0 to 1
    cm_per_px : size of a pixel at the face
    unproject : function of places (G, 2) and depth (G,) that gives points (G, 3)
    height_cm : function of points (G, 3) that gives heights over the head's pivot along the head's own axis
    """
    width, height = size
    left, top, right, bottom = face_box
    cell = (right - left) / _CELLS
    xs = _axis(left, right, -_MARGIN * width, (1 + _MARGIN) * width, cell)
    ys = _axis(top, bottom, -_MARGIN * height, (1 + _MARGIN) * height, cell)
    grid = np.stack(np.meshgrid(xs, ys), -1)
    rows, columns = len(ys), len(xs)
    places = grid.reshape(-1, 2)

    corner, bary, found = _fasten(places, screen, points[:, 2], triangles, xs, ys)
    vertices = triangles[corner]

    def carried(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.einsum("gk,gkc->gc", bary, values[vertices]))

    known = found.reshape(rows, columns)
    # Lids fold in the mesh; on the sheet the eye's surroundings move as one, its lids are drawn by the eyes.
    in_eye = np.zeros((rows, columns), bool)
    for centre_x, centre_y, half_x, half_y in eyes:
        in_eye |= ((grid[..., 0] - centre_x) / half_x) ** 2 + ((grid[..., 1] - centre_y) / half_y) ** 2 < 1
    spacing = np.diff(xs), np.diff(ys)
    still = np.concatenate([carried(points[:, 2:]), carried(head_share[:, None])], 1).reshape(rows, columns, 2)
    still = _smoothed(_continued(still, known, spacing), in_eye, 6)
    depth, share = still[..., :1], still[..., 1:]
    facing = carried(normals).reshape(rows, columns, 3)
    facing = _smoothed(_continued(facing, known & ~in_eye, spacing), np.ones_like(known), 12)
    moved = np.einsum("gk,ugkc->guc", bary, units[:, vertices]).reshape(rows, columns, -1)
    moved = _continued(moved, known & ~in_eye, spacing)
    away = _distance(known, xs, ys) / (right - left)
    moved = moved * np.exp(-((away / 0.12) ** 2))[..., None]
    if rigid is not None:
        moved = moved * (1 - rigid(grid))[..., None]
    facing = facing * np.exp(-((away / 0.3) ** 2))[..., None]
    # Where the face ends before the neck or the hair, what lies behind rises to it gently instead of tearing off.
    raised, source, hang = _skirt(depth[..., 0], xs, ys, cm_per_px)
    lifted = np.concatenate([raised[..., None], share, moved], -1)
    follow = lifted.reshape(rows * columns, -1)[source].reshape(lifted.shape)
    lifted[..., 1:] += hang[..., None] * (follow - lifted)[..., 1:]
    lifted = _smoothed(lifted, (raised > depth[..., 0] + 1e-3) | ~known, 8)
    depth, share, moved = lifted[..., 0], lifted[..., 1], lifted[..., 2:]
    share = share.reshape(-1)
    points_grid = unproject(places, depth.reshape(-1))
    # hair and body: the share of the head's turn falls from the jaw to the shoulders
    low, high = _SHOULDER_CM[1], _SHOULDER_CM[0]
    rise = np.clip((height_cm(points_grid) - low) / (high - low), 0, 1)
    rise = rise * rise * (3 - 2 * rise)
    trust = np.exp(-((away / 0.1) ** 2)).reshape(-1)
    turn = trust * share + (1 - trust) * rise

    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    # mirrored diagonals left and right of the face keep a mirrored portrait's frames mirrored
    cells_right = (xs[:-1] + xs[1:])[None, :] / 2 > (left + right) / 2
    first = np.where(cells_right[..., None], np.stack([a, c, b], -1), np.stack([a, d, b], -1))
    second = np.where(cells_right[..., None], np.stack([a, d, c], -1), np.stack([b, d, c], -1))
    keep = _with_person(wanted, xs, ys)
    both = np.concatenate([first[keep], second[keep]])
    return Sheet(
        places.astype(np.float32),
        points_grid.astype(np.float32),
        turn.astype(np.float32),
        _held(grid, size, face_box).reshape(4, -1).astype(np.float32),
        np.ascontiguousarray(moved.reshape(rows * columns, len(units), 3).transpose(1, 0, 2), np.float32),
        facing.reshape(-1, 3).astype(np.float32),
        np.ascontiguousarray(both, np.int32),
        (rows, columns),
    )


def _held(grid: np.ndarray, size: tuple[int, int], face_box: tuple[float, float, float, float]) -> np.ndarray:
    """Share of motion away from each border that is allowed : (4, R, C), 0 at the border, 1 at the face.

    What the border cuts off cannot be shown; hair and shoulders there stretch a little instead of coming loose.
    """
    width, height = size
    left, top, right, bottom = face_box
    x, y = grid[..., 0], grid[..., 1]
    reach = _HOLD * (right - left)
    shares = []
    for distance, room in (
        (x, left),
        (y, top),
        (width - 1 - x, width - 1 - right),
        (height - 1 - y, height - 1 - bottom),
    ):
        if room < 0.04 * (right - left):  # the face itself is cut off there
            shares.append(np.ones_like(x))
            continue
        part = np.clip(distance / min(reach, room), 0, 1)
        shares.append(part * part * (3 - 2 * part))
    return np.stack(shares)


def _fasten(
    places: np.ndarray, screen: np.ndarray, nearness: np.ndarray, triangles: np.ndarray, xs: np.ndarray, ys: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nearest visible triangle under each place: its index, barycentric weights, and whether there is one."""
    # Drawn on the grid itself: every grid point is a pixel of a picture whose axes are the grid's index.
    on_grid = np.stack(
        [np.interp(screen[:, 0], xs, np.arange(len(xs))), np.interp(screen[:, 1], ys, np.arange(len(ys)))], -1
    )
    soup = on_grid[triangles].reshape(-1, 2).astype(np.float32)
    corners = np.tile(np.eye(3, dtype=np.float32), (len(triangles), 1))
    number = np.repeat(np.arange(len(triangles), dtype=np.float32), 3)
    attributes = np.concatenate([corners, number[:, None]], 1)
    depth = np.full((len(ys), len(xs)), NOTHING, np.float32)
    out = np.zeros((len(ys), len(xs), 4), np.float32)
    faces = np.arange(len(soup), dtype=np.int32).reshape(-1, 3)
    raster(soup, nearness[triangles].reshape(-1).astype(np.float32), attributes, faces, 0, 0, depth, out, False)
    found = (depth > NOTHING).reshape(-1)
    corner = np.round(out[..., 3]).astype(np.int64).reshape(-1)
    bary = np.clip(out[..., :3].reshape(-1, 3), 0, 1)
    bary = np.where(found[:, None], bary / np.maximum(bary.sum(1, keepdims=True), 1e-6), 1 / 3)
    return corner, bary, found


def _skirt(
    depth: np.ndarray, xs: np.ndarray, ys: np.ndarray, cm_per_px: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth (R, C) whose slope is limited by raising what lies behind.

    Returns
    -------
    the new depth; for every point the index of the one that it was raised towards; and how firmly it follows that
    one's motion, 0 to 1 (R, C)
    """
    rows, columns = depth.shape
    result = depth.copy()
    source = np.arange(depth.size).reshape(depth.shape)
    dx = np.diff(xs) * cm_per_px * _SLOPE
    dy = np.diff(ys) * cm_per_px * _SLOPE
    steps = [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]
    for _ in range(24):
        before = result
        for down, right in steps:
            # each point sees its neighbour at (-down, -right)
            to_y, from_y = (slice(1, None), slice(None, -1)) if down == 1 else (slice(None, -1), slice(1, None))
            to_x, from_x = (slice(1, None), slice(None, -1)) if right == 1 else (slice(None, -1), slice(1, None))
            to_y, from_y = (to_y, from_y) if down else (slice(None), slice(None))
            to_x, from_x = (to_x, from_x) if right else (slice(None), slice(None))
            cost_y = dy[:, None] if down else np.zeros((rows, 1))
            cost_x = dx[None, :] if right else np.zeros((1, columns))
            offered = result[from_y, from_x] - np.hypot(cost_y, cost_x)
            better = offered > result[to_y, to_x] + 1e-4
            result = result.copy()
            result[to_y, to_x] = np.where(better, offered, result[to_y, to_x])
            source = source.copy()
            source[to_y, to_x] = np.where(better, source[from_y, from_x], source[to_y, to_x])
        if np.array_equal(before, result):
            break
    grid = np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2)
    away = np.hypot(*(grid - grid[source.reshape(-1)]).T).reshape(depth.shape) * cm_per_px
    hang = np.where(result > depth, np.exp(-((away / _SKIRT_CM) ** 2)), 0.0)
    return result, source.reshape(-1), hang


def _distance(known: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Distance in pixels of every grid point from the nearest fastened one : (R, C)."""
    from scipy.spatial import cKDTree

    grid = np.stack(np.meshgrid(xs, ys), -1)
    result, _ = cKDTree(grid[known]).query(grid.reshape(-1, 2))
    return np.asarray(result).reshape(known.shape)


def _with_person(wanted: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Which cells hold a part of the person : bool (R - 1, C - 1); outside the picture it continues mirrored."""
    height, width = wanted.shape
    seen = np.pad(wanted.astype(np.int32).cumsum(0).cumsum(1), ((1, 0), (1, 0)))

    def span(axis: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        low, high = axis[:-1], axis[1:]
        mirrored_low = np.where(high < 0, -high, np.where(low > size - 1, 2 * size - 2 - high, low))
        mirrored_high = np.where(high < 0, -low, np.where(low > size - 1, 2 * size - 2 - low, high))
        first = np.clip(np.floor(mirrored_low) - 1, 0, size - 1).astype(int)
        return first, np.clip(np.ceil(mirrored_high) + 2, first + 1, size).astype(int)

    x0, x1 = span(xs, width)
    y0, y1 = span(ys, height)
    total = seen[y1][:, x1] - seen[y0][:, x1] - seen[y1][:, x0] + seen[y0][:, x0]
    return np.asarray(total > 0)
