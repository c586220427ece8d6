"""What is drawn on a photo that already shows an expression."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from engines import arkit
from engines.api import Performance
from engines.blendshape.expression import drawn_weights, limited_head, mouth_activity


def _speech(count: int = 100) -> Performance:
    weights = np.zeros((count, 52))
    weights[40:60, arkit.INDEX["jawOpen"]] = 0.2
    rest = Performance.rest(count, Fraction(25))
    return rest.with_(weights=weights)


def test_activity_surrounds_speech_smoothly() -> None:
    activity = mouth_activity(_speech())
    assert activity[0] == 0
    assert activity[-1] == 0
    assert (activity[40:60] == 1).all()
    assert 0 < activity[36] < 1
    assert np.abs(np.diff(activity)).max() < 0.3


def test_photo_smile_with_teeth_closes_for_speech_and_returns() -> None:
    rest = np.zeros(52)
    rest[list(arkit.indices("mouthSmile"))] = 0.6
    rest[arkit.INDEX["jawOpen"]] = 0.15
    drawn, _ = drawn_weights(_speech(), rest)
    assert np.allclose(drawn[0], rest)
    assert drawn[50, arkit.INDEX["jawOpen"]] == pytest.approx(0.2)
    smile = drawn[50, arkit.INDEX["mouthSmileLeft"]]
    assert 0 < smile < 0.6


def test_eyes_and_brows_add_to_the_photo() -> None:
    rest = np.zeros(52)
    rest[arkit.INDEX["browInnerUp"]] = 0.3
    weights = np.zeros((1, 52))
    weights[0, arkit.INDEX["browInnerUp"]] = 0.4
    drawn, _ = drawn_weights(Performance.rest(1, Fraction(25)).with_(weights=weights), rest)
    assert drawn[0, arkit.INDEX["browInnerUp"]] == pytest.approx(0.7)


def test_head_turn_is_softly_limited() -> None:
    head = np.zeros((3, 6))
    head[:, 1] = 0.1, 0.5, 2.0
    yaw = limited_head(head, np.zeros(3))[:, 1]
    assert yaw[0] == pytest.approx(0.1)
    assert yaw[0] < yaw[1] < yaw[2] < 0.4
    assert np.allclose(limited_head(-head, np.zeros(3))[:, 1], -yaw)
