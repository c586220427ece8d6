"""Dialogs in which engines learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.ui import widgets
from app.ui.engine_dialogs import EditsDialog, TeachDialog
from engines.disentangled import workshop
from engines.errors import InputError
from engines.stylegan import edits

FIGURES = {"face_taught_db": 27.1, "face_rig_db": 25.0, "lips_taught_db": 25.3, "lips_rig_db": 23.4}


def test_a_portrait_is_taught_and_used(
    session: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch, portrait: Path, tmp_path: Path
) -> None:
    asked: list[Any] = []

    def teach(video: Path, folder: Path, info: Any, **_: Any) -> Any:
        asked.append((video, folder, info.id))
        if video.stem == "dark":
            raise InputError("Too little footage.")
        return [portrait, folder / "seen.npz"], FIGURES

    monkeypatch.setattr(workshop, "teach_from", teach)
    dialog = TeachDialog(session)
    qtbot.addWidget(dialog)
    assert not dialog.start.isEnabled()
    dialog.video.set_path(tmp_path / "dark.mp4")
    dialog.start.click()
    qtbot.waitUntil(lambda: dialog.note.text() == "Too little footage.", timeout=4000)
    assert session.project.engine != "disentangled"
    dialog.video.set_path(tmp_path / "ann.mp4")
    assert dialog.folder.edit.placeholderText() == str(tmp_path / "ann taught")
    dialog.start.click()
    qtbot.waitUntil(lambda: "27.1 dB, 25.0 without" in dialog.note.text(), timeout=4000)
    assert asked[1] == (tmp_path / "ann.mp4", tmp_path / "ann taught", "disentangled")
    assert (session.project.portrait, session.project.engine) == (str(portrait), "disentangled")
    session.undo()
    assert session.project.engine != "disentangled"


def test_without_a_generator_the_dialog_says_what_to_do(session: Any, qtbot: Any) -> None:
    dialog = EditsDialog(session)
    qtbot.addWidget(dialog)
    assert dialog.note.text() == edits.NO_GENERATOR
    assert not dialog.start.isEnabled()


def test_edits_are_found_and_taken(session: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from app.ui import engine_dialogs
    from engines.stylegan import net_edits

    asked: list[Any] = []

    def find(chosen: Any, pictures: int, strongest: int, **_: Any) -> list[Path]:
        asked.append((chosen, pictures, strongest))
        return [tmp_path / "smile.npz"]

    def take(chosen: Any, files: list[Path], **_: Any) -> list[Path]:
        asked.append((chosen, files))
        return [tmp_path / "age.npz"]

    monkeypatch.setattr(engine_dialogs, "choose", lambda: "a generator")
    monkeypatch.setattr(net_edits, "find", find)
    monkeypatch.setattr(net_edits, "take", take)
    dialog = EditsDialog(session)
    qtbot.addWidget(dialog)
    dialog.pictures.setValue(500)
    for kind, said in (("find", "smile"), ("axes", "smile"), ("file", "age")):
        dialog.kind.setCurrentIndex(dialog.kind.findData(kind))
        if kind == "file":
            assert not dialog.start.isEnabled()
            dialog.file.set_path(tmp_path / "age.npy")
        with qtbot.waitSignal(dialog.made, timeout=4000):
            dialog.start.click()
        assert said in dialog.note.text()
    assert asked == [
        ("a generator", 500, 0),
        ("a generator", 500, 8),
        ("a generator", [tmp_path / "age.npy"]),
    ]


def test_found_edits_show_on_the_engines_page_at_once(window: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from engines import registry
    from engines.api import Coordinate

    window.session.do("Engine", window.session.project.with_(engine="stylegan"))
    page = window.inspector.engine
    more = ((Coordinate("edit_smile", "Smile", "Edits", -4.0, 4.0),), "")
    monkeypatch.setattr(registry, "more", lambda info: more)

    def made(dialog: Any) -> bool:
        dialog.made.emit()
        dialog.reject()
        return False

    monkeypatch.setattr(widgets, "run_dialog", made)
    window.actions_by_id["tools.edits"].trigger()
    assert "stylegan.edit_smile" in page.sliders
    assert np.isclose(page.sliders["stylegan.edit_smile"].value(), 0)
