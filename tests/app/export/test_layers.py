"""Imported motion as keys on the timeline."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from app.core.controls import sample_controls
from app.core.project import Project
from app.export.layers import as_curves, sparse
from engines.api import Performance
from tests.app.export.conftest import random_performance


@pytest.mark.parametrize("tolerance", [0.001, 0.01])
def test_few_keys_keep_the_curve_within_the_tolerance(tolerance: float) -> None:
    values = random_performance(1, 400).weights[:, 5].astype(float)
    frames = sparse(values, tolerance)
    assert frames[0] == 0
    assert frames[-1] == 399
    assert len(frames) < 200
    np.testing.assert_allclose(np.interp(np.arange(400), frames, values[frames]), values, atol=2 * tolerance)


def test_curves_mean_the_same_on_the_timeline() -> None:
    motion = random_performance(2, 60, Fraction(30))
    project = Project(rate="25", curves=as_curves(motion, Fraction(25), first=4))
    count = len(motion.resampled(Fraction(25)))
    assert len({c.channel for c in project.curves}) == len(project.curves) == 52 + 6 + 2
    sampled = {c.channel: c.values for c in sample_controls(project, 4 + count).curves}
    expected = motion.resampled(Fraction(25))
    np.testing.assert_allclose(sampled["jawOpen"][4:], expected.channel("jawOpen"), atol=0.01)
    np.testing.assert_allclose(sampled["pose.yaw_deg"][4:], np.degrees(expected.head[:, 1]), atol=0.3)
    np.testing.assert_allclose(sampled["pose.z_cm"][4:], expected.head[:, 5], atol=0.3)


def test_ranges_and_channels() -> None:
    motion = random_performance(2, 30)
    (jaw,) = as_curves(motion, motion.rate, first=-10, mode="add", channels=("jawOpen",))
    assert (jaw.channel, jaw.mode, jaw.keys[0].frame, jaw.keys[-1].frame) == ("jawOpen", "add", 0, 19)
    assert jaw.keys[0].value == pytest.approx(motion.channel("jawOpen")[10], abs=1e-5)
    assert as_curves(Performance.rest(10, Fraction(25)), Fraction(25)) == ()
    assert as_curves(motion, motion.rate, first=-40) == ()
