"""The dark line between closed lips."""

from __future__ import annotations

import numpy as np
import pytest

from engines.blendshape.seam import seam_px
from engines.rig.landmark_sets import INNER_LOWER, INNER_UPPER, OUTER_LOWER, OUTER_UPPER


def mouth(line_px: float) -> tuple[np.ndarray, np.ndarray]:
    """Lips of 40 pixels each that meet at row 100, with a dark line that reaches so far into both."""
    picture = np.full((200, 200, 3), 150, np.uint8)
    if line_px:
        picture[round(100 - line_px) : round(100 + line_px)] = 60
    points = np.full((478, 2), 100.0)
    for rim, y in ((INNER_UPPER, 100), (INNER_LOWER, 100), (OUTER_UPPER, 60), (OUTER_LOWER, 140)):
        points[list(rim)] = np.column_stack([np.linspace(60, 140, len(rim)), np.full(len(rim), y)])
    return picture, points


@pytest.mark.parametrize("line_px", [3.0, 6.0])
def test_it_is_found_as_wide_as_it_is(line_px: float) -> None:
    assert seam_px(*mouth(line_px)) == pytest.approx((line_px, line_px), abs=1.6)


def test_lips_without_one_have_none() -> None:
    assert seam_px(*mouth(0)) == (0.0, 0.0)
