"""Rows, hits and boxes."""

from __future__ import annotations

from app.core.project import Curve, EmotionClip, Key, Marker, Phone, Project, StyleClip
from app.ui.timeline.layout import LANE, RULER, Item, Scene, edges, hit, in_box, lanes_of
from app.ui.timeline.scale import TimeScale

PROJECT = Project(
    emotions=(EmotionClip(0, 40, "happy"), EmotionClip(20, 80, "sad"), EmotionClip(50, None, "angry")),
    styles=(StyleClip(10, 60, "clear"),),
    curves=(Curve("pose.yaw_deg", (Key(5, 1.0), Key(50, -3.0))), Curve("jawOpen", (Key(30, 0.5),), mute=True)),
    markers=(Marker(70, "here"),),
    in_frame=8,
)
WORDS = (Phone(0.4, 0.8, "hello"), Phone(0.8, 1.4, "there"))


def scene() -> Scene:
    return Scene(PROJECT, 100, 25.0, WORDS, ())


def row(kind: str):
    return next(r for r in scene().rows if r.kind == kind)


def test_overlapping_clips_lie_in_lanes():
    assert lanes_of(PROJECT.emotions, 100) == (0, 1, 0)


def test_curves_get_rows_of_their_own_unless_they_are_grouped():
    assert [r.channel for r in scene().rows if r.kind == "curve"] == ["jawOpen"]
    assert "pose.yaw_deg" in row("pose").channels()


def test_what_is_under_the_pointer():
    scale, y = TimeScale(10.0), RULER + row("emotions").top + 20
    assert hit(scene(), scale, 200, y, 0).item == Item("emotions", 0)
    assert hit(scene(), scale, 200, y, 0).part == "body"
    assert hit(scene(), scale, 1, y, 0).part == "start"
    assert hit(scene(), scale, 399, y, 0).part == "end"
    assert hit(scene(), scale, 210, y + LANE, 0).item == Item("emotions", 1)
    top = RULER + row("emotions").top + 6
    assert hit(scene(), scale, 80, top, 0).part == "ease_in"


def test_keys_words_markers_and_nothing():
    scale = TimeScale(10.0)
    pose = RULER + row("pose").top + 10
    assert hit(scene(), scale, 52, pose, 0).item == Item("pose.yaw_deg", 5)
    assert hit(scene(), scale, 300, pose, 0).part == "empty"
    words = RULER + row("words").top + 10
    assert hit(scene(), scale, 150, words, 0).item == Item("words", 0)
    assert hit(scene(), scale, 201, words, 0).part == "start"
    assert hit(scene(), scale, 700, 6, 0).item == Item("markers", 0)
    assert hit(scene(), scale, 300, 20, 0).part == "ruler"
    assert hit(scene(), scale, 300, 5000, 0).part == "empty"


def test_scrolling_moves_what_is_hit():
    scale, target = TimeScale(10.0), row("emotions")
    y = RULER + target.top + 20
    assert hit(scene(), scale, 200, y - 30, 30).item == Item("emotions", 0)


def test_a_box_takes_what_it_touches():
    scale = TimeScale(10.0)
    pose, emotions = row("pose"), row("emotions")
    found = in_box(scene(), scale, 0, 300, emotions.top, emotions.top + 10)
    assert found == {Item("emotions", 0)}
    found = in_box(scene(), scale, 0, 600, pose.top, pose.top + 10)
    assert found == {Item("pose.yaw_deg", 5), Item("pose.yaw_deg", 50)}


def test_edges_to_stick_to():
    found = edges(scene(), {Item("emotions", 0)})
    assert {0.0, 100.0, 20.0, 80.0, 10.0, 70.0, 8.0, 5.0} <= set(found)
    assert 40.0 not in found
