"""Reading glTF 2.0 (GLB and ``.gltf``): meshes with morph targets, skins, and the first animation."""

from __future__ import annotations

import base64
import json
import struct
import urllib.parse
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.export.files import MAX_FRAMES, read_bytes
from app.export.gltf_write import METRES
from app.export.heads import to_head
from app.export.options import ExportOptions
from app.export.scene import MAX_VERTICES, Bone, Curve, Mesh, Scene, decode_texture, to_performance
from engines.api import Performance
from engines.errors import InputError
from engines.rig.mesh import HeadMesh
from engines.timebase import frame_times, parse_rate

_DTYPES: Final = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS: Final = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_MAX_VALUES: Final = 64_000_000
_MAX_TOTAL: Final = 128_000_000
"""Largest number of values in one accessor and in all that are read."""


class _File:
    """The JSON of a file and its binary buffers."""

    def __init__(self, path: Path) -> None:
        data = read_bytes(path)
        self.folder = path.parent
        self.binary = b""
        self.total = 0
        if data[:4] == b"glTF":
            data, self.binary = _chunks(data)
        self.json = json.loads(data.decode("utf-8"))
        if not isinstance(self.json, dict):
            raise InputError("its JSON is no object")
        version = str(self.json.get("asset", {}).get("version", ""))
        if not version.startswith("2"):
            raise InputError(f"it has glTF version {version or 'none'}; version 2 can be read")
        required = set(self.json.get("extensionsRequired", ())) - {"KHR_mesh_quantization", "KHR_texture_transform"}
        if required:
            raise InputError(f"it needs the extension {min(required)}. Export it without compression")
        self.buffers = [self._buffer(i, b) for i, b in enumerate(self.list("buffers"))]

    def list(self, name: str) -> list[Any]:
        found = self.json.get(name, [])
        if not isinstance(found, list):
            raise InputError(f"its {name} are no list")
        return found

    def _buffer(self, number: int, buffer: dict[str, Any]) -> bytes:
        uri = buffer.get("uri")
        return self.binary if uri is None and number == 0 else self._resource(str(uri))

    def _resource(self, uri: str) -> bytes:
        if uri.startswith("data:"):
            return base64.b64decode(uri.partition(",")[2])
        name = urllib.parse.unquote(uri)
        place = (self.folder / name).resolve()
        if not place.is_relative_to(self.folder.resolve()) or not place.is_file():
            raise InputError(f"its data file {name[:80]} is not beside it")
        return read_bytes(place)

    def view(self, number: int) -> tuple[bytes, int]:
        view = self.list("bufferViews")[_index(number)]
        buffer = self.buffers[_index(view["buffer"])]
        start, length = _index(view.get("byteOffset", 0)), _index(view["byteLength"])
        if start + length > len(buffer):
            raise InputError(f"its buffer view {number} reaches past the end of the data")
        return buffer[start : start + length], _index(view.get("byteStride", 0))

    def _values(self, view: int, offset: int, count: int, width: int, dtype: np.dtype) -> np.ndarray:
        raw, stride = self.view(view)
        step = stride or width * dtype.itemsize
        if count and (step < width * dtype.itemsize or offset + step * (count - 1) + width * dtype.itemsize > len(raw)):
            raise InputError("an accessor reaches past the end of its data")
        strides = (step, dtype.itemsize)
        return np.ndarray((count, width), dtype, raw, offset, strides) if count else np.zeros((0, width), dtype)

    def accessor(self, number: int) -> np.ndarray:
        """Values as float64 or int64 (N, width); normalised integers become floats."""
        spec = self.list("accessors")[_index(number)]
        dtype, width, count = np.dtype(_DTYPES[spec["componentType"]]), _WIDTHS[spec["type"]], _index(spec["count"])
        self.total += count * width
        if count * width > _MAX_VALUES or self.total > _MAX_TOTAL:
            raise InputError(f"its accessor {number} has {count} rows, which is too many")
        if "bufferView" in spec:
            values = self._values(spec["bufferView"], _index(spec.get("byteOffset", 0)), count, width, dtype).copy()
        else:
            values = np.zeros((count, width), dtype)
        if "sparse" in spec:
            self._patch(values, spec["sparse"])
        if dtype.kind == "f":
            if not np.isfinite(values).all():
                raise InputError(f"its accessor {number} holds values that are no numbers")
            return values.astype(np.float64)
        if spec.get("normalized"):
            return np.maximum(values / np.iinfo(dtype).max, -1.0)
        return values.astype(np.int64)

    def _patch(self, values: np.ndarray, sparse: dict[str, Any]) -> None:
        count = _index(sparse["count"])
        where, what = sparse["indices"], sparse["values"]
        dtype = np.dtype(_DTYPES[where["componentType"]])
        rows = self._values(where["bufferView"], _index(where.get("byteOffset", 0)), count, 1, dtype)[:, 0]
        new = self._values(what["bufferView"], _index(what.get("byteOffset", 0)), count, values.shape[1], values.dtype)
        if len(rows) and (dtype.kind == "f" or rows.max() >= len(values)):
            raise InputError("a sparse accessor points at rows that are not there")
        values[rows.astype(np.int64)] = new


def _index(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InputError(f"{str(value)[:40]!r} stands where a whole number belongs")
    return value


def _chunks(data: bytes) -> tuple[bytes, bytes]:
    """JSON and binary chunk of a GLB."""
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2 or length > len(data):
        raise InputError(f"it is cut off: {len(data)} of {length} bytes are there")
    offset = 12
    found: dict[bytes, bytes] = {}
    while offset + 8 <= length:
        size, kind = struct.unpack_from("<I4s", data, offset)
        found.setdefault(kind, data[offset + 8 : offset + 8 + size])
        offset += 8 + size
    if b"JSON" not in found:
        raise InputError("it has no JSON chunk")
    return found[b"JSON"], found.get(b"BIN\0", b"")


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
            parents[_index(child)] = number
    matrices: list[np.ndarray] = []
    for number in range(len(nodes)):
        matrix, at, steps = np.eye(4), number, 0
        while at >= 0:
            matrix, at, steps = _local(nodes[at]) @ matrix, parents[at], steps + 1
            if steps > 200:
                raise InputError("its nodes form a loop or too deep a tree")
        matrices.append(matrix)
    return matrices, parents


def _texture(file: _File, material: dict[str, Any]) -> np.ndarray | None:
    base = material.get("pbrMetallicRoughness", {}).get("baseColorTexture")
    if not base:
        return None
    source = file.list("textures")[_index(base["index"])].get("source")
    if source is None:
        return None
    image = file.list("images")[_index(source)]
    data = file.view(image["bufferView"])[0] if "bufferView" in image else file._resource(str(image.get("uri")))
    return decode_texture(data)


def _faces(file: _File, primitive: dict[str, Any], count: int) -> np.ndarray:
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


def _mesh(file: _File, node: dict[str, Any], world: np.ndarray, names: list[str]) -> list[Mesh]:
    """One mesh for each set of vertices of a node (primitives that share vertices are joined)."""
    spec = file.list("meshes")[_index(node["mesh"])]
    targets = spec.get("extras", {}).get("targetNames") if isinstance(spec.get("extras"), dict) else None
    materials = file.list("materials")
    joined: dict[str, Mesh] = {}
    skin = file.list("skins")[_index(node["skin"])] if "skin" in node else None
    linear = np.eye(3) if skin is not None else world[:3, :3]  # a skinned mesh ignores its node
    offset = np.zeros(3) if skin is not None else world[:3, 3]
    for primitive in spec["primitives"]:
        attributes = primitive["attributes"]
        key = json.dumps([attributes, primitive.get("targets")], sort_keys=True)
        points = file.accessor(attributes["POSITION"]) if key not in joined else joined[key].vertices
        if len(points) > MAX_VERTICES or points.shape[1] != 3:
            raise InputError(f"a mesh has {len(points)} vertices; at most {MAX_VERTICES} can be used")
        faces = _faces(file, primitive, len(points))
        material = materials[_index(primitive["material"])] if "material" in primitive else {}
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


def _bind(file: _File, mesh: Mesh, skin: dict[str, Any], attributes: dict[str, Any], names: list[str]) -> None:
    joints, weights = file.accessor(attributes["JOINTS_0"]), file.accessor(attributes["WEIGHTS_0"])
    if joints.shape != weights.shape or len(joints) != len(mesh.vertices) or joints.dtype.kind == "f":
        raise InputError("its skin does not fit the mesh")
    for number, node in enumerate(skin["joints"]):
        rows, corner = np.nonzero((joints == number) & (weights > 0))
        if len(rows):
            mesh.skin[names[_index(node)]] = (rows, weights[rows, corner])


def _sampled(file: _File, sampler: dict[str, Any], width: int) -> tuple[np.ndarray, np.ndarray, bool]:
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


def _bind_pose(file: _File) -> dict[int, np.ndarray]:
    """Where the joints stood when the mesh was bound (4, 4); the nodes themselves may stand anywhere."""
    found: dict[int, np.ndarray] = {}
    for skin in file.list("skins"):
        if "inverseBindMatrices" not in skin:
            continue
        inverse = file.accessor(skin["inverseBindMatrices"])
        for node, matrix in zip(skin["joints"], inverse.reshape(-1, 4, 4), strict=False):
            if abs(np.linalg.det(matrix)) > 1e-12:
                found[_index(node)] = np.linalg.inv(matrix.T)
    return found


def _unscaled(matrix: np.ndarray) -> np.ndarray:
    """The rotation in a transform (3, 3)."""
    u, _, v = np.linalg.svd(matrix[:3, :3])
    return np.asarray(u @ v)


def _animate(file: _File, scene: Scene, matrices: list[np.ndarray], parents: list[int], names: list[str]) -> None:
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
            number, path = _index(target["node"]), target["path"]
            sampler = animation["samplers"][_index(channel["sampler"])]
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


def _weight_curves(file: _File, scene: Scene, node: dict[str, Any], sampler: dict[str, Any]) -> None:
    spec = file.list("meshes")[_index(node["mesh"])]
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
    file = _File(path)
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


def _extras(file: _File, scene: Scene) -> None:
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
