"""Project files: exact, readable, movable, safe."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from app.core import commands, project_file, safety
from app.core.project import (
    AutoMotion,
    Consent,
    EmotionClip,
    Key,
    Marker,
    Phone,
    Project,
    Speech,
    StyleClip,
)
from engines.errors import ProjectError


def rich(folder: Path) -> Project:
    (folder / "media").mkdir(exist_ok=True)
    for name in ("face.png", "talk.wav"):
        (folder / "media" / name).write_bytes(b"x")
    project = Project(
        name="Shot – 12", portrait=str(folder / "media" / "face.png"), voice=str(folder / "media" / "talk.wav"),
        rate="30000/1001", size=(640, 480), speech=Speech("hi", "de", (Phone(0, 0.5, "hi", 0.25),)),
        emotions=(EmotionClip(0, None, "happy"), EmotionClip(5, 20, "sad", 1.0, 2, 3)),
        styles=(StyleClip(0, 9, "clear"),), auto=AutoMotion(seed=7), markers=(Marker(3, "beat"),), in_frame=2,
        consents=(Consent("d", "Ann", "film", "2026-01-01", True),),
    )  # fmt: skip
    return commands.set_region(commands.set_keys(project, "jawOpen", [Key(0, 0.5, "step")]), "head", offset_s=0.1)


def test_round_trip_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "a.soliloquy"
    project = rich(tmp_path)
    project_file.save(project, path)
    assert project_file.load(path) == project
    assert project_file.from_data(project_file.to_data(Project())) == Project()


def test_numbers_of_numpy_are_numbers() -> None:
    project = Project(emotions=(EmotionClip(np.int64(3), None, "sad", np.float32(0.5)),))  # type: ignore[arg-type]
    again = project_file.from_data(json.loads(project_file.dumps(project_file.to_data(project))))
    assert again == project


def test_the_file_is_readable_and_moves_with_its_folder(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    project_file.save(rich(one), one / "a.soliloquy")
    text = (one / "a.soliloquy").read_text()
    assert json.loads(text)["portrait"] == "media/face.png"
    assert '{"start": 5, "end": 20, "emotion": "sad", "intensity": 1.0, "ease_in": 2, "ease_out": 3}' in text
    one.rename(two)
    moved = project_file.load(two / "a.soliloquy")
    assert Path(moved.portrait) == two / "media" / "face.png"
    assert project_file.missing_media(moved) == {}


def test_one_changed_clip_is_one_changed_line(tmp_path: Path) -> None:
    project = rich(tmp_path)
    before = project_file.dumps(project_file.to_data(project)).splitlines()
    changed = commands.replace_clip(project, "emotions", 1, intensity=0.5)
    after = project_file.dumps(project_file.to_data(changed)).splitlines()
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "not a Soliloquy project"),
        ('{"schema": 999}', "newer Soliloquy"),
        ('{"schema": 1, "rate": 25}', "'project.rate' should be str"),
        ('{"schema": 1, "tempo": 1}', "unknown field 'tempo'"),
        ('{"schema": 1, "emotions": [{"start": 1}]}', "incomplete"),
        ('{"schema": 1, "curves": [{"channel": "jawOpen", "mode": "mix"}]}', "one of add, multiply, replace"),
        ('{"schema": 1, "size": [1, 2, 3]}', "should have 2 parts"),
    ],
)
def test_damaged_files_say_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.soliloquy"
    path.write_text(text)
    with pytest.raises(ProjectError, match=message):
        project_file.load(path)


def test_old_versions_are_upgraded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(project_file.UPGRADES, 0, lambda data: {"name": data["title"]})
    assert project_file.from_data({"schema": 0, "title": "Old"}).name == "Old"
    with pytest.raises(ProjectError, match="unknown project version -1"):
        project_file.from_data({"schema": -1})


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.soliloquy"
    project_file.save(Project(name="old"), path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ProjectError, match="No space left"):
        project_file.save(Project(name="new"), path)
    assert project_file.load(path).name == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_missing_media_are_found_by_name(tmp_path: Path) -> None:
    project = rich(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "media" / "face.png").rename(tmp_path / "elsewhere" / "face.png")
    assert set(project_file.missing_media(project)) == {"portrait"}
    found = project_file.relink(project, tmp_path)
    assert Path(found.portrait) == tmp_path / "elsewhere" / "face.png"


def test_collect_takes_everything_along(tmp_path: Path) -> None:
    path = project_file.collect(rich(tmp_path), tmp_path / "out")
    for file in (tmp_path / "media").iterdir():
        file.unlink()
    collected = project_file.load(path)
    assert project_file.missing_media(collected) == {}
    assert Path(collected.voice).parent == tmp_path / "out" / "media"
    with pytest.raises(ProjectError, match="Relink"):
        project_file.collect(rich(tmp_path).with_(voice="/nowhere/a.wav"), tmp_path / "out")


def test_a_crash_is_recovered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    autosave = safety.Autosave()
    project = rich(tmp_path)
    autosave.save(project, tmp_path / "a.soliloquy")
    assert safety.recoveries() == []  # this process still runs
    monkeypatch.setattr(os, "getpid", lambda: 999_999_998)
    monkeypatch.setattr(safety, "process_alive", lambda pid: False)
    (found,) = safety.recoveries()
    assert (found.project, found.path) == (project, tmp_path / "a.soliloquy")
    safety.forget(found)
    assert safety.recoveries() == []


def test_a_lock_of_a_dead_process_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.soliloquy"
    mine = safety.Lock(path)
    assert mine.acquire() == ""
    monkeypatch.setattr(os, "getpid", lambda: 999_999_998)
    other = safety.Lock(path)
    assert "another window" in other.acquire()
    monkeypatch.setattr(safety, "process_alive", lambda pid: False)
    assert other.acquire() == ""
    other.release()
    assert list(tmp_path.iterdir()) == []


def test_backups_thin_out_with_age(tmp_path: Path) -> None:
    path = tmp_path / "a.soliloquy"
    project_file.save(Project(), path)
    now = 1_700_000_000.0
    for minutes in range(0, 3 * 24 * 60, 20):
        safety.back_up(path, now + minutes * 60)
    kept = [t for t, _ in safety.backups(path)]
    latest = kept[0]
    assert len([t for t in kept if latest - t < 3600]) == 3
    assert len([t for t in kept if 3600 <= latest - t < 86400]) <= 20
    assert len(kept) <= 45
    assert kept[-1] == now
