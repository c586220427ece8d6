"""Consent on the command line: recorded where it is given, told once where it is not, never in the way."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.cli import main
from app.core import project_file
from app.core.project import Project
from app.core.studio import Studio
from engines.api import Performance

DEMO = Path(__file__).resolve().parents[2] / "assets" / "demo"
HINT = "--consent"


@pytest.fixture
def motion(tmp_path: Path) -> Path:
    from app.export import Take, write

    still = Performance.rest(3, Fraction(25))
    write(Take(still, still.rate), tmp_path / "motion.npz")
    return tmp_path / "motion.npz"


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> list[Project]:
    """The projects that would be exported; drawing them is tested elsewhere."""
    projects: list[Project] = []

    def export(_: Studio, project: Project, outputs: list[Path], **__: Any) -> list[Path]:
        projects.append(project)
        return outputs

    monkeypatch.setattr(Studio, "export", export)
    return projects


@pytest.fixture
def face(tmp_path: Path) -> str:
    Image.fromarray(np.full((64, 48, 3), 90, np.uint8)).save(tmp_path / "face.png")
    return str(tmp_path / "face.png")


def test_a_record_is_kept_in_the_project(
    face: str, motion: Path, exported: list[Project], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "release.pdf").write_bytes(b"signed")
    shot = tmp_path / "shot.soliloquy"
    arguments = ["render", face, str(motion), "-o", str(tmp_path / "x.mp4")]
    proof = ["--consent-evidence", str(tmp_path / "release.pdf")]
    assert main([*arguments, "--consent", "Ann Lee: has agreed", *proof, "--save-project", str(shot)]) == 0
    assert HINT not in capsys.readouterr().err
    (record,) = exported[0].consents
    assert (record.who, record.scope, record.granted) == ("Ann Lee", "has agreed", True)
    assert project_file.load(shot).consents == (record,)
    assert main(["render", "--project", str(shot), "-o", str(tmp_path / "y.mp4")]) == 0
    assert HINT not in capsys.readouterr().err
    assert main(["inspect", str(shot)]) == 0
    assert "Ann Lee: has agreed" in capsys.readouterr().out


def test_one_line_tells_how_where_nothing_is_on_record(
    face: str, motion: Path, exported: list[Project], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["render", face, str(motion), "-o", str(tmp_path / "x.mp4")]
    assert main(arguments) == 0
    told = capsys.readouterr().err
    assert told.count(HINT) == 1
    assert len(told.splitlines()) == 1
    for quiet in ("json", "none"):
        assert main([*arguments, "--progress", quiet]) == 0
        found = capsys.readouterr()
        assert HINT not in found.out + found.err
    assert main([*arguments[:-1], str(tmp_path / "x.csv")]) == 0
    assert HINT not in capsys.readouterr().err
    assert len(exported) == 4


def test_the_demo_is_not_asked_about(
    exported: list[Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Studio, "analyse", lambda *_, **__: type("Heard", (), {"warnings": ()})())
    monkeypatch.setattr(Studio, "perform", lambda *_, **__: None)
    assert main(["demo", "-o", str(tmp_path / "x.mp4")]) == 0
    assert main(["render", "--project", str(DEMO / "demo.soliloquy"), "-o", str(tmp_path / "x.mp4")]) == 0
    assert HINT not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--consent", "Ann"], 2, "WHO: SCOPE"),
        (["--consent-evidence", "a.pdf"], 2, "--consent"),
        (["--consent", "Ann: has agreed", "--consent-evidence", "none.pdf"], 1, "no evidence"),
    ],
)
def test_mistakes(
    arguments: list[str], code: int, message: str, face: str, motion: Path, exported: list[Project],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert main(["render", face, str(motion), "-o", "x.mp4", *arguments]) == code
    assert message in capsys.readouterr().err
    assert exported == []


def test_a_video_tells_the_consent(motion: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = tmp_path / "x.mp4"
    arguments = ["render", str(DEMO / "portrait.jpg"), str(motion), "-o", str(video), "--size", "x64"]
    assert main([*arguments, "--consent", "nobody: not a real person"]) == 0
    capsys.readouterr()
    assert main(["inspect", "--json", str(video)]) == 0
    (facts,) = json.loads(capsys.readouterr().out)
    (record,) = facts["facts"]["consent"]
    assert (record["who"], record["scope"], record["granted"]) == ("nobody", "not a real person", True)
