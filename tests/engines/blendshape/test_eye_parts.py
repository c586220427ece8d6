"""The lids' rims through their landmarks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from engines.blendshape.eye_parts import _monotone

heights = st.lists(st.integers(-1000, 1000).map(lambda n: n / 100), min_size=3, max_size=9)


@given(heights, st.integers(0, 2**32 - 1))
def test_a_rim_is_the_monotone_cubic_of_scipy(heights: list[float], seed: int) -> None:
    gaps = 0.05 + np.random.default_rng(seed).random(len(heights) - 1)
    s, t = np.append(0, np.cumsum(gaps) / gaps.sum()), np.array(heights)
    places = np.linspace(0, 1, 50)
    np.testing.assert_allclose(_monotone(s, t, places), PchipInterpolator(s, t)(places), atol=1e-9)
