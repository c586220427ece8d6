"""Baked vertices: OBJ, one file a frame, and the point caches PC2 and MDD beside an OBJ of the rest pose."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from app.export.files import atomic, atomic_folder
from app.export.options import ExportOptions
from app.export.rigging import PART_COLOURS, SKIN_COLOUR, png, texture_path
from app.export.stills import numbered
from app.export.take import Take
from engines.api import CancelToken, Progress
from engines.rig.mesh import PARTS, HeadMesh
from engines.timebase import frame_times


def posed_frames(take: Take, progress: Progress, cancel: CancelToken) -> Iterator[np.ndarray]:
    """Vertices of each frame : float32 (V, 3) in cm."""
    assert take.head is not None
    motion = take.motion
    for i in range(len(motion)):
        cancel.check()
        yield take.head.posed(motion.weights[i], motion.head[i], motion.gaze[i])
        progress((i + 1) / len(motion), f"frame {i + 1} of {len(motion)}")


def _faces(head: HeadMesh) -> str:
    """The lines after the vertices, which are the same in each frame."""
    lines = [f"vt {u:.6f} {v:.6f}" for u, v in head.uv.tolist()]
    for part in np.unique(head.parts):
        lines.append(f"g {PARTS[part]}")
        lines.append(f"usemtl {'Face' if head.texture is not None else PARTS[part]}")
        rows = head.parts == part
        pairs = np.stack([head.triangles[rows], head.uv_triangles[rows]], -1).reshape(-1, 6) + 1
        lines += ["f {}/{} {}/{} {}/{}".format(*row) for row in pairs.tolist()]
    return "\n".join(lines) + "\n"


def _obj(vertices: np.ndarray, faces: str, library: str) -> str:
    points = "\n".join([f"v {x:.5f} {y:.5f} {z:.5f}" for x, y, z in vertices.tolist()])
    return f"# Soliloquy, centimetres, Y up\nmtllib {library}\n{points}\n{faces}"


def _material(head: HeadMesh, path: Path) -> str:
    if head.texture is not None:
        return f"newmtl Face\nKd 1 1 1\nmap_Kd {texture_path(path).name}\n"
    names = [PARTS[part] for part in np.unique(head.parts)]
    return "".join("newmtl {}\nKd {} {} {}\n".format(n, *PART_COLOURS.get(n, SKIN_COLOUR)) for n in names)


def write(take: Take, path: Path, options: ExportOptions, progress: Progress, cancel: CancelToken) -> list[Path]:
    """Write ``NAME.00000.obj`` and on, with one material file and texture; all of them appear at the end, or none."""
    assert take.head is not None
    name, faces = numbered(path), _faces(take.head)
    library = path.with_suffix(".mtl").name
    with atomic_folder(path) as folder:
        for i, vertices in enumerate(posed_frames(take, progress, cancel)):
            (folder / name(take.start + i)).write_text(_obj(vertices, faces, library), encoding="utf-8")
        _side_files(take.head, path, folder)
    return [path.parent / name(take.start + i) for i in range(len(take))]


def _side_files(head: HeadMesh, path: Path, folder: Path) -> None:
    (folder / path.with_suffix(".mtl").name).write_text(_material(head, path), encoding="utf-8")
    if head.texture is not None:
        (folder / texture_path(path).name).write_bytes(png(head.texture))


def write_cache(take: Take, path: Path, options: ExportOptions, progress: Progress, cancel: CancelToken) -> list[Path]:
    """Write a point cache by its suffix, and the rest mesh that it fits as OBJ beside it.

    PC2: little-endian, ``POINTCACHE2``, point count, start and step in frames. MDD: big-endian, frame and point
    count, then the times in seconds.
    """
    assert take.head is not None
    count, points = len(take), len(take.head.vertices)
    mesh = path.with_suffix(".obj")
    with atomic_folder(mesh) as folder, atomic(path) as temporary:
        with temporary.open("wb") as stream:
            big = path.suffix.lower() == ".mdd"
            if big:
                stream.write(struct.pack(">II", count, points))
                stream.write(frame_times(count, take.rate).astype(">f4").tobytes())
            else:
                stream.write(struct.pack("<12siiffi", b"POINTCACHE2\0", 1, points, 0.0, 1.0, count))
            for vertices in posed_frames(take, progress, cancel):
                stream.write(vertices.astype(">f4" if big else "<f4").tobytes())
        rest = _obj(take.head.vertices, _faces(take.head), path.with_suffix(".mtl").name)
        (folder / mesh.name).write_text(rest, encoding="utf-8")
        _side_files(take.head, mesh, folder)
    return [path, mesh]
