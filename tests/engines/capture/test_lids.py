"""Lids that are seen together."""

from __future__ import annotations

import numpy as np
import pytest

from engines.capture.lids import open_eyes, openings, shut
from engines.face.landmarks import find_face
from engines.face.portrait import load_portrait
from engines.rig.landmark_sets import EYE_LOWER, EYE_UPPER
from tests.engines.capture.conftest import DEMO


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    return find_face(load_portrait(DEMO)).points.astype(float)


def narrowed(points: np.ndarray, side: int, share: float) -> np.ndarray:
    """Landmarks of which one eye (0: the subject's left) is open by a share only."""
    result = points.copy()
    for upper, lower in zip(EYE_UPPER[side], EYE_LOWER[side], strict=True):
        result[upper] = points[lower] + share * (points[upper] - points[lower])
    return result


def test_openings_in_parts_of_the_eye(points: np.ndarray) -> None:
    wink = narrowed(points, 0, 0.1)
    both = openings(np.stack([points, wink]))
    assert both[1] / both[0] == pytest.approx([0.1, 1], abs=0.02)
    assert openings(2 * points[None]) == pytest.approx(both[:1])


def test_a_wink_is_one_eye(points: np.ndarray) -> None:
    assert shut(narrowed(points, 0, 0.1)[None], open_eyes(points[None]))[0].tolist() == [1, 0]
    assert shut(narrowed(points, 1, 0.1)[None], open_eyes(points[None]))[0].tolist() == [0, 1]


def test_half_open_eyes_are_left_to_the_readout(points: np.ndarray) -> None:
    both = [narrowed(narrowed(points, 0, share), 1, share) for share in (0.1, 0.4, 0.6, 1.2)]
    told = shut(np.stack(both), open_eyes(points[None]))[:, 0]
    assert told[0] == 1
    assert 0.2 < told[1] < 0.6
    assert told[2] == told[3] == 0


def test_lids_go_together_where_one_eye_is_read_a_little_narrower(points: np.ndarray) -> None:
    told = shut(narrowed(narrowed(points, 0, 0.1), 1, 0.35)[None], open_eyes(points[None]))[0]
    assert told.min() > 0.85
    assert told[0] - told[1] < 0.05


def test_open_is_what_is_usual_not_what_is_widest(points: np.ndarray) -> None:
    takes = [points] * 80 + [narrowed(points, 0, 1.5)] * 10 + [narrowed(points, 0, 0.1)] * 10
    assert open_eyes(np.stack(takes)) == pytest.approx(openings(points[None])[0], rel=1e-6)
