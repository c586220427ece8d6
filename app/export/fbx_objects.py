"""The objects of an FBX file that was read: their properties, connections and places in the world."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import Any, Final

import numpy as np

from app.export.fbx_binary import Node
from app.export.fbx_write import TIME_MODES
from app.export.scene import MAX_VERTICES
from engines.errors import InputError

_MODES: Final = {mode: rate for rate, mode in TIME_MODES.items()} | {
    1: Fraction(120), 2: Fraction(100), 5: Fraction(48), 7: Fraction(30), 8: Fraction(30000, 1001), 15: Fraction(96),
    16: Fraction(72),
}  # fmt: skip
_ORDERS: Final = ("XYZ", "XZY", "YZX", "YXZ", "ZXY", "ZYX")


def name_of(node: Node) -> str:
    """The name of an object, without its class."""
    name = node.properties[1] if len(node.properties) > 1 else ""
    return str(name).split("\0")[0].split("::")[-1]


def settings(node: Node | None) -> dict[str, list[Any]]:
    """The Properties70 rows of a record: name -> values."""
    block = node.first("Properties70") if node is not None else None
    rows = block.all("P") if block is not None else ()
    return {str(row.properties[0]): row.properties[4:] for row in rows if len(row.properties) > 4}


def vector(rows: dict[str, list[Any]], name: str, default: float = 0.0) -> np.ndarray:
    """A property of three numbers : float64 (3,)."""
    values = rows.get(name, [default] * 3)
    return np.array([float(v) for v in values[:3]])


def floats(node: Node, name: str, width: int) -> np.ndarray:
    """An array of finite coordinates : float64 (N, width); an absent one is empty."""
    array = np.asarray(node.value(name, np.zeros(0)), np.float64)
    if array.ndim != 1 or len(array) % width or len(array) > width * MAX_VERTICES * 6:
        raise InputError(f"its array {name} has a wrong length")
    array = array.reshape(-1, width)
    if not np.isfinite(array).all() or (len(array) and np.abs(array).max() > 1e9):
        raise InputError(f"its array {name} holds values that are no coordinates")
    return array


def integers(node: Node, name: str) -> np.ndarray:
    """An array of whole numbers : int64 (N,); an absent one is empty."""
    array = np.asarray(node.value(name, np.zeros(0, np.int64)))
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InputError(f"its array {name} is damaged")
    return array.astype(np.int64)


def rotation_of(angles_deg: np.ndarray, order: str = "XYZ") -> np.ndarray:
    """Matrices of Euler angles (..., 3); ``order`` is the order in which the axes act."""
    turn = np.radians(angles_deg)
    c, s = np.cos(turn), np.sin(turn)
    zero, one = np.zeros_like(c[..., 0]), np.ones_like(c[..., 0])
    axis = {
        "X": np.stack([one, zero, zero, zero, c[..., 0], -s[..., 0], zero, s[..., 0], c[..., 0]], -1),
        "Y": np.stack([c[..., 1], zero, s[..., 1], zero, one, zero, -s[..., 1], zero, c[..., 1]], -1),
        "Z": np.stack([c[..., 2], -s[..., 2], zero, s[..., 2], c[..., 2], zero, zero, zero, one], -1),
    }
    first, second, third = (axis[name].reshape(*angles_deg.shape[:-1], 3, 3) for name in order)
    return np.asarray(third @ second @ first)


class File:
    """The objects of a file, linked by their connections."""

    def __init__(self, root: Node) -> None:
        objects = root.first("Objects") or Node("")
        self.by_id = {int(n.properties[0]): n for n in objects.children if n.properties}
        self.children: dict[int, list[tuple[int, str]]] = defaultdict(list)
        self.parents: dict[int, list[int]] = defaultdict(list)
        connections = root.first("Connections") or Node("")
        for c in connections.all("C"):
            if len(c.properties) < 3:
                continue
            child, parent = int(c.properties[1]), int(c.properties[2])
            channel = str(c.properties[3]) if len(c.properties) > 3 else ""
            self.children[parent].append((child, channel))
            self.parents[child].append(parent)
        rows = settings(root.first("GlobalSettings"))
        self.places: dict[int, np.ndarray] = {}
        self.unit = float(rows.get("UnitScaleFactor", [1.0])[0])
        if not 1e-6 < self.unit < 1e6:
            raise InputError(f"its unit of {self.unit} cm is not possible")
        self.world = self._axes(rows)
        self.rate = self._rate(rows)

    def _axes(self, rows: dict[str, list[Any]]) -> np.ndarray:
        """World (X right, Y up, Z front) from the axes of the file : (3, 3)."""
        matrix = np.zeros((3, 3))
        for i, name in enumerate(("CoordAxis", "UpAxis", "FrontAxis")):
            axis = int(rows.get(name, [(0, 1, 2)[i]])[0])
            sign = int(rows.get(name + "Sign", [1])[0])
            if axis not in (0, 1, 2):
                raise InputError(f"its {name} is {axis}")
            matrix[i, axis] = 1 if sign >= 0 else -1
        return matrix if abs(np.linalg.det(matrix)) > 0.5 else np.eye(3)

    def _rate(self, rows: dict[str, list[Any]]) -> Fraction | None:
        mode = int(rows.get("TimeMode", [0])[0])
        custom = float(rows.get("CustomFrameRate", [-1])[0])
        if mode == 14 and 1 <= custom <= 240:
            return Fraction(custom).limit_denominator(1001)
        return _MODES.get(mode)

    def kids(self, parent: int, kind: str, subclass: str = "") -> list[tuple[int, Node]]:
        """Objects of a kind that are connected to ``parent``."""
        found = []
        for child, _ in self.children[parent]:
            node = self.by_id.get(child)
            if node is None or node.name != kind:
                continue
            if not subclass or (len(node.properties) > 2 and node.properties[2] == subclass):
                found.append((child, node))
        return found

    def parent_model(self, model: int) -> int | None:
        """The model that a model hangs under, if any."""
        return next((p for p in self.parents[model] if p in self.by_id and self.by_id[p].name == "Model"), None)


def local_matrix(node: Node, turns_deg: np.ndarray | None = None, moves: np.ndarray | None = None) -> np.ndarray:
    """Local matrix of a model, ``T Roff Rp Rpre R Rpost^-1 Rp^-1 Soff Sp S Sp^-1``; (..., 4, 4) when animated."""
    rows = settings(node)
    order = _ORDERS[int(rows.get("RotationOrder", [0])[0]) % 6]
    turns_deg = vector(rows, "Lcl Rotation") if turns_deg is None else turns_deg
    moves = vector(rows, "Lcl Translation") if moves is None else moves
    active = bool(rows.get("RotationActive", [1])[0])
    before = rotation_of(vector(rows, "PreRotation")) if active else np.eye(3)
    after = rotation_of(vector(rows, "PostRotation")) if active else np.eye(3)
    turn = before @ rotation_of(turns_deg, order if active else "XYZ") @ after.T
    scale = np.diag(vector(rows, "Lcl Scaling", 1.0))
    pivot, offset = vector(rows, "RotationPivot"), vector(rows, "RotationOffset")
    s_pivot, s_offset = vector(rows, "ScalingPivot"), vector(rows, "ScalingOffset")
    linear = turn @ scale
    constant = moves + offset + pivot + turn @ (s_offset + s_pivot - pivot) - linear @ s_pivot
    matrix = np.zeros((*np.broadcast_shapes(linear.shape[:-2], constant.shape[:-1]), 4, 4))
    matrix[..., :3, :3], matrix[..., :3, 3], matrix[..., 3, 3] = linear, constant, 1
    return matrix


def global_matrix(file: File, model: int) -> np.ndarray:
    """Transform of a model into the axes and units of the file (4, 4).

    Raises
    ------
    InputError
        If the models form a loop or too deep a tree.
    """
    chain = [model]
    while chain[-1] not in file.places and (parent := file.parent_model(chain[-1])) is not None:
        chain.append(parent)
        if len(chain) > 200:
            raise InputError("its models form a loop or too deep a tree")
    above = np.eye(4)
    for number in reversed(chain):
        if number not in file.places:
            file.places[number] = above @ local_matrix(file.by_id[number])
        above = file.places[number]
    return above


def to_world(file: File, matrix: np.ndarray) -> np.ndarray:
    """World centimetres from a point of the file's own axes and units : (4, 4)."""
    axes = np.eye(4)
    axes[:3, :3] = file.world * file.unit
    return np.asarray(axes @ matrix)
