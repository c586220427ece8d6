from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engines import arkit
from engines.api import LOOK_FULL_RAD, CancelToken, Performance, head_angles, head_rotation, look_weights
from engines.errors import Cancelled, InputError

angles = arrays(np.float64, (4, 3), elements=st.floats(-1.4, 1.4))


def performance(seed: int, count: int = 7) -> Performance:
    rng = np.random.default_rng(seed)
    return Performance(
        Fraction(25),
        rng.random((count, 52)),
        rng.normal(size=(count, 6)),
        rng.normal(size=(count, 4)),
        rng.random(count),
    )


@given(angles)
def test_head_angles_invert_head_rotation(angles_rad: np.ndarray) -> None:
    rotation = head_rotation(angles_rad)
    np.testing.assert_allclose(
        rotation @ np.swapaxes(rotation, -1, -2), np.broadcast_to(np.eye(3), (4, 3, 3)), atol=1e-12
    )
    np.testing.assert_allclose(head_angles(rotation), angles_rad, atol=1e-9)


def test_positive_angles_point_where_the_contract_says() -> None:
    nose = np.array([0.0, 0, 1])
    assert (head_rotation(np.array([0.3, 0, 0])) @ nose)[1] > 0.2, "positive pitch looks up"
    assert (head_rotation(np.array([0, 0.3, 0])) @ nose)[0] > 0.2, "positive yaw turns to the image's right"
    assert (head_rotation(np.array([0, 0, 0.3])) @ [0, 1, 0])[0] < -0.2, "positive roll tips to the image's left"


def test_mirroring_twice_is_nothing() -> None:
    original = performance(1)
    assert original.mirrored().mirrored() == original
    assert original.mirrored() != original


def test_mirror_swaps_sides_and_keeps_the_middle() -> None:
    assert arkit.NAMES[arkit.MIRROR[arkit.INDEX["eyeBlinkLeft"]]] == "eyeBlinkRight"
    assert arkit.MIRROR[arkit.INDEX["jawOpen"]] == arkit.INDEX["jawOpen"]
    assert len(set(arkit.NAMES)) == arkit.COUNT == 52


def test_resampling_keeps_both_ends_and_the_digest_tells_contents_apart() -> None:
    original = performance(2)
    doubled = original.resampled(Fraction(50))
    np.testing.assert_array_equal(doubled.weights[0], original.weights[0])
    np.testing.assert_array_equal(doubled.weights[-1], original.weights[-1])
    np.testing.assert_allclose(doubled.weights[2], original.weights[1])
    assert doubled.digest() != original.digest() == performance(2).digest()


def test_arrays_are_checked_and_frozen() -> None:
    with pytest.raises(InputError, match=r"Performance\.head has shape"):
        Performance(Fraction(25), np.zeros((3, 52)), np.zeros((2, 6)), np.zeros((3, 4)), np.zeros(3))
    with pytest.raises(InputError, match="not numbers"):
        Performance.rest(3, Fraction(25)).with_(tongue=np.array([0, np.nan, 0]))
    with pytest.raises(ValueError, match="read-only"):
        performance(1).weights[0, 0] = 1


def test_look_weights_follow_the_eyes() -> None:
    look = dict(
        zip(
            [arkit.NAMES[i] for i in arkit.indices("eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp")],
            look_weights(np.array([[LOOK_FULL_RAD, LOOK_FULL_RAD / 2, LOOK_FULL_RAD, LOOK_FULL_RAD / 2]]))[0],
            strict=True,
        )
    )
    assert look["eyeLookOutLeft"] == look["eyeLookInRight"] == 1
    assert look["eyeLookUpLeft"] == look["eyeLookUpRight"] == 0.5
    assert look["eyeLookDownLeft"] == look["eyeLookInLeft"] == look["eyeLookOutRight"] == 0


def test_a_cancelled_token_raises() -> None:
    token = CancelToken()
    token.check()
    token.cancel()
    with pytest.raises(Cancelled):
        token.check()


def test_an_engines_own_numbers_travel_with_the_performance() -> None:
    plain = performance(3)
    asked = np.stack([np.zeros(7), np.arange(7.0)], -1)
    with_curve = plain.with_(extras={"level": asked})
    assert with_curve != plain
    assert with_curve.digest() != plain.digest()
    assert plain.with_(extras={}).digest() == plain.digest()
    np.testing.assert_array_equal(with_curve.coordinate("level", 5.0), np.arange(7))
    np.testing.assert_array_equal(with_curve.slice(2, 4).coordinate("level"), [2, 3])
    np.testing.assert_allclose(with_curve.resampled(Fraction(50)).coordinate("level")[:3], [0, 0.5, 1])
    np.testing.assert_array_equal(plain.coordinate("level", np.arange(7.0)), np.arange(7))
    assert with_curve.mirrored().mirrored() == with_curve


def test_curves_of_another_length_or_without_numbers_are_refused() -> None:
    for wrong in (np.zeros((6, 2)), np.zeros(7), np.full((7, 2), np.nan)):
        with pytest.raises(InputError, match="level"):
            performance(3).with_(extras={"level": wrong})
