"""Edits of selections keep the selection on the very things that were edited."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.project import Curve, EmotionClip, Key, Marker, Phone, Project, StyleClip
from app.ui.timeline import edits
from app.ui.timeline.drags import start_drag
from app.ui.timeline.layout import Hit, Item, Scene

A, B, C = EmotionClip(0, 40, "happy"), EmotionClip(20, 80, "sad"), EmotionClip(90, None, "angry")
PROJECT = Project(
    emotions=(A, B, C),
    styles=(StyleClip(10, 60, "clear"),),
    curves=(Curve("pose.yaw_deg", (Key(5, 1.0), Key(50, -3.0))), Curve("jawOpen", (Key(30, 0.5),))),
    markers=(Marker(70, "here"), Marker(75, "there")),
)


def test_moving_reorders_and_keeps_the_selection():
    moved, selection = edits.move(PROJECT, frozenset({Item("emotions", 0)}), 30)
    assert [c.emotion for c in moved.emotions] == ["sad", "happy", "angry"]
    assert selection == {Item("emotions", 1)}


def test_nothing_moves_before_the_start():
    chosen = frozenset({Item("emotions", 1), Item("pose.yaw_deg", 5), Item("markers", 0)})
    moved, selection = edits.move(PROJECT, chosen, -50)
    assert moved.emotions[1].start == 15
    assert moved.curves[0].keys[0].frame == 0
    assert moved.markers[0].frame == 65
    assert Item("pose.yaw_deg", 0) in selection


def test_rippling_moves_all_later_clips():
    moved, _ = edits.move(PROJECT, frozenset({Item("emotions", 1)}), 10, ripple=True)
    assert [c.start for c in moved.emotions] == [0, 30, 100]


def test_deleting_the_last_key_deletes_the_curve():
    left = edits.delete(PROJECT, frozenset({Item("jawOpen", 30), Item("markers", 1), Item("styles", 0)}))
    assert [c.channel for c in left.curves] == ["pose.yaw_deg"]
    assert left.styles == ()
    assert len(left.markers) == 1


def test_copies_keep_their_distances():
    board = edits.copy(PROJECT, frozenset({Item("emotions", 1), Item("pose.yaw_deg", 50)}))
    assert board.start == 20
    pasted, selection = edits.paste(PROJECT, board, 100)
    assert pasted.emotions[-1] == EmotionClip(100, 160, "sad")
    assert Item("pose.yaw_deg", 130) in selection
    assert len(selection) == 2


def test_splitting_takes_the_selection_or_all():
    one = edits.split(PROJECT, 30, frozenset({Item("emotions", 0)}))
    assert len(one.emotions) == 4
    assert len(edits.split(PROJECT, 30, edits.NONE).emotions) == 5
    assert len(edits.split(PROJECT, 30, edits.NONE).styles) == 2


def test_selection_forgets_what_is_gone():
    chosen = frozenset({Item("emotions", 2), Item("emotions", 3), Item("jawOpen", 31), Item("words", 1)})
    assert edits.valid(PROJECT, chosen, words=2, phones=0) == {Item("emotions", 2), Item("words", 1)}


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from(sorted(edits.everything(PROJECT)))), st.integers(-200, 200))
def test_moving_there_and_back_changes_nothing(chosen, frames):
    chosen = frozenset(chosen)
    moved, selection = edits.move(PROJECT, chosen, frames)
    assert len(selection) == len(chosen) or any(edits.is_curve(i.row) for i in chosen)
    if frames >= 0 and not any(edits.is_curve(i.row) for i in chosen):
        back, again = edits.move(moved, selection, -frames)
        assert back == PROJECT
        assert again == chosen


def drag(project: Project, item: Item, part: str, words=()):
    scene = Scene(project, 120, 25.0, words, ())
    return start_drag(scene, Hit(part, None, item), frozenset({item}), 0.0, False)


def test_dragging_edges_trims_and_eases():
    _, project, _ = drag(PROJECT, Item("emotions", 0), "end").apply(10.2)
    assert project.emotions[0].end == 50
    _, project, _ = drag(PROJECT, Item("emotions", 0), "start").apply(100)
    assert project.emotions[0].start < project.emotions[0].end
    _, project, _ = drag(PROJECT, Item("emotions", 0), "ease_in").apply(100)
    assert project.emotions[0].ease_in == 32  # as far as the ease out
    _, project, _ = drag(PROJECT, Item("emotions", 2), "end").apply(-10)
    assert project.emotions[2].end == 110


def test_dragging_a_word_makes_the_words_the_artists_own():
    words = (Phone(0.4, 0.8, "hello", 0.6), Phone(0.8, 1.4, "there", 0.7))
    name, project, _ = drag(PROJECT, Item("words", 0), "end", words).apply(2.5)
    assert name == "Move word"
    assert abs(project.speech.words[0].end_s - 0.9) < 1e-6
    assert abs(project.speech.words[1].start_s - 0.9) < 1e-6
    _, project, _ = drag(PROJECT, Item("words", 1), "body", words).apply(5)
    assert abs(project.speech.words[1].start_s - 1.0) < 1e-6
    assert abs(project.speech.words[1].end_s - 1.6) < 1e-6


def test_edit_points_are_sorted_and_inside():
    points = edits.edit_points(PROJECT, 100)
    assert points == sorted(set(points))
    assert points[0] == 0
    assert max(points) <= 99


def test_trimming_to_the_playhead() -> None:
    project = Project(emotions=(EmotionClip(10, 50, "happy"), EmotionClip(60, 90, "sad")))

    def spans(trimmed: Project) -> list[tuple[int, int | None]]:
        return [(clip.start, clip.end) for clip in trimmed.emotions]

    assert spans(edits.trim(project, 20, edits.NONE, "start")) == [(20, 50), (60, 90)]
    assert spans(edits.trim(project, 20, edits.NONE, "end")) == [(10, 20), (60, 90)]
    assert spans(edits.trim(project, 20, edits.NONE, "start", ripple=True)) == [(10, 40), (50, 80)]
    assert spans(edits.trim(project, 20, edits.NONE, "end", ripple=True)) == [(10, 20), (30, 60)]
    assert edits.trim(project, 20, frozenset({Item("emotions", 1)}), "end") == project
    assert edits.trim(project, 55, edits.NONE, "start") == project


def test_scaling_keys_keeps_them_selected() -> None:
    items = frozenset({Item("pose.yaw_deg", 5), Item("pose.yaw_deg", 50), Item("jawOpen", 30)})
    stretched, selection = edits.scale(PROJECT, items, time=2.0)
    assert selection == {Item("pose.yaw_deg", 5), Item("pose.yaw_deg", 95), Item("jawOpen", 55)}
    assert [(k.frame, k.value) for k in stretched.curves[0].keys] == [(5, 1.0), (95, -3.0)]
    stronger, same = edits.scale(PROJECT, items, value=2.0)
    assert same == items
    assert [k.value for k in stronger.curves[0].keys] == [2.0, -6.0]
