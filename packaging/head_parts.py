"""Identity axes, eyeballs and the UV layout of the baked head."""

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


def grid(rows: int, columns: int, wrap: bool) -> np.ndarray:
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
    triangles = grid(rings + 1, columns, wrap=True)
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
