"""The session: what a change makes stale, and that stale results are dropped."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from app.core import commands
from app.core.project import Key, Project
from app.export import Take, write
from app.ui.timeline.layout import Item
from engines.api import Performance
from tests.app.export.conftest import made_head


def test_a_portrait_and_a_voice_become_frames(loaded):
    assert loaded.total == 50
    assert loaded.image(0).shape[2] == 3
    assert [w.label for w in loaded.words()] == ["one", "two"]
    assert loaded.peaks.duration_s == 2.0


def test_an_edit_performs_again_and_redraws(loaded, qtbot):
    loaded.seek(10)
    qtbot.waitUntil(lambda: loaded.image(10) is not None)
    with qtbot.waitSignal(loaded.motion_changed):
        loaded.attempt("Key", commands.set_keys, "pose.yaw_deg", [Key(0, 20.0)])
    qtbot.waitUntil(lambda: loaded.image(10) is not None and loaded.image(10)[0, 0, 1] == 20)
    loaded.undo()
    qtbot.waitUntil(lambda: loaded.image(10) is not None and loaded.image(10)[0, 0, 1] == 0)


def test_a_drag_is_one_step_and_only_its_end_stays(loaded, qtbot):
    for value in range(1, 30):
        project = commands.set_keys(loaded.project, "pose.yaw_deg", [Key(0, float(value))])
        loaded.do("Turn", project, "drag")
    loaded.edit_ended()
    assert loaded.history.position == 3  # portrait, voice, one drag
    qtbot.waitUntil(lambda: loaded.image(0) is not None and loaded.image(0)[0, 0, 1] == 29)


def test_what_is_refused_is_told(session, qtbot, tmp_path):
    with qtbot.waitSignal(session.told) as told:
        session.add_file(tmp_path / "something.xyz")
    assert told.args[1] == "error"
    assert "something.xyz" in told.args[0]


def test_a_missing_portrait_is_told_and_can_be_tried_again(session, qtbot, tmp_path, portrait):
    lost = tmp_path / "lost.png"
    with qtbot.waitSignal(session.told) as told:
        session.add_file(lost)
    assert "lost.png" in told.args[0]
    qtbot.waitUntil(lambda: "portrait" in session.problems)
    lost.write_bytes(portrait.read_bytes())
    session.retry()
    qtbot.waitUntil(lambda: session.portrait is not None)
    assert "portrait" not in session.problems


def test_another_project_starts_afresh(loaded, qtbot):
    loaded.select(frozenset({Item("emotions", 0)}))
    loaded.open(Project(name="Other"), None)
    qtbot.waitUntil(lambda: loaded.performance is None)
    assert loaded.portrait is None
    assert loaded.samples is None
    assert loaded.selection == frozenset()
    assert not loaded.history.can_undo


def test_selections_of_things_that_vanish_vanish(loaded):
    loaded.attempt("Add", commands.add_emotion, "happy", 0, 20)
    loaded.select(frozenset({Item("emotions", 0)}))
    loaded.undo()
    assert loaded.selection == frozenset()


def test_take_a_is_drawn_beside_the_current_one(loaded, qtbot):
    loaded.keep_a()
    loaded.compare = True
    loaded.attempt("Key", commands.set_keys, "pose.yaw_deg", [Key(0, 33.0)])
    qtbot.waitUntil(lambda: loaded.image(0) is not None and loaded.image(0)[0, 0, 1] == 33)
    loaded.seek(7)
    qtbot.waitUntil(lambda: loaded.other_image(7) is not None and loaded.image(7) is not None)
    assert loaded.other_image(7)[0, 0, 1] == 0
    assert loaded.image(7)[0, 0, 1] == 33


def test_trying_a_preset_changes_nothing(loaded, qtbot):
    from app.ui.emotion_model import Part

    before = loaded.project
    with qtbot.waitSignal(loaded.auditioned) as shown:
        loaded.audition("emotions", (Part("happy", 0.8),))
    assert isinstance(shown.args[0], np.ndarray)
    assert loaded.project == before
    with qtbot.waitSignal(loaded.auditioned) as shown:
        loaded.audition("", ())
    assert shown.args[0] is None


def test_imported_words_become_the_artists_own(loaded, tmp_path):
    path = tmp_path / "words.srt"
    path.write_text("1\n00:00:00,100 --> 00:00:01,000\nhello you\n")
    loaded.add_file(path)
    assert [w.label for w in loaded.words()] == ["hello", "you"]
    assert loaded.project.speech.text == "hello you"


def test_a_3d_file_is_a_head_or_motion(session, tmp_path, portrait):
    rest = Performance.rest(2, Fraction(25))
    moving = rest.with_(weights=np.linspace(0, 1, 104).reshape(2, 52))
    for name, motion in (("still.glb", rest), ("moving.glb", moving)):
        write(Take(motion, motion.rate, head=made_head()), tmp_path / name)
    assert session.add_file(tmp_path / "moving.glb") == "portrait"  # there is none yet
    assert session.project.portrait.endswith("moving.glb")
    session.add_file(portrait)
    assert session.add_file(tmp_path / "moving.glb") == "curves"
    assert session.add_file(tmp_path / "still.glb") == "portrait"
    assert session.add_file(tmp_path / "moving.glb", "portrait") == "portrait"
    session.attempt("Back", commands.set_portrait, str(portrait))
