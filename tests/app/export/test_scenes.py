"""FBX and glTF: written files mean the same to other people's readers and come back unchanged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.export import ExportOptions, Take, fbx_binary, read_curves, read_head, write
from app.export.gltf_write import split_corners
from app.export.names import MAPS, name_map, recognise
from engines import arkit
from engines.api import Performance, head_rotation
from engines.errors import InputError
from engines.rig.mesh import HeadMesh
from tests.app.export.conftest import random_performance
from tests.app.export.judges.glb import Glb

JUDGES = Path(__file__).parent / "judges"
RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(60)]
BLENDER = os.environ.get("SOLILOQUY_BLENDER_PYTHON", "")
VALIDATOR = os.environ.get("SOLILOQUY_GLTF_VALIDATOR", "")
FORMATS = [".fbx", ".glb", ".gltf"]


def close(a: Performance, b: Performance) -> None:
    assert (a.rate, len(a)) == (b.rate, len(b))
    np.testing.assert_allclose(a.weights, b.weights, atol=1e-5)
    np.testing.assert_allclose(a.head, b.head, atol=2e-5)
    np.testing.assert_allclose(a.gaze, b.gaze, atol=1e-5)
    np.testing.assert_allclose(a.tongue, b.tongue, atol=1e-5)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("rate", [*RATES, Fraction(30000, 1001), Fraction(24000, 1001)], ids=str)
def test_curves_come_back(tmp_path: Path, suffix: str, rate: Fraction) -> None:
    motion = random_performance(rate.numerator, 33, rate)
    write(Take(motion, rate, start=50), tmp_path / f"a{suffix}")
    close(read_curves(tmp_path / f"a{suffix}"), motion)


@pytest.mark.parametrize("names", ["metahuman", "vrm", "livelink"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_name_maps_come_back(tmp_path: Path, suffix: str, names: str, performance: Performance) -> None:
    write(Take(performance, performance.rate), tmp_path / f"a{suffix}", ExportOptions(names=names))
    close(read_curves(tmp_path / f"a{suffix}"), performance)


@pytest.mark.parametrize("suffix", FORMATS)
def test_own_names_and_chosen_channels(tmp_path: Path, suffix: str, performance: Performance) -> None:
    (tmp_path / "map.json").write_text(json.dumps({"jawOpen": "Mund_auf", "mouthFunnel": ["a1", "a2"]}))
    options = ExportOptions(names=str(tmp_path / "map.json"), channels=("jawOpen", "mouthFunnel"))
    write(Take(performance, performance.rate), tmp_path / f"a{suffix}", options)
    back = read_curves(tmp_path / f"a{suffix}", options)
    np.testing.assert_allclose(back.channel("jawOpen"), performance.channel("jawOpen"), atol=1e-5)
    np.testing.assert_allclose(back.channel("mouthFunnel"), performance.channel("mouthFunnel"), atol=1e-5)
    assert not back.channel("mouthSmileLeft").any()
    with pytest.raises(InputError, match="Give a name map"):
        read_curves(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("texture", ["embed", "file", "none"])
def test_a_head_comes_back(tmp_path: Path, suffix: str, texture: str, head: HeadMesh, performance: Performance) -> None:
    path = tmp_path / f"a{suffix}"
    made = write(Take(performance, performance.rate, head=head), path, ExportOptions(texture=texture))
    assert (tmp_path / "a_texture.png" in made) == (texture == "file")
    back = read_head(path)
    assert (back.texture is None) == (texture == "none")
    if back.texture is not None and head.texture is not None:
        np.testing.assert_array_equal(back.texture, head.texture)
    np.testing.assert_allclose(back.pivots, head.pivots, atol=1e-4)
    np.testing.assert_array_equal(np.bincount(back.parts), np.bincount(head.parts))
    for frame in (0, 9, 23):
        pose = performance.weights[frame], performance.head[frame], performance.gaze[frame]
        ours, theirs = head.posed(*pose)[head.triangles], back.posed(*pose)[back.triangles]
        order = [
            np.lexsort(np.round(t.mean(1), 2).T) for t in (head.vertices[head.triangles], back.vertices[back.triangles])
        ]
        np.testing.assert_allclose(theirs[order[1]].mean(1), ours[order[0]].mean(1), atol=1e-4)
    np.testing.assert_allclose(
        back.uv[back.uv_triangles].mean((0, 1)), head.uv[head.uv_triangles].mean((0, 1)), atol=1e-5
    )


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_head_in_metres_with_shuffled_names_is_understood(
    tmp_path: Path, suffix: str, head: HeadMesh, performance: Performance
) -> None:
    small = replace(head, vertices=head.vertices / 100, units=head.units / 100, pivots=head.pivots / 100)
    names = {n: f"blendShape1.{n[:-4]}_L" if n.endswith("Left") else n.upper() for n in arkit.NAMES}
    (tmp_path / "map.json").write_text(json.dumps(names))
    options = ExportOptions(names=str(tmp_path / "map.json"))
    write(Take(performance, performance.rate, head=small), tmp_path / f"a{suffix}", options)
    back = read_head(tmp_path / f"a{suffix}")  # without the map: the names are recognised all the same
    assert np.ptp(back.vertices, 0) == pytest.approx(np.ptp(head.vertices, 0), rel=1e-4)
    assert back.units.any((1, 2)).all()


def test_heads_without_what_is_needed_say_so(tmp_path: Path, head: HeadMesh, performance: Performance) -> None:
    take = Take(performance, performance.rate, head=head)
    write(take, tmp_path / "a.glb", ExportOptions(channels=("browInnerUp", "jawOpen")))
    with pytest.raises(InputError, match="lack eyeBlinkLeft, eyeBlinkRight"):
        read_head(tmp_path / "a.glb")


def test_maps_know_every_unit_once() -> None:
    for known in MAPS.values():
        names = [name for unit in arkit.NAMES for name in known[unit]]
        assert len(names) == len(set(names)) >= 52
        assert recognise(names) == {name: unit for unit in arkit.NAMES for name in known[unit]}
    assert recognise(["Face:eyeBlink_L", "mesh.JAWOPEN", "smile"]) == {
        "Face:eyeBlink_L": "eyeBlinkLeft",
        "mesh.JAWOPEN": "jawOpen",
    }


def test_bad_name_maps_are_explained(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    for text, says in [("{", "is no name map"), ('{"jawopen": "x"}', "no ARKit unit"), ('{"jawOpen": []}', "one name")]:
        path.write_text(text)
        with pytest.raises(InputError, match=says):
            name_map(str(path))
    path.write_text('{"jawOpen": "jawLeft"}')
    with pytest.raises(InputError, match="to two units"):
        name_map(str(path))
    with pytest.raises(InputError, match="Choose one of"):
        name_map("maya")


def test_fbx_tree_survives_coding() -> None:
    node = fbx_binary.Node("A", [1, 2.5, True, "text", b"raw", np.arange(200, dtype="i4"), np.arange(3.0)])
    node.add("B", fbx_binary.Int64(1 << 40)).add("C")
    (back,) = fbx_binary.decode(fbx_binary.encode([node])).children
    assert back.properties[:5] == [1, 2.5, 1, "text", b"raw"]
    np.testing.assert_array_equal(back.properties[5], np.arange(200))
    assert back.children[0].properties == [1 << 40]
    assert back.children[0].children[0].name == "C"


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_ufbx_reads_the_same_weights(tmp_path: Path, rate: Fraction, head: HeadMesh) -> None:
    pytest.importorskip("ufbx")
    motion, path = random_performance(5, 20, rate), tmp_path / "a.fbx"
    write(Take(motion, rate, head=head, name="Take 7"), path)
    frames = [0, 1, 7, 19]
    times = [str(float(f / rate)) for f in frames]
    command = [sys.executable, str(JUDGES / "fbx.py"), str(path), *times]
    found = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert found["fps"] == float(rate)
    assert found["unit_m"] == 0.01
    assert found["take"] == "Take 7"
    assert found["end_s"] == pytest.approx(float(19 / rate))
    assert {"neck", "head", "eyeLeft", "eyeRight", "Face"} <= set(found["nodes"])
    weights = np.array([found["weights"][n] for n in arkit.NAMES]).T
    np.testing.assert_allclose(weights, motion.weights[frames], atol=1e-5)


@pytest.mark.skipif(not (VALIDATOR and shutil.which("node")), reason="SOLILOQUY_GLTF_VALIDATOR is not set")
@pytest.mark.parametrize("options", [ExportOptions(), ExportOptions(mesh="minimal"), ExportOptions(texture="none")])
@pytest.mark.parametrize("suffix", [".glb", ".gltf"])
def test_khronos_validator_finds_nothing(
    tmp_path: Path, suffix: str, options: ExportOptions, head: HeadMesh, performance: Performance
) -> None:
    path = tmp_path / f"a{suffix}"
    write(Take(performance, performance.rate, head=head), path, options)
    command = ["node", str(JUDGES / "gltf.js"), VALIDATOR, str(path)]
    report = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert (report["numErrors"], report["numWarnings"]) == (0, 0), report["messages"][:3]


def in_blender(path: Path, rate: Fraction, frames: list[int]) -> dict[str, Any]:
    """What Blender makes of a scene file (`judges/blender.py`)."""
    out = path.with_suffix(".npz")
    command = [BLENDER, str(JUDGES / "blender.py"), str(path), str(out), str(float(rate)), *map(str, frames)]
    subprocess.run(command, check=True, capture_output=True)
    with np.load(out) as found:
        return dict(found)


@pytest.mark.skipif(not BLENDER, reason="SOLILOQUY_BLENDER_PYTHON is not set")
@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".fbx", ".glb"])
def test_blender_evaluates_the_same_face(tmp_path: Path, suffix: str, head: HeadMesh) -> None:
    from scipy.spatial import cKDTree

    motion, frames = random_performance(11, 30, Fraction(30)), [0, 3, 11, 20, 29]
    path = tmp_path / f"a{suffix}"
    write(Take(motion, motion.rate, head=head), path)
    found = in_blender(path, motion.rate, frames)
    assert sorted(found["names"]) == sorted(arkit.NAMES)
    units = [arkit.INDEX[n] for n in found["names"]]
    for i, frame in enumerate(frames):
        np.testing.assert_allclose(found["values"][i], motion.weights[frame, units], atol=1e-5)
        ours = head.posed(motion.weights[frame], motion.head[frame], motion.gaze[frame])
        distance, _ = cKDTree(ours).query(found["vertices"][i])
        assert distance.max() < 1e-4
        turned = found["head"][i][:3, :3] @ np.linalg.inv(found["rest"][i][:3, :3])
        error = turned @ head_rotation(motion.head[frame, :3]).T
        assert np.degrees(np.linalg.norm(error - error.T) / np.sqrt(8)) < 0.01


@pytest.mark.parametrize("kept", ["made", "fitted"])
def test_trimesh_evaluates_the_same_face(tmp_path: Path, head: HeadMesh, kept: str) -> None:
    from scipy.spatial import cKDTree

    from engines.rig.head import load_head

    face = head if kept == "made" else load_head().mesh
    motion, frames = random_performance(11, 30, Fraction(30)), [0, 3, 11, 20, 29]
    path = tmp_path / "a.glb"
    write(Take(motion, motion.rate, head=face), path)
    found = Glb(path)
    assert found.names == list(arkit.NAMES)
    assert sum(len(part.faces) for part in found.scene.geometry.values()) == len(face.triangles)
    own = in_blender(path, motion.rate, frames)["vertices"] if BLENDER else None
    corners = split_corners(face)[0]
    for i, frame in enumerate(frames):
        t_s = float(frame / motion.rate)
        np.testing.assert_allclose(found.weights(t_s), motion.weights[frame], atol=1e-5)
        theirs = 100 * found.vertices(t_s)
        ours = face.posed(motion.weights[frame], motion.head[frame], motion.gaze[frame])
        np.testing.assert_allclose(theirs, ours[corners], atol=1e-4)
        if own is not None:
            assert cKDTree(theirs).query(own[i])[0].max() < 1e-4


@pytest.mark.skipif(not BLENDER, reason="SOLILOQUY_BLENDER_PYTHON is not set")
@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".fbx", ".glb"])
def test_what_blender_saves_comes_back(tmp_path: Path, suffix: str, head: HeadMesh) -> None:
    motion = random_performance(0, 20)
    write(Take(motion, motion.rate, head=head), tmp_path / f"a{suffix}")
    command = [BLENDER, str(JUDGES / "blender_saves.py"), str(tmp_path / f"a{suffix}"), str(tmp_path / "b"), "30", "20"]
    subprocess.run(command, check=True, capture_output=True)
    for saved in (tmp_path / "b.fbx", tmp_path / "b.glb"):
        back, face = read_curves(saved), read_head(saved)
        close(replace_tongue(back, motion), motion)
        np.testing.assert_allclose(face.pivots[1:], head.pivots[1:], atol=1e-4)
        assert face.texture is not None
        pose = motion.weights[9], motion.head[9], motion.gaze[9]
        ours = [np.sort(mesh.posed(*pose)[mesh.triangles].mean(1), axis=0) for mesh in (head, face)]
        np.testing.assert_allclose(ours[0], ours[1], atol=1e-4)


def replace_tongue(motion: Performance, like: Performance) -> Performance:
    """The studio's own tongue curve does not pass through Blender."""
    return motion.with_(tongue=like.tongue)


@pytest.mark.skipif(not BLENDER, reason="SOLILOQUY_BLENDER_PYTHON is not set")
@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".json", ".plain.csv"])
def test_the_blender_importer_puts_curves_onto_a_mesh(tmp_path: Path, suffix: str, head: HeadMesh) -> None:
    motion = random_performance(8, 20, Fraction(25))
    write(Take(motion, motion.rate, head=head), tmp_path / "a.fbx")
    write(Take(motion, motion.rate, start=100), tmp_path / f"c{suffix}")
    script = Path(__file__).resolve().parents[3] / "packaging" / "blender_import_curves.py"
    command = [BLENDER, str(JUDGES / "blender_importer.py"), str(script), str(tmp_path / "a.fbx")]
    subprocess.run([*command, str(tmp_path / f"c{suffix}"), str(tmp_path / "o.npz"), "25"], check=True)
    with np.load(tmp_path / "o.npz") as found:
        units = [arkit.INDEX[n] for n in found["names"]]
        np.testing.assert_allclose(found["values"], motion.weights[:, units], atol=1e-5)
        np.testing.assert_allclose(found["head"], head_rotation(motion.head[:, :3]), atol=1e-4)
