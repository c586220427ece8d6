"""FBX 7.4 binary: the head with its blend shapes, its skinned bones and one linear key a frame.

Conventions after Autodesk's SDK reference: right-handed, Y up, centimetres; 46,186,158,000 ticks a second; a blend
shape channel is a percentage; Euler angles in degrees applied x, then y, then z.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.export.fbx_binary import Int64, Node, encode
from app.export.files import atomic, write_bytes
from app.export.options import ExportOptions
from app.export.rigging import (
    PARENTS,
    PART_COLOURS,
    SKIN_COLOUR,
    Delta,
    Shape,
    bone_motion,
    deltas,
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
from engines.timebase import timecode

TICKS: Final = 46_186_158_000
"""FBX time units in a second."""
TIME_MODES: Final = {
    Fraction(60): 3, Fraction(50): 4, Fraction(30): 6, Fraction(30000, 1001): 9, Fraction(25): 10, Fraction(24): 11,
    Fraction(24000, 1001): 13, Fraction(60000, 1001): 17,
}  # fmt: skip
CUSTOM_MODE: Final = 14
_FILE_ID: Final = bytes.fromhex("28b32aebb624ccc2bfc8b02aa92bfcf1")
_FILE_TIME: Final = "1970-01-01 10:00:00:000"  # the footer's fixed bytes belong to this time


@dataclass(frozen=True)
class _Property:
    """One row of a Properties70 record."""

    name: str
    kind: str
    label: str
    flags: str
    values: tuple[Any, ...]


def _properties(parent: Node, *rows: _Property) -> None:
    block = parent.add("Properties70")
    for row in rows:
        block.add("P", row.name, row.kind, row.label, row.flags, *row.values)


def _number(name: str, value: float, flags: str = "") -> _Property:
    return _Property(name, "Number" if flags else "double", "" if flags else "Number", flags, (float(value),))


def _integer(name: str, value: int) -> _Property:
    return _Property(name, "int", "Integer", "", (int(value),))


def _choice(name: str, value: int) -> _Property:
    return _Property(name, "enum", "", "", (int(value),))


def _vector(name: str, values: Any, kind: str = "Vector3D") -> _Property:
    label = {"Vector3D": "Vector", "ColorRGB": "Color"}.get(kind, "")
    flags = "A" if kind.startswith("Lcl") else ""
    return _Property(name, kind, label, flags, tuple(float(v) for v in values))


def _text(name: str, value: str) -> _Property:
    return _Property(name, "KString", "", "U", (value,))


def _time(name: str, ticks: int) -> _Property:
    return _Property(name, "KTime", "Time", "", (Int64(ticks),))


class _Document:
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


def _mesh_geometry(document: _Document, head: HeadMesh, name: str) -> int:
    node, geometry = document.object("Geometry", name, "Geometry", "Mesh")
    _properties(node)
    node.add("GeometryVersion", 124)
    node.add("Vertices", head.vertices.astype("f8").ravel())
    corners = head.triangles.astype("i4").copy()
    corners[:, 2] = -corners[:, 2] - 1  # the last corner of a polygon is stored as its complement
    node.add("PolygonVertexIndex", corners.ravel())
    layers = [
        ("LayerElementNormal", 0),
        ("LayerElementUV", 0),
        ("LayerElementMaterial", 0),
        ("LayerElementSmoothing", 0),
    ]
    normal = node.add("LayerElementNormal", 0)
    _layer_head(normal, "", "ByPolygonVertex", "Direct", 102)
    rest = normals(head.vertices, head.triangles)
    normal.add("Normals", rest[head.triangles].astype("f8").ravel())
    uv = node.add("LayerElementUV", 0)
    _layer_head(uv, "UVMap", "ByPolygonVertex", "IndexToDirect", 101)
    uv.add("UV", head.uv.astype("f8").ravel())
    uv.add("UVIndex", head.uv_triangles.astype("i4").ravel())
    smoothing = node.add("LayerElementSmoothing", 0)
    _layer_head(smoothing, "", "ByPolygon", "Direct", 102)
    smoothing.add("Smoothing", np.ones(len(head.triangles), "i4"))
    material = node.add("LayerElementMaterial", 0)
    _layer_head(material, "", "ByPolygon", "IndexToDirect", 101)
    used = np.unique(head.parts)
    material.add("Materials", np.searchsorted(used, head.parts).astype("i4"))
    layer = node.add("Layer", 0)
    layer.add("Version", 100)
    for kind, index in layers:
        element = layer.add("LayerElement")
        element.add("Type", kind)
        element.add("TypedIndex", index)
    return geometry


def _layer_head(layer: Node, name: str, mapping: str, reference: str, version: int) -> None:
    layer.add("Version", version)
    layer.add("Name", name)
    layer.add("MappingInformationType", mapping)
    layer.add("ReferenceInformationType", reference)


def _materials(document: _Document, head: HeadMesh, model: int, path: Path, options: ExportOptions) -> bytes:
    """One material for each part; returns the texture as PNG where it lies beside the file."""
    texture = None
    outside = b""
    if head.texture is not None:
        picture = png(head.texture)
        beside = texture_path(path)
        video, video_id = document.object("Video", "Face", "Video", "Clip")
        video.add("Type", "Clip")
        _properties(video, _Property("Path", "KString", "XRefUrl", "", (beside.name,)))
        video.add("UseMipMap", 0)
        video.add("Filename", beside.name)
        video.add("RelativeFilename", beside.name)
        if options.texture == "embed":
            video.add("Content", picture)
        else:
            outside = picture
        node, texture = document.object("Texture", "Face", "Texture", "")
        node.add("Type", "TextureVideoClip")
        node.add("Version", 202)
        node.add("TextureName", "Face\0\x01Texture")
        node.add("Media", "Face\0\x01Video")
        node.add("FileName", beside.name)
        node.add("RelativeFilename", beside.name)
        _properties(node, _Property("UVSet", "KString", "", "", ("UVMap",)), _choice("UseMaterial", 1))
        document.connect(video_id, texture)
    for part in np.unique(head.parts):
        name = PARTS[part]
        node, material = document.object("Material", name, "Material", "")
        node.add("Version", 102)
        node.add("ShadingModel", "phong")
        colour = (1.0, 1.0, 1.0) if texture is not None else PART_COLOURS.get(name, SKIN_COLOUR)
        _properties(
            node,
            _vector("DiffuseColor", colour, "ColorRGB"),
            _vector("SpecularColor", (0.04, 0.04, 0.04), "ColorRGB"),
            _number("Shininess", 10),
            _number("DiffuseFactor", 1),
            _number("SpecularFactor", 0.25),
        )
        document.connect(material, model)
        if texture is not None:
            document.connect(texture, material, "DiffuseColor")
    return outside


def _model(document: _Document, name: str, kind: str, offset: Any, *more: _Property) -> int:
    node, model = document.object("Model", name, "Model", kind)
    node.add("Version", 232)
    _properties(
        node,
        _choice("InheritType", 1),
        _vector("Lcl Translation", offset, "Lcl Translation"),
        _vector("Lcl Rotation", (0, 0, 0), "Lcl Rotation"),
        _vector("Lcl Scaling", (1, 1, 1), "Lcl Scaling"),
        *more,
    )
    node.add("Shading", True)
    node.add("Culling", "CullingOff")
    return model


def _bones(document: _Document, head: HeadMesh, root: int) -> list[int]:
    models: list[int] = []
    pivots = rest_pivots(head)
    for i, name in enumerate(BONES):
        parent = PARENTS[i]
        offset = pivots[i] - (pivots[parent] if parent >= 0 else 0)
        model = _model(document, name, "LimbNode", offset)
        attribute, attribute_id = document.object("NodeAttribute", name, "NodeAttribute", "LimbNode")
        _properties(attribute, _number("Size", 1))
        attribute.add("TypeFlags", "Skeleton")
        document.connect(attribute_id, model)
        document.connect(model, models[parent] if parent >= 0 else root)
        models.append(model)
    return models


def _at(position: Any) -> np.ndarray:
    """A translation matrix, flattened as FBX stores it (rows of the transpose)."""
    matrix = np.eye(4)
    matrix[3, :3] = position
    return matrix.ravel()


def _skin(document: _Document, head: HeadMesh, geometry: int, mesh: int, bones: list[int]) -> None:
    node, skin = document.object("Deformer", "Skin", "Deformer", "Skin")
    node.add("Version", 101)
    node.add("Link_DeformAcuracy", 50.0)
    document.connect(skin, geometry)
    pose, _ = document.object("Pose", "BindPose", "Pose", "BindPose")
    pose.add("Type", "BindPose")
    pose.add("Version", 100)
    pose.add("NbPoseNodes", len(bones) + 1)
    for model, position in [(mesh, np.zeros(3)), *zip(bones, rest_pivots(head), strict=True)]:
        entry = pose.add("PoseNode")
        entry.add("Node", Int64(model))
        entry.add("Matrix", _at(position))
    pivots = rest_pivots(head)
    for i, name in enumerate(BONES):
        node, cluster = document.object("Deformer", name, "SubDeformer", "Cluster")
        node.add("Version", 100)
        node.add("UserData", "", "")
        rows = np.flatnonzero(head.bone_weights[:, i])
        if len(rows):
            node.add("Indexes", rows.astype("i4"))
            node.add("Weights", head.bone_weights[rows, i].astype("f8"))
        node.add("Transform", _at(-pivots[i]))
        node.add("TransformLink", _at(pivots[i]))
        document.connect(cluster, skin)
        document.connect(bones[i], cluster)


def _blend_shapes(document: _Document, geometry: int, wanted: list[Shape], moved: list[Delta]) -> list[int]:
    node, blend = document.object("Deformer", "ARKit", "Deformer", "BlendShape")
    node.add("Version", 100)
    document.connect(blend, geometry)
    channels = []
    for shape, delta in zip(wanted, moved, strict=True):
        node, channel = document.object("Deformer", shape.name, "SubDeformer", "BlendShapeChannel")
        node.add("Version", 100)
        node.add("DeformPercent", 0.0)
        node.add("FullWeights", np.array([100.0]))
        _properties(node, _number("DeformPercent", 0, "A"))
        document.connect(channel, blend)
        node, target = document.object("Geometry", shape.name, "Geometry", "Shape")
        node.add("Version", 100)
        node.add("Indexes", delta.rows)
        node.add("Vertices", delta.offsets.astype("f8").ravel())
        node.add("Normals", delta.normal_offsets.astype("f8").ravel())
        document.connect(target, channel)
        channels.append(channel)
    return channels


class _Animation:
    """The one stack and layer of a take, and its curves."""

    def __init__(self, document: _Document, name: str, count: int, rate: Fraction) -> None:
        self._document = document
        self.times = np.array([round(TICKS * i / rate) for i in range(count)], "i8")
        stack, stack_id = document.object("AnimationStack", name, "AnimStack", "")
        end = int(self.times[-1])
        _properties(
            stack,
            *(_time(n, v) for n, v in (("LocalStart", 0), ("LocalStop", end))),
            *(_time(n, v) for n, v in (("ReferenceStart", 0), ("ReferenceStop", end))),
        )
        _, self._layer = document.object("AnimationLayer", "BaseLayer", "AnimLayer", "")
        document.connect(self._layer, stack_id)

    def add(self, target: int, channel: str, curves: dict[str, np.ndarray]) -> None:
        """Animate a property; ``curves`` by component (``X``, ``Y``, ``Z`` or the property's own name)."""
        document = self._document
        name = {"Lcl Translation": "T", "Lcl Rotation": "R"}.get(channel, channel)
        node, node_id = document.object("AnimationCurveNode", name, "AnimCurveNode", "")
        _properties(node, *(_number(f"d|{part}", float(v[0]), "A") for part, v in curves.items()))
        document.connect(node_id, self._layer)
        document.connect(node_id, target, channel)
        for part, values in curves.items():
            curve, curve_id = document.object("AnimationCurve", "", "AnimCurve", "")
            curve.add("Default", float(values[0]))
            curve.add("KeyVer", 4008)
            curve.add("KeyTime", self.times)
            curve.add("KeyValueFloat", values.astype("f4"))
            curve.add("KeyAttrFlags", np.array([4], "i4"))  # linear
            curve.add("KeyAttrDataFloat", np.zeros(4, "f4"))
            curve.add("KeyAttrRefCount", np.array([len(values)], "i4"))
            document.connect(curve_id, node_id, f"d|{part}")


def euler_xyz_deg(rotation: np.ndarray) -> np.ndarray:
    """FBX angles of rotation matrices, continuous in time : float64 (T, 3) degrees.

    Parameters
    ----------
    rotation : (T, 3, 3), ``Rz Ry Rx``
    """
    y = np.arcsin(np.clip(-rotation[:, 2, 0], -1, 1))
    x = np.arctan2(rotation[:, 2, 1], rotation[:, 2, 2])
    z = np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0])
    return np.degrees(np.unwrap(np.stack([x, y, z], -1), axis=0))


def _header(name: str) -> Node:
    node = Node("FBXHeaderExtension")
    node.add("FBXHeaderVersion", 1003)
    node.add("FBXVersion", 7400)
    node.add("EncryptionType", 0)
    stamp = node.add("CreationTimeStamp")
    stamp.add("Version", 1000)
    now = datetime.datetime(1970, 1, 1, 10)
    parts = ("Year", "Month", "Day", "Hour", "Minute", "Second")
    for part in parts:
        stamp.add(part, getattr(now, part.lower()))
    stamp.add("Millisecond", 0)
    node.add("Creator", "Soliloquy")
    info = node.add("SceneInfo", "GlobalInfo\0\x01SceneInfo", "UserData")
    info.add("Type", "UserData")
    info.add("Version", 100)
    meta = info.add("MetaData")
    meta.add("Version", 100)
    for key, value in (("Title", name), ("Subject", ""), ("Author", ""), ("Keywords", ""), ("Comment", "")):
        meta.add(key, value)
    return node


def _settings(rate: Fraction, end: int) -> Node:
    node = Node("GlobalSettings")
    node.add("Version", 1000)
    mode = TIME_MODES.get(rate, CUSTOM_MODE)
    axes = {"UpAxis": 1, "UpAxisSign": 1, "FrontAxis": 2, "FrontAxisSign": 1, "CoordAxis": 0, "CoordAxisSign": 1}
    axes |= {"OriginalUpAxis": 1, "OriginalUpAxisSign": 1}
    _properties(
        node,
        *(_integer(n, v) for n, v in axes.items()),
        _number("UnitScaleFactor", 1),
        _number("OriginalUnitScaleFactor", 1),
        _choice("TimeMode", mode),
        _choice("TimeProtocol", 2),
        _time("TimeSpanStart", 0),
        _time("TimeSpanStop", end),
        _number("CustomFrameRate", float(rate) if mode == CUSTOM_MODE else -1),
    )
    return node


def build(take: Take, path: Path, options: ExportOptions) -> tuple[bytes, bytes]:
    """The bytes of the file, and those of the texture that lies beside it (empty if none does)."""
    head, motion, document = head_of(take, options), take.motion, _Document()
    wanted = shapes(options)
    code = timecode(take.start, motion.rate)
    notes = (
        _text("take", take.name),
        _text("timecode", code),
        _text("provenance", take.provenance_json()),
        _text("rate", f"{motion.rate.numerator}/{motion.rate.denominator}"),
        _Property("startFrame", "int", "Integer", "U", (take.start,)),
        _number("tongue", 0, "A+U"),
    )
    root = _model(document, "Soliloquy", "Null", (0, 0, 0), *notes)
    null, null_id = document.object("NodeAttribute", "Soliloquy", "NodeAttribute", "Null")
    null.add("TypeFlags", "Null")
    document.connect(null_id, root)
    document.connect(root, 0)
    mesh = _model(document, "Face", "Mesh", (0, 0, 0))
    document.connect(mesh, root)
    geometry = _mesh_geometry(document, head, "Face")
    document.connect(geometry, mesh)
    outside = _materials(document, head, mesh, path, options)
    bones = _bones(document, head, root)
    _skin(document, head, geometry, mesh, bones)
    channels = _blend_shapes(document, geometry, wanted, deltas(head, wanted))
    animation = _Animation(document, take.name, len(motion), motion.rate)
    for shape, channel in zip(wanted, channels, strict=True):
        animation.add(channel, "DeformPercent", {"DeformPercent": 100 * motion.weights[:, shape.unit]})
    animation.add(root, "tongue", {"tongue": motion.tongue})
    offsets, rotations = bone_motion(head, motion)
    animation.add(bones[1], "Lcl Translation", dict(zip("XYZ", offsets[:, 1].T, strict=True)))
    for bone in (1, 2, 3):
        animation.add(bones[bone], "Lcl Rotation", dict(zip("XYZ", euler_xyz_deg(rotations[:, bone]).T, strict=True)))
    end = int(animation.times[-1])
    return encode(_records(document, take.name, motion.rate, end)), outside


def _records(document: _Document, name: str, rate: Fraction, end: int) -> list[Node]:
    documents = Node("Documents")
    documents.add("Count", 1)
    entry = documents.add("Document", Int64(999_999), "", "Scene")
    _properties(entry, _Property("ActiveAnimStackName", "KString", "", "", (name,)))
    entry.add("RootNode", Int64(0))
    counts = document.counts()
    definitions = Node("Definitions")
    definitions.add("Version", 100)
    definitions.add("Count", sum(counts.values()) + 1)
    for kind, count in {"GlobalSettings": 1, **counts}.items():
        definitions.add("ObjectType", kind).add("Count", count)
    takes = Node("Takes")
    takes.add("Current", name)
    take = takes.add("Take", name)
    take.add("FileName", f"{name}.tak")
    take.add("LocalTime", Int64(0), Int64(end))
    take.add("ReferenceTime", Int64(0), Int64(end))
    top = [Node("FileId", [_FILE_ID]), Node("CreationTime", [_FILE_TIME]), Node("Creator", ["Soliloquy"])]
    tail = [documents, Node("References"), definitions, document.objects, document.connections, takes]
    return [_header(name), *top, _settings(rate, end), *tail]


def write(take: Take, path: Path, options: ExportOptions, progress: Progress, cancel: CancelToken) -> list[Path]:
    """Write the take; with ``options.texture`` ``file`` the texture lies beside it as PNG."""
    cancel.check()
    data, outside = build(take, path, options)
    if len(data) >= 1 << 32:
        raise ExportError(f"{path} would pass the 4 GB that FBX 7.4 can hold. Export a shorter range.")
    cancel.check()
    if not outside:
        return write_bytes(path, data)
    with atomic(path) as temporary, atomic(texture_path(path)) as picture:
        temporary.write_bytes(data)
        picture.write_bytes(outside)
    return [path, texture_path(path)]
