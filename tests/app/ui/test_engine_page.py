"""The engine's own numbers in the window: sliders in the inspector, channels in the curve editor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from app.core import commands
from app.core.project import Key, Project
from app.ui.timeline import curves_model
from app.ui.timeline.layout import Item
from engines import registry


def test_channels_of_the_engine_follow_the_face(plain_engine: str) -> None:
    project = Project(engine=plain_engine)
    groups = dict(curves_model.groups(project))
    assert groups["Plain: Picture"] == ("plain.level",)
    assert groups["Plain: Bands"] == ("plain.band_1", "plain.band_2", "plain.band_3")
    assert curves_model.channel_name("plain.band_2") == "Band 2"
    assert curves_model.limits("plain.level") == (0, 255)


def test_keyed_channels_of_another_engine_stay_in_the_list(plain_engine: str) -> None:
    project = commands.set_keys(Project(), "plain.level", [Key(0, 1.0)])
    assert dict(curves_model.groups(project))[curves_model.OTHER_ENGINES] == ("plain.level",)


def test_dragged_keys_stay_in_the_coordinates_range(plain_engine: str) -> None:
    project = commands.set_keys(Project(engine=plain_engine), "plain.level", [Key(3, 200.0)])
    moved, _ = curves_model.move_keys(project, frozenset({Item("plain.level", 3)}), 0, 90.0)
    assert commands.curve(moved, "plain.level").keys[0].value == 255  # type: ignore[union-attr]


@pytest.fixture
def coordinates(plain_engine: str, window: Any) -> Any:
    window.session.do("Engine", window.session.project.with_(engine=plain_engine))
    return window


def test_the_page_is_there_only_for_engines_that_have_numbers(coordinates: Any) -> None:
    inspector = coordinates.inspector
    assert inspector.isTabVisible(inspector.indexOf(inspector.engine))
    coordinates.session.undo()
    assert not inspector.isTabVisible(inspector.indexOf(inspector.engine))


def test_a_slider_sets_one_key_at_the_playhead_and_follows_undo(coordinates: Any) -> None:
    session, page = coordinates.session, coordinates.inspector.engine
    session.seek(7)
    slider = page.sliders["plain.level"]
    slider.slider.setSliderDown(True)
    for value in (100, 120, 130):
        slider.slider.setValue(value)
    slider.slider.setSliderDown(False)
    assert [(k.frame, k.value) for k in commands.curve(session.project, "plain.level").keys] == [(7, 130)]
    session.undo()
    assert slider.value() == 0
    session.redo()
    assert slider.value() == 130


def test_the_curve_editor_lists_and_keys_them(coordinates: Any, qtbot: Any) -> None:
    session = coordinates.session
    coordinates.show_curves(("plain.band_1",))
    editor = coordinates.curves
    assert [i.text(0) for i in editor.tree.selectedItems()] == ["Band 1"]
    editor.value.setValue(1.5)
    assert commands.curve(session.project, "plain.band_1").keys == (Key(0, 1.5),)
    qtbot.mouseClick(editor.remove, Qt.MouseButton.LeftButton)
    assert commands.curve(session.project, "plain.band_1") is None


def test_what_the_user_brings_appears_as_sliders_with_a_word(
    window: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from engines.stylegan import edits, generators

    page = window.inspector.engine
    window.session.do("Engine", window.session.project.with_(engine="stylegan"))

    def words() -> str:
        return " ".join(label.text() for label in page.findChildren(QLabel))

    assert "stylegan.edit_age" not in page.sliders
    assert "taught by the rig" in words()
    chosen = generators.Chosen("stylegan-own", "0")
    monkeypatch.setattr(edits, "choose", lambda: chosen)
    edits.keep(chosen, edits.Edit("age", np.ones((1, 8), np.float32), "a test"))
    window.inspector.setCurrentWidget(page)
    assert next(iter(page.sliders)) == "stylegan.edit_age"
    page.sliders["stylegan.edit_age"].slider.setValue(page.sliders["stylegan.edit_age"].slider.maximum())
    (curve,) = window.session.project.curves
    assert curve.channel == "stylegan.edit_age"
    assert dict(curves_model.groups(window.session.project))[f"{registry.info('stylegan').name}: Edits"] == (
        "stylegan.edit_age",
    )
