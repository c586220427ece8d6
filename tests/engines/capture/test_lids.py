"""Blinks as far as lids are seen to go."""

from __future__ import annotations

import numpy as np
import pytest

from engines import arkit
from engines.capture.lids import Lids, open_eyes, openings
from engines.face.landmarks import find_face
from engines.face.portrait import load_portrait
from engines.rig.fit import FittedHead, fit_head
from engines.rig.landmark_sets import EYE_LOWER, EYE_UPPER
from tests.engines.capture.conftest import DEMO

LEFT, RIGHT = arkit.indices("eyeBlink")


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    return find_face(load_portrait(DEMO)).points.astype(float)


@pytest.fixture(scope="module")
def lids() -> Lids:
    portrait = load_portrait(DEMO)
    fitted: FittedHead = fit_head(find_face(portrait), (portrait.rgb.shape[1], portrait.rgb.shape[0]))
    return Lids(fitted)


def narrowed(points: np.ndarray, side: int, share: float) -> np.ndarray:
    """Landmarks of which one eye is open by a share only."""
    result = points.copy()
    for upper, lower in zip(EYE_UPPER[side], EYE_LOWER[side], strict=True):
        result[upper] = points[lower] + share * (points[upper] - points[lower])
    return result


def half_read() -> np.ndarray:
    weights = np.zeros((1, arkit.COUNT))
    weights[0, [LEFT, RIGHT]] = 0.5
    return weights


def test_an_eye_that_shuts_is_shut_and_the_other_left_alone(points: np.ndarray, lids: Lids) -> None:
    wink = narrowed(points, 0, 0.1)
    assert openings(wink[None])[0] / openings(points[None])[0] == pytest.approx([0.1, 1], abs=0.02)
    found = lids.shut(half_read(), wink[None], open_eyes(points[None]))
    assert lids.apart(found)[0, 0] < 0.15
    assert found[0, LEFT] > 0.8
    assert found[0, RIGHT] == 0.5


def test_open_and_half_open_eyes_stay(points: np.ndarray, lids: Lids) -> None:
    for share in (0.65, 1.0, 1.2):
        seen = narrowed(narrowed(points, 0, share), 1, share)
        assert np.array_equal(lids.shut(half_read(), seen[None], open_eyes(points[None])), half_read())


def test_nothing_is_opened(points: np.ndarray, lids: Lids) -> None:
    shut = half_read()
    shut[0, [LEFT, RIGHT]] = 1.25
    found = lids.shut(shut, narrowed(points, 0, 0.4)[None], open_eyes(points[None]))
    assert np.array_equal(found, shut)
