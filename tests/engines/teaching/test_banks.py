from __future__ import annotations

from fractions import Fraction

import numpy as np

from engines import arkit
from engines.api import Performance
from engines.teaching.banks import COUNT, EXPRESSION, MOUTH, POSE, banks, motion
from engines.teaching.lessons import lessons


def coordinates(performance: Performance) -> np.ndarray:
    return banks().coordinates(motion(performance, np.zeros(52), np.zeros(3)))


def test_a_still_face_has_no_coordinates() -> None:
    found = coordinates(Performance.rest(3, Fraction(25)))
    assert found.shape == (3, COUNT)
    assert not found.any()


def test_each_part_of_the_face_moves_its_own_bank_only() -> None:
    rest = Performance.rest(1, Fraction(25))
    weights = np.zeros((3, 52), np.float32)
    weights[0, arkit.INDEX["jawOpen"]] = 0.5
    weights[1, arkit.INDEX["browInnerUp"]] = 0.5
    for row, part in zip(weights, (MOUTH, EXPRESSION, POSE), strict=True):
        head = np.zeros((1, 6), np.float32)
        if part is POSE:
            head[0, 1] = 0.1
        found = coordinates(rest.with_(weights=row[None], head=head))[0]
        moved = np.zeros(COUNT, bool)
        moved[part] = True
        assert np.abs(found[part]).max() > 0.3
        assert np.abs(found[~moved]).max() < 1e-9


def test_lessons_have_unit_spread_and_repeat() -> None:
    performance = lessons(400, seed=3)
    spread = coordinates(performance).std(0)
    assert (spread > 0.05).all()
    assert (spread < 2).all()
    assert performance == lessons(400, seed=3)
    assert performance.weights.min() >= 0
    assert performance.weights.max() <= 1


def test_what_speech_and_feeling_use_survives_the_banks() -> None:
    found = motion(lessons(500, seed=4), np.zeros(52), np.zeros(3))
    from engines.teaching.banks import MOUTH_UNITS

    back = found.mouth @ banks().mouth @ np.linalg.pinv(banks().mouth)
    names = [arkit.NAMES[i] for i in MOUTH_UNITS]
    for name in ("jawOpen", "mouthClose", "mouthPucker", "mouthFunnel", "mouthSmileLeft", "mouthLowerDownLeft"):
        k = names.index(name)
        error = np.square(back[:, k] - found.mouth[:, k]).sum() / np.square(found.mouth[:, k]).sum()
        assert error < 0.1, name
