"""Consent: what is asked about, what a record must hold, and that the demo shows nobody real."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core import commands, consent, project_file
from app.core.exporting import provenance
from app.core.project import Project
from app.core.studio import Studio
from engines.errors import InputError

DEMO = Path(__file__).resolve().parents[3] / "assets" / "demo" / "demo.soliloquy"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    path = tmp_path / "face.png"
    Image.fromarray(np.full((64, 48, 3), 90, np.uint8)).save(path)
    return Project(portrait=str(path))


def test_the_demo_says_that_nobody_real_is_shown() -> None:
    studio, demo = Studio(), project_file.load(DEMO)
    record = consent.record_of(demo, studio.portrait_digest(demo))
    assert record is not None
    assert (record.who, record.scope, record.granted) == (consent.NOBODY, consent.NOT_REAL, True)
    assert consent.unasked(studio, demo) == ""


def test_each_portrait_is_asked_about_once(project: Project, tmp_path: Path) -> None:
    studio = Studio()
    digest = consent.unasked(studio, project)
    assert digest == studio.portrait_digest(project)
    for record in (consent.declined(digest), consent.granted(digest, "Ann", "has agreed")):
        assert consent.unasked(studio, commands.record_consent(project, record)) == ""
    asked = commands.record_consent(project, consent.declined(digest))
    Image.fromarray(np.full((64, 48, 3), 91, np.uint8)).save(tmp_path / "other.png")
    assert consent.unasked(studio, asked.with_(portrait=str(tmp_path / "other.png")))
    assert consent.unasked(studio, Project()) == ""
    assert consent.unasked(studio, Project(portrait="head.glb")) == ""


def test_only_pictures_and_heads_show_a_person() -> None:
    for name in ("a.mp4", "a.png", "a.webm", "a.fbx", "a.glb", "a.usda"):
        assert consent.shows_person([Path("a.csv"), Path(name)]), name
    assert not consent.shows_person([Path("a.csv"), Path("a.npz"), Path("a.wav")])


def test_what_a_record_must_hold(tmp_path: Path) -> None:
    release = tmp_path / "release.pdf"
    release.write_bytes(b"signed")
    record = consent.granted("d", " Ann ", "has agreed", str(release))
    assert (record.who, record.date, record.granted) == ("Ann", date.today().isoformat(), True)
    assert "Ann: has agreed" in consent.describe(record)
    assert "release.pdf" in consent.describe(record)
    assert consent.granted("d", "", consent.NOT_REAL).who == consent.NOBODY
    with pytest.raises(InputError, match="names nobody"):
        consent.granted("d", "", "has agreed")
    with pytest.raises(InputError, match="no scope"):
        consent.granted("d", "Ann", " ")
    with pytest.raises(InputError, match="no evidence"):
        consent.granted("d", "Ann", "has agreed", str(tmp_path / "none.pdf"))


def test_the_command_line_form() -> None:
    assert consent.parse("Ann Lee: for the film: part 2") == ("Ann Lee", "for the film: part 2")
    for text in ("Ann", ": x", "Ann:", ""):
        with pytest.raises(ValueError, match="WHO: SCOPE"):
            consent.parse(text)


def test_the_provenance_tells_the_record_but_not_where_its_evidence_lies(project: Project, tmp_path: Path) -> None:
    studio = Studio()
    release = tmp_path / "release.pdf"
    release.write_bytes(b"signed")
    record = consent.granted(studio.portrait_digest(project), "Ann", "has agreed", str(release), "2026-01-02")
    facts = provenance(studio, commands.record_consent(project, record))
    assert facts["consent"] == [
        {"who": "Ann", "scope": "has agreed", "date": "2026-01-02", "granted": True, "evidence": "release.pdf"}
    ]
    assert str(tmp_path) not in json.dumps(facts)


def test_evidence_moves_with_the_project(project: Project, tmp_path: Path) -> None:
    release = tmp_path / "release.pdf"
    release.write_bytes(b"signed")
    project = commands.record_consent(project, consent.granted("d", "Ann", "has agreed", str(release)))
    project_file.save(project, tmp_path / "a.soliloquy")
    assert str(tmp_path) not in (tmp_path / "a.soliloquy").read_text()
    assert project_file.load(tmp_path / "a.soliloquy") == project
    kept = project_file.load(project_file.collect(project, tmp_path / "box"))
    proof = Path(kept.consents[0].evidence)
    assert proof.read_bytes() == b"signed"
    assert proof.parent == tmp_path / "box" / "media"
