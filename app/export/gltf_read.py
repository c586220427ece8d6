"""Reading glTF 2.0 (GLB and ``.gltf``): meshes with morph targets, skins, and the first animation."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from app.export.files import MAX_FRAMES
from app.export.gltf_file import File, index_of
from app.export.gltf_write import METRES
from app.export.heads import to_head
from app.export.options import ExportOptions
from app.export.scene import MAX_VERTICES, Bone, Curve, Mesh, Scene, decode_texture, to_performance
from engines.api import Performance
from engines.errors import InputError
from engines.rig.mesh import HeadMesh
from engines.timebase import frame_times, parse_rate


def _rotation(quaternions: np.ndarray) -> np.ndarray:
    """Matrices of quaternions x, y, z, w (..., 4)."""
    from scipy.spatial.transform import Rotation

    flat = quaternions.reshape(-1, 4)
    flat = np.where(np.linalg.norm(flat, axis=1, keepdims=True) < 1e-9, (0, 0, 0, 1), flat)
    return np.asarray(Rotation.from_quat(flat).as_matrix().reshape(*quaternions.shape[:-1], 3, 3))


def _numbers(node: dict[str, Any], name: str, default: tuple[float, ...]) -> np.ndarray:
    values = np.array([float(v) for v in node.get(name, default)])
    if values.shape != (len(default),) or not np.isfinite(values).all() or np.abs(values).max() > 1e9:
        raise InputError(f"the {name} of a node is damaged")
    return values


def _local(node: dict[str, Any]) -> np.ndarray:
    if "matrix" in node:
        return _numbers(node, "matrix", tuple(np.eye(4).ravel())).reshape(4, 4).T
    matrix = np.eye(4)
    matrix[:3, :3] = _rotation(_numbers(node, "rotation", (0, 0, 0, 1))) * _numbers(node, "scale", (1, 1, 1))
    matrix[:3, 3] = _numbers(node, "translation", (0, 0, 0))
    return matrix


def _globals(nodes: list[dict[str, Any]]) -> tuple[list[np.ndarray], list[int]]:
    """World matrices and parents of all nodes."""
    parents = [-1] * len(nodes)
    for number, node in enumerate(nodes):
        for child in node.get("children", ()):
            parents[index_of(child)] = number
    matrices: list[np.ndarray | None] = [None] * len(nodes)
    for number in range(len(nodes)):
        chain = [number]
        while matrices[chain[-1]] is None and parents[chain[-1]] >= 0:
            chain.append(parents[chain[-1]])
            if len(chain) > 200:
                raise InputError("its nodes form a loop or too deep a tree")
        above = np.eye(4)
        for at in reversed(chain):
            found = matrices[at]
            above = above @ _local(nodes[at]) if found is None else found
            matrices[at] = above
    return [m for m in matrices if m is not None], parents


def _texture(file: File, material: dict[str, Any]) -> np.ndarray | None:
    base = material.get("pbrMetallicRoughness", {}).get("baseColorTexture")
    if not base:
        return None
    source = file.list("textures")[index_of(base["index"])].get("source")
    if source is None:
        return None
    image = file.list("images")[index_of(source)]
    data = file.view(image["bufferView"])[0] if "bufferView" in image else file.resource(str(image.get("uri")))
    return decode_texture(data)


def _faces(file: File, primitive: dict[str, Any], count: int) -> np.ndarray:
    mode = primitive.get("mode", 4)
    if mode not in (4, 5, 6):
        return np.zeros((0, 3), np.int64)
    order = file.accessor(primitive["indices"])[:, 0] if "indices" in primitive else np.arange(count)
    if len(order) and (order.dtype.kind == "f" or order.max() >= count):
        raise InputError("its triangles point at vertices that are not there")
    if mode == 4:
        return order[: len(order) // 3 * 3].reshape(-1, 3)
    if mode == 5:
        strip = np.stack([order[:-2], order[1:-1], order[2:]], -1)
        strip[1::2] = strip[1::2, [1, 0, 2]]
        return strip
    return np.stack([np.full(max(len(order) - 2, 0), order[0]), order[1:-1], order[2:]], -1)


def _mesh(file: File, node: dict[str, Any], world: np.ndarray, names: list[str]) -> list[Mesh]:
    """One mesh for each set of vertices of a node (primitives that share vertices are joined)."""
    spec = file.list("meshes")[index_of(node["mesh"])]
    targets = spec.get("extras", {}).get("targetNames") if isinstance(spec.get("extras"), dict) else None
    materials = file.list("materials")
    joined: dict[str, Mesh] = {}
    skin = file.list("skins")[index_of(node["skin"])] if "skin" in node else None
    linear = np.eye(3) if skin is not None else world[:3, :3]  # a skinned mesh ignores its node
    offset = np.zeros(3) if skin is not None else world[:3, 3]
    for primitive in spec["primitives"]:
        attributes = primitive["attributes"]
        key = json.dumps([attributes, primitive.get("targets")], sort_keys=True)
        points = file.accessor(attributes["POSITION"]) if key not in joined else joined[key].vertices
        if len(points) > MAX_VERTICES or points.shape[1] != 3:
            raise InputError(f"a mesh has {len(points)} vertices; at most {MAX_VERTICES} can be used")
        faces = _faces(file, primitive, len(points))
        material = materials[index_of(primitive["material"])] if "material" in primitive else {}
        label = np.full(len(faces), str(material.get("name", "")))
        if key in joined:
            mesh = joined[key]
            mesh.triangles = mesh.uv_triangles = np.concatenate([mesh.triangles, faces])
            mesh.materials = np.concatenate([mesh.materials, label])
            continue
        uv = file.accessor(attributes["TEXCOORD_0"]) if "TEXCOORD_0" in attributes else np.zeros((len(points), 2))
        if uv.shape != (len(points), 2):
            raise InputError("its texture coordinates do not fit the mesh")
        name = str(node.get("name") or spec.get("name") or "")
        placed = (points @ linear.T + offset) / METRES
        mesh = Mesh(name, placed, faces, uv * (1, -1) + (0, 1), faces, label, texture=_texture(file, material))
        for i, target in enumerate(primitive.get("targets", ())):
            if "POSITION" not in target:
                continue
            offsets = file.accessor(target["POSITION"])
            if offsets.shape != points.shape:
                raise InputError(f"its morph target {i} does not fit the mesh")
            rows = np.flatnonzero(offsets.any(1))
            mesh.shapes[_target_name(targets, i)] = (rows, offsets[rows] @ linear.T / METRES)
        if skin is not None and "JOINTS_0" in attributes and "WEIGHTS_0" in attributes:
            _bind(file, mesh, skin, attributes, names)
        joined[key] = mesh
    return list(joined.values())


def _target_name(names: Any, number: int) -> str:
    return str(names[number]) if isinstance(names, list) and number < len(names) else f"target {number}"


def _bind(file: File, mesh: Mesh, skin: dict[str, Any], attributes: dict[str, Any], names: list[str]) -> None:
    joints, weights = file.accessor(attributes["JOINTS_0"]), file.accessor(attributes["WEIGHTS_0"])
    if joints.shape != weights.shape or len(joints) != len(mesh.vertices) or joints.dtype.kind == "f":
        raise InputError("its skin does not fit the mesh")
    for number, node in enumerate(skin["joints"]):
        rows, corner = np.nonzero((joints == number) & (weights > 0))
        if len(rows):
            mesh.skin[names[index_of(node)]] = (rows, weights[rows, corner])


def _sampled(file: File, sampler: dict[str, Any], width: int) -> tuple[np.ndarray, np.ndarray, bool]:
    """Times (K,), values (K, width) and whether they are held; splines become short lines."""
    t_s, values = file.accessor(sampler["input"])[:, 0], file.accessor(sampler["output"])
    mode = sampler.get("interpolation", "LINEAR")
    groups = 3 if mode == "CUBICSPLINE" else 1
    if not len(t_s) or (np.diff(t_s) <= 0).any() or values.size != len(t_s) * groups * width:
        raise InputError("an animation has another number of values than of times, or its times do not rise")
    if t_s.dtype.kind != "f":
        t_s = t_s.astype(np.float64)
    if mode != "CUBICSPLINE" or len(t_s) * 8 > MAX_FRAMES:
        return (
            t_s,
            values.reshape(len(t_s), -1)[:, -width:] if groups == 1 else _middle(values, len(t_s), width),
            (mode == "STEP"),
        )
    enter, value, leave = np.moveaxis(values.reshape(len(t_s), 3, width), 1, 0)
    if len(t_s) == 1:
        return t_s, value, False
    gap = np.diff(t_s)[:, None, None]
    u = (np.arange(8) / 8)[None, :, None]
    h = (2 * u**3 - 3 * u**2 + 1, u**3 - 2 * u**2 + u, 3 * u**2 - 2 * u**3, u**3 - u**2)
    pieces = (
        h[0] * value[:-1, None] + h[1] * gap * leave[:-1, None] + h[2] * value[1:, None] + h[3] * gap * enter[1:, None]
    )
    times = (t_s[:-1, None] + gap[:, :, 0] * u[0, :, 0]).ravel()
    return np.append(times, t_s[-1]), np.concatenate([pieces.reshape(-1, width), value[-1:]]), False


def _middle(values: np.ndarray, count: int, width: int) -> np.ndarray:
    return values.reshape(count, 3, width)[:, 1]


def _bind_pose(file: File) -> dict[int, np.ndarray]:
    """Where the joints stood when the mesh was bound (4, 4); the nodes themselves may stand anywhere."""
    found: dict[int, np.ndarray] = {}
    for skin in file.list("skins"):
        if "inverseBindMatrices" not in skin:
            continue
        inverse = file.accessor(skin["inverseBindMatrices"])
        for node, matrix in zip(skin["joints"], inverse.reshape(-1, 4, 4), strict=False):
            if abs(np.linalg.det(matrix)) > 1e-12:
                found[index_of(node)] = np.linalg.inv(matrix.T)
    return found


def _unscaled(matrix: np.ndarray) -> np.ndarray:
    """The rotation in a transform (3, 3)."""
    u, _, v = np.linalg.svd(matrix[:3, :3])
    return np.asarray(u @ v)


def _animate(file: File, scene: Scene, matrices: list[np.ndarray], parents: list[int], names: list[str]) -> None:
    """Put the first animation into the curves and bones of the scene."""
    nodes = file.list("nodes")
    rotations: dict[int, Curve] = {}
    translations: dict[int, Curve] = {}
    bind = _bind_pose(file)
    for animation in file.list("animations")[:1]:
        for channel in animation["channels"]:
            target = channel["target"]
            if "node" not in target:
                continue
            number, path = index_of(target["node"]), target["path"]
            sampler = animation["samplers"][index_of(channel["sampler"])]
            above = bind.get(parents[number], matrices[parents[number]]) if parents[number] >= 0 else np.eye(4)
            rest = bind.get(number, matrices[number])
            if path == "weights" and "mesh" in nodes[number]:
                _weight_curves(file, scene, nodes[number], sampler)
            elif path == "rotation":
                t_s, values, step = _sampled(file, sampler, 4)
                turned = _unscaled(above) @ _rotation(values) @ _unscaled(rest).T
                rotations[number] = Curve(t_s, turned, step)
            elif path == "translation":
                t_s, values, step = _sampled(file, sampler, 3)
                moved = (values @ above[:3, :3].T + above[:3, 3] - rest[:3, 3]) / METRES
                translations[number] = Curve(t_s, moved, step)
    for number, matrix in enumerate(matrices):
        if "mesh" not in nodes[number]:
            place = bind.get(number, matrix)[:3, 3] / METRES
            scene.bones.append(Bone(names[number], place, rotations.get(number), translations.get(number)))


def _weight_curves(file: File, scene: Scene, node: dict[str, Any], sampler: dict[str, Any]) -> None:
    spec = file.list("meshes")[index_of(node["mesh"])]
    count = max((len(p.get("targets", ())) for p in spec["primitives"]), default=0)
    if count == 0:
        return
    extras = spec.get("extras")
    targets = extras.get("targetNames") if isinstance(extras, dict) else None
    t_s, values, step = _sampled(file, sampler, count)
    for i in range(count):
        scene.curves.setdefault(_target_name(targets, i), Curve(t_s, values[:, i], step))


def load(path: Path) -> Scene:
    """All meshes, bones and curves of a file.

    Raises
    ------
    InputError
        If it is no glTF 2.0 file or is damaged.
    """
    file = File(path)
    nodes = file.list("nodes")
    if len(nodes) > 20_000:
        raise InputError(f"it has {len(nodes)} nodes; at most 20000 can be read")
    names = [str(node.get("name", f"node {i}")) for i, node in enumerate(nodes)]
    matrices, parents = _globals(nodes)
    scene = Scene()
    for number, node in enumerate(nodes):
        if "mesh" in node:
            scene.meshes += _mesh(file, node, matrices[number], names)
    _animate(file, scene, matrices, parents, names)
    _extras(file, scene)
    return scene


def _extras(file: File, scene: Scene) -> None:
    """What our own files add: the exact rate and the tongue."""
    extras = file.json.get("extras")
    if not isinstance(extras, dict):
        return
    rate = extras.get("rate")
    if isinstance(rate, list) and len(rate) == 2 and all(isinstance(v, int) for v in rate) and rate[1] > 0:
        scene.rate = parse_rate(Fraction(*rate))
    start = extras.get("startFrame")
    scene.start = start if isinstance(start, int) else 0
    tongue = extras.get("tongue")
    if scene.rate is not None and isinstance(tongue, list) and 0 < len(tongue) <= MAX_FRAMES:
        values = np.array([float(v) for v in tongue])
        scene.tongue = Curve(frame_times(len(values), scene.rate), values)


def read_curves(path: Path, options: ExportOptions) -> Performance:
    """The file's first animation."""
    return to_performance(load(path), options)


def read_head(path: Path, options: ExportOptions) -> HeadMesh:
    """The head in the file, whatever the order and prefixes of its shapes."""
    return to_head(load(path), options)


def read_start(path: Path, options: ExportOptions) -> int:
    """Number of the first frame."""
    return load(path).start
