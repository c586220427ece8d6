"""An artist's own head as the portrait: it is drawn, talks and goes out again; what is none is refused clearly."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from app.core import commands, own_head, project_file
from app.core.project import Project
from app.core.studio import Studio
from app.export import ExportOptions, Take, read_curves, read_head, write
from engines import arkit, registry
from engines.api import Performance, Portrait, RenderOptions
from engines.errors import InputError
from engines.rig.fit import average_mesh
from tests.app.export.conftest import made_head, random_performance
from tests.app.export.test_foreign_head import ict_head

REST = Performance.rest(1, Fraction(25))


def posed(head: tuple[float, ...] = (0, 0, 0), **units: float) -> Performance:
    weights = np.zeros((1, arkit.COUNT))
    for name, value in units.items():
        weights[0, list(arkit.indices(name))] = value
    return REST.with_(weights=weights, head=np.array([[*head, 0, 0, 0]]))


@pytest.fixture
def ball(tmp_path: Path) -> Path:
    """A head file in which nothing moves."""
    path = tmp_path / "ball.glb"
    write(Take(REST, REST.rate, head=made_head()), path)
    return path


@pytest.mark.samples
@pytest.mark.parametrize("suffix", [".glb", ".fbx"])
def test_the_ict_head_is_drawn_talks_and_goes_out_again(samples: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"ict{suffix}"
    write(Take(REST, REST.rate, head=ict_head(samples)), path)
    studio, project = Studio(), Project(portrait=str(path), size=(192, 240))

    def drawn(performance: Performance) -> np.ndarray:
        return next(studio.frames(project, performance)).astype(int)

    rest = drawn(REST)
    assert rest.shape == (240, 192, 3)

    def changed(performance: Performance) -> np.ndarray:
        return np.argwhere(np.abs(drawn(performance) - rest).max(-1) > 25)

    mouth, lids = changed(posed(jawOpen=0.6)), changed(posed(eyeBlink=1))
    assert 130 < np.median(mouth[:, 0]) < 200
    assert 80 < lids[:, 0].mean() < 125
    assert len(mouth) > 100
    assert len(lids) > 40
    assert np.ptp(lids[:, 0]) < 20  # only the eyes, and both
    assert np.ptp(lids[:, 1]) > 40
    shut = drawn(posed(eyeBlink=1))[lids[:, 0], lids[:, 1]]
    assert np.ptp(shut.mean(0)) > 20  # skin, no longer the white of the eyes
    assert len(changed(posed((0, 0.4, 0)))) > 2000

    voice = tmp_path / "voice.wav"
    t = np.arange(16_000) / 16_000
    sf.write(voice, 0.3 * np.sin(2 * np.pi * 140 * t) * np.sin(2 * np.pi * 2 * t) ** 2, 16_000)
    project = project.with_(voice=str(voice))
    outputs = [tmp_path / "out.mp4", tmp_path / f"out{suffix}", tmp_path / "out.npz"]
    written = studio.export(project, outputs)
    assert set(outputs) <= set(written)
    motion = read_curves(outputs[2])
    assert len(motion) == 25
    assert np.abs(read_curves(outputs[1]).weights - motion.weights).max() < 1e-4
    again, before = read_head(outputs[1]), read_head(path)
    assert len(again.triangles) == len(before.triangles)
    np.testing.assert_allclose(again.vertices.min(0), before.vertices.min(0), atol=1e-3)


def test_alpha_size_and_draft(ball: Path) -> None:
    studio, project = Studio(), Project(portrait=str(ball))
    assert studio.output_size(project) == (768, 960)
    options = RenderOptions(size=(90, 64), alpha=True)
    frame = next(studio.frames(project, REST, options=options))
    assert frame.shape == (64, 90, 4)
    assert frame[0, 0, 3] == 0
    assert frame[32, 45, 3] == 255
    assert ((frame[..., 3] > 0) & (frame[..., 3] < 255)).any()  # soft edges
    draft = next(studio.frames(project, REST, options=replace(options, draft=True)))
    assert np.abs(draft.astype(int) - frame)[frame[..., 3] == 255].mean() < 8
    solid = next(studio.frames(project, REST, options=replace(options, alpha=False)))
    assert np.abs(solid.astype(int) - frame[..., :3])[frame[..., 3] == 255].max() <= 1


def test_frames_do_not_depend_on_those_before(ball: Path) -> None:
    studio, project = Studio(), Project(portrait=str(ball), size=(64, 80))
    motion = random_performance(3, 6)
    frames = list(studio.frames(project, motion))
    assert len(frames) == 6
    np.testing.assert_array_equal(next(studio.frames(project, motion, start=4)), frames[4])


def test_the_head_of_a_project_is_the_artists(ball: Path) -> None:
    studio, project = Studio(), Project(portrait=str(ball))
    head = read_head(ball)
    assert studio.head_mesh(project).digest() == head.digest()
    assert studio.textured_head(project).digest() == head.digest()
    assert studio.portrait(project).digest() != replace(studio.portrait(project), head=None).digest()


@pytest.mark.samples
def test_handles_lie_on_the_features(samples: Path) -> None:
    from app.ui.overlays import own_face
    from engines.blendshape.mesh_actor import mesh_actor

    actor = mesh_actor(Portrait(np.zeros((8, 8, 3), np.uint8), head=ict_head(samples)))
    face = own_face(actor, None, (768, 960))
    assert face is not None
    at = face.points
    assert at["browLeft"][1] < at["eyes"][1] < at["mouthLeft"][1] < at["jaw"][1]
    assert at["browRight"][0] < at["mouthRight"][0] + 0.1 < at["mouthLeft"][0] < at["browLeft"][0] + 0.1
    assert abs(at["eyes"][0] - 0.5) < 0.02
    assert 0.3 < face.size < 0.7


def test_speech_is_solved_on_a_mesh_that_can_be_measured() -> None:
    own = average_mesh()
    assert own_head.speaking_mesh(own) is own
    assert own_head.speaking_mesh(made_head()) is own


def test_engines_for_photos_refuse_a_head(ball: Path) -> None:
    studio = Studio()
    portrait = studio.portrait(Project(portrait=str(ball)))
    own_head.check_engine(portrait, registry.info("blendshape"))
    info = replace(registry.info("blendshape"), name="Photos only", meshes=False)
    with pytest.raises(InputError, match=r"Photos only.*ball.glb is a 3D head.*Portrait rig"):
        own_head.check_engine(portrait, info)


@pytest.fixture
def foreign(tmp_path: Path) -> tuple[Path, Path]:
    """A head whose shapes have names of the artist's own, and the map that tells them."""
    names = {unit: [f"Form_{number}a", f"Form_{number}b"] for number, unit in enumerate(arkit.NAMES)}
    table = tmp_path / "names.json"
    table.write_text(json.dumps(names))
    path = tmp_path / "foreign.glb"
    write(Take(random_performance(2, 9), Fraction(25), head=made_head()), path, ExportOptions(names=str(table)))
    return path, table


def test_names_of_shapes_stay_with_the_project(foreign: tuple[Path, Path], tmp_path: Path) -> None:
    head, names = foreign
    studio, project = Studio(), commands.set_portrait(Project(size=(64, 80)), str(head))
    with pytest.raises(InputError, match=r"no mesh in it has blend shapes with ARKit names.*name map"):
        studio.portrait(project)
    project = commands.set_performance(commands.set_unit_names(project, str(names)), str(head))
    project_file.save(project, tmp_path / "shot.soliloquy")
    names.unlink()
    again = project_file.load(tmp_path / "shot.soliloquy")
    assert again == project
    fresh = Studio()
    assert fresh.portrait(again).head is not None
    motion = fresh.perform(again)  # its curves carry the same names
    assert motion.weights.max() > 0.5
    moved, rest = next(fresh.frames(again, motion, 4, 5)), next(fresh.frames(again, REST))
    assert np.abs(moved.astype(int) - rest).max() > 40
    assert commands.set_portrait(again, "other.glb").unit_names == ()
    assert commands.set_unit_names(again, "").unit_names == ()


def test_a_name_map_is_told_from_curves(foreign: tuple[Path, Path], tmp_path: Path) -> None:
    assert own_head.is_names(foreign[1])
    write(Take(random_performance(1, 4), Fraction(25)), tmp_path / "curves.json")
    assert not own_head.is_names(tmp_path / "curves.json")
    assert not own_head.is_names(foreign[0])
    (tmp_path / "empty.json").write_text("{}")
    assert not own_head.is_names(tmp_path / "empty.json")


def test_what_a_3d_file_is_meant_as(ball: Path, tmp_path: Path) -> None:
    moving, motion = tmp_path / "moving.fbx", random_performance()
    write(Take(motion, motion.rate, head=made_head()), moving)
    assert own_head.meant_as_head(ball, has_portrait=True)
    assert own_head.meant_as_head(moving, has_portrait=False)
    assert not own_head.meant_as_head(moving, has_portrait=True)
    assert not own_head.meant_as_head(tmp_path / "a.csv", has_portrait=False)


def test_a_head_without_arkit_shapes_is_refused(tmp_path: Path) -> None:
    import trimesh

    path = tmp_path / "plain.glb"
    trimesh.creation.icosphere().export(path)
    with pytest.raises(InputError, match=r"plain.glb.*no mesh in it has blend shapes"):
        Studio().portrait(Project(portrait=str(path)))


@pytest.mark.parametrize("name", ["broken.glb", "broken.fbx", "broken.gltf"])
def test_a_broken_head_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"Kaydara FBX Binary  \x00nothing" if name.endswith("fbx") else b"glTF\x02\0\0\0nothing")
    with pytest.raises(InputError, match="broken"):
        Studio().portrait(Project(portrait=str(path)))
    with pytest.raises(InputError, match="absent"):
        Studio().portrait(Project(portrait=str(tmp_path / f"absent{path.suffix}")))
