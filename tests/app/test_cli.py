"""The command line: what it understands, what it prints, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from app.cli import direction, main
from app.cli.arguments import parse as parse_arguments
from app.cli.arguments import parser
from app.cli.render import project_of
from app.core import project_file
from app.core.project import EmotionClip, Key, Project, StyleClip
from engines.api import Performance
from engines.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "assets" / "demo"
PORTRAIT, VOICE = str(DEMO / "portrait.jpg"), str(DEMO / "voice.wav")


def parse(*arguments: str) -> Project:
    return project_of(parser().parse_args(["render", PORTRAIT, VOICE, "-o", "x.mp4", *arguments]))


def test_a_voice_may_follow_options() -> None:
    options = parse_arguments(["render", PORTRAIT, "--face", "2", VOICE, "-o", "x.mp4"])
    assert (options.portrait, options.face, options.voice) == (Path(PORTRAIT), 2, Path(VOICE))


def test_faces_are_counted_from_one_as_in_the_window() -> None:
    assert parse().face == 0
    assert parse("--face", "2").face == 1


def test_nobody_is_bothered_when_a_reader_goes() -> None:
    command = [sys.executable, "-m", "app.cli", "presets"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait(30)


@pytest.mark.parametrize("surplus", [["third.wav"], ["--louder"]])
def test_what_is_not_understood_is_named(surplus: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["render", PORTRAIT, VOICE, "-o", "x.mp4", "--seed", "3", *surplus])
    assert ended.value.code == 2
    assert f"unrecognized arguments: {surplus[0]}; 'soliloquy render --help'" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "code"), [(["presets", "emotions"], 0), (["inspect", "no-such-file"], 1)])
def test_the_process_says_everything_before_it_ends(arguments: list[str], code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert "happy" in done.stdout if code == 0 else "no-such-file" in done.stderr


def test_emotions_over_time() -> None:
    project = parse("--emotion", "happy:0.7@0-3.5,sad:1@3.5-")
    first, second = project.emotions
    assert (first.start, first.end, first.emotion, first.intensity) == (0, 88, "happy", 0.7)
    assert (second.start, second.end, second.emotion, second.intensity) == (88, None, "sad", 1.0)
    assert parse("--emotion", "bored").emotions == (EmotionClip(0, None, "bored", 0.7, 8, 8),)


def test_the_rest_of_the_direction(tmp_path: Path) -> None:
    (tmp_path / "said.txt").write_text("Hello there.\n")
    project = parse(
        "--style", "mumbled:0.5@1-2", "--pose", "yaw:10@2-4,pitch:-5", "--gaze", "yaw:15@1", "--auto", "lively,blink:0",
        "--seed", "7", "--text", f"@{tmp_path / 'said.txt'}", "--language", "de", "--fps", "29.97",
        "--size", "320x240", "--range", "1-2", "--auto-emotion", "0.4",
    )  # fmt: skip
    assert project.styles == (StyleClip(30, 60, "mumbled", 0.5),)
    curves = {c.channel: c.keys for c in project.curves}
    assert curves["pose.yaw_deg"] == (Key(48, 0.0), Key(60, 10.0), Key(120, 10.0), Key(132, 0.0))
    assert curves["pose.pitch_deg"] == (Key(0, -5.0),)
    assert curves["gaze.yaw_deg"] == (Key(30, 15.0),)
    assert (project.auto.character, project.auto.blink, project.auto.seed) == ("lively", 0.0, 7)
    assert (project.speech.text, project.speech.language) == ("Hello there.", "de")
    assert (project.rate, project.size, project.in_frame, project.out_frame) == ("29.97", (320, 240), 30, 59)


@pytest.mark.parametrize("text", ["happy:0.7@", "happy@3-2", ":0.5", "happy:x", "happy@1-2-3", ""])
def test_direction_that_is_not_understood(text: str) -> None:
    with pytest.raises(ValueError, match=r"not understood|ends before"):
        direction.parse_items(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1-2", (25, 49)), ("-2", (None, 49)), ("1-", (25, None)), ("50f-120f", (50, 120)), ("0.5-1.5", (12, 37))],
)
def test_ranges(text: str, expected: tuple[int | None, int | None]) -> None:
    assert direction.parse_range(text, Fraction(25)) == expected


@pytest.mark.parametrize("text", ["", "-", "2-1", "a-b", "3"])
def test_ranges_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="range"):
        direction.parse_range(text, Fraction(25))


def test_sizes() -> None:
    assert direction.parse_size("x720") == (0, 720)
    assert direction.parse_size("1280x") == (1280, 0)
    for text in ("720", "x", "9000x100", "4x4"):
        with pytest.raises(ValueError, match="size"):
            direction.parse_size(text)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["render", "nobody.png", VOICE, "-o", "x.mp4"], 1, "no portrait at"),
        (["render", PORTRAIT, "silence.wav", "-o", "x.mp4"], 1, "no voice at"),
        (["render", PORTRAIT, "-o", "x.mp4"], 1, "Give a portrait and a voice"),
        (["render", PORTRAIT, VOICE, "-o", "x.mp4", "--emotion", "gleeful"], 1, "no preset 'gleeful'"),
        (["render", PORTRAIT, VOICE, "-o", "x.mp4", "--emotion", "happy:much"], 2, "not understood"),
        (["render", PORTRAIT, VOICE, "-o", "x.mp4", "--engine", "deepfake"], 1, "Choose one of: blendshape"),
        (["render", PORTRAIT, VOICE, "-o", "x.mp4", "--fps", "fast"], 1, "no frame rate"),
        (["render", PORTRAIT, VOICE, "-o", "x.xyz"], 1, "names no known format"),
        (["render", PORTRAIT, VOICE, "-o", "."], 1, "is a folder"),
        (["convert", "nothing.csv", "-o", "x.npz"], 1, "nothing.csv"),
        (["inspect", "nothing.png"], 1, "There is no file"),
        (["presets", "emotions", "gleeful"], 1, "no preset 'gleeful'"),
        (["render", PORTRAIT, VOICE, "-o", "x.mp4", "--project", "nothing.soliloquy"], 1, "There is no file"),
    ],
)
def test_mistakes_have_a_message_and_a_code(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == code
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("x.*"))


def test_wrong_usage_is_2() -> None:
    for arguments in (["render"], ["fly"], ["render", PORTRAIT, VOICE, "-o", "x.mp4", "--device", "abacus"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
    assert main(["--verbose"]) == 2


def test_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engines"]) == 0
    assert "blendshape (default)" in capsys.readouterr().out
    assert main(["engines", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["id"] == "blendshape"
    assert main(["presets", "styles"]) == 0
    assert "over-articulated" in capsys.readouterr().out
    assert main(["presets", "emotions", "happy"]) == 0
    assert "mouthSmile" in capsys.readouterr().out
    assert main(["weights"]) == 0
    assert "missing" in capsys.readouterr().out
    assert main(["weights", "import", "hub:owner"]) == 2
    assert main(["--version"]) == 0


def test_init_makes_a_project_that_loads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "shot.soliloquy"
    arguments = ["init", str(path), PORTRAIT, VOICE, "--emotion", "sad"]
    assert main(arguments) == 0
    project = project_file.load(path)
    assert (Path(project.portrait), project.name) == (DEMO / "portrait.jpg", "shot")
    assert main(arguments) == 1
    assert "--force" in capsys.readouterr().err
    assert main([*arguments, "--force"]) == 0


def test_convert_keeps_the_curves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from app.export import Take, read_curves, write

    weights = np.zeros((60, 52))
    weights[:, 17] = np.linspace(0, 1, 60)
    motion = Performance.rest(60, Fraction(30)).with_(weights=weights)
    write(Take(motion, motion.rate), tmp_path / "a.npz")
    assert main(["convert", str(tmp_path / "a.npz"), "-o", str(tmp_path / "b.csv"), "--progress", "json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["event"] == "done"
    assert read_curves(tmp_path / "b.csv").channel("jawOpen") == pytest.approx(weights[:, 17], abs=1e-6)


def test_inspect_knows_what_a_file_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--json", VOICE, str(DEMO / "demo.soliloquy")]) == 0
    voice, project = json.loads(capsys.readouterr().out)
    assert voice["kind"] == "voice"
    assert project["missing"] == "nothing"
    bad = tmp_path / "note.txt"
    bad.write_text("hello")
    assert main(["inspect", str(bad)]) == 1


def test_a_project_is_the_base_of_options() -> None:
    options = parser().parse_args(["render", "--project", str(DEMO / "demo.soliloquy"), "-o", "x.mp4", "--seed", "3"])
    project = project_of(options)
    assert project.auto.seed == 3
    assert Path(project.voice) == DEMO / "voice.wav"
    assert project.emotions


def test_curves_in_place_of_a_voice(tmp_path: Path) -> None:
    (tmp_path / "motion.csv").write_text("")
    project = project_of(parser().parse_args(["render", PORTRAIT, str(tmp_path / "motion.csv"), "-o", "x.mp4"]))
    assert (project.voice, Path(project.performance).name) == ("", "motion.csv")
    with pytest.raises(InputError, match="no voice at"):
        project_of(parser().parse_args(["render", PORTRAIT, str(tmp_path / "none.wav"), "-o", "x.mp4"]))
