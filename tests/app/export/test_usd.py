"""USD files: pass USD's own checks and evaluate, by USD's own skinning, to our face."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from app.export import ExportOptions, Take, write
from engines import arkit
from engines.rig.mesh import HeadMesh
from tests.app.export.conftest import random_performance

pytest.importorskip("pxr")
from pxr import Usd, UsdGeom, UsdSkel


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
