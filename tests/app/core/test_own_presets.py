"""The user's own presets: made from the timeline, changed, shared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.core import commands, own_presets, presets, project_file
from app.core.project import EmotionClip, Key, Project, RegionSettings, StyleClip
from engines import arkit
from engines.errors import InputError


def test_a_copy_can_be_renamed_and_deleted_while_ours_cannot() -> None:
    copy = own_presets.duplicate("emotions", "happy")
    assert own_presets.is_own("emotions", copy)
    assert not own_presets.is_own("emotions", "happy")
    assert presets.emotion(copy).weights == presets.emotion("happy").weights
    own_presets.rename("emotions", copy, "Sunny")
    assert presets.emotion(copy).name == "Sunny"
    with pytest.raises(InputError, match="Duplicate it"):
        own_presets.rename("emotions", "happy", "Sunny")
    with pytest.raises(InputError, match="not one of your own"):
        own_presets.delete(Project(), "emotions", "happy")
    own_presets.delete(Project(), "emotions", copy)
    assert copy not in presets.paths("emotions")


def test_two_copies_have_two_names() -> None:
    first, second = own_presets.duplicate("styles", "clear"), own_presets.duplicate("styles", "clear")
    assert first != second
    assert presets.style(first).name != presets.style(second).name


def test_a_preset_in_use_is_not_deleted() -> None:
    copy = own_presets.duplicate("emotions", "sad")
    project = Project(emotions=(EmotionClip(0, 10, copy),))
    with pytest.raises(InputError, match="used 1 times"):
        own_presets.delete(project, "emotions", copy)


@pytest.mark.parametrize(
    ("kind", "preset_id"),
    [("emotions", "happy"), ("styles", "clear"), ("heads", "lively"), ("poses", "look-up"), ("export", "draft")],
)
def test_a_shared_file_is_taken_over_as_what_it_is(kind: str, preset_id: str, tmp_path: Path) -> None:
    path = tmp_path / "from-a-friend.toml"
    own_presets.export(kind, preset_id, path)
    assert own_presets.install(path) == (kind, "from-a-friend")
    assert presets.load(kind, "from-a-friend") == presets.load(kind, preset_id)
    assert own_presets.install(path) == (kind, "from-a-friend"), "the same file again adds nothing"


def test_a_file_never_takes_the_place_of_another_preset(tmp_path: Path) -> None:
    path = tmp_path / "happy.toml"
    own_presets.export("emotions", "sad", path)
    kind, preset_id = own_presets.install(path)
    assert preset_id != "happy"
    assert presets.load(kind, preset_id).weights == presets.emotion("sad").weights
    assert presets.emotion("happy").weights != presets.emotion("sad").weights


def test_what_is_no_preset_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.toml"
    path.write_text("colour = 3")
    with pytest.raises(InputError, match="no preset"):
        own_presets.install(path)


def test_a_blend_of_clips_becomes_one_emotion() -> None:
    clips = [EmotionClip(0, 10, "happy", 0.5), EmotionClip(0, 10, "surprised", 0.25)]
    made = own_presets.emotion_of_clips("Delight", clips)
    happy, surprised = presets.emotion("happy"), presets.emotion("surprised")
    np.testing.assert_allclose(made.vector(), 0.5 * happy.vector() + 0.25 * surprised.vector(), atol=0.011)
    assert made.valence == pytest.approx(0.5 * happy.valence + 0.25 * surprised.valence)
    assert presets.emotion(presets.save(made)) == made


def test_a_face_is_saved_without_its_speech() -> None:
    weights = np.zeros(arkit.COUNT)
    weights[[arkit.INDEX["jawOpen"], arkit.INDEX["mouthSmileLeft"], arkit.INDEX["eyeBlinkLeft"]]] = 0.5
    assert own_presets.emotion_of_face("Mine", weights).weights == {"mouthSmileLeft": 0.5}


def test_a_style_holds_its_amount_and_the_regions_strength() -> None:
    project = Project(regions=(("jaw", RegionSettings(1.5)),))
    made = own_presets.style_of_clip("Mine", StyleClip(0, None, "mumbled", 0.5), project)
    base = presets.style("mumbled")
    assert made.jaw == pytest.approx((1 + (base.jaw - 1) * 0.5) * 1.5, abs=1e-3)
    assert made.lips == pytest.approx(1 + (base.lips - 1) * 0.5, abs=1e-3)


def test_a_pose_is_what_the_curves_say_and_goes_back_to_keys() -> None:
    project = commands.set_keys(Project(), "pose.yaw_deg", [Key(0, 0.0), Key(10, 10.0, "linear")])
    project = commands.set_keys(project, "mouthSmileLeft", [Key(0, 0.4)])
    pose = own_presets.pose_of_curves("Turned", project, 10)
    assert pose.values == {"pose.yaw_deg": 10.0, "mouthSmileLeft": 0.4}
    assert own_presets.pose_of_curves("Turned", project, 10, ["mouthSmileLeft"]).values == {"mouthSmileLeft": 0.4}
    used = own_presets.use_pose(Project(), presets.save(pose), 30)
    assert {curve.channel: curve.keys for curve in used.curves} == {
        "pose.yaw_deg": (Key(30, 10.0),),
        "mouthSmileLeft": (Key(30, 0.4),),
    }
    with pytest.raises(InputError, match="No curve"):
        own_presets.pose_of_curves("Nothing", Project(), 0)


def test_our_poses_move_something() -> None:
    found = presets.load_all("poses")
    assert len(found) >= 6
    assert all(pose.values for pose in found.values())


def test_own_presets_travel_with_a_collected_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = own_presets.duplicate("emotions", "happy")
    project = Project(name="shot", emotions=(EmotionClip(0, 10, copy), EmotionClip(10, 20, "sad")))
    folder = tmp_path / "taken"
    path = project_file.collect(project, folder)
    assert [p.name for p in folder.glob("presets/*/*")] == [f"{copy}.toml"]
    wanted = presets.emotion(copy)
    monkeypatch.setenv("SOLILOQUY_HOME", str(tmp_path / "another machine"))
    assert copy not in presets.paths("emotions")
    opened = project_file.load(path)
    assert own_presets.arrive(opened, path.parent) == [copy]
    assert presets.emotion(copy) == wanted
    assert own_presets.arrive(opened, path.parent) == []
