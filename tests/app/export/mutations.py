"""Damaged files for the readers: small valid ones of each format, and ways to break them."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from app.export import ExportOptions, Take, fbx_binary, format_of, formats, read_curves, read_head, read_start, write
from engines.errors import StudioError
from engines.rig.mesh import HeadMesh
from tests.app.export.conftest import random_performance

NASTY = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 1 << 40)
WORDS = (
    b"nan",
    b"-1",
    b"1e309",
    b"null",
    b"[]",
    b"{}",
    b'"',
    b"\0",
    b"99999999999",
    b"\xff\xfe",
    b"[" * 5000,
    b",",
    b"\n",
)


def valid_files(folder: Path, head: HeadMesh, own_process: bool = False) -> dict[str, bytes]:
    """One small file of each format that can be read, by its name.

    Parameters
    ----------
    own_process : those of formats that are read in a process of their own, which takes its time; else the others
    """
    motion = random_performance(1, 6)
    take = Take(motion, motion.rate, head=head)
    found: dict[str, bytes] = {}
    for known in formats():
        if not (known.reads_curves or known.reads_head) or (known.id == "usd") != own_process:
            continue
        for suffix in known.suffixes:
            path = folder / f"valid{suffix}"
            write(take, path, ExportOptions(mesh="full" if known.reads_head else "minimal"))
            found[f"a{suffix}"] = path.read_bytes()
    return found


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """A copy with one damage, more often than not, or up to six."""
    broken = bytearray(data)
    for _ in range(1 if rng.random() < 0.6 else int(rng.integers(2, 7))):
        if not broken:
            break
        at = int(rng.integers(len(broken)))
        if rng.random() < 0.5:
            at = int(at * rng.random() ** 3)  # headers lie in front
        kind = int(rng.choice(8, p=(0.25, 0.2, 0.03, 0.07, 0.07, 0.15, 0.15, 0.08)))
        if kind == 0:
            broken[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            broken[at] = int(rng.integers(256))
        elif kind == 2:
            del broken[at:]
        elif kind == 3:
            del broken[at : at + int(rng.integers(1, 64))]
        elif kind == 4:
            broken[at:at] = broken[at : at + int(rng.integers(1, 400))]
        elif kind == 5:
            code, value = ("<I", 0xFFFFFFFF) if rng.random() < 0.7 else ("<Q", 0xFFFFFFFFFFFFFFFF)
            number = NASTY[int(rng.integers(len(NASTY)))] & value
            broken[at : at + struct.calcsize(code)] = struct.pack(code, number)
        elif kind == 6:
            word = WORDS[int(rng.integers(len(WORDS)))]
            broken[at : at + int(rng.integers(0, 12))] = word
        else:
            other = int(rng.integers(len(broken)))
            size = int(rng.integers(1, 200))
            broken[at : at + size] = broken[other : other + size]
    return bytes(broken)


def _walk(node: fbx_binary.Node) -> Iterator[fbx_binary.Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _nasty_array(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    broken = array.copy()
    kind = int(rng.integers(4))
    if kind == 0:
        return broken[: int(rng.integers(len(broken) + 1))]
    if kind == 1:
        return np.concatenate([broken, broken[:7]])
    if broken.dtype.kind == "f":
        broken[rng.integers(len(broken))] = rng.choice([np.nan, np.inf, -1e30, 1e38, 0])
    else:
        limits = np.iinfo(broken.dtype)
        broken[rng.integers(len(broken))] = rng.choice([limits.min, limits.max, -1, 0, 1 << 20])
    return broken


def mutated_fbx(data: bytes, rng: np.random.Generator) -> bytes:
    """An FBX file whose records are whole but make no sense."""
    root = fbx_binary.decode(data)
    nodes = list(_walk(root))[1:]
    for _ in range(int(rng.integers(1, 5))):
        node = nodes[int(rng.integers(len(nodes)))]
        kind = int(rng.integers(5))
        if kind == 0 and node.children:
            del node.children[int(rng.integers(len(node.children)))]
        elif kind == 1 and node.children:
            node.children.append(
                nodes[int(rng.integers(len(nodes) // 2))] if rng.random() < 0.1 else fbx_binary.Node("X")
            )
        elif node.properties:
            place = int(rng.integers(len(node.properties)))
            value = node.properties[place]
            if isinstance(value, np.ndarray) and len(value) and value.dtype.kind in "fi" and value.dtype.itemsize > 1:
                node.properties[place] = _nasty_array(value, rng)
            else:
                choices = ["", "Mesh", b"", 0, -1, fbx_binary.Int64(1 << 62), 1e300, float("nan"), True]
                node.properties[place] = choices[int(rng.integers(len(choices)))]
    for node in _walk(root):  # whole numbers of any size were 64 bits wide
        node.properties = [
            fbx_binary.Int64(v) if isinstance(v, int) and not isinstance(v, bool) and abs(v) >> 31 else v
            for v in node.properties
        ]
    try:
        return fbx_binary.encode(root.children)
    except RecursionError:  # the tree was joined to itself
        return data[:-100]


def mutated_json(data: bytes, rng: np.random.Generator) -> bytes:
    """A JSON file, or a GLB with a JSON part, whose values make no sense."""
    glb = data[:4] == b"glTF"
    length = struct.unpack_from("<I", data, 12)[0] if glb else 0
    document = json.loads(data[20 : 20 + length] if glb else data)
    for _ in range(int(rng.integers(1, 4))):
        at: Any = document
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = keys[int(rng.integers(len(keys)))]
            if isinstance(at[key], (dict, list)) and at[key] and rng.random() < 0.85:
                at = at[key]
                continue
            if rng.random() < 0.25:
                del at[key]
            else:
                choices = [None, -1, 0, 1 << 31, 1 << 62, 1e300, float("nan"), "", "x", [], {}, [[0]], True, 3.5]
                at[key] = choices[int(rng.integers(len(choices)))]
            break
    text = json.dumps(document).encode()
    if not glb:
        return text
    text += b" " * (-len(text) % 4)
    rest = data[20 + length :]
    head = struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text) + len(rest), len(text), b"JSON")
    return head + text + rest


def damaged(name: str, data: bytes, rng: np.random.Generator) -> bytes:
    """A damaged copy of the file ``name``: in its bytes, or in the values that they spell."""
    if rng.random() < 0.5:
        if name.endswith(".fbx"):
            return mutated_fbx(data, rng)
        if name.endswith((".json", ".glb", ".gltf")):
            return mutated_json(data, rng)
    return mutated(data, rng)


def attempt(path: Path) -> bool:
    """Read a file in every way its format can be read; True if all ended well, False after a clear refusal.

    Any other exception passes through: that is the failure which is looked for.
    """
    ended_well, refusals = True, []
    for reader in (read_curves, read_start, read_head) if format_of(path).reads_head else (read_curves, read_start):
        try:
            reader(path)
        except StudioError as error:
            refusals.append(str(error))
            ended_well = False
    assert all(str(path) in text for text in refusals), f"a refusal names no file: {refusals}"
    return ended_well
