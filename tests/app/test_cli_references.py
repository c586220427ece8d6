"""Clips on the command line: what moves what, and presets and footage made from them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from app.cli import main
from app.cli.arguments import parser
from app.cli.render import project_of
from app.core import presets, references
from app.core.presets import Emotion, HeadCharacter, Style
from app.core.project import Project
from app.export import Take, write
from engines.api import Performance
from tests.engines.capture.test_capture import video


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.npz"
    write(Take(performance=Performance.rest(50, Fraction(25)), rate=Fraction(25)), path)
    return path


def project(tmp_path: Path, clip: Path, *arguments: str) -> Project:
    (tmp_path / "me.jpg").touch()
    line = ["render", str(tmp_path / "me.jpg"), "--drive", str(clip), "-o", str(tmp_path / "out.mp4"), *arguments]
    return project_of(parser().parse_args(line))


def test_parts_and_their_strengths(tmp_path: Path, clip: Path) -> None:
    assert project(tmp_path, clip).puppet.parts == ()
    found = dict(project(tmp_path, clip, "--drive-parts", "pose,eyes:0.5").puppet.parts)
    assert found == {"gaze": 0, "mouth": 0, "eyes": 0.5, "brows": 0, "cheeks": 0}
    assert project(tmp_path, clip, "--drive-parts", "all").puppet.parts == ()
    with pytest.raises(ValueError, match="'ears' is not understood"):
        project(tmp_path, clip, "--drive-parts", "ears")


def test_relative_motion(tmp_path: Path, clip: Path) -> None:
    assert not project(tmp_path, clip).puppet.relative
    assert project(tmp_path, clip, "--drive-relative").puppet.neutral_s == 0
    assert project(tmp_path, clip, "--drive-relative", "0.8").puppet.neutral_s == 0.8


def test_dubbing_needs_a_voice(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "voice.wav").touch()
    line = [
        "render",
        str(tmp_path / "me.jpg"),
        str(tmp_path / "voice.wav"),
        "--drive",
        str(clip),
        "--dub",
        "-o",
        "x.mp4",
    ]
    (tmp_path / "me.jpg").touch()
    found = project_of(parser().parse_args(line))
    assert found.puppet.dub
    assert found.voice.endswith("voice.wav")
    with pytest.raises(ValueError, match="--dub gives a clip a new voice"):
        project(tmp_path, clip, "--dub")


def test_a_video_brings_its_own_sound(tmp_path: Path) -> None:
    mute = video(tmp_path / "mute.mp4", "-f", "lavfi", "-t", "0.2", "-i", "color=gray:s=64x64")
    loud = video(
        tmp_path / "loud.mp4", "-f", "lavfi", "-t", "0.2", "-i", "color=gray:s=64x64", "-f", "lavfi", "-t", "0.2", "-i",
        "sine=220",
    )  # fmt: skip
    assert project(tmp_path, mute).voice == ""
    found = project(tmp_path, loud)
    assert found.voice == found.performance == str(loud)
    assert not found.puppet.dub


def test_styles_and_emotions_are_lifted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lift_style(*_: object, head: bool, **__: object) -> tuple[Style, HeadCharacter | None]:
        return Style("Ann", jaw=1.3), HeadCharacter("Ann") if head else None

    monkeypatch.setattr(references, "lift_style", lift_style)
    monkeypatch.setattr(references, "lift_emotion", lambda *_, **more: Emotion(str(more["pleasant"])))
    assert main(["style", "ann.mp4", "--name", "Ann", "--head"]) == 0
    assert presets.style("ann").jaw == 1.3
    assert presets.head("ann").name == "Ann"
    assert "'ann'" in capsys.readouterr().err
    target = tmp_path / "rage.toml"
    assert main(["emotion", "a.wav", "b.wav", "--unpleasant", "-o", str(target)]) == 0
    assert presets.read("emotions", target).name == "False"


def test_mistakes_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = str(tmp_path / "gone.mp4")
    assert main(["style", gone]) == 1
    assert "There is no clip" in capsys.readouterr().err
    assert main(["emotion", gone, gone]) == 1
    assert main(["footage", gone, "-o", str(tmp_path / "out")]) == 1
    assert "There is no footage" in capsys.readouterr().err
    assert main(["footage", gone, "-o", str(tmp_path / "out"), "--size", "8"]) == 2


def test_footage_tells_what_it_dropped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grey = video(tmp_path / "grey.mp4", "-f", "lavfi", "-t", "0.4", "-i", "color=gray:s=64x64")
    assert main(["footage", str(grey), "-o", str(tmp_path / "out"), "--silent"]) == 1
    assert "Nothing in the footage is of use: no face" in capsys.readouterr().err
