from __future__ import annotations

import numpy as np
import pytest

from engines.judge import sync
from engines.judge.evidence import Evidence
from engines.judge.registry import NotMeasured
from engines.speech.segment import Segment
from tests.engines.judge.made import FPS, take, talking, voice


@pytest.mark.parametrize("delay_ms", [-240, -80, 0, 33, 80, 160, 240])
def test_the_offset_is_found(delay_ms: int) -> None:
    found = Evidence(talking(), voice(8, delay_ms / 1000))
    assert sync.offset_ms(found) == pytest.approx(delay_ms, abs=6)
    assert sync.agreement(found) > 0.9


def test_a_still_mouth_has_no_offset_and_no_agreement() -> None:
    tremble = np.random.default_rng(1).normal(0, 0.002, (200, 9)).astype(np.float32)
    still = Evidence(take(mouth=take().mouth + tremble), voice(8))
    assert sync.agreement(still) == 0
    with pytest.raises(NotMeasured, match="agree at no lag"):
        sync.offset_ms(still)


def test_agreement_falls_with_the_share_of_frames_in_which_the_mouth_stands_still() -> None:
    whole = talking()
    values = []
    for share in (0, 0.3, 0.6, 0.9):
        mouth = whole.mouth.copy()
        mouth[: int(share * 200)] = mouth[0]
        values.append(sync.agreement(Evidence(take(mouth=mouth), voice(8))))
    assert values == sorted(values, reverse=True)


def test_lips_meet_at_p_or_do_not() -> None:
    middle = (1.0, 2.5, 4.0, 6.0)
    phones = tuple(Segment(t - 0.04, t + 0.04, "P") for t in middle)
    at = np.arange(200) / float(FPS)
    mouth = talking().mouth.copy()
    mouth[:, 0] = 0.15 + 0.02 * np.sin(7 * at)
    for t in middle[:3]:
        mouth[:, 0] -= (0.15 * np.exp(-(((at - t) / 0.06) ** 2))).astype(np.float32)
    found = sync.closures(Evidence(take(mouth=mouth), voice(8, phones=phones)))
    assert [shut for _, shut in found[:3]] == [True] * 3
    assert len(found) == 4


def test_phones_that_were_guessed_are_not_held_against_the_mouth() -> None:
    middle = (1.0, 2.5, 4.0, 6.0)
    guessed = tuple(Segment(t - 0.04, t + 0.04, "P", 0.6) for t in middle)
    sure = tuple(Segment(t - 0.04, t + 0.04, "P", 0.7) for t in middle)
    assert len(sync.closures(Evidence(talking(), voice(8, phones=guessed + sure)))) == 4
    with pytest.raises(NotMeasured, match="--text"):
        sync.lips_closed(Evidence(talking(), voice(8, phones=guessed + sure[:2])))


def test_without_sound_it_says_what_to_do() -> None:
    for evidence, told in ((Evidence(talking()), "--voice"), (Evidence(talking(), voice(8, silent=True)), "silent")):
        with pytest.raises(NotMeasured, match=told):
            sync.offset_ms(evidence)


def test_a_short_take_is_not_measured() -> None:
    with pytest.raises(NotMeasured, match=r"1\.5 s"):
        sync.agreement(Evidence(talking(20), voice(0.8)))


def test_range_ignores_frames_without_a_face() -> None:
    mouth, eyes = talking().mouth.copy(), take().eyes_px.copy()
    mouth[50:60], eyes[50:60] = np.nan, np.nan
    gone = Evidence(take(mouth=mouth, eyes_px=eyes), voice(8))
    assert sync.mouth_range(gone) == pytest.approx(sync.mouth_range(Evidence(talking())), rel=0.1)
    assert sync.offset_ms(gone) == pytest.approx(0, abs=10)
