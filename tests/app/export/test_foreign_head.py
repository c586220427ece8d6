"""The ICT head, an ARKit head made by others: comes in from FBX or GLB, moves, and goes out again."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from app.export import ExportOptions, Take, read_curves, read_head, write
from app.export.names import recognise
from engines import arkit
from engines.rig.mesh import PARTS, HeadMesh
from tests.app.export.conftest import random_performance


@cache
def ict_head(samples: Path) -> HeadMesh:
    """The head as its makers hand it out: no bones, both sides named ``_L`` and ``_R``, halves where ARKit has one."""
    with np.load(samples / "rigs" / "ict_facekit_light.npz") as data:
        vertices, quads, uv_quads = data["neutral"], data["faces"], data["face_uv"]
        units = np.zeros((arkit.COUNT, len(vertices), 3), np.float32)
        for i, name in enumerate(data["expr_names"]):
            stem = str(name).removesuffix("_L").removesuffix("_R")
            unit = stem if stem in arkit.INDEX else recognise([str(name)]).get(str(name))
            if unit is not None:
                units[arkit.INDEX[unit]] += data["expr_q"][i].astype(np.float32) * data["expr_scale"][i]
        corners = [quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]
        uv_corners = [uv_quads[:, [0, 1, 2]], uv_quads[:, [0, 2, 3]]]
        triangles, uv_triangles = np.concatenate(corners), np.concatenate(uv_corners)
        whole = (triangles >= 0).all(1) & (uv_triangles >= 0).all(1)
        count = int(whole.sum())
        weights = np.tile(np.array([0, 1, 0, 0], np.float32), (len(vertices), 1))
        pivots = np.array([[0, -14, 0], [0, -6, 0], [3, 3, 8], [-3, 3, 8]], np.float32)
        return HeadMesh(
            vertices,
            triangles[whole].astype(np.int32),
            data["uv"],
            uv_triangles[whole].astype(np.int32),
            units,
            weights,
            pivots,
            np.zeros(count, np.int8),
        )


@pytest.mark.samples
@pytest.mark.parametrize("suffix", [".fbx", ".glb"])
def test_the_ict_head_comes_in_talks_and_goes_out_again(samples: Path, tmp_path: Path, suffix: str) -> None:
    original, motion = ict_head(samples), random_performance(6, 4)
    write(Take(motion, motion.rate, head=original), tmp_path / f"a{suffix}", ExportOptions(names="livelink"))
    head = read_head(tmp_path / f"a{suffix}")
    assert head.units.any((1, 2)).sum() == 51  # it has no tongueOut
    eyes = [np.unique(head.triangles[head.parts == PARTS.index(p)]) for p in ("eyeLeft", "eyeRight")]
    for rows, side in zip(eyes, (1, -1), strict=True):
        middle = (head.vertices[rows].min(0) + head.vertices[rows].max(0)) / 2
        assert len(rows) > 300
        assert 2.5 < side * middle[0] < 3.8
    aside = head.posed(np.zeros(52), np.zeros(6), np.array([0.4, 0, 0.4, 0]))
    moved = np.linalg.norm(aside - head.vertices, axis=1)
    assert moved[np.concatenate(eyes)].max() > 0.4
    assert np.delete(moved, np.concatenate(eyes)).max() < 1e-4
    jaw = np.zeros(52)
    jaw[arkit.INDEX["jawOpen"]] = 1
    assert np.linalg.norm(head.posed(jaw, np.zeros(6), np.zeros(4)) - head.vertices, axis=1).max() > 1
    write(Take(motion, motion.rate, head=head), tmp_path / f"again{suffix}")
    again = read_head(tmp_path / f"again{suffix}")
    assert len(again.triangles) == len(head.triangles)
    np.testing.assert_allclose(again.pivots[1:], head.pivots[1:], atol=1e-3)
    np.testing.assert_allclose(read_curves(tmp_path / f"again{suffix}").weights, motion.weights, atol=1e-5)
