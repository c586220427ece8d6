"""Commands keep a project valid and do what they say."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import commands
from app.core.project import EmotionClip, Key, Phone, Project
from engines.errors import InputError

TWO = commands.add_clips(Project(), "emotions", [EmotionClip(0, 50, "happy"), EmotionClip(60, 100, "sad")])


def test_clips_move_together_and_stop_at_the_start() -> None:
    moved = commands.move_clips(TWO, "emotions", [0, 1], -30)
    assert moved == TWO
    assert commands.move_clips(TWO, "emotions", [1], 10).emotions[1].start == 70


def test_trim_keeps_a_frame_and_ripples() -> None:
    assert commands.trim_clip(TWO, "emotions", 0, start=200).emotions[0].start == 49
    rippled = commands.trim_clip(TWO, "emotions", 0, end=40, ripple=True)
    assert (rippled.emotions[0].end, rippled.emotions[1].start, rippled.emotions[1].end) == (40, 50, 90)


def test_split_and_delete() -> None:
    split = commands.split_clip(TWO, "emotions", 0, 20)
    assert [(c.start, c.end) for c in split.emotions] == [(0, 20), (20, 50), (60, 100)]
    assert commands.split_clip(TWO, "emotions", 0, 55) == TWO
    closed = commands.delete_clips(split, "emotions", [1], ripple=True)
    assert [(c.start, c.end) for c in closed.emotions] == [(0, 20), (30, 70)]


def test_paste_puts_the_first_clip_at_the_playhead() -> None:
    pasted = commands.paste_clips(Project(), "emotions", TWO.emotions, 100)
    assert [(c.start, c.end) for c in pasted.emotions] == [(100, 150), (160, 200)]


def test_a_clip_cannot_end_before_it_starts() -> None:
    with pytest.raises(InputError, match="end must follow"):
        commands.replace_clip(TWO, "emotions", 0, end=0)


def test_keys_are_unique_and_in_order() -> None:
    project = commands.set_keys(Project(), "pose.yaw_deg", [Key(10, 1.0), Key(0, 0.0), Key(10, 2.0)])
    assert project.curves[0].keys == (Key(0, 0.0), Key(10, 2.0))
    moved = commands.move_keys(project, "pose.yaw_deg", [10], -20)
    assert moved.curves[0].keys == (Key(0, 2.0),)


def test_unknown_channels_and_regions_are_refused() -> None:
    with pytest.raises(InputError, match="no curve channel 'jawOpne'"):
        commands.set_keys(Project(), "jawOpne", [Key(0, 1.0)])
    with pytest.raises(InputError, match="no region 'nose'"):
        commands.set_region(Project(), "nose", 1.0)


def test_curves_add_until_they_are_told_otherwise() -> None:
    project = commands.set_keys(Project(), "stylegan.3_169", [Key(0, 1.0)])
    assert project.curves[0].mode == "add"
    assert commands.set_curve(project, "stylegan.3_169", mode="replace").curves[0].mode == "replace"


def test_smooth_keys_draws_towards_the_neighbours() -> None:
    project = commands.set_keys(Project(), "jawOpen", [Key(0, 0.0), Key(10, 1.0), Key(20, 0.0)])
    assert commands.smooth_keys(project, "jawOpen", [10], 0.5).curves[0].keys[1].value == 0.5


PHONES = (Phone(0.0, 0.1, "M"), Phone(0.1, 0.3, "AA"), Phone(0.5, 0.6, "P"))


def test_a_moved_boundary_takes_its_neighbour_along() -> None:
    project = commands.adopt_speech(Project(), (), PHONES)
    moved = commands.move_boundary(project, "phones", 1, 0.2, "start").speech.phones
    assert (moved[0].end_s, moved[1].start_s) == (0.2, 0.2)
    far = commands.move_boundary(project, "phones", 1, 0.9, "end").speech.phones
    assert far[1].end_s == 0.5


@given(st.floats(-1, 2), st.sampled_from([0, 1, 2]), st.sampled_from(["start", "end"]))
def test_phones_stay_in_order_and_keep_a_length(t_s: float, index: int, edge: str) -> None:
    project = commands.adopt_speech(Project(), (), PHONES)
    phones = commands.move_boundary(project, "phones", index, t_s, edge).speech.phones  # type: ignore[arg-type]
    times = [t for p in phones for t in (p.start_s, p.end_s)]
    assert times == sorted(times)
    assert all(p.end_s - p.start_s >= commands.MIN_PHONE_S - 1e-9 for p in phones)


def test_another_text_drops_times_edited_for_the_old_one() -> None:
    project = commands.adopt_speech(Project(), PHONES, PHONES)
    assert commands.set_text(project, "hello").speech.phones == ()
    assert commands.set_text(project, "") == project


def test_another_rate_keeps_times() -> None:
    project = commands.set_keys(TWO, "jawOpen", [Key(25, 1.0)]).with_(in_frame=25)
    faster = commands.set_rate(project, 50)
    assert (faster.emotions[0].end, faster.curves[0].keys[0].frame, faster.in_frame) == (100, 50, 50)
    assert faster.emotions[0].ease_in == 16
    assert commands.set_rate(faster, Fraction(25)).emotions == project.emotions


def test_regions_at_their_default_are_not_kept() -> None:
    project = commands.set_region(Project(), "jaw", strength=0.5)
    assert project.region("jaw").strength == 0.5
    assert commands.set_region(project, "jaw", strength=1.0).regions == ()
