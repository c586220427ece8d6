"""Pixels and frames."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ui.timeline.scale import TimeScale, nice_range, ruler_label, ruler_step, snap

SCALES = st.floats(0.001, 50)


@given(SCALES, st.floats(0, 1e5), st.floats(-100, 1e5))
def test_pixel_and_frame_are_inverse(zoom, offset, frame):
    scale = TimeScale(zoom, offset)
    assert scale.frame(scale.x(frame)) == pytest.approx(frame, abs=1e-3)


@given(st.floats(0.3, 3), st.floats(100, 900), st.floats(0, 2000))
def test_zooming_keeps_the_frame_under_the_pointer(factor, x, offset):
    scale = TimeScale(4.0, offset)
    before = scale.frame(x)
    scale.zoom(factor, x)
    if scale.offset > 0:
        assert scale.frame(x) == pytest.approx(before, abs=1e-6)


def test_zooming_out_stops_at_twice_the_shot():
    scale = TimeScale(4.0)
    for _ in range(100):
        scale.zoom(0.5, 0, 1000, 800)
    assert scale.x(1000) == pytest.approx(400)


def test_following_turns_the_page():
    scale = TimeScale(10.0, 0.0)
    assert not scale.follow(50, 1000)
    assert scale.follow(150, 1000)
    first, last = scale.span(1000)
    assert first < 150 < last


@pytest.mark.parametrize("zoom", [0.001, 0.05, 0.5, 3.0, 20.0, 60.0])
def test_ruler_labels_stand_apart(zoom):
    label, tick = ruler_step(zoom, Fraction(25))
    assert label * zoom >= 78 or label == 25 * 3600
    assert label % tick == 0


def test_ruler_labels_say_what_changes():
    assert ruler_label(30, Fraction(25), 5) == "00:01:05"
    assert ruler_label(50, Fraction(25), 25) == "00:02"
    assert ruler_label(25 * 3700, Fraction(25), 250) == "01:01:40"


def test_snapping_takes_the_nearest_within_reach():
    assert snap(10.4, [0, 10, 12], 4.0) == (10, 10)
    assert snap(11.4, [0, 10, 12], 4.0) == (12, 12)
    assert snap(20.4, [0, 10, 12], 4.0) == (20, None)


def test_value_axes_are_round():
    low, high, step = nice_range(-0.33, 1.2)
    assert low <= -0.33
    assert high >= 1.2
    assert 2 <= (high - low) / step <= 8
