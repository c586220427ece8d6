"""The voice's mood in the window: its lane, the slider in the lane's header, baking."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPoint, QPointF, Qt

from app.ui.timeline.describe import describe
from app.ui.timeline.headers import HEADER, share_box
from app.ui.timeline.layout import RULER


def lane(window: Any) -> Any:
    return next(row for row in window.timeline.view.picture.scene.rows if row.kind == "heard")


def test_the_lane_shows_what_was_heard(filled: Any) -> None:
    picture = filled.timeline.view.picture
    assert len(picture.mood) == filled.session.total
    row = lane(filled)
    view = filled.timeline.view
    view.repaint()
    hit = view.hit(QPointF(HEADER + 40, RULER + row.top + 10))
    assert hit.row.kind == "heard"
    assert "arousal" in describe(picture, hit, 10)


def test_its_slider_sets_the_share_as_one_step(filled: Any, qtbot: Any) -> None:
    view, session = filled.timeline.view, filled.session
    row = lane(filled)
    box = share_box(row, row.top + RULER)
    steps = len(session.history.names)
    start = QPoint(round(box.left() + 10), round(box.center().y()))
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    for x in (20, 30, round(box.width() / 2)):
        qtbot.mouseMove(view, QPoint(round(box.left()) + x, start.y()))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(round(box.center().x()), start.y()))
    assert abs(session.project.auto_emotion - 0.5) < 0.05
    assert len(session.history.names) == steps + 1
    assert filled.inspector.motion.share.value() == session.project.auto_emotion


def test_baking_is_one_step_that_undo_takes_back(filled: Any) -> None:
    session = filled.session
    before = session.project
    filled.actions_by_id["direct.bake_emotion"].trigger()
    assert session.project.emotions
    assert session.project.auto_emotion == 0
    assert {item.row for item in session.selection} == {"emotions"}
    session.undo()
    assert session.project == before


def test_without_a_voice_there_is_nothing_to_bake(window: Any) -> None:
    before = window.session.project
    window.actions_by_id["direct.bake_emotion"].trigger()
    assert window.session.project == before
