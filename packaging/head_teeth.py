"""Teeth, gums and a tongue that fits between them, in place of MakeHuman's coarse cages; all lengths in decimetres."""

from __future__ import annotations

import numpy as np
from head_parts import grid

WIDTHS_UPPER = (8.5, 6.6, 7.6, 7.0, 6.8, 10.2, 9.6)
WIDTHS_LOWER = (5.4, 5.9, 6.8, 7.0, 7.1, 11.0, 10.4)
HEIGHTS_UPPER = (10.2, 9.0, 9.8, 8.2, 7.6, 7.2, 6.8)
HEIGHTS_LOWER = (8.4, 8.6, 9.4, 8.2, 7.6, 7.2, 6.8)
"""Crown widths and heights in millimetres from the first incisor to the second molar (Wheeler's dental anatomy,
rounded)."""


def _arch(cage: np.ndarray, inset: float) -> np.ndarray:
    """Front line of a tooth row seen from above, from the subject's right to the left: x and z, (M, 2).

    MakeHuman's row is a U-shaped band; the outermost of its vertices at each angle give the arch, which is then
    drawn in by ``inset``.
    """
    back = cage[:, 2].min() + 0.1
    around = np.arctan2(cage[:, 0], cage[:, 2] - back)
    distance = np.hypot(cage[:, 0], cage[:, 2] - back)
    angles = np.linspace(-1.15, 1.15, 47)
    reach = np.array([distance[np.abs(around - a) < 0.16].max(initial=0.0) for a in angles])
    reach = (reach + reach[::-1]) / 2
    good = reach > 0
    fit = np.polynomial.Polynomial.fit(angles[good] ** 2, reach[good], 2)
    reach = fit(angles**2) - inset
    return np.stack([reach * np.sin(angles), back + reach * np.cos(angles)], 1)


class _Row:
    """An arch with places along it, its crowns, and the direction in which they bite."""

    def __init__(self, line: np.ndarray, edge: float, upper: bool) -> None:
        self.line, self.edge, self.upper = line, edge, upper
        self.along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
        widths = np.array(WIDTHS_UPPER if upper else WIDTHS_LOWER) / 100
        self.widths = widths * 0.47 * self.along[-1] / widths.sum()
        self.heights = np.array(HEIGHTS_UPPER if upper else HEIGHTS_LOWER) / 100 * 0.92
        self.bite = -1.0 if upper else 1.0

    def at(self, place: np.ndarray | float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Point, tangent and outward normal (..., 2) at a length along the arch."""

        def point(s: np.ndarray | float) -> np.ndarray:
            return np.stack([np.interp(s, self.along, self.line[:, k]) for k in (0, 1)], -1)

        tangent = point(np.asarray(place) + 0.02) - point(np.asarray(place) - 0.02)
        tangent /= np.linalg.norm(tangent, axis=-1, keepdims=True)
        return point(place), tangent, np.stack([-tangent[..., 1], tangent[..., 0]], -1)

    def teeth(self) -> list[tuple[float, int, int]]:
        """Place along the arch, number from the middle and side of every tooth."""
        starts = np.concatenate([[0], np.cumsum(self.widths)])
        return [
            (float(self.along[-1] / 2 + side * (starts[k] + self.widths[k] / 2)), k, side)
            for side in (-1, 1)
            for k in range(len(self.widths))
        ]


def _tooth(row: _Row, place: float, number: int, side: int) -> dict[str, np.ndarray]:
    """One crown: a rounded box that narrows to the gum; incisors thin out to a cutting edge."""
    rings, columns = 8, 18
    width, height = row.widths[number], row.heights[number]
    centre, tangent, outward = row.at(place)
    t = np.linspace(0, 1, rings)  # 0 below the gum, 1 at the biting edge
    around = 2 * np.pi * np.arange(columns) / columns
    across = np.sign(np.cos(around)) * np.abs(np.cos(around)) ** 0.5
    deep = np.sign(np.sin(around)) * np.abs(np.sin(around)) ** 0.75
    front = number < 3
    depth = (0.36 if front else 0.9) * width
    wide = 0.5 * width * (0.80 + 0.20 * np.sin(np.pi * (0.15 + 0.7 * t))) * np.where(t == 1, 0.86, 1)
    thick = depth / 2 * ((1 - 0.7 * t) if front else (0.9 + 0.1 * np.sin(np.pi * t))) * np.where(t == 1, 0.75, 1)
    shift = 0.05 * width * np.sin(np.pi * t) - 0.5 * depth + (0.12 * depth * (1 - t) if front else 0)
    short = (0.006 if number == 1 and row.upper else 0.0) + 0.003 * max(0, number - 2)
    y = row.edge - row.bite * (height * 1.15 * (1 - t) + short)
    rings_xz = centre + wide[:, None, None] * across[None, :, None] * tangent
    rings_xz = rings_xz + (thick[:, None] * deep + shift[:, None])[..., None] * outward
    points = np.concatenate(
        [rings_xz[..., :1], np.broadcast_to(y[:, None, None], (rings, columns, 1)), rings_xz[..., 1:]], -1
    )
    points = np.concatenate([points.reshape(-1, 3), points[-1].mean(0, keepdims=True)])
    last, tip = (rings - 1) * columns, rings * columns
    fan = np.stack([last + np.arange(columns), np.full(columns, tip), last + (np.arange(columns) + 1) % columns], 1)
    triangles = np.concatenate([grid(rings, columns, wrap=True), fan])
    u = (7 + side * (number + 0.5) + 0.45 * side * np.broadcast_to(across, (rings, columns))) / 14
    v = np.broadcast_to(0.3 + 0.66 * t[:, None], (rings, columns))
    uv = np.concatenate([np.stack([u, v], -1).reshape(-1, 2), [[(7 + side * (number + 0.5)) / 14, 0.99]]])
    return {"points": points, "triangles": _outward(triangles, points), "uv": uv}


def _gum(row: _Row) -> dict[str, np.ndarray]:
    """A rounded ridge that the teeth stand in; its rim is scalloped around them and follows their height."""
    columns = 113
    place = np.linspace(0, row.along[-1], columns)
    teeth = sorted(row.teeth())
    middles = np.array([p for p, _, _ in teeth])
    heights = np.interp(place, middles, [row.heights[k] for _, k, _ in teeth])
    nearest = np.abs(place[:, None] - middles).argmin(1)
    half = np.array([row.widths[teeth[n][1]] / 2 for n in nearest])
    scallop = np.clip(np.abs(place - middles[nearest]) / half, 0, 1) ** 2
    rim = heights * (0.98 - 0.20 * scallop)
    centre, _, outward = row.at(place)
    # (outward, beyond the rim) from the outer fold over the rim to the side of the tongue, in decimetres
    profile = ((-0.055, 0.075), (-0.02, 0.05), (0.0, 0.022), (0.004, 0.008), (-0.01, 0.0), (-0.05, 0.0), (-0.10, 0.012),
               (-0.125, 0.05), (-0.12, 0.09))  # fmt: skip
    rows = []
    for out, beyond in profile:
        xz = centre + out * outward
        rows.append(np.stack([xz[:, 0], row.edge - row.bite * (rim + beyond), xz[:, 1]], 1))
    points = np.concatenate(rows)
    triangles = grid(len(profile), columns, wrap=False)
    corners = points[triangles]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    if normal[: 2 * (columns - 1), 2].mean() < 0:
        triangles = triangles[:, ::-1]
    uv = np.stack(
        [np.tile(place / row.along[-1], len(profile)), np.repeat(np.linspace(0.01, 0.28, len(profile)), columns)], 1
    )
    return {"points": points, "triangles": triangles, "uv": uv}


def teeth(
    cage: np.ndarray, deltas: np.ndarray, upper: bool, units: int, arch: np.ndarray, lip_line: float
) -> dict[str, np.ndarray]:
    """Fourteen single teeth and a gum in place of MakeHuman's band.

    Parameters
    ----------
    cage, deltas : as for `eyeball`
    upper : the row that is fixed to the skull; the lower one moves with its cage
    arch : cage of the upper row, which shapes both, the lower a little inside
    lip_line : height at which closed lips meet; the upper incisors end 2 mm below, over the lower ones
    """
    row = _Row(_arch(arch, 0.010 if upper else 0.034), lip_line - (0.020 if upper else 0.004), upper)
    pieces = [_tooth(row, *tooth) for tooth in row.teeth()] + [_gum(row)]
    starts = np.concatenate([[0], np.cumsum([len(p["points"]) for p in pieces])])
    vertices = np.concatenate([p["points"] for p in pieces])
    triangles = np.concatenate([p["triangles"] + start for p, start in zip(pieces, starts[:-1], strict=True)])
    return {
        "vertices": vertices,
        "deltas": _carried(vertices, cage, deltas, upper, units),
        "triangles": triangles,
        "uv": np.concatenate([p["uv"] for p in pieces]),
        "uv_triangles": triangles.copy(),
    }


def lower_tongue(vertices: np.ndarray, deltas: np.ndarray, out: int) -> tuple[np.ndarray, np.ndarray]:
    """A tongue that lies on the floor of the mouth instead of filling it.

    Parameters
    ----------
    vertices : (N, 3) of MakeHuman's tongue; deltas : (K, N, 3)
    out : index of ``tongueOut``, which lifts the tongue back to where MakeHuman has it
    """
    base = vertices.min(0)
    lowered = vertices.copy()
    lowered[:, 1] = base[1] + (vertices[:, 1] - base[1]) * 0.72 - 0.03
    lowered[:, 0] *= 0.92
    lowered[:, 2] -= 0.02
    changed = deltas.copy()
    changed[out] += 0.85 * (vertices - lowered)
    return lowered, changed


def _outward(triangles: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Turn triangles so that a star-shaped piece is seen from outside."""
    corners = points[triangles]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    volume = (normal * (corners.mean(1) - points.mean(0))).sum()
    return triangles if volume > 0 else triangles[:, ::-1]


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
