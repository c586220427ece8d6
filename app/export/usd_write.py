"""USD: a UsdSkel head with blend shapes, a skeleton and one animation with time samples.

After the UsdSkel schema of openusd.org: centimetres (metersPerUnit 0.01), Y up, one time code a frame.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from app.export import rigging
from app.export.files import atomic, temporary_beside
from app.export.options import ExportOptions
from app.export.take import Take
from engines.api import CancelToken, Progress
from engines.rig.mesh import BONES, PARTS, HeadMesh

_ROOT: Final = "/Soliloquy"


def _identifier(name: str) -> str:
    """A prim name: letters, digits and underscores."""
    plain = "".join(c if c.isalnum() and c.isascii() else "_" for c in name)
    return plain if plain and not plain[0].isdigit() else f"_{plain}"


def _paths() -> list[str]:
    """Joint paths in the order of `BONES`."""
    paths: list[str] = []
    for i, name in enumerate(BONES):
        parent = rigging.PARENTS[i]
        paths.append(f"{paths[parent]}/{name}" if parent >= 0 else name)
    return paths


def _points(array: np.ndarray) -> Any:
    from pxr import Vt

    return Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(array, np.float32))


def _at(position: np.ndarray) -> Any:
    from pxr import Gf

    return Gf.Matrix4d(1).SetTranslate(Gf.Vec3d(*position.tolist()))


def _mesh(stage: Any, head: HeadMesh, texture: str) -> Any:
    """The mesh with its UVs, one subset and material for each part."""
    from pxr import Sdf, UsdGeom, UsdShade, Vt

    mesh = UsdGeom.Mesh.Define(stage, f"{_ROOT}/Face")
    mesh.CreatePointsAttr(_points(head.vertices))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(head.triangles), 3, np.int32)))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(head.triangles.astype(np.int32).ravel()))
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateExtentAttr(_points(np.stack([head.vertices.min(0), head.vertices.max(0)])))
    mesh.CreateNormalsAttr(_points(rigging.normals(head.vertices, head.triangles)))
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    variables = UsdGeom.PrimvarsAPI(mesh)
    uv = variables.CreatePrimvar("st", Sdf.ValueTypeNames.TexCoord2fArray, UsdGeom.Tokens.faceVarying)
    uv.Set(Vt.Vec2fArray.FromNumpy(head.uv.astype(np.float32)))
    uv.SetIndices(Vt.IntArray.FromNumpy(head.uv_triangles.astype(np.int32).ravel()))
    for part in np.unique(head.parts):
        material = _material(stage, PARTS[part], texture)
        faces = Vt.IntArray.FromNumpy(np.flatnonzero(head.parts == part).astype(np.int32))
        subset = UsdGeom.Subset.CreateGeomSubset(
            mesh, PARTS[part], UsdGeom.Tokens.face, faces, UsdShade.Tokens.materialBind
        )
        UsdShade.MaterialBindingAPI.Apply(subset.GetPrim()).Bind(material)
    UsdShade.MaterialBindingAPI(mesh).SetMaterialBindSubsetsFamilyType(UsdGeom.Tokens.partition)
    return mesh


def _material(stage: Any, name: str, texture: str) -> Any:
    from pxr import Gf, Sdf, UsdShade

    path = f"{_ROOT}/Materials/{name}"
    material = UsdShade.Material.Define(stage, path)
    surface = UsdShade.Shader.Define(stage, f"{path}/surface")
    surface.CreateIdAttr("UsdPreviewSurface")
    surface.CreateInput("roughness", Sdf.ValueTypeNames.Float).Set(0.55)
    colour = surface.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f)
    if texture:
        reader = UsdShade.Shader.Define(stage, f"{path}/st")
        reader.CreateIdAttr("UsdPrimvarReader_float2")
        reader.CreateInput("varname", Sdf.ValueTypeNames.String).Set("st")
        picture = UsdShade.Shader.Define(stage, f"{path}/texture")
        picture.CreateIdAttr("UsdUVTexture")
        picture.CreateInput("file", Sdf.ValueTypeNames.Asset).Set(texture)
        picture.CreateInput("sourceColorSpace", Sdf.ValueTypeNames.Token).Set("sRGB")
        picture.CreateInput("wrapS", Sdf.ValueTypeNames.Token).Set("clamp")
        picture.CreateInput("wrapT", Sdf.ValueTypeNames.Token).Set("clamp")
        coordinates = picture.CreateInput("st", Sdf.ValueTypeNames.Float2)
        coordinates.ConnectToSource(reader.CreateOutput("result", Sdf.ValueTypeNames.Float2))
        colour.ConnectToSource(picture.CreateOutput("rgb", Sdf.ValueTypeNames.Float3))
    else:
        colour.Set(Gf.Vec3f(*rigging.colour_of(name)))
    material.CreateSurfaceOutput().ConnectToSource(surface.ConnectableAPI(), "surface")
    return material


def _skeleton(stage: Any, head: HeadMesh, mesh: Any) -> Any:
    from pxr import UsdSkel, Vt

    skeleton = UsdSkel.Skeleton.Define(stage, f"{_ROOT}/Skeleton")
    pivots = rigging.rest_pivots(head)
    local = [pivots[i] - (pivots[p] if p >= 0 else 0) for i, p in enumerate(rigging.PARENTS)]
    skeleton.CreateJointsAttr(_paths())
    skeleton.CreateBindTransformsAttr(Vt.Matrix4dArray([_at(p) for p in pivots]))
    skeleton.CreateRestTransformsAttr(Vt.Matrix4dArray([_at(p) for p in local]))
    binding = UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    binding.CreateSkeletonRel().SetTargets([skeleton.GetPath()])
    order = np.argsort(-head.bone_weights, 1, kind="stable")
    weights = np.take_along_axis(head.bone_weights, order, 1)
    indices = binding.CreateJointIndicesPrimvar(False, 4)
    indices.Set(Vt.IntArray.FromNumpy(np.where(weights > 0, order, 0).astype(np.int32).ravel()))
    binding.CreateJointWeightsPrimvar(False, 4).Set(Vt.FloatArray.FromNumpy(weights.astype(np.float32).ravel()))
    return skeleton


def _blend_shapes(stage: Any, head: HeadMesh, mesh: Any, wanted: list[rigging.Shape]) -> None:
    from pxr import UsdSkel, Vt

    targets = []
    for shape, delta in zip(wanted, rigging.deltas(head, wanted), strict=True):
        target = UsdSkel.BlendShape.Define(stage, f"{_ROOT}/Face/{_identifier(shape.name)}")
        target.CreateOffsetsAttr(_points(delta.offsets))
        target.CreateNormalOffsetsAttr(_points(delta.normal_offsets))
        target.CreatePointIndicesAttr(Vt.IntArray.FromNumpy(delta.rows))
        targets.append(target.GetPath())
    binding = UsdSkel.BindingAPI(mesh.GetPrim())
    binding.CreateBlendShapesAttr([shape.name for shape in wanted])
    binding.CreateBlendShapeTargetsRel().SetTargets(targets)


def _animate(stage: Any, head: HeadMesh, take: Take, wanted: list[rigging.Shape], cancel: CancelToken) -> Any:
    from pxr import Gf, UsdSkel, Vt
    from scipy.spatial.transform import Rotation

    motion = take.motion
    animation = UsdSkel.Animation.Define(stage, f"{_ROOT}/Skeleton/Animation")
    animation.CreateJointsAttr(_paths())
    animation.CreateBlendShapesAttr([shape.name for shape in wanted])
    weights = animation.CreateBlendShapeWeightsAttr()
    turns, moves = animation.CreateRotationsAttr(), animation.CreateTranslationsAttr()
    animation.CreateScalesAttr(Vt.Vec3hArray([Gf.Vec3h(1, 1, 1)] * len(BONES)))
    offsets, rotations = rigging.bone_motion(head, motion)
    quaternions = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_quat().reshape(len(motion), len(BONES), 4)
    units = [shape.unit for shape in wanted]
    for i in range(len(motion)):
        cancel.check()
        weights.Set(Vt.FloatArray.FromNumpy(np.ascontiguousarray(motion.weights[i, units])), i)
        turns.Set(Vt.QuatfArray([Gf.Quatf(float(q[3]), *map(float, q[:3])) for q in quaternions[i]]), i)
        moves.Set(_points(offsets[i]), i)
    return animation


def _build(stage: Any, take: Take, head: HeadMesh, options: ExportOptions, texture: str, cancel: CancelToken) -> None:
    from pxr import Usd, UsdGeom, UsdSkel, Vt

    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, 0.01)
    stage.SetTimeCodesPerSecond(float(take.rate))
    stage.SetFramesPerSecond(float(take.rate))
    stage.SetStartTimeCode(0)
    stage.SetEndTimeCode(len(take) - 1)
    root = UsdSkel.Root.Define(stage, _ROOT)
    Usd.ModelAPI(root.GetPrim()).SetKind("component")
    for key, value in rigging.facts(take).items():
        root.GetPrim().SetCustomDataByKey(key, value)
    root.GetPrim().SetCustomDataByKey("tongue", Vt.FloatArray.FromNumpy(np.ascontiguousarray(take.motion.tongue)))
    stage.SetDefaultPrim(root.GetPrim())
    mesh, wanted = _mesh(stage, head, texture), rigging.shapes(options)
    skeleton = _skeleton(stage, head, mesh)
    _blend_shapes(stage, head, mesh, wanted)
    animation = _animate(stage, head, take, wanted, cancel)
    UsdSkel.BindingAPI.Apply(skeleton.GetPrim()).CreateAnimationSourceRel().SetTargets([animation.GetPath()])
    span = np.abs(head.vertices).max() + 30.0
    root.CreateExtentAttr(_points(np.array([[-span] * 3, [span] * 3])))


def write(take: Take, path: Path, options: ExportOptions, progress: Progress, cancel: CancelToken) -> list[Path]:
    """Write ``.usda``, ``.usdc`` or ``.usd`` with the texture beside it, or one ``.usdz`` that holds both."""
    from pxr import Sdf, Usd, UsdUtils

    head = rigging.head_of(take, options)
    packed = path.suffix.lower() == ".usdz"
    beside = rigging.texture_path(path)
    texture = f"./{beside.name}" if head.texture is not None else ""
    with atomic(path) as temporary:
        layer_path = temporary.with_suffix(".usdc") if packed else temporary
        picture = temporary_beside(beside) if packed else beside
        try:
            if packed and texture:
                texture = f"./{picture.name}"
                picture.write_bytes(rigging.png(head.texture))  # type: ignore[arg-type]
            stage = Usd.Stage.CreateNew(str(layer_path))
            _build(stage, take, head, options, texture, cancel)
            stage.GetRootLayer().Save()
            del stage
            if packed:
                UsdUtils.CreateNewUsdzPackage(Sdf.AssetPath(str(layer_path)), str(temporary))
        finally:
            if packed:
                layer_path.unlink(missing_ok=True)
                picture.unlink(missing_ok=True)
        if not packed and head.texture is not None:
            with atomic(beside) as texture_file:
                texture_file.write_bytes(rigging.png(head.texture))
    return [path, beside] if head.texture is not None and not packed else [path]
