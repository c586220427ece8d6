"""The container of FBX 7.x binary files: a tree of named records with typed properties.

Layout after the public descriptions of the format by the Blender Foundation ("FBX binary file format specification",
2013): a 27-byte header, records of end offset, property count, property bytes and name, arrays packed with zlib, and
a footer of fixed bytes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from engines.errors import InputError

MAGIC: Final = b"Kaydara FBX Binary  \x00\x1a\x00"
VERSION: Final = 7400
_MAX_UNPACKED: Final = 512 << 20
_MAX_NODES: Final = 2_000_000
_MAX_DEPTH: Final = 64
_FOOT_ID: Final = bytes.fromhex("fabcab09d0c8d466b176fb831cf7267e")
_FOOT_MAGIC: Final = bytes.fromhex("f85a8c6adef5d97eece90ce3758f290b")
_ARRAYS: Final = {"f": "<f4", "d": "<f8", "i": "<i4", "l": "<i8", "b": "u1", "c": "u1"}
_CODES: Final = {np.dtype("f4"): "f", np.dtype("f8"): "d", np.dtype("i4"): "i", np.dtype("i8"): "l"}
_SCALARS: Final = {"Y": "<h", "C": "<B", "I": "<i", "F": "<f", "D": "<d", "L": "<q", "B": "<B"}


@dataclass
class Node:
    """A record: its name, its properties (int, float, bool, str, bytes or 1-D arrays) and the records inside it."""

    name: str
    properties: list[Any] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    def add(self, name: str, *properties: Any) -> Node:
        """Append a record and return it."""
        child = Node(name, list(properties))
        self.children.append(child)
        return child

    def all(self, name: str) -> Iterator[Node]:
        return (child for child in self.children if child.name == name)

    def first(self, name: str) -> Node | None:
        return next(self.all(name), None)

    def value(self, name: str, default: Any = None) -> Any:
        """The first property of the first record of that name."""
        child = self.first(name)
        return child.properties[0] if child is not None and child.properties else default


@dataclass(frozen=True)
class Int64:
    """An integer that is written with 64 bits whatever its value (ids and times)."""

    value: int


def _packed(value: Any) -> bytes:
    if isinstance(value, np.ndarray):
        code = _CODES[value.dtype]
        raw = np.ascontiguousarray(value).astype(_ARRAYS[code]).tobytes()
        small = zlib.compress(raw, 1) if len(raw) > 128 else raw
        encoding = 1 if len(raw) > 128 else 0
        return code.encode() + struct.pack("<III", value.size, encoding, len(small)) + small
    if isinstance(value, bool):
        return b"C" + struct.pack("<B", value)
    if isinstance(value, Int64):
        return b"L" + struct.pack("<q", value.value)
    if isinstance(value, int):
        return b"I" + struct.pack("<i", value)
    if isinstance(value, float):
        return b"D" + struct.pack("<d", value)
    data = value.encode() if isinstance(value, str) else value
    return (b"S" if isinstance(value, str) else b"R") + struct.pack("<I", len(data)) + data


def _encode(node: Node, offset: int) -> bytes:
    name = node.name.encode()
    properties = b"".join(map(_packed, node.properties))
    start = offset + 13 + len(name) + len(properties)
    parts: list[bytes] = []
    end = start
    for child in node.children:
        parts.append(_encode(child, end))
        end += len(parts[-1])
    if node.children or not node.properties:
        parts.append(bytes(13))
        end += 13
    head = struct.pack("<IIIB", end, len(node.properties), len(properties), len(name))
    return head + name + properties + b"".join(parts)


def encode(records: list[Node]) -> bytes:
    """A whole file of these top-level records."""
    data = bytearray(MAGIC + struct.pack("<I", VERSION))
    for node in records:
        data += _encode(node, len(data))
    data += bytes(13) + _FOOT_ID + bytes(4)
    data += bytes((-len(data)) % 16 or 16)
    data += struct.pack("<I", VERSION) + bytes(120) + _FOOT_MAGIC
    return bytes(data)


class _Reader:
    """One pass over the bytes of a file; every length is checked before it is used."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.nodes = 0
        self.unpacked = 0

    def fail(self, offset: int, what: str) -> InputError:
        return InputError(f"at byte {offset} {what}")

    def array(self, code: str, offset: int, end: int) -> tuple[np.ndarray, int]:
        count, encoding, size = struct.unpack_from("<III", self.data, offset)
        offset += 12
        dtype = np.dtype(_ARRAYS[code])
        wanted = count * dtype.itemsize
        self.unpacked += wanted
        if offset + size > end or self.unpacked > _MAX_UNPACKED:
            raise self.fail(offset, "an array is larger than the file or the limit")
        raw = self.data[offset : offset + size]
        if encoding == 1:
            raw = zlib.decompressobj().decompress(raw, wanted + 1)
        if len(raw) != wanted:
            raise self.fail(offset, "an array has the wrong length")
        return np.frombuffer(raw, dtype), offset + size

    def property(self, offset: int, end: int) -> tuple[Any, int]:
        code = chr(self.data[offset])
        offset += 1
        if code in _SCALARS:
            value = struct.unpack_from(_SCALARS[code], self.data, offset)[0]
            return value, offset + struct.calcsize(_SCALARS[code])
        if code in _ARRAYS:
            return self.array(code, offset, end)
        if code in "SR":
            size = struct.unpack_from("<I", self.data, offset)[0]
            offset += 4
            if offset + size > end:
                raise self.fail(offset, "a text is longer than its record")
            raw = self.data[offset : offset + size]
            return (raw.decode("utf-8", "replace") if code == "S" else raw), offset + size
        raise self.fail(offset - 1, f"a property has the unknown type {code!r}")

    def node(self, offset: int, limit: int, depth: int, wide: bool) -> tuple[Node | None, int]:
        layout, size = ("<QQQB", 25) if wide else ("<IIIB", 13)
        if offset + size > limit:
            raise self.fail(offset, "the file ends inside a record")
        end, count, length, name_length = struct.unpack_from(layout, self.data, offset)
        if end == 0:
            return None, offset + size
        self.nodes += 1
        if end <= offset or end > limit or depth > _MAX_DEPTH or self.nodes > _MAX_NODES:
            raise self.fail(offset, "a record does not fit into the one around it")
        offset += size
        name = self.data[offset : offset + name_length].decode("utf-8", "replace")
        offset += name_length
        stop = offset + length
        if stop > end or count > length:
            raise self.fail(offset, f"the record {name!r} is shorter than its properties")
        node = Node(name)
        for _ in range(count):
            value, offset = self.property(offset, stop)
            node.properties.append(value)
        offset = stop
        while offset < end:
            child, offset = self.node(offset, end, depth + 1, wide)
            if child is None:
                break
            node.children.append(child)
        return node, end


def decode(data: bytes) -> Node:
    """The tree of a file, under a record without a name.

    Raises
    ------
    InputError
        If the bytes are no binary FBX 7 file or are damaged.
    """
    if data[: len(MAGIC)] != MAGIC:
        if data.lstrip()[:1] == b";":
            raise InputError("it is a text FBX. Export it as binary FBX 7.4 or 7.5")
        raise InputError("it does not begin as a binary FBX file does")
    (version,) = struct.unpack_from("<I", data, len(MAGIC))
    if not 7000 <= version < 8000:
        raise InputError(f"it has FBX version {version}; 7000 to 7999 can be read")
    reader, offset, root = _Reader(data), len(MAGIC) + 4, Node("")
    while offset < len(data):
        child, offset = reader.node(offset, len(data), 0, version >= 7500)
        if child is None:
            return root
        root.children.append(child)
    raise InputError("its end is missing")
