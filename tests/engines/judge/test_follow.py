from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.face.portrait import load_portrait
from engines.judge.follow import Follower


def test_a_change_of_light_is_no_cut_and_another_layout_is() -> None:
    draw = np.random.default_rng(0)
    layout = draw.integers(30, 200, (12, 16, 3), np.uint8)
    frame = np.kron(layout, np.ones((20, 20, 1), np.uint8))
    other = np.kron(layout[::-1, ::-1], np.ones((20, 20, 1), np.uint8))
    follower, cuts = Follower(), []
    for rgb in (frame, frame, frame + np.uint8(30), frame, other, other, np.zeros_like(other), np.zeros_like(other)):
        assert follower.add(rgb) is None
        cuts.append(follower.cut)
    assert cuts[:6] == [False, False, False, False, True, False]
    assert not cuts[7]


@pytest.mark.samples
def test_a_face_is_followed_lost_and_found_again(samples: Path) -> None:
    rgb = load_portrait(samples / "portraits" / "edtalk_identity_source_256.jpg").rgb
    empty = np.full_like(rgb, 128)
    follower = Follower()
    seen = [follower.add(f) is not None for f in [rgb] * 3 + [empty] * 3 + [rgb] * 2]
    assert seen == [True] * 3 + [False] * 3 + [True] * 2
    assert follower.faces == 1
