"""Words, phones and markers are typed anew right on the timeline."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.core import commands
from app.ui.timeline.layout import Item
from app.ui.timeline.rename import NameEdit


def edit(window: Any, item: Item) -> NameEdit:
    view = window.timeline.view
    place = view.place(item)
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=place.center())
    found: list[NameEdit] = view.findChildren(NameEdit)
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(("row", "typed", "label"), [("words", "hello", "hello"), ("phones", "uw", "UW")])
def test_a_word_or_phone_is_retyped(filled: Any, row: str, typed: str, label: str) -> None:
    session = filled.session
    line = edit(filled, Item(row, 0))
    QTest.keyClicks(line, typed)
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert getattr(session.project.speech, row)[0].label == label
    session.undo()
    assert getattr(session, row)()[0].label != label


def test_escape_leaves_the_old_word_and_no_phone_is_refused(filled: Any) -> None:
    session = filled.session
    before = session.project
    line = edit(filled, Item("words", 1))
    QTest.keyClicks(line, "other")
    QTest.keyClick(line, Qt.Key.Key_Escape)
    assert session.project == before
    told: list[str] = []
    session.told.connect(lambda message, _: told.append(message))
    filled.tracks._on_named(Item("phones", 0), "grunt")
    assert session.project == before
    assert "no phone" in told[-1]


def test_a_marker_is_renamed(filled: Any) -> None:
    session = filled.session
    session.attempt("Marker", commands.add_marker, 20, "Marker 1")
    filled.tracks.retype(Item("markers", 0))
    line = filled.timeline.view.findChildren(NameEdit)[-1]
    QTest.keyClicks(line, "Turn")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert session.project.markers[0].name == "Turn"
