"""From a Performance to a network's coordinates, and why a bridge is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.latent import bridge
from engines.latent.bridge import Bridge, Exam, _examine, _ridge, features, lesson, own_columns
from engines.teaching.banks import banks, motion

GOOD = Exam("mouth", 0.9, 0.9, 0.05, 0.02, 0.8)
SPANS = {"mouth": slice(0, 20), "pose": slice(20, 26), "expression": slice(26, 36)}


def test_a_close_fit_alone_is_not_accepted() -> None:
    assert not GOOD.problem
    assert "moves it 0.05" in replace(GOOD, explained=0.999, change=0.05).problem
    assert "elsewhere" in replace(GOOD, explained=0.999, leak=0.6).problem
    assert "resembles" in replace(GOOD, explained=0.999, likeness=0.1).problem
    assert "not used" in replace(GOOD, likeness=0.1).told()


def test_the_rigs_own_spread_is_no_leak() -> None:
    assert not replace(GOOD, leak=0.6, rig_leak=0.5).problem


def test_changes_are_compared_where_the_part_may_act() -> None:
    rng = np.random.default_rng(1)
    region = np.zeros((16, 16), bool)
    region[8:] = True
    rig = rng.normal(0, 10, (4, 16, 16, 3)) * region[..., None]
    same = _examine("mouth", 0.8 * rig, rig, region, 0.5)
    assert not same.problem
    assert same.change == pytest.approx(0.8)
    assert same.likeness == pytest.approx(1)
    assert "elsewhere" in _examine("mouth", rig + 8 * ~region[..., None], rig, region, 0.5).problem
    assert "resembles" in _examine("mouth", -rig, rig, region, 0.5).problem


def test_each_part_has_its_own_bank() -> None:
    moves = {part: np.flatnonzero(own_columns(part, SPANS, 36)) for part in bridge.PARTS}
    assert moves["mouth"].tolist() == list(range(20))
    assert moves["pose"].tolist() == list(range(20, 26))
    assert moves["expression"].tolist() == list(range(26, 36))
    assert own_columns("mouth", {"pose": slice(0, 20)}, 20).all()  # LIA's one bank
    lip_pose = {"mouth": slice(0, 20), "pose": slice(20, 26)}
    assert not own_columns("expression", lip_pose, 26).any()


def test_lessons_of_a_part_speak_for_that_part_only() -> None:
    for part in bridge.PARTS:
        told = banks().coordinates(motion(lesson(part, 12, 5), np.zeros(52), np.zeros(3)))
        for other in bridge.PARTS:
            assert features(other, told).any() == (other == part), (part, other)


def test_parts_that_failed_have_no_effect() -> None:
    rng = np.random.default_rng(2)
    asked = motion(lesson("mouth", 5, 3), np.zeros(52), np.zeros(3))
    size = features("mouth", banks().coordinates(asked)).shape[1]
    maps = rng.normal(size=(size, 36)), np.zeros((27, 36)), np.zeros((10, 36))
    used = Bridge(*maps, (GOOD,))
    assert np.abs(used.changes(asked)).max() > 0.1
    assert not Bridge(*maps, (replace(GOOD, change=0.0),)).changes(asked).any()


def test_the_fit_finds_a_linear_map_and_says_what_it_explains() -> None:
    rng = np.random.default_rng(3)
    wanted, x, y = rng.normal(size=(6, 4)), rng.normal(size=(60, 6)), rng.normal(size=(20, 6))
    found, explained = _ridge(x, x @ wanted, y, y @ wanted)
    np.testing.assert_allclose(found, wanted, atol=0.05)
    assert explained > 0.99
    _, noise = _ridge(x, rng.normal(size=(60, 4)), y, rng.normal(size=(20, 4)))
    assert noise < 0.3


def test_a_bridge_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    kept = Bridge(np.ones((30, 36), np.float32), np.ones((27, 36), np.float32), np.ones((10, 36), np.float32), (GOOD,))
    path = tmp_path / "deep" / "bridge.npz"
    assert bridge.load(path) is None
    bridge.save(kept, path)
    back = bridge.load(path)
    assert back is not None
    assert back.exams == kept.exams
    assert np.array_equal(back.mouth, kept.mouth)
    path.write_bytes(path.read_bytes()[:40])
    assert bridge.load(path) is None
