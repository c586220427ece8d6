"""EDTalk's published emotions, their intensity and mixtures."""

from __future__ import annotations

import numpy as np
import pytest

from engines.disentangled.expressions import mix, published
from engines.errors import InputError


def test_published_emotions() -> None:
    assert set(published()) == {
        "neutral", "angry", "contempt", "disgusted", "fear", "happy", "sad", "surprised",
    }  # fmt: skip
    assert all(vector.shape == (10,) for vector in published().values())


def test_intensity_goes_from_neutral_to_the_whole_emotion() -> None:
    happy, neutral = published()["happy"], published()["neutral"]
    curve = mix({"happy": np.linspace(0, 1, 5)}, 5)
    assert curve.dtype == np.float32
    np.testing.assert_allclose(curve[0], neutral)
    np.testing.assert_allclose(curve[-1], happy, atol=1e-6)
    np.testing.assert_allclose(curve[2], (happy + neutral) / 2, atol=1e-6)
    np.testing.assert_allclose(mix({}, 3), [neutral] * 3)


def test_mixtures_never_leave_the_published_emotions() -> None:
    both = mix({"happy": 1.0, "sad": 1.0}, 2)
    np.testing.assert_allclose(both[0], (published()["happy"] + published()["sad"]) / 2, atol=1e-6)


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="no emotion 'bored'"):
        mix({"bored": 1.0}, 2)
    with pytest.raises(InputError, match="one value or 4 values"):
        mix({"sad": np.zeros(3)}, 4)
