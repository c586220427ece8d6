from __future__ import annotations

import numpy as np
import pytest

from engines.judge import behaviour, looks
from engines.judge.evidence import Evidence
from engines.judge.registry import NotMeasured
from tests.engines.judge.made import FPS, take


def blinking(times: list[float], width_s: float, depth: float = 0.75) -> np.ndarray:
    at = np.arange(250) / float(FPS)
    shut = sum(np.clip(1.5 - np.abs(at - t) / width_s * 2, 0, 1) for t in times)
    return np.repeat(0.3 * (1 - depth * shut)[:, None], 2, 1).astype(np.float32)


def test_blinks_are_counted_and_sized() -> None:
    seen = Evidence(take(250, lids=blinking([1.5, 4.0, 8.0], 0.2)))
    found = behaviour.blinks(seen.take)
    assert [b.t_s for b in found] == pytest.approx([1.5, 4.0, 8.0], abs=0.09)
    assert behaviour.blink_rate(seen) == pytest.approx(18)
    assert behaviour.blink_duration(seen) == pytest.approx(200, abs=25)
    assert behaviour.blink_depth(seen) == pytest.approx(75, abs=5)


def test_a_long_look_down_is_no_blink_and_nobody_blinking_is_said() -> None:
    down = take(250, lids=blinking([4.0], 2.0))
    assert behaviour.blinks(down) == []
    with pytest.raises(NotMeasured, match="nobody blinks"):
        behaviour.blink_duration(Evidence(down))
    assert behaviour.blink_rate(Evidence(down)) == 0


def test_tremble_counts_and_slow_motion_does_not() -> None:
    t = np.arange(200)
    draw = np.random.default_rng(2)
    calm = take().rigid + np.stack([20 * np.sin(t / 40), 0 * t], -1)[:, None].astype(np.float32)
    slow = behaviour.landmark_jitter(Evidence(take(rigid=calm)))
    values = [
        behaviour.landmark_jitter(Evidence(take(rigid=calm + draw.normal(0, s, (200, 1, 2)).astype(np.float32))))
        for s in (0.25, 0.5, 1.0)
    ]
    assert slow < 0.1
    assert [slow, *values] == sorted([slow, *values])
    wobble = behaviour.face_wobble(Evidence(take(rigid=calm + draw.normal(0, 1, (200, 1, 2)).astype(np.float32))))
    assert wobble < 0.05, "the face as a whole trembles, its shape does not"


def test_head_angles_across_the_half_turn_are_no_tremble() -> None:
    head = np.zeros((200, 3), np.float32)
    head[:, 2] = np.where(np.arange(200) % 2, np.pi - 0.001, -np.pi + 0.001)
    assert behaviour.head_jitter(Evidence(take(head=head))) < 0.5


def test_a_leap_is_found_where_it_is_and_measured_at_joins() -> None:
    rigid = take().rigid + np.random.default_rng(2).normal(0, 0.2, (200, 1, 2)).astype(np.float32)
    calm = behaviour.largest_jump(Evidence(take(rigid=rigid)))
    rigid[120:] += 8
    seen = Evidence(take(rigid=rigid), joins=(120,))
    assert int(np.nanargmax(behaviour.jumps(seen.take))) == 120
    assert behaviour.largest_jump(seen) > 4 * calm
    assert behaviour.join_jump(seen) > 4
    assert behaviour.join_jump(Evidence(take(rigid=rigid), joins=(60,))) < 4
    with pytest.raises(NotMeasured, match="--joins"):
        behaviour.join_jump(Evidence(take(rigid=rigid)))


def test_a_quick_turn_is_no_leap_and_hides_none() -> None:
    way = 40 * np.sin(np.arange(200) / 6)  # steps of up to 7 px
    rigid = take().rigid + np.random.default_rng(2).normal(0, 0.2, (200, 1, 2)).astype(np.float32)
    rigid[..., 0] += way[:, None]
    turning = behaviour.largest_jump(Evidence(take(rigid=rigid)))
    assert turning < 4
    leaps = []
    for size in (2, 4, 8):
        spoilt = rigid.copy()
        spoilt[132:, :, 1] += size  # where the face goes about as fast as it ever does
        seen = Evidence(take(rigid=spoilt))
        assert int(np.nanargmax(behaviour.jumps(seen.take))) == 132
        leaps.append(behaviour.largest_jump(seen))
    assert [turning, *leaps] == sorted([turning, *leaps])


@pytest.mark.parametrize("frame", [1, 199])
def test_a_leap_at_either_end_is_found(frame: int) -> None:
    rigid = take().rigid + np.random.default_rng(2).normal(0, 0.2, (200, 1, 2)).astype(np.float32)
    rigid[frame:] += 8
    leap = behaviour.jumps(take(rigid=rigid))
    assert leap[frame] == pytest.approx(np.nanmax(leap))
    assert leap[frame] > 4


def test_a_few_frames_tell_no_leap() -> None:
    for count in (3, 8):
        with pytest.raises(NotMeasured, match="8 frames"):
            behaviour.jumps(take(count))


def test_a_cut_is_neither_tremble_nor_flicker() -> None:
    rigid, skin = take().rigid.copy(), take().skin.copy()
    rigid[100:] += 30
    skin[100] = np.nan  # nothing came before
    seen = Evidence(take(rigid=rigid, skin=skin, shots=(0, 100)))
    assert behaviour.landmark_jitter(seen) == pytest.approx(0, abs=1e-6)
    assert looks.face_flicker(seen) == pytest.approx(0, abs=1e-6)
    assert behaviour.cuts(seen) == 1


def test_flicker_grows_with_the_light() -> None:
    light = np.random.default_rng(4).normal(0, 1, (200, 1)).astype(np.float32)
    values = [looks.face_flicker(Evidence(take(skin=take().skin + s * light))) for s in (0, 1, 3)]
    assert values == sorted(values)


def test_frames_without_a_face_are_told() -> None:
    eyes = take().eyes_px.copy()
    eyes[:50] = np.nan
    assert behaviour.face_seen(Evidence(take(eyes_px=eyes))) == 75


def test_what_is_missing_is_said() -> None:
    seen = Evidence(take(missing={"identity": "needs dlib", "emotion": "needs fer"}), emotion="happy")
    with pytest.raises(NotMeasured, match="dlib"):
        looks.identity_drift(seen)
    with pytest.raises(NotMeasured, match="fer"):
        looks.emotion_shown(seen)
    with pytest.raises(NotMeasured, match="--portrait"):
        looks.identity_distance(Evidence(take()))
    with pytest.raises(NotMeasured, match="--emotion"):
        looks.emotion_shown(Evidence(take()))


def test_sharpness_of_face_and_mouth() -> None:
    blurred = take().detail * np.float32([0.5, 1])
    assert looks.mouth_sharpness(Evidence(take())) == pytest.approx(80)
    assert looks.mouth_sharpness(Evidence(take(detail=blurred))) == pytest.approx(40)
    assert looks.face_sharpness(Evidence(take(detail=0.5 * take().detail))) == pytest.approx(5)
    gone = np.full((200, 2), np.nan, np.float32)
    with pytest.raises(NotMeasured, match="three frames"):
        looks.mouth_sharpness(Evidence(take(detail=gone)))
