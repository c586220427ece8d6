from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.errors import InputError
from engines.timebase import (
    RATES,
    frame_count,
    frame_to_sample,
    parse_rate,
    resample,
    seconds_to_frame,
    timecode,
)

rates = st.sampled_from(sorted(RATES.values()))


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("25", 25),
        ("29.97", Fraction(30000, 1001)),
        (23.976, Fraction(24000, 1001)),
        ("30000/1001", Fraction(30000, 1001)),
    ],
)
def test_rates_are_exact(text: str, rate: Fraction) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "abc", "0", "1/0", "-25", "1000"])
def test_bad_rates_say_what_to_do(text: str) -> None:
    with pytest.raises(InputError, match="frame"):
        parse_rate(text)


@given(st.integers(1, 10**9), st.sampled_from([8000, 16000, 22050, 44100, 48000]), rates)
def test_frames_cover_the_sound_and_no_more_than_one_frame_beyond(
    samples: int, sample_rate: int, rate: Fraction
) -> None:
    count = frame_count(samples, sample_rate, rate)
    sound = Fraction(samples, sample_rate)
    assert count / rate >= sound
    assert (count - 1) / rate < sound or count == 1


@given(st.integers(0, 10**6), rates)
def test_frames_and_samples_and_seconds_agree(frame: int, rate: Fraction) -> None:
    sample = frame_to_sample(frame, rate, 48000)
    assert 0 <= Fraction(sample, 48000) - frame / rate < Fraction(1, 48000)
    assert seconds_to_frame(float(frame / rate), rate) == frame


@given(rates, rates, st.integers(1, 40))
def test_a_constant_stays_constant_at_any_rate(rate_from: Fraction, rate_to: Fraction, count: int) -> None:
    values = np.full((count, 3), 0.25, np.float32)
    np.testing.assert_allclose(resample(values, rate_from, rate_to), 0.25)


def test_timecode_counts_at_the_nearest_whole_rate() -> None:
    assert timecode(30 * 61 + 5, Fraction(30000, 1001)) == "00:01:01:05"
