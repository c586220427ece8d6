"""The mouth: lips that part along their own rim, teeth, gums, tongue and cavity behind them.

Lips and the skin around them are the fitted mesh itself, textured by the photo; it lies over the sheet
(`engines.blendshape.sheet`) and fades out a thumb's breadth from the lips. What opens between them is real geometry:
single teeth, the upper row fixed to the skull and the lower one to the jaw, lit by light that enters between the
lips. Everything is drawn into one depth buffer at several samples a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from engines import arkit
from engines.blendshape.palette import Palette
from engines.blendshape.teeth import LOWER_TEETH, TONGUE, TONGUE_LOW_CM, UPPER_TEETH, crown_shade
from engines.rig.mesh import PARTS

SKIN, INNER = PARTS.index("skin"), PARTS.index("mouthInner")
_FADE_CM: Final = (1.1, 1.9)
"""Distance from the lips' rim at which the mesh begins to give way to the sheet, and where it has."""
_RIM_CM: Final = 0.4
_INNER_LIP_CM: Final = 0.8
"""How far the red of the lips reaches into the mouth."""
_PARTED_CM: Final = (0.06, 0.3)
"""Distance between the lips up to which the dark line between them stays, and from which nothing of it is left."""
_LINING_BACK_CM: Final = 2.0
_TONGUE_FALL: Final = 0.62
"""How far the tongue goes down with the jaw: its back stays a little higher, so that it shows over the lower row."""
_BOUNCE: Final = np.array([0.82, 1.0, 1.0])
"""Exponents of shade for red, green and blue: what light is left deep in the mouth has met its red walls."""
_JAW: Final = arkit.indices("jawForward", "jawLeft", "jawRight", "jawOpen")
_ALBEDO: Final = {
    INNER: (0.70, 0.33, 0.31),
    TONGUE: (0.84, 0.45, 0.44),
    UPPER_TEETH: (0.90, 0.86, 0.79),
    LOWER_TEETH: (0.86, 0.81, 0.73),
}
_GUM: Final = (0.78, 0.42, 0.41)


@dataclass(frozen=True, eq=False)
class Mouth:
    """Vertices of the mouth at rest and what they look like.

    Attributes
    ----------
    rows : int (M,), their rows in the head mesh
    skin, inner : int32 (F, 3), triangles of the lips and of what lies behind them, indices into ``rows``
    window : int32 (F, 3), triangles that span the opening between the rims
    points : float32 (M, 3), the person's neutral face in the camera's axes, cm
    units : float32 (53, M, 3), as in `engines.blendshape.placement.Placement`; teeth move with the jaw only
    tip : float32 (M,), share of the tongue's tip
    turn : float32 (M,), share of the head's motion
    uv : float32 (M, 2), pixels of the photo while the lips are closed
    seam : float32 (M,), pixels down the photo that leave out the dark line between closed lips
    photo : float32 (M,), 1 where the photo is the texture
    cover : float32 (M,), 1 near the lips, 0 where the sheet takes over
    colour : float32 (M, 3), 0 to 255, lit but not yet shaded by the lips
    shaded : float32 (M,), 1 for what lies behind the lips
    recess : float32 (M,), how far the lining counts as further back than it is, cm: never before the teeth
    bounce : float32 (3,), exponents of shade for red, green and blue
    seen : bool (M,), skin that is drawn
    lips : (upper, lower) rim as indices into ``rows``, from the subject's right
    """

    rows: np.ndarray
    skin: np.ndarray
    inner: np.ndarray
    window: np.ndarray
    points: np.ndarray
    units: np.ndarray
    tip: np.ndarray
    turn: np.ndarray
    uv: np.ndarray
    seam: np.ndarray
    photo: np.ndarray
    cover: np.ndarray
    colour: np.ndarray
    shaded: np.ndarray
    recess: np.ndarray
    bounce: np.ndarray
    seen: np.ndarray
    lips: tuple[np.ndarray, np.ndarray]


def normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit vertex normals, weighted by triangle area : float32 (V, 3)."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    face = np.cross(b - a, c - a)
    result = np.zeros((len(points), 3))
    for k in range(3):
        for axis in range(3):
            result[:, axis] += np.bincount(triangles[:, k], face[:, axis], len(points))
    return np.asarray(result / np.maximum(np.linalg.norm(result, axis=1, keepdims=True), 1e-9), np.float32)


def build_mouth(
    vertices: np.ndarray,
    triangles: np.ndarray,
    parts: np.ndarray,
    units: np.ndarray,
    head_share: np.ndarray,
    rims: tuple[np.ndarray, np.ndarray],
    head_axes: np.ndarray,
    uv: np.ndarray,
    lip_height_px: tuple[float, float],
    rim_error_px: float,
    seam_px: tuple[float, float],
    palette: Palette,
) -> Mouth:
    """Cut the mouth out of a head mesh.

    Parameters
    ----------
    vertices : float32 (V, 3), neutral, teeth seated, in the camera's axes
    triangles, parts : of the mesh
    units : float32 (53, V, 3), as in `engines.blendshape.placement.Placement`
    head_share : float32 (V,), weight of the head bone
    rims : upper and lower inner rim of the lips, vertex indices
    head_axes : (3, 3), camera's axes from the head's
    uv : float32 (V, 2), where each vertex is seen in the photo
    lip_height_px : height of the red of the upper and the lower lip in the photo
    rim_error_px : how far from the rim the lips' colours are sure to be their own, and not those of teeth
    seam_px : how far the dark line between closed lips reaches into the upper and the lower one
    palette : colours of the photo's light
    """
    rim = np.concatenate(rims)
    distance, nearest = cKDTree(vertices[rim]).query(vertices)
    part = np.full(len(vertices), -1)
    for number in range(len(PARTS)):
        part[np.unique(triangles[parts == number])] = number
    inside = np.isin(parts, (INNER, UPPER_TEETH, LOWER_TEETH, TONGUE))
    near_skin = (parts == SKIN) & (distance[triangles] < _FADE_CM[1]).any(1)
    chosen = triangles[near_skin | inside]
    is_inside = inside[near_skin | inside]
    rows, local = np.unique(chosen, return_inverse=True)
    local = local.reshape(-1, 3).astype(np.int32)
    index = np.full(len(vertices), -1)
    index[rows] = np.arange(len(rows))
    kind = part[rows]
    kind[np.isin(rows, rim)] = SKIN
    distance, nearest = distance[rows], nearest[rows]

    moved = units[:, rows].copy()
    moved[:, kind == UPPER_TEETH] = 0
    lower = np.flatnonzero(kind == LOWER_TEETH)
    moved[:, lower] = 0
    for unit in _JAW:
        moved[unit, lower] = units[unit][rows[lower]]
    # The whole tongue lies down with the jaw: its root alone would stand like a wall between the rows of teeth.
    jaw, up = arkit.INDEX["jawOpen"], head_axes[:, 1]
    tongue = np.flatnonzero(kind == TONGUE)
    if len(lower) and len(tongue):
        fall = float((moved[jaw, lower] @ up).mean())
        moved[jaw, tongue] += np.minimum(_TONGUE_FALL * fall - moved[jaw, tongue] @ up, 0)[:, None] * up

    own = vertices @ head_axes  # in the head's own axes
    coordinates = uv[rows].astype(np.float32).copy()
    photo = (kind == SKIN).astype(np.float32)
    # The red of the lips turns into the mouth: its hidden part looks like the rim that it follows. Mirrored instead,
    # a gloss on the lip would show twice.
    for surface in (SKIN, INNER):
        own_rows = kind == surface
        ways = _from_rim(vertices, triangles[parts == surface], rim)
        distance[own_rows], nearest[own_rows] = (v[rows][own_rows] for v in ways)
    turning = (kind == INNER) & (distance < _INNER_LIP_CM)
    is_upper = nearest < len(rims[0])
    along = own[rim, 0]
    along = (along - along.min()) / max(float(np.ptp(along)), 1e-6)
    middle = np.clip(4 * along * (1 - along), 0, 1)  # 0 at the corners, where above and below meet
    seam = np.zeros(len(rows), np.float32)
    for k, (flag, sign) in enumerate(((is_upper, -1.0), (~is_upper, 1.0))):
        height = lip_height_px[k]
        part_rows = np.flatnonzero(turning & flag)
        at_rim = np.flatnonzero((kind == SKIN) & flag & (distance < _RIM_CM))
        near = 1 - distance[at_rim] / _RIM_CM
        away = rim_error_px * near * middle[nearest[at_rim]]
        coordinates[at_rim, 1] += sign * np.minimum(away, 0.3 * height)
        start = uv[rim[nearest[part_rows]]].copy()
        start[:, 1] += sign * min(rim_error_px, 0.3 * height) * middle[nearest[part_rows]]
        coordinates[part_rows] = start
        dark = sign * min(seam_px[k], 0.4 * height)
        seam[at_rim] = dark * near * middle[nearest[at_rim]]
        seam[part_rows] = dark * middle[nearest[part_rows]]
    photo[turning] = np.clip(1 - distance[turning] / _INNER_LIP_CM, 0, 1)

    fade = np.clip((_FADE_CM[1] - distance) / (_FADE_CM[1] - _FADE_CM[0]), 0, 1)
    cover = np.where(kind == SKIN, fade * fade * (3 - 2 * fade), 1.0)
    colour = _lit(own[rows], normals(own, triangles)[rows], kind, palette)
    colour *= crown_shade(own, triangles, parts)[rows, None]
    turn = np.where(np.isin(kind, (UPPER_TEETH, LOWER_TEETH, TONGUE, INNER)), 1.0, head_share[rows])
    return Mouth(
        rows=rows,
        skin=np.ascontiguousarray(local[~is_inside]),
        inner=np.ascontiguousarray(local[is_inside]),
        window=_between(index[rims[0]], index[rims[1]], vertices[rims[0], 0], vertices[rims[1], 0]),
        points=vertices[rows].astype(np.float32),
        units=np.ascontiguousarray(moved, np.float32),
        tip=_tongue_tip(own[rows], kind),
        turn=turn.astype(np.float32),
        uv=coordinates,
        seam=seam,
        photo=photo.astype(np.float32),
        cover=cover.astype(np.float32),
        colour=colour,
        shaded=(1 - photo).astype(np.float32),
        recess=np.where(kind == INNER, _LINING_BACK_CM * np.clip(1.5 - 2 * photo, 0, 1), 0).astype(np.float32),
        bounce=(1 + palette.saturation * (_BOUNCE - 1)).astype(np.float32),
        seen=(kind == SKIN) & (cover > 0.002),
        lips=(index[rims[0]], index[rims[1]]),
    )


def _from_rim(vertices: np.ndarray, triangles: np.ndarray, rim: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far each vertex lies from the rim along a surface, and from which of its vertices : (V,), (V,).

    Closed lips touch: only the way along the surface tells what belongs to the upper one from what lies a tenth of a
    millimetre below and belongs to the lower.
    """
    a, b = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).T
    length = np.linalg.norm(vertices[a] - vertices[b], axis=1)
    links = csr_matrix((length, (a, b)), (len(vertices), len(vertices)))
    distance, _, source = dijkstra(links, directed=False, indices=rim, return_predecessors=True, min_only=True)
    order = np.zeros(len(vertices), int)
    order[rim] = np.arange(len(rim))
    return distance, order[np.maximum(source, 0)]


def _between(upper: np.ndarray, lower: np.ndarray, upper_at: np.ndarray, lower_at: np.ndarray) -> np.ndarray:
    """Triangles between two chains with common ends, zipped together by their places along the mouth."""
    result = []
    i = j = 0
    while i < len(upper) - 1 or j < len(lower) - 1:
        if j == len(lower) - 1 or (i < len(upper) - 1 and upper_at[i + 1] <= lower_at[j + 1]):
            result.append((upper[i], lower[j], upper[i + 1]))
            i += 1
        else:
            result.append((upper[i], lower[j], lower[j + 1]))
            j += 1
    return np.array(result, np.int32)


def _tongue_tip(points: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Share of the tongue's tip : float32 (M,)."""
    result = np.zeros(len(points), np.float32)
    tongue = kind == TONGUE
    z = points[tongue, 2]
    share = np.clip((z - (z.max() - 3.5)) / 3.0, 0, 1)
    result[tongue] = share * share * (3 - 2 * share)
    return result


def surface_colour(points: np.ndarray, kind: np.ndarray, palette: Palette) -> np.ndarray:
    """Colour of the inside of the mouth in the photo's light, without shading : float32 (M, 3), 0 to 255.

    Parameters
    ----------
    points : (M, 3), in the head's own axes
    kind : (M,), index into `PARTS`
    palette : of the photo
    """
    albedo = np.ones((len(points), 3))
    for number, value in _ALBEDO.items():
        albedo[kind == number] = value
    for row, sign in ((UPPER_TEETH, 1.0), (LOWER_TEETH, -1.0)):
        teeth = kind == row
        if teeth.any():
            # each crown stands out of its gum: the gum begins 1 cm from where the row ends
            height = sign * points[teeth, 1]
            base = height - np.quantile(height, 0.02)
            gum = np.clip((base - 0.95) / 0.15, 0, 1)[:, None]
            neck = np.clip((base - 0.45) / 0.5, 0, 1)[:, None]
            crown = albedo[teeth] * (1 - neck * np.array([0.05, 0.10, 0.17]))
            albedo[teeth] = crown * (1 - gum) + np.array(_GUM) * gum
    return np.asarray(palette.apply(albedo), np.float32)


def _lit(points: np.ndarray, normal: np.ndarray, kind: np.ndarray, palette: Palette) -> np.ndarray:
    """Colour of the inside of the mouth under the photo's light : float32 (M, 3), 0 to 255."""
    light = np.array([0.0, 0.45, 0.89])
    facing = np.clip(normal @ light, 0, 1)[:, None]
    shaded = surface_colour(points, kind, palette) * (0.76 + 0.28 * facing)
    wet = np.isin(kind, (UPPER_TEETH, LOWER_TEETH, TONGUE))[:, None]
    glint = np.clip(normal @ np.array([0.0, 0.3, 0.954]), 0, 1)[:, None] ** 40
    shaded = shaded + wet * 22 * glint * palette.exposure
    return np.asarray(np.clip(shaded, 0, 255), np.float32)


def parted_uv(mouth: Mouth, points: np.ndarray, up: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Where the photo shows each vertex : float32 (M, 2); the line between closed lips is gone where they part.

    Parameters
    ----------
    points : (M, 3), the mouth as it is now, in the camera's axes, not turned
    up, out : the head's Y and Z
    """
    side = np.cross(up, out)
    rows = np.flatnonzero(mouth.seam)
    along = points[rows] @ side
    heights = [np.interp(along, np.maximum.accumulate(points[rim] @ side), points[rim] @ up) for rim in mouth.lips]
    parted = np.clip((heights[0] - heights[1] - _PARTED_CM[0]) / (_PARTED_CM[1] - _PARTED_CM[0]), 0, 1)
    result = mouth.uv.copy()
    result[rows, 1] += mouth.seam[rows] * parted
    return result


def raise_tongue(mouth: Mouth, points: np.ndarray, amount: float, up: np.ndarray, out: np.ndarray) -> None:
    """Lift the tip of the tongue to the back of the upper teeth, in place; ``up`` and ``out`` are the head's Y and Z.

    The teeth stay with the skull, so the further the jaw is open the further the tip has to rise.
    """
    if amount <= 0:
        return
    tip = mouth.tip > 0.8
    goal = mouth.points[tip] @ up
    lift = float(goal.max()) + TONGUE_LOW_CM + 0.25 - float((points[tip] @ up).max())
    points += (amount * mouth.tip)[:, None] * (np.clip(lift, 0.2, 1.8) * up + 0.15 * out)


def inner_light(mouth: Mouth, points: np.ndarray, up: np.ndarray, out: np.ndarray) -> np.ndarray:
    """How much red, green and blue light reaches each vertex through the lips : float32 (M, 3), 1 for skin.

    What is in the shade is lit by red walls more than by the lips' opening, so shade is warm, never grey. The light
    falls exponentially with the depth behind the lips, slower the wider they part (the opening is the light), towards
    the corners, and under the upper lip, which shades what is right behind it.
    """
    upper, lower = points[mouth.lips[0]], points[mouth.lips[1]]
    depth_axis, height_axis = points @ out, points @ up
    front = max(float((upper @ out).max()), float((lower @ out).max()))
    top = float(np.median((upper @ up)[len(upper) // 3 : -(len(upper) // 3)]))
    bottom = float(np.median((lower @ up)[len(lower) // 3 : -(len(lower) // 3)]))
    opening = max(0.0, top - bottom)
    behind = np.maximum(0.0, front - depth_axis - 0.8)
    reach = 1.2 + 1.3 * min(opening, 2.5)
    light = 0.25 + 0.75 * np.exp(-behind / reach)
    side_axis = np.cross(up, out)
    ends = points[[mouth.lips[0][0], mouth.lips[0][-1]]] @ side_axis
    aside = (points @ side_axis - ends.mean()) / max(0.5 * float(np.ptp(ends)), 0.5)
    light = light * (1 - 0.6 * np.clip(aside * aside, 0, 1))
    under = np.clip((top - height_axis + 0.1) / 0.7, 0, 1)
    light = light * (0.7 + 0.3 * under * under * (3 - 2 * under))
    light = light * (0.9 + 0.1 * min(1.0, opening / 0.5))
    coloured = np.clip(light, 0.03, 1)[:, None] ** mouth.bounce
    return np.asarray(1 - mouth.shaded[:, None] * (1 - coloured), np.float32)
