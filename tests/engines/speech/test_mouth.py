from __future__ import annotations

import numpy as np
import pytest

from engines.speech import mouth, readout
from engines.speech.analysis import SpeechAnalysis
from engines.speech.readout import GEOMETRY
from engines.speech.segment import Segment

COUNT = 200
NEUTRAL = {"aperture": 0.0, "width": 0.55, "inwidth": 0.45, "jaw": 0.95, "protrude": 0.02, "uplip": 0.18}


def analysis(speaking: slice = slice(20, 180), value: float = 0.8, phones: tuple[Segment, ...] = ()) -> SpeechAnalysis:
    mask = np.zeros(COUNT, bool)
    mask[speaking] = True
    track = np.full(COUNT, value, np.float32)
    return SpeechAnalysis(
        samples=COUNT * 320,
        sample_rate=16000,
        voice_digest="",
        text="",
        language="en",
        loudness_db=np.where(mask, -20, -80).astype(np.float32),
        pitch_hz=np.zeros(COUNT, np.float32),
        speaking=mask,
        closing=np.zeros(COUNT, np.float32),
        mouth={name: track.copy() for name in GEOMETRY},
        phones=phones,
    )


def test_lips_shut_at_p_b_m_and_only_there() -> None:
    phones = (Segment(1.0, 1.1, "AA"), Segment(1.1, 1.2, "B"), Segment(1.2, 1.4, "AA"))
    free = mouth.mouth_track(analysis(), ())["aperture"]
    gated = mouth.mouth_track(analysis(), phones)["aperture"]
    assert gated[57] == pytest.approx(mouth.shut_aperture(), abs=0.05)
    assert np.allclose(gated[:40], free[:40], atol=0.02)
    targets = mouth.geometry_targets(mouth.mouth_track(analysis(), phones), NEUTRAL)
    assert targets["aperture"][57] < 0.006


def test_an_edited_phone_moves_the_mouth_at_once() -> None:
    heard = analysis(phones=(Segment(1.0, 1.2, "AA"),))
    edited = (Segment(1.0, 1.2, "M"),)
    assert mouth.mouth_track(heard)["aperture"][55] > mouth.mouth_track(heard, edited)["aperture"][55] + 1


def test_a_closure_that_is_only_heard_shuts_the_lips_until_the_artist_says_otherwise() -> None:
    heard = analysis(phones=(Segment(1.0, 1.2, "AA", 0.5),))
    closing = np.zeros(COUNT, np.float32)
    closing[54:58] = 0.9
    object.__setattr__(heard, "closing", closing)
    object.__setattr__(heard, "source", "sound")
    assert mouth.mouth_track(heard)["aperture"][55] < -1
    edited = mouth.mouth_track(heard, (Segment(1.0, 1.3, "AA"),))
    assert edited["aperture"][55] > 0


def test_a_closure_moves_half_the_way_to_the_dip_that_the_sound_gives_unless_the_artist_placed_it() -> None:
    phones = (Segment(1.0, 1.1, "B"), Segment(1.1, 1.3, "AA"))
    heard = analysis(phones=phones)
    dip = 0.8 - np.exp(-0.5 * ((np.arange(COUNT) - 53.1) / 2) ** 2).astype(np.float32)
    object.__setattr__(heard, "mouth", {**heard.mouth, "aperture": dip})
    (found,) = mouth.closures_at_dips(heard, phones)
    # The gate of a closure about 1.05 s is deepest 18 ms earlier; the dip lies at 1.062 s.
    assert found.start_s - 1.0 == pytest.approx((1.062 - 1.032) / 2, abs=0.002)
    assert found.end_s - found.start_s == pytest.approx(0.1)
    (moved,) = mouth.closures_at_dips(heard, (Segment(1.02, 1.12, "B"),))
    assert (moved.start_s, moved.end_s) == (1.02, 1.12)


def test_doubtful_closures_hardly_move_the_lips_and_sure_ones_shut_them() -> None:
    doubt, sure = (mouth.heard_gate(np.full(50, p))[25] for p in (0.15, 0.85))
    assert doubt < 0.12
    assert sure == pytest.approx(1)


def test_an_unsure_phone_shuts_the_lips_less() -> None:
    sure, unsure = ((Segment(1.0, 1.2, "M", c),) for c in (1.0, 0.3))
    gate = mouth.closure_gate(sure, COUNT), mouth.closure_gate(unsure, COUNT)
    assert gate[0].max() == pytest.approx(1)
    assert gate[1].max() < 0.5


def test_long_pauses_bring_the_mouth_to_rest_short_ones_do_not() -> None:
    track = mouth.mouth_track(analysis(slice(20, 60)), ())
    rest = mouth.rest_pose()
    for k, name in enumerate(GEOMETRY):
        assert track[name][-1] == pytest.approx(rest[k], abs=1e-5)
        assert track[name][40] == pytest.approx(0.8, abs=1e-5)


def test_rest_gives_the_neutral_face_back() -> None:
    silent = analysis(slice(0, 0))
    targets = mouth.geometry_targets(mouth.mouth_track(silent, ()), NEUTRAL)
    assert set(targets) == set(NEUTRAL)
    for name, value in targets.items():
        assert np.allclose(value, NEUTRAL[name], atol=1e-5)


def test_motion_has_a_person_s_size() -> None:
    targets = mouth.geometry_targets(mouth.mouth_track(analysis(value=1.0), ()), NEUTRAL)
    assert 0.08 < targets["aperture"][100] < 0.25


def test_the_jaw_moves_further_than_the_landmarks_saw_it() -> None:
    track = mouth.mouth_track(analysis(value=1.0), ())
    size = readout.default().arrays["unit/sd"][GEOMETRY.index("jaw")]
    seen = (track["jaw"][100] - mouth.rest_pose()[GEOMETRY.index("jaw")]) * size
    targets = mouth.geometry_targets(track, NEUTRAL)
    assert targets["jaw"][100] - NEUTRAL["jaw"] == pytest.approx(seen / mouth.CHIN_SEEN, abs=1e-5)


def test_the_tongue_rises_for_l_and_t() -> None:
    phones = (Segment(1.0, 1.15, "L"), Segment(2.0, 2.15, "M"))
    track = mouth.tongue_track(phones, COUNT)
    assert track[53] > 0.8
    assert track[103] == 0
    assert track.dtype == np.float32


def test_the_indicator_counts_parts_of_frames() -> None:
    covered = mouth.indicator((Segment(0.11, 0.15, "P"),), ("P",), 20)
    assert covered.sum() == pytest.approx(2.0)
    assert covered[6] == pytest.approx(1.0)
    assert mouth.indicator((Segment(0.11, 9.0, "P"),), ("P",), 20).shape == (20,)


def test_without_the_encoder_the_table_speaks() -> None:
    labels = ("T", "AA", "T", "W", "UW", "T")
    phones = tuple(Segment(1 + 0.1 * i, 1.1 + 0.1 * i, label) for i, label in enumerate(labels))
    deaf = analysis(value=0.0, phones=phones)
    object.__setattr__(deaf, "encoder", False)
    track = mouth.mouth_track(deaf)
    assert track["aperture"][57] > track["aperture"][72] + 0.3
    assert track["width"][57] > track["width"][72] + 0.3
