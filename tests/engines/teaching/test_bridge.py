from __future__ import annotations

from fractions import Fraction

import numpy as np

from engines import arkit
from engines.api import Performance
from engines.teaching import bridge
from engines.teaching.banks import motion
from engines.teaching.lessons import lessons


def test_a_still_face_is_nought() -> None:
    found = bridge.numbers(motion(Performance.rest(2, Fraction(25)), np.zeros(arkit.COUNT), np.zeros(3)))
    assert found.shape == (2, bridge.COUNT)
    assert not found.any()


def test_numbers_are_of_unit_size_and_can_be_read_back() -> None:
    found = motion(lessons(300, seed=5), np.zeros(arkit.COUNT), np.zeros(3))
    values = bridge.numbers(found)
    assert np.sqrt((values**2).mean(0)).max() < 2
    back = bridge.motion_of(values)
    assert np.abs(back.head - found.head).max() < 1e-5
    assert np.abs(back.mouth - found.mouth).max() < 1e-5
    assert np.abs(back.face - found.face).max() < 1e-5
    assert np.allclose(values[:, bridge.GATES], np.concatenate([found.speaks[:, None], found.looks], 1), atol=1e-6)


def test_each_part_of_the_face_has_numbers_of_its_own() -> None:
    weights = np.zeros((1, arkit.COUNT), np.float32)
    weights[0, arkit.INDEX["jawOpen"]] = 0.5
    still = Performance.rest(1, Fraction(25))
    values = bridge.numbers(motion(still.with_(weights=weights), np.zeros(arkit.COUNT), np.zeros(3)))[0]
    assert np.abs(values[bridge.MOUTH]).max() > 0.5
    assert not values[bridge.HEAD].any()
    assert not values[bridge.FACE].any()
