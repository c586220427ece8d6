"""An artist's own head, from meshes with ARKit blend shapes to the studio's `HeadMesh`."""

from __future__ import annotations

import logging
from itertools import pairwise
from typing import Final

import numpy as np

from app.export.atlas import one_texture
from app.export.names import recognise
from app.export.options import ExportOptions
from app.export.scene import MAX_VERTICES, Mesh, Scene, eye_bone
from engines import arkit
from engines.errors import InputError
from engines.rig.mesh import BONES, PARTS, HeadMesh

_log = logging.getLogger(__name__)
EYE_DISTANCE_CM: Final = 6.3
"""Mean distance between adult pupils; tells files in metres from files in centimetres."""
_NEEDED: Final = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight")


def _part(name: str, x: float) -> str:
    """The part that a material or mesh name speaks of; ``x`` tells left from right where the name does not."""
    if name in PARTS:
        return name
    plain = name.lower()
    if "lash" in plain:
        return "lashes"
    if "tongue" in plain:
        return "tongue"
    if "teeth" in plain or "tooth" in plain or "dent" in plain:
        return "teethLower" if "low" in plain or "bottom" in plain else "teethUpper"
    if "eye" in plain and not any(w in plain for w in ("brow", "lid", "socket", "shadow")):
        return "eyeLeft" if x > 0 else "eyeRight"
    if "mouthinner" in plain or "gum" in plain or "cavity" in plain:
        return "mouthInner"
    return "skin"


def _wanted(scene: Scene, options: ExportOptions) -> list[Mesh]:
    """The meshes that make up the head: those with ARKit shapes, and eyes, teeth, tongue and lashes by name."""
    chosen = [m for m in scene.meshes if len(m.triangles) and recognise(m.shapes, options.names)]
    if not chosen:
        raise InputError("no mesh in it has blend shapes with ARKit names. Give a name map (JSON) for its names")
    others = [m for m in scene.meshes if m not in chosen and len(m.triangles) and _part(m.name, 1) != "skin"]
    return chosen + others


def _units(meshes: list[Mesh], starts: np.ndarray, total: int, options: ExportOptions) -> tuple[np.ndarray, set[str]]:
    units = np.zeros((arkit.COUNT, total, 3), np.float32)
    found: set[str] = set()
    for mesh, start in zip(meshes, starts, strict=False):
        for name, unit in recognise(mesh.shapes, options.names).items():
            rows, offsets = mesh.shapes[name]
            np.add.at(units[arkit.INDEX[unit]], rows + start, offsets.astype(np.float32))
            found.add(unit)
    return units, found


def _centre_of(units: np.ndarray, vertices: np.ndarray, unit: str) -> np.ndarray:
    """Where a unit acts: the mean vertex, weighted by how far it moves."""
    moved = np.linalg.norm(units[arkit.INDEX[unit]], axis=1)
    if moved.sum() < 1e-9:
        raise InputError(f"its shape {unit} moves nothing")
    return np.asarray((vertices * moved[:, None]).sum(0) / moved.sum())


def _components(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Number of the connected piece of each vertex (V,); vertices at one place (texture seams) belong together."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    welded = np.unique(np.round(vertices, 4), axis=0, return_inverse=True)[1].reshape(-1)
    triangles = welded[triangles]
    count = len(welded)
    rows = triangles[:, [0, 1]].ravel()
    columns = triangles[:, [1, 2]].ravel()
    graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1][welded])


def _eyeballs(vertices: np.ndarray, triangles: np.ndarray, lids: list[np.ndarray]) -> list[np.ndarray]:
    """Vertices of the closed, round pieces nearest to each lid; empty where there are none."""
    label = _components(vertices, triangles)
    found = []
    for lid in lids:
        best = np.zeros(0, np.int64)
        for number in np.flatnonzero(np.bincount(label) >= 24):
            rows = np.flatnonzero(label == number)
            points = vertices[rows]
            centre = (points.min(0) + points.max(0)) / 2
            radius = np.linalg.norm(points - centre, axis=1)
            size = float(np.median(radius))
            if 0.8 < size < 2.5 and np.linalg.norm(centre - lid) < 3 and radius.std() < 0.2 * size:
                best = np.union1d(best, rows)
        found.append(best)
    return found


def _pivots(scene: Scene, left: np.ndarray, right: np.ndarray, mouth: np.ndarray, scale: float) -> np.ndarray:
    """Pivots of the bones from the file's skeleton, or from where they lie in a human head."""
    eyes = (left + right) / 2
    face = max(float(eyes[1] - mouth[1]), 3.0)  # eyes to mouth, the measure of the head
    head = np.array([eyes[0], eyes[1] - 0.7 * face, eyes[2] - 1.3 * face])
    neck = head - np.array([0, 1.4 * face, 0.3 * face])
    names = {"neck": neck, "head": head}
    for bone in scene.bones:
        plain = bone.name.lower().split(":")[-1]
        if plain in names:
            names[plain] = bone.position * scale
    return np.stack([names["neck"], names["head"], left, right])


def _bone_of(name: str, eyes: dict[str, int]) -> int:
    """Which of our bones a bone of the file acts with."""
    if name in eyes:
        return eyes[name]
    plain = name.lower()
    if any(word in plain for word in ("neck", "spine", "chest", "shoulder", "clavicle", "hip", "root", "pelvis")):
        return 0
    return 1


def _weights(
    scene: Scene, meshes: list[Mesh], starts: np.ndarray, vertices: np.ndarray, pivots: np.ndarray
) -> np.ndarray:
    """Bone weights from the skins of the file; where there are none, from the height above the neck."""
    weights = np.zeros((len(vertices), 4))
    eyes = {b.name: i for i, side in ((2, "left"), (3, "right")) if (b := eye_bone(scene, side)) is not None}
    for mesh, start in zip(meshes, starts, strict=False):
        for name, (rows, values) in mesh.skin.items():
            np.add.at(weights[:, _bone_of(name, eyes)], rows + start, values)
    free = weights.sum(1) < 1e-6
    reach = max(float(pivots[1, 1] - pivots[0, 1]) / 1.4, 1.0)
    height = vertices[:, 1] - (pivots[1, 1] - reach) + 0.8 * np.maximum(vertices[:, 2] - pivots[1, 2], 0)
    part = np.clip(height / (0.8 * reach), 0, 1)
    part = part * part * (3 - 2 * part)
    weights[free, 0], weights[free, 1] = 1 - part[free], part[free]
    return weights / weights.sum(1, keepdims=True)


def to_head(scene: Scene, options: ExportOptions) -> HeadMesh:
    """The head in a scene.

    Metres are told from centimetres by the distance between the eyes. What the file lacks is filled in: eye
    pivots from round pieces behind the lids, a neck from the height.

    Raises
    ------
    InputError
        If no mesh has ARKit shapes, or those of jaw and lids are missing.
    """
    meshes = _wanted(scene, options)
    starts = np.cumsum([0, *(len(m.vertices) for m in meshes)])
    total = int(starts[-1])
    if total > MAX_VERTICES // 8:
        raise InputError(f"its head has {total} vertices; at most {MAX_VERTICES // 8} can be used")
    units, found = _units(meshes, starts, total, options)
    lost = [n for n in _NEEDED if n not in found]
    if lost:
        raise InputError(f"its blend shapes lack {', '.join(lost)}. Give a name map (JSON) that names them")
    missing = sorted(set(arkit.NAMES) - found)
    if missing:
        _log.info("The head has no shape for %s; these units will not move it.", ", ".join(missing))
    vertices = np.concatenate([m.vertices for m in meshes])
    lids = [_centre_of(units, vertices, f"eyeBlink{side}") for side in ("Left", "Right")]
    apart = float(np.linalg.norm(lids[0] - lids[1]))
    if not apart > 1e-6:
        raise InputError("its eyes lie on top of each other")
    scale = 1.0 if 3.5 < apart < 12 else 10.0 ** round(np.log10(EYE_DISTANCE_CM / apart))
    vertices, units = vertices * scale, units * np.float32(scale)
    lids = [lid * scale for lid in lids]
    triangles = np.concatenate([m.triangles + s for m, s in zip(meshes, starts, strict=False)])
    uv_starts = np.cumsum([0, *(len(m.uv) for m in meshes)])
    parts = np.zeros(len(triangles), np.int8)
    names = np.concatenate([np.where(m.materials == "", m.name, m.materials).astype(str) for m in meshes])
    middles = vertices[triangles].mean(1)
    for name in np.unique(names):
        for left in (True, False):
            rows = (names == name) & ((middles[:, 0] > 0) == left)
            parts[rows] = PARTS.index(_part(str(name), 1.0 if left else -1.0))
    eyes = [np.unique(triangles[parts == PARTS.index(p)]) for p in ("eyeLeft", "eyeRight")]
    if not all(len(rows) for rows in eyes):
        eyes = _eyeballs(vertices, triangles, lids)
        for part, rows in zip(("eyeLeft", "eyeRight"), eyes, strict=True):
            parts[np.isin(triangles, rows).all(1)] = PARTS.index(part)
    centres = []
    for i, side in enumerate(("left", "right")):
        bone = eye_bone(scene, side)
        points = vertices[eyes[i]]
        turned = bone is not None and any(bone.name in m.skin for m in meshes)
        if bone is not None and (turned or not len(points)):
            centres.append(bone.position * scale)
        elif len(points):
            centres.append((points.min(0) + points.max(0)) / 2)
        else:
            centres.append(lids[i] - (0, 0, 1.2))
    mouth = _centre_of(units, vertices, "jawOpen")
    pivots = _pivots(scene, centres[0], centres[1], mouth, scale)
    weights = _weights(scene, meshes, starts, vertices, pivots)
    for i, rows in enumerate(eyes):
        if len(rows) and not weights[rows, 2 + i].any():
            weights[rows] = np.eye(len(BONES))[2 + i]
        # The gaze turns the eyeballs; the eyeLook units are left with the lids, or they would turn twice.
        looks = list(arkit.indices("eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp"))
        units[np.ix_(looks, rows)] = 0
    triangle_starts = np.cumsum([0, *(len(m.triangles) for m in meshes)])
    mostly = [PARTS[int(np.bincount(parts[a:b]).argmax())] for a, b in pairwise(triangle_starts)]
    texture, uv = one_texture(meshes, mostly)
    return HeadMesh(
        vertices.astype(np.float32),
        triangles.astype(np.int32),
        np.concatenate(uv).astype(np.float32),
        np.concatenate([m.uv_triangles + s for m, s in zip(meshes, uv_starts, strict=False)]).astype(np.int32),
        units,
        weights.astype(np.float32),
        pivots.astype(np.float32),
        parts,
        texture,
    )
