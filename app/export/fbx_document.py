"""The objects of an FBX file that is being written, their properties and their connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.export.fbx_binary import Int64, Node


@dataclass(frozen=True)
class Property:
    """One row of a Properties70 record."""

    name: str
    kind: str
    label: str
    flags: str
    values: tuple[Any, ...]


def add_properties(parent: Node, *rows: Property) -> None:
    block = parent.add("Properties70")
    for row in rows:
        block.add("P", row.name, row.kind, row.label, row.flags, *row.values)


def number_row(name: str, value: float, flags: str = "") -> Property:
    return Property(name, "Number" if flags else "double", "" if flags else "Number", flags, (float(value),))


def integer_row(name: str, value: int) -> Property:
    return Property(name, "int", "Integer", "", (int(value),))


def choice_row(name: str, value: int) -> Property:
    return Property(name, "enum", "", "", (int(value),))


def vector_row(name: str, values: Any, kind: str = "Vector3D") -> Property:
    label = {"Vector3D": "Vector", "ColorRGB": "Color"}.get(kind, "")
    flags = "A" if kind.startswith("Lcl") else ""
    return Property(name, kind, label, flags, tuple(float(v) for v in values))


def text_row(name: str, value: str) -> Property:
    return Property(name, "KString", "", "U", (value,))


def time_row(name: str, ticks: int) -> Property:
    return Property(name, "KTime", "Time", "", (Int64(ticks),))


class Document:
    """Collects objects and connections and numbers them."""

    def __init__(self) -> None:
        self.objects = Node("Objects")
        self.connections = Node("Connections")
        self._next = 1_000_000

    def object(self, kind: str, name: str, class_name: str, subclass: str) -> tuple[Node, int]:
        self._next += 1
        node = self.objects.add(kind, Int64(self._next), f"{name}\0\x01{class_name}", subclass)
        return node, self._next

    def connect(self, child: int, parent: int, channel: str = "") -> None:
        extra = (channel,) if channel else ()
        self.connections.add("C", "OP" if channel else "OO", Int64(child), Int64(parent), *extra)

    def counts(self) -> dict[str, int]:
        kinds = [node.name for node in self.objects.children]
        return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
