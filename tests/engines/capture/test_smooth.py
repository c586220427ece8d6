"""Captured curves are evened without being cut short."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from engines.capture.smooth import fill, smooth_motion


def shaking(rate: int, hz: float = 2.2, seconds: float = 4.0) -> np.ndarray:
    """A head that shakes evenly to and fro and turns back at once, 10 degrees from side to side : (T, 1)."""
    t = np.arange(round(seconds * rate)) / rate
    return (10 * np.abs(2 * ((t * hz) % 1) - 1) - 5)[:, None]


@pytest.mark.parametrize("rate", [24, 25, 30, 50, 60])
def test_a_head_that_shakes_goes_as_far_as_it_went(rate: int) -> None:
    truth = shaking(rate)
    found = smooth_motion(truth, Fraction(rate))
    assert np.ptp(found[rate // 2 : -rate // 2]) > 0.82 * np.ptp(truth)
    # Between two turns it goes evenly: what is bent lies around them.
    way = np.abs(np.diff(found, axis=0))[:, 0]
    assert np.median(way) == pytest.approx(np.median(np.abs(np.diff(truth, axis=0))), rel=0.08)


def test_tremble_is_halved_and_slow_motion_stays() -> None:
    rate, rng = Fraction(25), np.random.default_rng(0)
    t = np.arange(500) / 25
    truth = np.sin(2 * np.pi * 0.5 * t)[:, None]
    noise = rng.normal(0, 0.1, truth.shape)
    np.testing.assert_allclose(smooth_motion(truth, rate), truth, atol=0.01)
    bends = [np.abs(np.diff(v, 2, axis=0)).mean() for v in (smooth_motion(truth + noise, rate) - truth, noise)]
    assert bends[0] < 0.45 * bends[1]


def test_short_clips_and_gaps() -> None:
    few = np.arange(4.0)[:, None]
    np.testing.assert_array_equal(smooth_motion(few, Fraction(25)), few)
    seen = np.array([True, False, False, True])
    np.testing.assert_allclose(fill(np.array([[0.0], [9.0], [9.0], [3.0]]), seen)[:, 0], [0, 1, 2, 3])
