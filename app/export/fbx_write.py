"""FBX 7.4 binary: the head with its blend shapes, its skinned bones and one linear key a frame.

Conventions after Autodesk's SDK reference: right-handed, Y up, centimetres; 46,186,158,000 ticks a second; a blend
shape channel is a percentage; Euler angles in degrees applied x, then y, then z.
"""

from __future__ import annotations

import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.export.fbx_binary import Int64, Node, encode
from app.export.fbx_document import (
    Document,
    Property,
    add_properties,
    choice_row,
    integer_row,
    number_row,
    text_row,
    time_row,
    vector_row,
)
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
    euler_xyz_deg,
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


def _mesh_geometry(document: Document, head: HeadMesh, name: str) -> int:
    node, geometry = document.object("Geometry", name, "Geometry", "Mesh")
    add_properties(node)
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


def _materials(document: Document, head: HeadMesh, model: int, path: Path, options: ExportOptions) -> bytes:
    """One material for each part; returns the texture as PNG where it lies beside the file."""
    texture = None
    outside = b""
    if head.texture is not None:
        picture = png(head.texture)
        beside = texture_path(path)
        video, video_id = document.object("Video", "Face", "Video", "Clip")
        video.add("Type", "Clip")
        add_properties(video, Property("Path", "KString", "XRefUrl", "", (beside.name,)))
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
        add_properties(node, Property("UVSet", "KString", "", "", ("UVMap",)), choice_row("UseMaterial", 1))
        document.connect(video_id, texture)
    for part in np.unique(head.parts):
        name = PARTS[part]
        node, material = document.object("Material", name, "Material", "")
        node.add("Version", 102)
        node.add("ShadingModel", "phong")
        colour = (1.0, 1.0, 1.0) if texture is not None else PART_COLOURS.get(name, SKIN_COLOUR)
        add_properties(
            node,
            vector_row("DiffuseColor", colour, "ColorRGB"),
            vector_row("SpecularColor", (0.04, 0.04, 0.04), "ColorRGB"),
            number_row("Shininess", 10),
            number_row("DiffuseFactor", 1),
            number_row("SpecularFactor", 0.25),
        )
        document.connect(material, model)
        if texture is not None:
            document.connect(texture, material, "DiffuseColor")
    return outside


def _model(document: Document, name: str, kind: str, offset: Any, *more: Property) -> int:
    node, model = document.object("Model", name, "Model", kind)
    node.add("Version", 232)
    add_properties(
        node,
        choice_row("InheritType", 1),
        vector_row("Lcl Translation", offset, "Lcl Translation"),
        vector_row("Lcl Rotation", (0, 0, 0), "Lcl Rotation"),
        vector_row("Lcl Scaling", (1, 1, 1), "Lcl Scaling"),
        *more,
    )
    node.add("Shading", True)
    node.add("Culling", "CullingOff")
    return model


def _bones(document: Document, head: HeadMesh, root: int) -> list[int]:
    models: list[int] = []
    pivots = rest_pivots(head)
    for i, name in enumerate(BONES):
        parent = PARENTS[i]
        offset = pivots[i] - (pivots[parent] if parent >= 0 else 0)
        model = _model(document, name, "LimbNode", offset)
        attribute, attribute_id = document.object("NodeAttribute", name, "NodeAttribute", "LimbNode")
        add_properties(attribute, number_row("Size", 1))
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


def _skin(document: Document, head: HeadMesh, geometry: int, mesh: int, bones: list[int]) -> None:
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


def _blend_shapes(document: Document, geometry: int, wanted: list[Shape], moved: list[Delta]) -> list[int]:
    node, blend = document.object("Deformer", "ARKit", "Deformer", "BlendShape")
    node.add("Version", 100)
    document.connect(blend, geometry)
    channels = []
    for shape, delta in zip(wanted, moved, strict=True):
        node, channel = document.object("Deformer", shape.name, "SubDeformer", "BlendShapeChannel")
        node.add("Version", 100)
        node.add("DeformPercent", 0.0)
        node.add("FullWeights", np.array([100.0]))
        add_properties(node, number_row("DeformPercent", 0, "A"))
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

    def __init__(self, document: Document, name: str, count: int, rate: Fraction) -> None:
        self._document = document
        self.times = np.array([round(TICKS * i / rate) for i in range(count)], "i8")
        stack, stack_id = document.object("AnimationStack", name, "AnimStack", "")
        end = int(self.times[-1])
        add_properties(
            stack,
            *(time_row(n, v) for n, v in (("LocalStart", 0), ("LocalStop", end))),
            *(time_row(n, v) for n, v in (("ReferenceStart", 0), ("ReferenceStop", end))),
        )
        _, self._layer = document.object("AnimationLayer", "BaseLayer", "AnimLayer", "")
        document.connect(self._layer, stack_id)

    def add(self, target: int, channel: str, curves: dict[str, np.ndarray]) -> None:
        """Animate a property; ``curves`` by component (``X``, ``Y``, ``Z`` or the property's own name)."""
        document = self._document
        name = {"Lcl Translation": "T", "Lcl Rotation": "R"}.get(channel, channel)
        node, node_id = document.object("AnimationCurveNode", name, "AnimCurveNode", "")
        add_properties(node, *(number_row(f"d|{part}", float(v[0]), "A") for part, v in curves.items()))
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
    add_properties(
        node,
        *(integer_row(n, v) for n, v in axes.items()),
        number_row("UnitScaleFactor", 1),
        number_row("OriginalUnitScaleFactor", 1),
        choice_row("TimeMode", mode),
        choice_row("TimeProtocol", 2),
        time_row("TimeSpanStart", 0),
        time_row("TimeSpanStop", end),
        number_row("CustomFrameRate", float(rate) if mode == CUSTOM_MODE else -1),
    )
    return node


def build(take: Take, path: Path, options: ExportOptions) -> tuple[bytes, bytes]:
    """The bytes of the file, and those of the texture that lies beside it (empty if none does)."""
    head, motion, document = head_of(take, options), take.motion, Document()
    wanted = shapes(options)
    code = timecode(take.start, motion.rate)
    notes = (
        text_row("take", take.name),
        text_row("timecode", code),
        text_row("provenance", take.provenance_json()),
        text_row("rate", f"{motion.rate.numerator}/{motion.rate.denominator}"),
        Property("startFrame", "int", "Integer", "U", (take.start,)),
        number_row("tongue", 0, "A+U"),
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


def _records(document: Document, name: str, rate: Fraction, end: int) -> list[Node]:
    documents = Node("Documents")
    documents.add("Count", 1)
    entry = documents.add("Document", Int64(999_999), "", "Scene")
    add_properties(entry, Property("ActiveAnimStackName", "KString", "", "", (name,)))
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
