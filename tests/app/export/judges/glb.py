"""What trimesh makes of a GLB: rest geometry, names and node graph are read by it, and its graph is posed.

trimesh shows no morph targets, animation or skin, so those are read here from the file as the glTF 2.0 specification
says (chapters 3.6.2.3 sparse accessors, 3.7.2.2 morph targets, 3.7.3 skins, appendix C interpolation), independently of
our writer and reader.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import trimesh

_TYPES = {5121: "u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class Glb:
    """A file opened by trimesh, with what trimesh leaves out."""

    def __init__(self, path: Path) -> None:
        self.scene: trimesh.Scene = trimesh.load(path, process=False)
        data = path.read_bytes()
        (length,) = struct.unpack_from("<I", data, 12)
        self.document: dict[str, Any] = json.loads(data[20 : 20 + length])
        self._binary = data[28 + length :]
        self.names: list[str] = self.document["meshes"][0]["extras"]["targetNames"]
        self._nodes = self.document["nodes"]
        first = self.document["meshes"][0]["primitives"][0]
        self._targets = np.stack([self._accessor(target["POSITION"]) for target in first["targets"]])
        self._joints = self._accessor(first["attributes"]["JOINTS_0"])
        self._weights = self._accessor(first["attributes"]["WEIGHTS_0"]).astype(float)
        skin = self.document["skins"][0]
        self._bones = skin["joints"]
        self._inverse = self._accessor(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)

    def _view(self, number: int, code: int, count: int, width: int, offset: int) -> np.ndarray:
        view = self.document["bufferViews"][number]
        start = view.get("byteOffset", 0) + offset
        return np.frombuffer(self._binary, _TYPES[code], count * width, start).reshape(count, width)

    def _accessor(self, number: int) -> np.ndarray:
        item = self.document["accessors"][number]
        code, count, width = item["componentType"], item["count"], _WIDTHS[item["type"]]
        values = np.zeros((count, width), _TYPES[code])
        if "bufferView" in item:
            values = self._view(item["bufferView"], code, count, width, item.get("byteOffset", 0)).copy()
        if "sparse" in item:
            sparse = item["sparse"]
            rows, new = sparse["indices"], sparse["values"]
            at = self._view(
                rows["bufferView"], rows["componentType"], sparse["count"], 1, rows.get("byteOffset", 0)
            ).ravel()
            values[at] = self._view(new["bufferView"], code, sparse["count"], width, new.get("byteOffset", 0))
        return values

    def _sampled(self, node: int, path: str, t_s: float) -> np.ndarray | None:
        """The value of an animated property at a time, or None if nothing animates it."""
        animation = self.document["animations"][0]
        for channel in animation["channels"]:
            if channel["target"] == {"node": node, "path": path}:
                sampler = animation["samplers"][channel["sampler"]]
                times = self._accessor(sampler["input"]).ravel().astype(float)
                values = self._accessor(sampler["output"]).reshape(len(times), -1).astype(float)
                after = int(np.clip(np.searchsorted(times, t_s), 1, len(times) - 1))
                part = float(np.clip((t_s - times[after - 1]) / (times[after] - times[after - 1]), 0, 1))
                if path != "rotation":
                    return np.asarray((1 - part) * values[after - 1] + part * values[after])
                first, second = (np.roll(values[i], 1) for i in (after - 1, after))  # trimesh puts w first
                return np.asarray(trimesh.transformations.quaternion_slerp(first, second, part))
        return None

    def weights(self, t_s: float) -> np.ndarray:
        """Weights of the morph targets at a time, in the order of ``names``."""
        found = self._sampled(0, "weights", t_s)
        assert found is not None
        return found

    def vertices(self, t_s: float) -> np.ndarray:
        """The face at a time : (N, 3) metres, in the order of the file's vertices."""
        rest = next(g for g in self.scene.geometry.values() if len(g.vertices) == len(self._joints)).vertices
        shaped = rest + np.tensordot(self.weights(t_s), self._targets, 1)
        graph = self.scene.graph
        for number in self._bones:
            name = self._nodes[number]["name"]
            parent = graph.transforms.parents[name]
            local = graph.transforms.edge_data[(parent, name)]["matrix"].copy()
            moved, turned = self._sampled(number, "translation", t_s), self._sampled(number, "rotation", t_s)
            if moved is not None:
                local[:3, 3] = moved
            if turned is not None:
                local[:3, :3] = trimesh.transformations.quaternion_matrix(turned)[:3, :3]
            graph.update(frame_to=name, frame_from=parent, matrix=local)
        places = np.stack([graph.get(self._nodes[number]["name"])[0] for number in self._bones]) @ self._inverse
        homogeneous = np.c_[shaped, np.ones(len(shaped))]
        blended = np.einsum("nk,nkij->nij", self._weights, places[self._joints])
        return np.einsum("nij,nj->ni", blended, homogeneous)[:, :3]
