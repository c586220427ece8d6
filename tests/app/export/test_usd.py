"""USD files: pass USD's own checks and evaluate, by USD's own skinning, to our face."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from app.export import ExportOptions, Take, read_curves, read_start, write
from engines import arkit
from engines.errors import InputError
from engines.rig.mesh import HeadMesh
from tests.app.export.conftest import random_performance
from tests.app.export.mutations import attempt, damaged, valid_files

pytest.importorskip("pxr")
from pxr import Gf, Usd, UsdGeom, UsdSkel


@pytest.mark.parametrize("suffix", [".usda", ".usdc", ".usdz"])
def test_compliance_checker_finds_nothing(tmp_path: Path, suffix: str, head: HeadMesh) -> None:
    motion = random_performance(1, 4)
    made = write(Take(motion, motion.rate, head=head, name="Take 3"), tmp_path / f"a{suffix}")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in made)
    from pxr import UsdValidation  # what usdchecker runs

    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    assert len(validators) > 20
    stage = Usd.Stage.Open(str(tmp_path / f"a{suffix}"))
    errors = UsdValidation.ValidationContext(validators).Validate(stage)
    assert [(e.GetName(), e.GetMessage()) for e in errors] == []


def test_usd_skins_to_our_face(tmp_path: Path, head: HeadMesh) -> None:
    motion = random_performance(4, 12, Fraction(24000, 1001))
    write(Take(motion, motion.rate, head=replace(head, texture=None)), tmp_path / "a.usdc")
    stage = Usd.Stage.Open(str(tmp_path / "a.usdc"))
    assert stage.GetTimeCodesPerSecond() == pytest.approx(24000 / 1001)
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (0, 11)
    assert UsdGeom.GetStageMetersPerUnit(stage) == 0.01
    root = UsdSkel.Root(stage.GetPrimAtPath("/Soliloquy"))
    UsdSkel.BakeSkinning(root)
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/Soliloquy/Face"))
    for frame in (0, 5, 11):
        ours = head.posed(motion.weights[frame], motion.head[frame], motion.gaze[frame])
        np.testing.assert_allclose(np.array(mesh.GetPointsAttr().Get(frame)), ours, atol=1e-5)


@pytest.mark.parametrize("suffix", [".usda", ".usdc", ".usdz"])
def test_curves_come_back(tmp_path: Path, suffix: str, head: HeadMesh) -> None:
    motion = random_performance(4, 33, Fraction(24000, 1001))
    path = tmp_path / f"a{suffix}"
    write(Take(motion, motion.rate, head=head, start=50), path)
    back = read_curves(path)
    assert (back.rate, len(back)) == (motion.rate, len(motion))
    for name in ("weights", "head", "gaze", "tongue"):
        np.testing.assert_allclose(getattr(back, name), getattr(motion, name), atol=1e-6)
    if suffix == ".usdc":
        assert read_start(path) == 50


def test_curves_of_a_scene_with_z_up_in_metres(tmp_path: Path) -> None:
    motion = random_performance(7, 9, Fraction(30))
    write(Take(motion, motion.rate), tmp_path / "a.usda", ExportOptions(mesh="minimal", names="metahuman"))
    stage = Usd.Stage.Open(str(tmp_path / "a.usda"))
    skeleton, animation = (stage.GetPrimAtPath(f"/Soliloquy/Skeleton{end}") for end in ("", "/Animation"))
    turn = Gf.Matrix4d().SetRotate(Gf.Rotation(Gf.Vec3d(1, 0, 0), 90))  # our Y becomes their Z
    quarter = Gf.Quatf(turn.ExtractRotationQuat())
    rest = UsdSkel.Skeleton(skeleton).GetRestTransformsAttr()
    joints = list(UsdSkel.Skeleton(skeleton).GetJointsAttr().Get())
    rows = [Gf.Matrix4d(m) for m in rest.Get()]
    rows[0] *= turn
    rest.Set([Gf.Matrix4d(m).SetTranslateOnly(m.ExtractTranslation() / 100) for m in rows])
    moves = UsdSkel.Animation(animation).GetTranslationsAttr()
    turns = UsdSkel.Animation(animation).GetRotationsAttr()
    for frame in range(9):
        points = [Gf.Vec3f(v) / 100 for v in moves.Get(frame)]
        points[0] = Gf.Vec3f(turn.Transform(points[0]))
        moves.Set(points, frame)
        quaternions = list(turns.Get(frame))
        turns.Set([quarter * q if "/" not in j else q for j, q in zip(joints, quaternions, strict=True)], frame)
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    stage.GetRootLayer().Export(str(tmp_path / "b.usdc"))
    back = read_curves(tmp_path / "b.usdc")
    np.testing.assert_allclose(back.weights, motion.weights, atol=1e-6)
    np.testing.assert_allclose(back.head, motion.head, atol=1e-4)
    np.testing.assert_allclose(back.gaze, motion.gaze, atol=1e-5)


def test_damaged_files_are_refused_or_read(tmp_path: Path, head: HeadMesh) -> None:
    for name, data in valid_files(tmp_path, head, own_process=True).items():
        (tmp_path / name).write_bytes(damaged(name, data, np.random.default_rng(3)))
        attempt(tmp_path / name)
    (tmp_path / "a.usdc").write_bytes(b"no stage")
    with pytest.raises(InputError, match=r"a\.usdc.*does not begin as a USD file"):
        read_curves(tmp_path / "a.usdc")
    empty = Usd.Stage.CreateNew(str(tmp_path / "b.usda"))
    empty.GetRootLayer().Save()
    with pytest.raises(InputError, match=r"b\.usda.*no skeletal animation"):
        read_curves(tmp_path / "b.usda")


def test_weights_by_name(tmp_path: Path, head: HeadMesh) -> None:
    motion = random_performance(4, 6)
    write(Take(motion, motion.rate), tmp_path / "a.usda", ExportOptions(mesh="minimal", names="metahuman"))
    stage = Usd.Stage.Open(str(tmp_path / "a.usda"))
    animation = UsdSkel.Animation(stage.GetPrimAtPath("/Soliloquy/Skeleton/Animation"))
    names = list(animation.GetBlendShapesAttr().Get())
    values = np.array(animation.GetBlendShapeWeightsAttr().Get(3))
    assert "CTRL_expressions_jawOpen" in names
    jaw = values[names.index("CTRL_expressions_jawOpen")]
    assert jaw == pytest.approx(motion.weights[3, arkit.INDEX["jawOpen"]], abs=1e-6)
