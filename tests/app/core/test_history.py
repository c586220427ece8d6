"""Undo, redo and merging of drags."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.history import Change, History
from app.core.project import Project


def test_undo_and_redo_return_exactly_what_was() -> None:
    history = History()
    states = [history.project]
    for i in range(4):
        history.do(f"Step {i}", history.project.with_(name=str(i)))
        states.append(history.project)
    assert [history.undo() for _ in range(4)] == ["Step 3", "Step 2", "Step 1", "Step 0"]
    assert history.project == states[0]
    assert history.undo() == ""
    assert [history.redo() for _ in range(4)] == ["Step 0", "Step 1", "Step 2", "Step 3"]
    assert history.project == states[-1]


def test_a_drag_is_one_step() -> None:
    history = History()
    for i in range(10):
        history.do("Move emotion", history.project.with_(auto_emotion=i / 10), merge=("emotion", 0))
    assert history.names == ("Move emotion",)
    history.end_merge()
    history.do("Move emotion", history.project.with_(auto_emotion=1.0), merge=("emotion", 0))
    assert len(history.names) == 2
    history.undo()
    assert history.project.auto_emotion == 0.9


def test_a_drag_back_to_the_start_leaves_no_step() -> None:
    history = History()
    history.do("Drag", history.project.with_(auto_emotion=0.5), merge="a")
    history.do("Drag", history.project.with_(auto_emotion=0.0), merge="a")
    assert not history.can_undo
    assert not history.dirty


def test_what_changes_nothing_is_no_step() -> None:
    history = History()
    assert not history.do("Nothing", history.project)
    assert history.names == ()


def test_a_new_step_forgets_what_was_undone() -> None:
    history = History()
    history.do("A", Project(name="a"))
    history.undo()
    history.do("B", Project(name="b"))
    assert history.names == ("B",)
    assert not history.can_redo


def test_the_oldest_steps_go_at_the_limit() -> None:
    history = History(limit=3)
    for i in range(6):
        history.do(str(i), Project(name=str(i)))
    assert history.names == ("3", "4", "5")
    while history.can_undo:
        history.undo()
    assert history.project.name == "2"


def test_listeners_hear_each_change_until_they_leave() -> None:
    heard: list[Change] = []
    history = History()
    leave = history.subscribe(heard.append)
    history.do("A", Project(name="a"))
    history.undo()
    history.redo()
    leave()
    history.undo()
    assert [c.kind for c in heard] == ["do", "undo", "redo"]
    assert heard[0].previous == Project()


def test_dirty_follows_the_saved_state() -> None:
    history = History()
    history.do("A", Project(name="a"))
    assert history.dirty
    history.mark_saved()
    assert not history.dirty
    history.undo()
    assert history.dirty
    history.redo()
    assert not history.dirty


@given(st.lists(st.sampled_from(["do", "drag", "undo", "redo"]), max_size=40))
def test_undoing_everything_always_returns_to_the_start(actions: list[str]) -> None:
    history = History()
    for i, action in enumerate(actions):
        if action == "do":
            history.do("Do", history.project.with_(name=str(i)))
        elif action == "drag":
            history.do("Drag", history.project.with_(auto_emotion=i / 100), merge="drag")
        else:
            getattr(history, action)()
    last = history.position
    while history.can_undo:
        history.undo()
    assert history.project == Project()
    for _ in range(last):
        history.redo()
    assert history.position == last
