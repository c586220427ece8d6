"""What of the difference between the sides is kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from engines import arkit
from engines.capture.sides import PAIRED, evened, leaning


def sides(weights: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    left, right = arkit.indices(name)
    return weights[:, left], weights[:, right]


def posed(**weights: float) -> np.ndarray:
    result = np.zeros((1, arkit.COUNT))
    for name, value in weights.items():
        result[:, list(arkit.indices(name))] = value
    return result


@given(arrays(np.float64, (6, arkit.COUNT), elements={"min_value": 0, "max_value": 1}))
def test_means_stay_and_nothing_falls_below_rest(weights: np.ndarray) -> None:
    for ways in (None, leaning(weights)):
        after = evened(weights, ways)
        assert after.min() >= -1e-12
        for name in PAIRED:
            assert np.mean(sides(after, name), 0) == pytest.approx(np.mean(sides(weights, name), 0), abs=1e-12)


def test_a_wink_a_smirk_and_one_brow_stay() -> None:
    for name, value in (("eyeBlinkLeft", 0.9), ("mouthSmileRight", 0.5), ("browOuterUpLeft", 0.5)):
        assert evened(posed(**{name: value}))[0, arkit.INDEX[name]] > 0.97 * value


def test_tremble_between_the_sides_goes() -> None:
    rng = np.random.default_rng(0)
    weights = np.full((200, arkit.COUNT), 0.4)
    weights[:, list(arkit.indices("mouthSmile"))] += rng.normal(0, 0.04, (200, 2))
    left, right = sides(evened(weights, leaning(weights)), "mouthSmile")
    assert (left - right).std() < 0.45 * np.subtract(*sides(weights, "mouthSmile")).std()


def test_who_smiles_more_on_one_side_goes_on_to() -> None:
    smile = 0.3 * (1 + np.sin(np.arange(200) / 9))
    weights = np.zeros((200, arkit.COUNT))
    left, right = arkit.indices("mouthSmile")
    weights[:, left], weights[:, right] = 1.15 * smile, 0.85 * smile
    after = sides(evened(weights, leaning(weights)), "mouthSmile")
    assert after[0].std() / after[1].std() == pytest.approx(1.15 / 0.85, rel=0.05)


def test_a_mouth_goes_to_one_side_at_a_time() -> None:
    after = evened(posed(mouthLeft=0.3, mouthRight=0.2, jawRight=0.8))
    assert after[0, arkit.INDEX["mouthRight"]] == after[0, arkit.INDEX["jawLeft"]] == 0
    assert after[0, arkit.INDEX["mouthLeft"]] < 0.05
    assert after[0, arkit.INDEX["jawRight"]] > 0.7
