"""Reading binary FBX 7.x: meshes with blend shapes and skins, bones, and the curves of the first take.

An own reader of what animators exchange; evaluation follows Autodesk's SDK reference (transform order, percent
channels, tangent slopes in value per second).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from app.export.fbx_binary import Node, decode
from app.export.fbx_objects import (
    File,
    floats,
    global_matrix,
    integers,
    local_matrix,
    name_of,
    rotation_of,
    settings,
    to_world,
    vector,
)
from app.export.fbx_write import TICKS
from app.export.files import MAX_FRAMES, read_bytes
from app.export.heads import to_head
from app.export.options import ExportOptions
from app.export.scene import MAX_VERTICES, Bone, Curve, Mesh, Scene, decode_texture, to_performance
from engines.api import Performance
from engines.errors import InputError
from engines.rig.mesh import HeadMesh

_CONSTANT, _LINEAR = 2, 4
_KNOWN_INTERPOLATION = _CONSTANT | _LINEAR | 8


def _curve(node: Node) -> Curve:
    """The keys of an AnimationCurve; curved stretches are sampled finely."""
    ticks, values = integers(node, "KeyTime"), floats(node, "KeyValueFloat", 1)[:, 0]
    if len(ticks) != len(values) or not len(ticks):
        raise InputError("a curve has as many times as values in no case")
    if (np.diff(ticks) <= 0).any() and len(ticks) > 1:
        order = np.unique(ticks, return_index=True)[1]
        ticks, values = ticks[order], values[order]
    t_s = ticks / TICKS
    flags, counts = integers(node, "KeyAttrFlags"), integers(node, "KeyAttrRefCount")
    if len(flags) != len(counts) or (counts < 0).any() or counts.sum() != len(t_s):
        return Curve(t_s, values)
    kind = np.repeat(flags & _KNOWN_INTERPOLATION, counts)
    if (kind == _CONSTANT).all():
        return Curve(t_s, values, step=True)
    if (kind[:-1] == _LINEAR).all():
        return Curve(t_s, values)
    data = np.asarray(node.value("KeyAttrDataFloat", np.zeros(0)), np.float64)
    slopes = np.repeat(data.reshape(-1, 4)[:, :2], counts, 0) if len(data) == 4 * len(counts) else None
    return _sampled(t_s, values, kind, slopes)


def _sampled(t_s: np.ndarray, values: np.ndarray, kind: np.ndarray, slopes: np.ndarray | None) -> Curve:
    """A mixed or cubic curve as 16 linear pieces between keys (cubic Hermite; automatic slopes where none stand)."""
    if len(t_s) * 16 > 4 * MAX_FRAMES or len(t_s) < 2:
        return Curve(t_s, values)
    gap = np.diff(t_s)
    if slopes is None or not np.isfinite(slopes).all():
        automatic = np.gradient(values, t_s) if len(t_s) > 2 else np.zeros(len(t_s))
        slopes = np.stack([automatic, np.append(automatic[1:], 0)], -1)
    u = np.arange(16) / 16
    h = np.stack([2 * u**3 - 3 * u**2 + 1, u**3 - 2 * u**2 + u, 3 * u**2 - 2 * u**3, u**3 - u**2])
    start, stop = values[:-1, None], values[1:, None]
    cubic = h[0] * start + h[1] * (gap * slopes[:-1, 0])[:, None] + h[2] * stop + h[3] * (gap * slopes[:-1, 1])[:, None]
    flat = np.where(u < 1, start, stop)
    line = start + (stop - start) * u
    which = kind[:-1, None]
    pieces = np.where(which == _CONSTANT, flat, np.where(which == _LINEAR, line, cubic))
    times = (t_s[:-1, None] + gap[:, None] * u).ravel()
    return Curve(np.append(times, t_s[-1]), np.append(pieces.ravel(), values[-1]))


def _animated(file: File, target: int, channel: str, layer: int | None) -> dict[str, Curve]:
    """Curves that drive a property, by component."""
    for child, where in file.children[target]:
        node = file.by_id.get(child)
        if where != channel or node is None or node.name != "AnimationCurveNode":
            continue
        if layer is not None and layer not in file.parents[child]:
            continue
        return {
            part.removeprefix("d|"): _curve(file.by_id[c])
            for c, part in file.children[child]
            if c in file.by_id and file.by_id[c].name == "AnimationCurve"
        }
    return {}


def _first_layer(file: File) -> int | None:
    for number, node in file.by_id.items():
        if node.name == "AnimationStack":
            layers = file.kids(number, "AnimationLayer")
            return layers[0][0] if layers else None
    return None


def _vector_curve(curves: dict[str, Curve], default: np.ndarray) -> Curve | None:
    """Three component curves on the times of the densest one."""
    if not curves:
        return None
    t_s = max(curves.values(), key=lambda c: len(c.t_s)).t_s
    parts = [curves[k].at(t_s) if k in curves else np.full(len(t_s), default[i]) for i, k in enumerate("XYZ")]
    return Curve(t_s, np.stack(parts, -1))


def _layer(node: Node, kind: str, value: str, index: str, width: int, corners: int) -> tuple[np.ndarray, np.ndarray]:
    """Values of a layer element, and which of them each polygon corner has."""
    layer = node.first(kind)
    if layer is None:
        return np.zeros((1, width)), np.zeros(corners, np.int64)
    values = floats(layer, value, width)
    mapping, reference = layer.value("MappingInformationType"), layer.value("ReferenceInformationType")
    used = integers(layer, index) if reference == "IndexToDirect" else np.arange(len(values))
    if mapping in ("ByVertice", "ByVertex"):
        used = used[np.abs(_corner_vertices(node))]
    if len(used) != corners or not len(values) or used.min(initial=0) < -1 or used.max(initial=0) >= len(values):
        return np.zeros((1, width)), np.zeros(corners, np.int64)
    return values, np.maximum(used, 0)


def _corner_vertices(node: Node) -> np.ndarray:
    raw = integers(node, "PolygonVertexIndex")
    return np.where(raw < 0, -raw - 1, raw)


def _triangulate(node: Node, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Fans of the polygons: corner numbers (F, 3), and the polygon of each triangle (F,)."""
    raw = integers(node, "PolygonVertexIndex")
    corners = np.where(raw < 0, -raw - 1, raw)
    if len(raw) > 6 * MAX_VERTICES or (len(raw) and (corners.max() >= count or raw[-1] >= 0)):
        raise InputError("its polygons point at vertices that are not there")
    ends = np.flatnonzero(raw < 0)
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    fans = np.maximum(ends - starts - 1, 0)
    polygon = np.repeat(np.arange(len(ends)), fans)
    step = np.arange(len(polygon)) - np.repeat(np.cumsum(fans) - fans, fans)
    first = starts[polygon]
    return np.stack([first, first + step + 1, first + step + 2], -1), polygon


def _material_names(file: File, model: int, node: Node, polygons: int) -> np.ndarray:
    names = [name_of(n) for _, n in file.kids(model, "Material")] or [""]
    layer = node.first("LayerElementMaterial")
    used = integers(layer, "Materials") if layer is not None else np.zeros(1, np.int64)
    if len(used) != polygons:
        used = np.full(polygons, used[0] if len(used) else 0)
    return np.array(names)[np.clip(used, 0, len(names) - 1)]


def _texture(file: File, model: int, folder: Path) -> np.ndarray | None:
    for material, _ in file.kids(model, "Material"):
        for texture, node in file.kids(material, "Texture"):
            for _, video in file.kids(texture, "Video"):
                content = video.value("Content")
                if isinstance(content, bytes) and content:
                    return decode_texture(content)
            name = Path(str(node.value("RelativeFilename", "")).replace("\\", "/")).name
            if name and (folder / name).is_file():
                return decode_texture(read_bytes(folder / name))
    return None


def _shapes(file: File, geometry: int, count: int, linear: np.ndarray, mesh: Mesh) -> list[tuple[str, int]]:
    """Put the blend shapes into the mesh; returns their channels."""
    channels = []
    for deformer, _ in file.kids(geometry, "Deformer", "BlendShape"):
        for channel, node in file.kids(deformer, "Deformer", "BlendShapeChannel"):
            targets = file.kids(channel, "Geometry", "Shape")
            name = name_of(node) or (name_of(targets[-1][1]) if targets else "")
            if not targets or not name:
                continue
            shape = targets[-1][1]
            rows, offsets = integers(shape, "Indexes"), floats(shape, "Vertices", 3)
            if len(rows) != len(offsets) or (len(rows) and not 0 <= rows.min() <= rows.max() < count):
                raise InputError(f"its blend shape {name} does not fit the mesh")
            mesh.shapes[name] = (rows, offsets @ linear.T)
            channels.append((name, channel))
    return channels


def _skin(file: File, geometry: int, count: int, mesh: Mesh) -> None:
    for deformer, _ in file.kids(geometry, "Deformer", "Skin"):
        for cluster, node in file.kids(deformer, "Deformer", "Cluster"):
            bones = file.kids(cluster, "Model")
            rows = integers(node, "Indexes")
            weights = np.asarray(node.value("Weights", np.zeros(0)), np.float64)
            if bones and len(rows) == len(weights) and (not len(rows) or 0 <= rows.min() <= rows.max() < count):
                mesh.skin[name_of(bones[0][1])] = (rows, np.nan_to_num(weights))


def _mesh(file: File, model: int, geometry: int, folder: Path) -> tuple[Mesh, list[tuple[str, int]]]:
    node, name = file.by_id[geometry], name_of(file.by_id[model])
    rows = settings(file.by_id[model])
    geometric = np.eye(4)
    geometric[:3, :3] = rotation_of(vector(rows, "GeometricRotation")) * vector(rows, "GeometricScaling", 1.0)
    geometric[:3, 3] = vector(rows, "GeometricTranslation")
    world = to_world(file, global_matrix(file, model) @ geometric)
    points = floats(node, "Vertices", 3)
    if len(points) > MAX_VERTICES:
        raise InputError(f"its mesh {name} has {len(points)} vertices; at most {MAX_VERTICES} can be used")
    corners, polygon = _triangulate(node, len(points))
    vertex = _corner_vertices(node)
    uv, used = _layer(node, "LayerElementUV", "UV", "UVIndex", 2, len(vertex))
    materials = _material_names(file, model, node, int(polygon.max()) + 1 if len(polygon) else 0)
    mesh = Mesh(
        name,
        points @ world[:3, :3].T + world[:3, 3],
        vertex[corners],
        uv,
        used[corners],
        materials[polygon] if len(polygon) else np.zeros(0, str),
        texture=_texture(file, model, folder),
    )
    channels = _shapes(file, geometry, len(points), world[:3, :3], mesh)
    _skin(file, geometry, len(points), mesh)
    return mesh, channels


def _bind_pose(file: File) -> dict[int, np.ndarray]:
    """Where the bones stood when the mesh was bound: global matrices (4, 4) of models.

    The transforms of the models themselves may be those of any frame.
    """
    found: dict[int, np.ndarray] = {}
    for number, node in file.by_id.items():
        if node.name == "Pose":
            for entry in node.all("PoseNode"):
                model, matrix = entry.value("Node"), entry.first("Matrix")
                if isinstance(model, int) and matrix is not None:
                    found.setdefault(model, floats(entry, "Matrix", 16).reshape(-1, 4, 4))
        elif node.name == "Deformer" and node.first("TransformLink") is not None:
            for model, _ in file.kids(number, "Model"):
                found[model] = floats(node, "TransformLink", 16).reshape(-1, 4, 4)
    return {
        model: stack[0].T  # matrices are stored column by column
        for model, stack in found.items()
        if len(stack) == 1 and abs(np.linalg.det(stack[0])) > 1e-12
    }


def _bones(file: File, layer: int | None) -> list[Bone]:
    bones, bind = [], _bind_pose(file)
    for model, node in file.by_id.items():
        if node.name != "Model" or len(node.properties) < 3 or node.properties[2] not in ("LimbNode", "Null", "Root"):
            continue
        parent = file.parent_model(model)
        above = np.eye(4) if parent is None else bind[parent] if parent in bind else global_matrix(file, parent)
        rest = to_world(file, bind[model] if model in bind else above @ local_matrix(node))
        above = to_world(file, above)
        rows = settings(node)
        turns = _vector_curve(_animated(file, model, "Lcl Rotation", layer), vector(rows, "Lcl Rotation"))
        moves = _vector_curve(_animated(file, model, "Lcl Translation", layer), vector(rows, "Lcl Translation"))
        rotation = translation = None
        if turns is not None:
            linear = (above @ local_matrix(node, turns_deg=turns.values))[:, :3, :3]
            rotation = Curve(turns.t_s, _pure_rotation(linear @ np.linalg.pinv(rest[:3, :3])))
        if moves is not None:
            placed = (above @ local_matrix(node, moves=moves.values))[:, :3, 3]
            translation = Curve(moves.t_s, placed - rest[:3, 3])
        bones.append(Bone(name_of(node), rest[:3, 3], rotation, translation))
    return bones


def _pure_rotation(matrix: np.ndarray) -> np.ndarray:
    u, _, v = np.linalg.svd(matrix)
    return np.asarray(u @ v)


def load(path: Path) -> Scene:
    """All meshes, bones and curves of a file.

    Raises
    ------
    InputError
        If it is no binary FBX 7 file or is damaged.
    """
    root = decode(read_bytes(path))
    file = File(root)
    layer = _first_layer(file)
    scene = Scene(rate=file.rate)
    for model, node in list(file.by_id.items()):
        if node.name != "Model":
            continue
        for geometry, _ in file.kids(model, "Geometry", "Mesh"):
            mesh, channels = _mesh(file, model, geometry, path.parent)
            scene.meshes.append(mesh)
            for name, channel in channels:
                for curve in _animated(file, channel, "DeformPercent", layer).values():
                    scene.curves[name] = Curve(curve.t_s, curve.values / 100, curve.step)
        for curve in _animated(file, model, "tongue", layer).values():
            scene.tongue = curve
            scene.start = int(settings(node).get("startFrame", [0])[0])
    scene.bones = _bones(file, layer)
    return scene


def read_curves(path: Path, options: ExportOptions) -> Performance:
    """The animation of the file's first take."""
    return to_performance(load(path), options)


def read_head(path: Path, options: ExportOptions) -> HeadMesh:
    """The head in the file, whatever the order and prefixes of its shapes."""
    return to_head(load(path), options)


def read_start(path: Path, options: ExportOptions) -> int:
    """Number of the first frame."""
    return load(path).start
