"""Pieces of the baked head that MakeHuman has only as coarse cages: eyeballs, single teeth; and the UV layout."""

from __future__ import annotations

import numpy as np

OPPOSITES = (
    ("incr", "decr"), ("up", "down"), ("out", "in"), ("forward", "backward"), ("convex", "concave"),
    ("uncompress", "compress"),
)  # fmt: skip


def pair_axes(single: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Join opposite targets to one signed axis, named after its positive end; others stay as they are."""
    axes: dict[str, np.ndarray] = {}
    done: set[str] = set()
    for name, delta in single.items():
        if name in done:
            continue
        for plus, minus in OPPOSITES:
            stem, _, end = name.rpartition("-")
            partner = f"{stem}-{minus if end == plus else plus}" if end in (plus, minus) else ""
            if partner in single:
                sign = 1 if end == plus else -1
                axes[f"{stem}-{plus}"] = sign * (delta - single[partner]) / 2
                done |= {name, partner}
                break
        else:
            axes[name] = delta
    return axes


def _grid(rows: int, columns: int, wrap: bool) -> np.ndarray:
    """Triangles of a grid of vertices, counter-clockwise for rows going down and columns to the right."""
    r, c = np.meshgrid(np.arange(rows - 1), np.arange(columns if wrap else columns - 1), indexing="ij")
    a, b = r * columns + c, r * columns + (c + 1) % columns
    d, e = a + columns, b + columns
    return np.concatenate([np.stack([a, d, e], -1).reshape(-1, 3), np.stack([a, e, b], -1).reshape(-1, 3)])


def eyeball(cage: np.ndarray, deltas: np.ndarray, units: int) -> dict[str, np.ndarray]:
    """A sphere with its pole forwards, in place of MakeHuman's eye cage.

    Parameters
    ----------
    cage : (N, 3) vertices of the cage; deltas : (K, N, 3) of the axes; the first ``units`` never move the eyeball

    Its UVs are polar about the pupil, so that an iris is a disc.
    """
    rings, columns = 20, 32
    centre = (cage.min(0) + cage.max(0)) / 2
    radius = float(np.linalg.norm(cage - centre, axis=1).mean())
    polar = np.pi * (np.arange(rings + 1) / rings) ** 1.35  # finer near the iris
    around = 2 * np.pi * np.arange(columns) / columns
    direction = np.stack(
        [
            np.sin(polar)[:, None] * np.cos(around),
            np.sin(polar)[:, None] * np.sin(around),
            np.repeat(np.cos(polar)[:, None], columns, 1),
        ],
        -1,
    ).reshape(-1, 3)
    reach = (polar / np.pi)[:, None]
    uv = np.stack([0.5 + 0.5 * reach * np.cos(around), 0.5 + 0.5 * reach * np.sin(around)], -1).reshape(-1, 2)
    triangles = _grid(rings + 1, columns, wrap=True)
    corners = direction[triangles]
    triangles = triangles[
        np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) > 1e-9
    ]
    moved = np.zeros((len(deltas), len(direction), 3))
    for k in range(units, len(deltas)):
        shift = deltas[k].mean(0)
        growth = ((deltas[k] - shift) * (cage - centre)).sum() / ((cage - centre) ** 2).sum()
        moved[k] = shift + growth * radius * direction
    return {
        "vertices": centre + radius * direction,
        "deltas": moved,
        "triangles": triangles,
        "uv": uv,
        "uv_triangles": triangles.copy(),
    }


WIDTHS_UPPER = (8.5, 6.6, 7.6, 7.0, 6.8, 10.2, 9.6)
WIDTHS_LOWER = (5.4, 5.9, 6.8, 7.0, 7.1, 11.0, 10.4)
HEIGHTS_UPPER = (10.2, 9.0, 9.8, 8.2, 7.6, 7.2, 6.8)
HEIGHTS_LOWER = (8.4, 8.6, 9.4, 8.2, 7.6, 7.2, 6.8)
"""Crown widths and heights in millimetres from the first incisor to the second molar (Wheeler's dental anatomy,
rounded)."""


def _arch(cage: np.ndarray, upper: bool) -> tuple[np.ndarray, float]:
    """Front line of a tooth row from the subject's right to the left (M, 3), and the height of its biting edge.

    MakeHuman's row is a U-shaped band; the outermost of its vertices at each angle give the arch.
    """
    back = cage[:, 2].min() + 0.1
    around = np.arctan2(cage[:, 0], cage[:, 2] - back)
    distance = np.hypot(cage[:, 0], cage[:, 2] - back)
    angles = np.linspace(-1.15, 1.15, 47)
    reach = np.array([distance[np.abs(around - a) < 0.16].max(initial=0.0) for a in angles])
    reach = (reach + reach[::-1]) / 2
    good = reach > 0
    fit = np.polynomial.Polynomial.fit(angles[good] ** 2, reach[good], 2)
    line = np.stack([fit(angles**2) * np.sin(angles), 0 * angles, back + fit(angles**2) * np.cos(angles)], 1)
    return line, float(cage[:, 1].min() if upper else cage[:, 1].max())


def teeth(cage: np.ndarray, deltas: np.ndarray, upper: bool, units: int) -> dict[str, np.ndarray]:
    """Fourteen single teeth and a gum in place of MakeHuman's band.

    Parameters
    ----------
    cage, deltas : as for `eyeball`

    The upper row is fixed to the skull. The lower row moves as a rigid piece with the jaw units; each piece takes
    the motion of the band vertices that are nearest to it.
    """
    line, bite = _arch(cage, upper)
    step = np.linalg.norm(np.diff(line, axis=0), axis=1)
    along = np.concatenate([[0], np.cumsum(step)])
    widths = np.array(WIDTHS_UPPER if upper else WIDTHS_LOWER) / 100
    heights = np.array(HEIGHTS_UPPER if upper else HEIGHTS_LOWER) / 100
    widths *= 0.94 * along[-1] / 2 / widths.sum()
    down = -1.0 if upper else 1.0
    points, triangles, uv = [], [], []
    count = 0
    edge = bite - down * 0.02
    for side in (-1, 1):
        start = 0.0
        for k, (width, height) in enumerate(zip(widths, heights, strict=True)):
            middle = along[-1] / 2 + side * (start + width / 2)
            start += width
            centre = np.array([np.interp(middle, along, line[:, i]) for i in (0, 2)])
            ahead = np.array([np.interp(middle + 0.02, along, line[:, i]) for i in (0, 2)])
            tangent = (ahead - centre) / np.linalg.norm(ahead - centre)
            outward = np.array([-tangent[1], tangent[0]])
            if outward @ centre < 0:
                outward = -outward
            depth = 0.5 * width if k > 2 else 0.34 * width + 0.012
            rows, columns = 7, 16
            t = np.linspace(0, 1, rows)  # 0 at the gum, 1 at the biting edge
            around = 2 * np.pi * np.arange(columns) / columns
            squared = np.abs(np.cos(around)) ** 0.55 * np.sign(np.cos(around))
            deep = np.abs(np.sin(around)) ** 0.7 * np.sign(np.sin(around))
            taper = (0.80 + 0.20 * np.sin(np.pi * np.clip(t * 0.75 + 0.1, 0, 1))) * np.where(t > 0.97, 0.90, 1.0)
            thin = (1 - 0.72 * t) if k < 3 else (1 - 0.15 * t)
            thin = thin * np.where(t > 0.97, 0.85, 1.0)
            lift = (0.02 if k == 1 else 0.0) - (0.03 * (k > 2))
            if not upper:
                lift = -0.0 - 0.02 * (k > 2)
            for i in range(rows):
                bulge = 0.10 * width * np.sin(np.pi * t[i])
                x = 0.485 * width * taper[i] * squared
                z = depth * thin[i] * deep + (bulge - 0.35 * depth * t[i])
                y = np.full(columns, edge + down * -lift - down * height * (1 - t[i]))
                where = centre[None] + x[:, None] * tangent + (z[:, None] - 0.5 * depth) * outward
                points.append(np.stack([where[:, 0], y, where[:, 1]], 1))
                uv.append(
                    np.stack([((7 + side * (k + 0.5)) + 0.45 * squared) / 14, np.full(columns, 0.3 + 0.68 * t[i])], 1)
                )
            cap = np.concatenate(points[-1:]).mean(0, keepdims=True)
            points.append(cap)
            uv.append(np.array([[(7 + side * (k + 0.5)) / 14, 0.99]]))
            tooth = _grid(rows, columns, wrap=True)
            last = (rows - 1) * columns
            fan = np.stack(
                [
                    last + np.arange(columns),
                    np.full(columns, rows * columns),
                    last + (np.arange(columns) + 1) % columns,
                ],
                1,
            )
            triangles.append(_outward(np.concatenate([tooth, fan]), np.concatenate(points[-rows - 1 :])) + count)
            count += rows * columns + 1
    gum_points, gum_triangles, gum_uv = _gum(line, edge, down, float(heights[0]), along)
    points.append(gum_points)
    uv.append(gum_uv)
    triangles.append(gum_triangles + count)
    vertices, faces = np.concatenate(points), np.concatenate(triangles)
    return {
        "vertices": vertices,
        "deltas": _carried(vertices, cage, deltas, upper, units),
        "triangles": faces,
        "uv": np.concatenate(uv),
        "uv_triangles": faces.copy(),
    }


def _outward(triangles: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Turn triangles so that a star-shaped piece is seen from outside."""
    corners = points[triangles]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    volume = (normal * (corners.mean(1) - points.mean(0))).sum()
    return triangles if volume > 0 else triangles[:, ::-1]


def _gum(
    line: np.ndarray, edge: float, down: float, height: float, along: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A rounded ridge that the teeth stand in, its rim between the teeth lower than over them."""
    columns = 57
    s = np.linspace(0, along[-1], columns)
    centre = np.stack([np.interp(s, along, line[:, i]) for i in (0, 2)], 1)
    tangent = np.gradient(centre, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    outward = np.stack([-tangent[:, 1], tangent[:, 0]], 1)
    outward *= np.sign((outward * centre).sum(1, keepdims=True) + 1e-9)
    # The profile goes from the outer fold over the rim to the palate side: (outward, up from the edge).
    profile = np.array(
        [(0.035, 1.9), (0.03, 1.4), (0.012, 1.08), (-0.02, 0.86), (-0.07, 0.82), (-0.13, 1.0), (-0.17, 1.5)]
    )
    rows = []
    for out, up in profile:
        where = centre + out * outward
        rows.append(np.stack([where[:, 0], np.full(columns, edge - down * height * up), where[:, 1]], 1))
    points = np.concatenate(rows)
    triangles = _grid(len(profile), columns, wrap=False)
    corners = points[triangles]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    front = normal[: columns - 1][:, 2].mean()
    if front < 0:
        triangles = triangles[:, ::-1]
    uv = np.stack([np.tile(s / along[-1], len(profile)), np.repeat(np.linspace(0.01, 0.28, len(profile)), columns)], 1)
    return points, triangles, uv


def _carried(vertices: np.ndarray, cage: np.ndarray, deltas: np.ndarray, upper: bool, units: int) -> np.ndarray:
    """Motion of new vertices under the axes of the cage: an affine map a piece, so that nothing tears : (K, N, 3)."""
    home = np.concatenate([cage, np.ones((len(cage), 1))], 1)
    solve = np.linalg.pinv(home)
    new = np.concatenate([vertices, np.ones((len(vertices), 1))], 1)
    result = np.zeros((len(deltas), len(vertices), 3))
    for k, delta in enumerate(deltas):
        if k < units and (upper or np.abs(delta).max() < 1e-6):
            continue
        result[k] = new @ (solve @ delta)
    return result


SLOTS = {
    "face": (0.005, 0.005, 0.995, 0.735),
    "neck": (0.005, 0.745, 0.455, 0.995),
    "mouth": (0.465, 0.745, 0.645, 0.995),
    1: (0.655, 0.875, 0.775, 0.995),
    2: (0.785, 0.875, 0.905, 0.995),
    3: (0.655, 0.745, 0.775, 0.865),
    4: (0.785, 0.745, 0.905, 0.865),
    5: (0.915, 0.875, 0.995, 0.995),
    6: (0.915, 0.745, 0.995, 0.865),
}
"""Where each island lies in the atlas (left, bottom, right, top); numbers are indices into `engines.rig.mesh.PARTS`."""


def pack_uv(uv: np.ndarray, triangles: np.ndarray, parts: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Lay the islands out anew so that the head, not the missing body, fills the atlas.

    Parameters
    ----------
    uv : (U, 2); triangles : (F, 3); parts : (F,); corners : (F, 3, 3) positions, to tell face from neck
    """
    result = uv.copy()
    island = np.full(len(uv), -1)
    skin = parts == 0
    low = uv[triangles].mean(1)
    islands = {
        "face": (skin | (parts == 7)) & (low[:, 0] > 0.6) & (low[:, 1] > 0.145),
        "neck": skin & (low[:, 0] <= 0.6) & (low[:, 1] > 0.75),
        "mouth": (parts == 7) & (low[:, 1] <= 0.145),
        **{k: parts == k for k in range(1, 7)},
    }
    for number, (name, faces) in enumerate(islands.items()):
        rows = np.unique(triangles[faces])
        island[rows] = number
        points = uv[rows]
        if name == "face":  # MakeHuman lays the face on its side
            points = points[:, ::-1] * [1, -1] if _upside(uv, triangles, corners, faces) else points[:, ::-1]
        lower, upper = points.min(0), points.max(0)
        slot = np.array(SLOTS[name])  # type: ignore[index]
        result[rows] = slot[:2] + (points - lower) / (upper - lower) * (slot[2:] - slot[:2])
    rest = island < 0
    if rest.any():  # the rings of the eye sockets, never seen: one texel beside the face
        result[rest] = SLOTS["face"][:2]
    return result


def _upside(uv: np.ndarray, triangles: np.ndarray, corners: np.ndarray, faces: np.ndarray) -> bool:
    """Whether height falls with the first UV coordinate."""
    middle, place = corners[faces].mean(1), uv[triangles[faces]].mean(1)
    front = middle[:, 2] > np.quantile(middle[:, 2], 0.6)
    return bool(np.corrcoef(middle[front, 1], place[front, 0])[0, 1] < 0)
