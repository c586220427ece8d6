"""Presets of one's own in the window: save, rename, duplicate, share, import, delete."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QFileDialog, QInputDialog

from app.core import commands, presets
from app.core.project import Key
from app.ui import widgets
from app.ui.export_dialog import ExportDialog
from app.ui.timeline.layout import Item


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Answers the next menu with the entry of some data, and dialogs for a name or a file."""

    def answer(choice: str = "", name: str = "", path: Path | None = None) -> None:
        def choose(menu: Any, _: QPoint) -> Any:
            found = next(action for action in menu.actions() if action.data() == choice)
            assert found.isEnabled(), choice
            return found

        monkeypatch.setattr(widgets, "run_menu", choose)
        monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: (name, bool(name)))
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))

    return answer


def chips(window: Any) -> set[tuple[str, str]]:
    return set(window.presets._chips)


def test_the_selected_emotions_are_saved_as_one(filled: Any, answers: Any) -> None:
    session = filled.session
    session.attempt("Add", commands.add_emotion, "happy", 0, 20, 0.5)
    session.attempt("Add", commands.add_emotion, "surprised", 10, 30, 0.5)
    session.select(frozenset({Item("emotions", 0), Item("emotions", 1)}))
    answers("emotions", "Delight")
    filled.presets.save.click()
    assert ("emotions", "delight") in chips(filled)
    assert filled.timeline.view.picture.names["delight"] == "Delight"


def test_style_face_and_pose_are_saved(filled: Any, answers: Any) -> None:
    session = filled.session
    session.attempt("Add", commands.add_style, "mumbled", 0, None, 0.5)
    session.attempt("Key", commands.set_keys, "pose.yaw_deg", [Key(0, 12.0)])
    session.select(frozenset({Item("styles", 0)}))
    for what, name in (("styles", "Half mumbled"), ("face", "My face")):
        answers(what, name)
        filled.presets.save.click()
    session.select(frozenset({Item("pose.yaw_deg", 0)}))
    answers("poses", "Turned")
    filled.presets.save.click()
    assert {("styles", "half-mumbled"), ("emotions", "my-face"), ("poses", "turned")} <= chips(filled)
    assert presets.pose("turned").values == {"pose.yaw_deg": 12.0}


def test_a_pose_is_keyed_at_the_playhead_and_undone(filled: Any) -> None:
    session = filled.session
    session.seek(9)
    before = session.project
    filled.presets.chosen.emit("poses", "chin-up")
    curve = commands.curve(session.project, "pose.pitch_deg")
    assert curve is not None
    assert curve.keys[0].frame == 9
    session.undo()
    assert session.project == before


def test_a_preset_is_duplicated_renamed_shared_and_deleted(filled: Any, answers: Any, tmp_path: Path) -> None:
    panel, place = filled.presets, QPoint(0, 0)
    answers("duplicate")
    panel.menu_wanted.emit("emotions", "happy", place)
    assert ("emotions", "happy-copy") in chips(filled)
    answers("rename", "Sunshine")
    panel.menu_wanted.emit("emotions", "happy-copy", place)
    assert panel._chips["emotions", "happy-copy"].text() == "Sunshine"
    path = tmp_path / "gift.toml"
    answers("share", path=path)
    panel.menu_wanted.emit("emotions", "happy-copy", place)
    assert "Sunshine" in path.read_text()
    answers("delete")
    panel.menu_wanted.emit("emotions", "happy-copy", place)
    assert ("emotions", "happy-copy") not in chips(filled)
    filled.files.take([path])
    assert ("emotions", "gift") in chips(filled)


def test_ours_offer_no_rename_or_delete(filled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, bool] = {}

    def look(menu: Any, _: QPoint) -> None:
        seen.update({action.data(): action.isEnabled() for action in menu.actions() if action.data()})

    monkeypatch.setattr(widgets, "run_menu", look)
    filled.presets.menu_wanted.emit("styles", "clear", QPoint(0, 0))
    assert seen == {"use": True, "rename": False, "duplicate": True, "share": True, "folder": False, "delete": False}


def test_a_preset_in_use_is_kept_with_a_word(filled: Any, answers: Any) -> None:
    told: list[str] = []
    filled.session.told.connect(lambda message, level: told.append(message) if level == "error" else None)
    answers("duplicate")
    filled.presets.menu_wanted.emit("emotions", "sad", QPoint(0, 0))
    filled.session.attempt("Add", commands.add_emotion, "sad-copy", 0, 20, 0.5)
    answers("delete")
    filled.presets.menu_wanted.emit("emotions", "sad-copy", QPoint(0, 0))
    assert "used 1 times" in told[-1]
    assert ("emotions", "sad-copy") in chips(filled)


def test_export_settings_are_saved(filled: Any, answers: Any, tmp_path: Path) -> None:
    dialog = ExportDialog(filled.session, filled.preferences, filled)
    dialog.path.setText(str(tmp_path / "take.mp4"))
    dialog.width_box.setValue(720)
    dialog.quality.slider.setValue(55)
    answers(name="For the phone")
    dialog.save_preset()
    saved = presets.export_preset("for-the-phone")
    assert saved.size[0] == 720
    assert saved.options["quality"] == 55
    assert dialog.preset() == saved
    dialog.deleteLater()
