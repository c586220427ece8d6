"""Clips and keys become arrays: eases, overlap, curves."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.controls import acting_curves, emotion_mix, sample_controls, sample_keys, style_mix
from app.core.project import Curve, EmotionClip, Key, Project, StyleClip


def test_a_clip_rises_holds_and_falls() -> None:
    ids, mix = emotion_mix((EmotionClip(20, 80, "happy", 0.8, 10, 20),), 100)
    happy = mix[:, 0]
    assert ids == ("happy",)
    assert happy[19] == 0
    assert happy[30:60] == pytest.approx(0.8)
    assert happy[80] == 0
    assert np.all(np.diff(happy[20:31]) >= 0)
    assert np.abs(np.diff(happy, 2)).max() < 0.05


def test_neighbours_cross_over_without_passing_neutral() -> None:
    _, mix = emotion_mix((EmotionClip(0, 50, "happy", 0.8), EmotionClip(50, 100, "sad", 0.8)), 100)
    assert mix.sum(1) == pytest.approx(0.8, abs=1e-5)
    assert mix[50] == pytest.approx(0.4, abs=1e-5)


def test_overlapping_clips_blend_and_never_exceed_one() -> None:
    _, mix = emotion_mix((EmotionClip(0, None, "happy", 1.0), EmotionClip(0, None, "sad", 0.5)), 50)
    assert mix[25] == pytest.approx([2 / 3, 1 / 3])


def test_a_clip_to_the_ends_is_there_from_the_first_to_the_last_frame() -> None:
    _, mix = emotion_mix((EmotionClip(0, None, "happy", 0.7),), 50)
    assert mix[:, 0] == pytest.approx(0.7)


@given(
    st.lists(
        st.tuples(st.integers(0, 80), st.integers(1, 60), st.sampled_from("abc"), st.floats(0, 1), st.integers(0, 30)),
        max_size=5,
    )
)
def test_mixes_are_always_between_zero_and_one(spans: list[tuple[int, int, str, float, int]]) -> None:
    clips = tuple(EmotionClip(s, s + n, e, i, ease, ease) for s, n, e, i, ease in spans)
    _, mix = emotion_mix(clips, 100)
    assert np.isfinite(mix).all()
    assert mix.min(initial=0) >= 0
    assert mix.sum(1).max(initial=0) <= 1 + 1e-6


def test_styles_ease_about_their_edges() -> None:
    _, mix = style_mix((StyleClip(25, 75, "mumbled", 0.5),), 100, Fraction(25))
    assert mix[50, 0] == pytest.approx(0.5)
    assert mix[0, 0] == 0
    assert 0.2 < mix[25, 0] < 0.3


def test_key_kinds() -> None:
    keys = (Key(0, 0.0, "step"), Key(10, 1.0, "linear"), Key(20, 0.0, "bezier"), Key(30, 1.0))
    curve = sample_keys(keys, 41)
    assert curve[9] == 0
    assert curve[15] == pytest.approx(0.5)
    assert curve[25] == pytest.approx(0.5, abs=1e-6)
    assert curve[30:] == pytest.approx(1.0)


@given(st.lists(st.tuples(st.integers(0, 100), st.floats(-1, 1)), min_size=1, max_size=8, unique_by=lambda k: k[0]))
def test_curves_pass_their_keys_and_never_overshoot(points: list[tuple[int, float]]) -> None:
    keys = tuple(Key(f, v) for f, v in sorted(points))
    curve = sample_keys(keys, 101)
    for key in keys:
        assert curve[key.frame] == pytest.approx(key.value, abs=1e-5)
    values = [k.value for k in keys]
    assert curve.min() >= min(values) - 1e-5
    assert curve.max() <= max(values) + 1e-5


def test_mute_and_solo() -> None:
    curves = (Curve("jawOpen"), Curve("tongueOut", solo=True), Curve("cheekPuff", solo=True, mute=True))
    assert [c.channel for c in acting_curves(curves)] == ["tongueOut"]


def test_controls_cover_the_shot() -> None:
    controls = sample_controls(Project(emotions=(EmotionClip(0, None, "sad"),), rate="29.97"), 37)
    assert controls.emotion.shape == (37, 1)
    assert controls.rate == Fraction(30000, 1001)
