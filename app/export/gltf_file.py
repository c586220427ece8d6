"""The JSON, buffers and accessors of a glTF file that is read; every length is checked before it is used."""

from __future__ import annotations

import base64
import json
import struct
import urllib.parse
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.export.files import read_bytes
from engines.errors import InputError

_DTYPES: Final = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS: Final = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_MAX_VALUES: Final = 64_000_000
_MAX_TOTAL: Final = 128_000_000
"""Largest number of values in one accessor and in all that are read."""


class File:
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
        """A top-level list of the file; empty where it has none."""
        found = self.json.get(name, [])
        if not isinstance(found, list):
            raise InputError(f"its {name} are no list")
        return found

    def _buffer(self, number: int, buffer: dict[str, Any]) -> bytes:
        uri = buffer.get("uri")
        return self.binary if uri is None and number == 0 else self.resource(str(uri))

    def resource(self, uri: str) -> bytes:
        """The bytes behind a URI: inside the file, or of a file in its folder (never outside that)."""
        if uri.startswith("data:"):
            return base64.b64decode(uri.partition(",")[2])
        name = urllib.parse.unquote(uri)
        place = (self.folder / name).resolve()
        if not place.is_relative_to(self.folder.resolve()) or not place.is_file():
            raise InputError(f"its data file {name[:80]} is not beside it")
        return read_bytes(place)

    def view(self, number: int) -> tuple[bytes, int]:
        """The bytes of a buffer view and their stride (0: tight)."""
        view = self.list("bufferViews")[index_of(number)]
        buffer = self.buffers[index_of(view["buffer"])]
        start, length = index_of(view.get("byteOffset", 0)), index_of(view["byteLength"])
        if start + length > len(buffer):
            raise InputError(f"its buffer view {number} reaches past the end of the data")
        return buffer[start : start + length], index_of(view.get("byteStride", 0))

    def _values(self, view: int, offset: int, count: int, width: int, dtype: np.dtype) -> np.ndarray:
        raw, stride = self.view(view)
        step = stride or width * dtype.itemsize
        if count and (step < width * dtype.itemsize or offset + step * (count - 1) + width * dtype.itemsize > len(raw)):
            raise InputError("an accessor reaches past the end of its data")
        strides = (step, dtype.itemsize)
        return np.ndarray((count, width), dtype, raw, offset, strides) if count else np.zeros((0, width), dtype)

    def accessor(self, number: int) -> np.ndarray:
        """Values as float64 or int64 (N, width); normalised integers become floats."""
        spec = self.list("accessors")[index_of(number)]
        dtype, width, count = np.dtype(_DTYPES[spec["componentType"]]), _WIDTHS[spec["type"]], index_of(spec["count"])
        self.total += count * width
        if count * width > _MAX_VALUES or self.total > _MAX_TOTAL:
            raise InputError(f"its accessor {number} has {count} rows, which is too many")
        if "bufferView" in spec:
            values = self._values(spec["bufferView"], index_of(spec.get("byteOffset", 0)), count, width, dtype).copy()
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
        count = index_of(sparse["count"])
        where, what = sparse["indices"], sparse["values"]
        dtype = np.dtype(_DTYPES[where["componentType"]])
        rows = self._values(where["bufferView"], index_of(where.get("byteOffset", 0)), count, 1, dtype)[:, 0]
        new = self._values(
            what["bufferView"], index_of(what.get("byteOffset", 0)), count, values.shape[1], values.dtype
        )
        if len(rows) and (dtype.kind == "f" or rows.max() >= len(values)):
            raise InputError("a sparse accessor points at rows that are not there")
        values[rows.astype(np.int64)] = new


def index_of(value: Any) -> int:
    """A whole number that is not negative, as the file spells it."""
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
