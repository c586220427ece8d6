"""glTF 2.0: the head as one GLB, or as ``.gltf`` with its data inside, with morph and bone animation.

After the Khronos glTF 2.0 specification: metres, Y up, face along +Z; displacements as sparse accessors;
``mesh.extras.targetNames``; one ``weights`` sampler with all targets of a frame side by side.
"""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.export.files import atomic, write_bytes
from app.export.options import ExportOptions
from app.export.rigging import (
    PARENTS,
    bone_motion,
    colour_of,
    deltas,
    facts,
    head_of,
    normals,
    png,
    rest_pivots,
    shapes,
    texture_path,
)
from app.export.take import Take
from engines.api import CancelToken, Progress
from engines.errors import ExportError
from engines.rig.mesh import BONES, PARTS, HeadMesh
from engines.timebase import frame_times

_COMPONENTS: Final = {np.dtype("f4"): 5126, np.dtype("u4"): 5125, np.dtype("u2"): 5123, np.dtype("u1"): 5121}
_TYPES: Final = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
_ARRAY_BUFFER, _INDEX_BUFFER = 34962, 34963
METRES: Final = 0.01
"""Metres in a centimetre."""


class _Buffer:
    """Binary data and the accessors into it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def view(self, raw: bytes, target: int = 0) -> int:
        self.data += bytes(-len(self.data) % 4)
        view = {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(raw)}
        if target:
            view["target"] = target
        self.data += raw
        self.views.append(view)
        return len(self.views) - 1

    def _accessor(self, array: np.ndarray, bounds: bool) -> dict[str, Any]:
        flat = array.reshape(len(array), -1)
        accessor: dict[str, Any] = {
            "componentType": _COMPONENTS[array.dtype],
            "count": len(array),
            "type": _TYPES[flat.shape[1]],
        }
        if bounds:
            accessor["min"], accessor["max"] = flat.min(0).tolist(), flat.max(0).tolist()
        return accessor

    def add(self, array: np.ndarray, target: int = 0, bounds: bool = False) -> int:
        """A dense accessor; its number."""
        array = np.ascontiguousarray(array)
        accessor = self._accessor(array, bounds)
        accessor["bufferView"] = self.view(array.tobytes(), target)
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def add_sparse(self, count: int, rows: np.ndarray, values: np.ndarray, bounds: bool) -> int:
        """An accessor of ``count`` zeros except at ``rows``; its number."""
        values = np.ascontiguousarray(values, np.float32)
        accessor = self._accessor(values, bounds)
        if bounds and len(rows) < count:
            accessor["min"] = np.minimum(accessor["min"], 0).tolist()
            accessor["max"] = np.maximum(accessor["max"], 0).tolist()
        accessor["count"] = count
        accessor["sparse"] = {
            "count": len(rows),
            "indices": {"bufferView": self.view(rows.astype("u4").tobytes()), "componentType": 5125},
            "values": {"bufferView": self.view(values.tobytes())},
        }
        self.accessors.append(accessor)
        return len(self.accessors) - 1


def split_corners(head: HeadMesh) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One vertex for each pair of position and UV that occurs (glTF has a single index).

    Returns
    -------
    vertex : int64 (N,), uv : int64 (N,) indices into the head's arrays; triangles : uint32 (F, 3) into these
    """
    pairs = head.triangles.astype(np.int64) * len(head.uv) + head.uv_triangles
    unique, corners = np.unique(pairs, return_inverse=True)
    return unique // len(head.uv), unique % len(head.uv), corners.reshape(-1, 3).astype("u4")


def _quaternions(rotation: np.ndarray) -> np.ndarray:
    """Unit quaternions x, y, z, w of rotation matrices, each on the side of the one before : float32 (T, 4)."""
    from scipy.spatial.transform import Rotation

    result = Rotation.from_matrix(rotation).as_quat()
    flip = np.sign((result[1:] * result[:-1]).sum(1))
    result[1:] *= np.cumprod(np.where(flip < 0, -1, 1))[:, None]
    return result.astype(np.float32)


def _bind(buffer: _Buffer, head: HeadMesh, vertex: np.ndarray) -> tuple[int, int, int]:
    """Accessors of joints, weights and inverse bind matrices."""
    weights = np.clip(head.bone_weights[vertex], 0, None).astype(np.float64)
    weights /= weights.sum(1, keepdims=True)
    weights = weights.astype(np.float32)
    joints = np.where(weights > 0, np.arange(4), 0).astype("u1")
    matrices = np.repeat(np.eye(4, dtype="f4")[None], 4, 0)
    matrices[:, 3, :3] = -rest_pivots(head) * METRES  # column-major in the file, so rows here are columns there
    return (
        buffer.add(joints, _ARRAY_BUFFER),
        buffer.add(weights, _ARRAY_BUFFER),
        buffer.add(matrices.reshape(4, 16)),
    )


def _mesh(buffer: _Buffer, head: HeadMesh, options: ExportOptions) -> tuple[dict[str, Any], list[int]]:
    """The mesh record, and the parts that its primitives show (their material numbers)."""
    vertex, uv, corners = split_corners(head)
    wanted = shapes(options)
    rest_normals = normals(head.vertices, head.triangles)
    joints, weights, inverse = _bind(buffer, head, vertex)
    attributes = {
        "POSITION": buffer.add((head.vertices[vertex] * np.float32(METRES)).astype("f4"), _ARRAY_BUFFER, True),
        "NORMAL": buffer.add(rest_normals[vertex], _ARRAY_BUFFER),
        "TEXCOORD_0": buffer.add((head.uv[uv] * (1, -1) + (0, 1)).astype("f4"), _ARRAY_BUFFER),
        "JOINTS_0": joints,
        "WEIGHTS_0": weights,
    }
    targets = []
    for delta in deltas(head, wanted):
        place = np.full(len(head.vertices), -1)
        place[delta.rows] = np.arange(len(delta.rows))
        rows = np.flatnonzero(place[vertex] >= 0)
        source = place[vertex[rows]]
        if not len(rows):  # the shape moves only vertices that no triangle uses
            rows, source = np.zeros(1, np.int64), np.zeros(1, np.int64)
            delta.offsets[:] = 0
        position = buffer.add_sparse(len(vertex), rows, delta.offsets[source] * np.float32(METRES), True)
        normal = buffer.add_sparse(len(vertex), rows, delta.normal_offsets[source], False)
        targets.append({"POSITION": position, "NORMAL": normal})
    parts = [int(part) for part in np.unique(head.parts)]
    primitives = []
    for number, part in enumerate(parts):
        indices = buffer.add(corners[head.parts == part].ravel(), _INDEX_BUFFER)
        primitive = {"attributes": attributes, "indices": indices, "material": number, "targets": targets}
        primitives.append(primitive)
    mesh = {
        "name": "Face",
        "primitives": primitives,
        "weights": [0.0] * len(wanted),
        "extras": {"targetNames": [shape.name for shape in wanted]},
    }
    return {"mesh": mesh, "inverse": inverse}, parts


def _nodes(head: HeadMesh) -> list[dict[str, Any]]:
    """Face and the four bones (in the order of `BONES`, from number 1 on); a skinned mesh belongs at the root."""
    pivots = rest_pivots(head) * METRES
    nodes: list[dict[str, Any]] = [{"name": "Face", "mesh": 0, "skin": 0}]
    for i, name in enumerate(BONES):
        parent = PARENTS[i]
        offset = pivots[i] - (pivots[parent] if parent >= 0 else 0)
        node: dict[str, Any] = {"name": name, "translation": offset.tolist()}
        children = [1 + j for j, p in enumerate(PARENTS) if p == i]
        if children:
            node["children"] = children
        nodes.append(node)
    return nodes


def _animation(buffer: _Buffer, head: HeadMesh, take: Take, options: ExportOptions) -> dict[str, Any]:
    motion = take.motion
    times = buffer.add(frame_times(len(motion), motion.rate).astype("f4"), bounds=True)
    samplers: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []

    def channel(node: int, path: str, values: np.ndarray) -> None:
        samplers.append({"input": times, "output": buffer.add(values), "interpolation": "LINEAR"})
        channels.append({"sampler": len(samplers) - 1, "target": {"node": node, "path": path}})

    units = [shape.unit for shape in shapes(options)]
    channel(0, "weights", motion.weights[:, units].ravel())
    offsets, rotations = bone_motion(head, motion)
    channel(2, "translation", (offsets[:, 1] * METRES).astype("f4"))
    for bone in (1, 2, 3):
        channel(1 + bone, "rotation", _quaternions(rotations[:, bone]))
    return {"name": take.name, "channels": channels, "samplers": samplers}


def _materials(buffer: _Buffer, head: HeadMesh, parts: list[int], path: Path, options: ExportOptions) -> dict[str, Any]:
    materials: list[dict[str, Any]] = []
    for part in parts:
        look: dict[str, Any] = {"metallicFactor": 0.0, "roughnessFactor": 0.55}
        if head.texture is not None:
            look["baseColorTexture"] = {"index": 0}
        else:
            look["baseColorFactor"] = [*colour_of(PARTS[part]), 1.0]
        materials.append({"name": PARTS[part], "pbrMetallicRoughness": look, "doubleSided": PARTS[part] != "skin"})
    if head.texture is None:
        return {"materials": materials}
    if options.texture == "embed":
        image: dict[str, Any] = {"mimeType": "image/png", "bufferView": buffer.view(png(head.texture))}
    else:
        image = {"uri": texture_path(path).name.replace(" ", "%20")}
    image["name"] = "Face"
    return {
        "materials": materials,
        "textures": [{"source": 0, "sampler": 0}],
        "samplers": [{"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}],
        "images": [image],
    }


def build(take: Take, path: Path, options: ExportOptions) -> bytes:
    """The bytes of the file."""
    head, buffer = head_of(take, options), _Buffer()
    mesh, parts = _mesh(buffer, head, options)
    materials = _materials(buffer, head, parts, path, options)
    animation = _animation(buffer, head, take, options)
    rate = take.rate
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "Soliloquy"},
        "scene": 0,
        "scenes": [{"name": "Soliloquy", "nodes": [0, 1]}],
        "nodes": _nodes(head),
        "meshes": [mesh["mesh"]],
        "skins": [{"joints": [1, 2, 3, 4], "inverseBindMatrices": mesh["inverse"], "skeleton": 1}],
        "animations": [animation],
        **materials,
        "extras": {
            **facts(take),
            "rate": [rate.numerator, rate.denominator],
            "provenance": json.loads(take.provenance_json()),
            "tongue": np.round(take.motion.tongue, 6).tolist(),
        },
    }
    data = bytes(buffer.data) + bytes(-len(buffer.data) % 4)
    document |= {"bufferViews": buffer.views, "accessors": buffer.accessors}
    if path.suffix.lower() == ".gltf":
        uri = "data:application/octet-stream;base64," + base64.b64encode(data).decode()
        document["buffers"] = [{"byteLength": len(data), "uri": uri}]
        return json.dumps(document).encode()
    document["buffers"] = [{"byteLength": len(data)}]
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + len(data)
    if total >= 1 << 32:
        raise ExportError(f"{path} would pass the 4 GB that a GLB can hold. Export a shorter range.")
    head_bytes = struct.pack("<4sII", b"glTF", 2, total) + struct.pack("<I4s", len(text), b"JSON")
    return head_bytes + text + struct.pack("<I4s", len(data), b"BIN\0") + data


def write(take: Take, path: Path, options: ExportOptions, progress: Progress, cancel: CancelToken) -> list[Path]:
    """Write the take; with ``options.texture`` ``file`` the texture lies beside it as PNG."""
    cancel.check()
    data = build(take, path, options)
    cancel.check()
    texture = head_of(take, options).texture
    if texture is None or options.texture != "file":
        return write_bytes(path, data)
    with atomic(path) as temporary, atomic(texture_path(path)) as picture:
        temporary.write_bytes(data)
        picture.write_bytes(png(texture))
    return [path, texture_path(path)]
