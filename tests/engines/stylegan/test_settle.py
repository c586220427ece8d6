"""A coarse picture laid over the rig's frame: its place, what is seen of it, and that it does not shake."""

from __future__ import annotations

import numpy as np
import pytest

from engines.api import Portrait
from engines.face.landmarks import find_face
from engines.stylegan import layout
from engines.stylegan.align import Crop, add_back, align, crop_of, paste_back
from engines.stylegan.settle import ERROR, brought, places, settled, unlike

SIDE = 64


@pytest.fixture(scope="module")
def crop(portrait: Portrait) -> Crop:
    return crop_of(find_face(portrait).points)


@pytest.fixture(scope="module")
def face(portrait: Portrait, crop: Crop) -> np.ndarray:
    return align(portrait.rgb, crop, SIDE)


def beside(portrait: Portrait, crop: Crop, x: float, y: float, larger: float = 1.0) -> np.ndarray:
    """The face drawn ``x``, ``y`` pixels of the crop beside its place, and larger."""
    step = crop.side / SIDE
    return align(portrait.rgb, Crop(crop.centre - step * np.array([x, y]), crop.axis / larger), SIDE).astype(np.float32)


def test_the_same_picture_stays_and_is_not_seen(face: np.ndarray) -> None:
    same = face.astype(np.float32)
    moved, cover, change = settled(same, same, face, layout.face(SIDE))
    np.testing.assert_array_equal(moved, face)
    assert not cover.any()
    assert not change.any()


@pytest.mark.parametrize("off", [(0.3, -0.2, 1.0), (-0.8, 0.5, 1.0), (0.1, 0.1, 1.02)])
def test_a_face_beside_its_place_is_brought_there(
    portrait: Portrait, crop: Crop, face: np.ndarray, off: tuple[float, float, float]
) -> None:
    drawn = beside(portrait, crop, *off)
    found = places(drawn, face)
    np.testing.assert_allclose(found[:, 0] * SIDE, off[:2], atol=0.06)
    np.testing.assert_allclose(np.diag(found[:, 1:]) * 2, off[2] - 1, atol=0.004)
    middle = layout.face(SIDE) > 0.5
    before, after = (np.abs(p - face)[middle].mean() for p in (drawn, brought(drawn, found)))
    assert after < 0.5 * before


def test_another_mouth_does_not_move_the_face(face: np.ndarray) -> None:
    drawn = face.astype(np.float32)
    drawn[layout.region("mouth", SIDE)] *= 0.4
    assert np.abs(places(drawn, face) * SIDE).max() < 0.12
    seen = unlike(drawn, face)
    x, y, _, _ = layout.PLACES["mouth"]
    assert seen[round(y * SIDE), round(x * SIDE)] > 0.9
    assert seen[: SIDE // 2].max() < 0.01


def test_what_has_no_likeness_is_not_moved_far(face: np.ndarray) -> None:
    noise = np.random.default_rng(3).uniform(0, 255, face.shape).astype(np.float32)
    assert np.abs(places(noise, face)).sum(1).max() <= 0.03 + 1e-9
    assert np.isfinite(places(np.zeros_like(noise), np.zeros_like(face))).all()


def test_seen_as_far_as_it_differs_by_more_than_it_errs(face: np.ndarray) -> None:
    dark = (0.5 * face).astype(np.uint8)
    slightly, clearly = (unlike(dark.astype(np.float32) + d * ERROR, dark) for d in (0.25, 2.0))
    assert slightly.max() < 0.07
    assert clearly.min() > 0.97


def test_what_the_artist_moves_is_seen_however_little(portrait: Portrait, crop: Crop, face: np.ndarray) -> None:
    plain = beside(portrait, crop, 0.4, 0.0)  # the generator errs by that, the artist does not
    for amount in (2.0, 6.0):
        drawn = plain.copy()
        drawn[20:30, 24:40] += amount
        moved, cover, change = settled(drawn, plain, face, layout.face(SIDE))
        np.testing.assert_allclose(change[23:27, 28:36], amount, atol=0.15)
        assert np.abs(change[40:]).max() < 0.01
        assert cover[20:30, 24:40].max() < 0.3, "the rig's detail stays"
    drawn[20:30, 24:40] += 60
    moved, cover, change = settled(drawn, plain, face, layout.face(SIDE))
    assert cover[24:26, 30:34].min() > 0.95, "another face has other detail"
    laid = add_back(paste_back(portrait.rgb, moved, crop, cover), change, crop)
    there = align(laid, crop, SIDE).astype(float)[24:26, 30:34] - moved[24:26, 30:34]
    np.testing.assert_allclose(there, change[24:26, 30:34], atol=4)


@pytest.mark.parametrize("side", [32, 128])
def test_other_sizes(portrait: Portrait, crop: Crop, side: int) -> None:
    asked = align(portrait.rgb, crop, side)
    step = crop.side / side
    drawn = align(portrait.rgb, Crop(crop.centre - [0.5 * step, 0], crop.axis), side).astype(np.float32)
    np.testing.assert_allclose(places(drawn, asked)[:, 0] * side, (0.5, 0), atol=0.08)


def test_a_generator_that_shakes_does_not_shake_the_picture(portrait: Portrait, crop: Crop, face: np.ndarray) -> None:
    rng = np.random.default_rng(5)
    shaken, still = [], []
    for _ in range(12):
        drawn = beside(portrait, crop, *rng.normal(0, 0.3, 2)) + rng.normal(0, 4, face.shape).astype(np.float32)
        shaken.append(paste_back(portrait.rgb, np.clip(drawn, 0, 255), crop, layout.face(SIDE)))
        moved, cover, _ = settled(drawn, drawn, face, layout.face(SIDE))
        still.append(paste_back(portrait.rgb, moved, crop, cover))
    loud, quiet = (np.abs(np.diff(np.stack(f).astype(float), 2, axis=0)).mean() for f in (shaken, still))
    assert quiet < 0.15 * loud


def test_detail_finer_than_the_crop_stays_where_the_two_agree() -> None:
    rng = np.random.default_rng(2)
    x = np.arange(200)[None]
    rgb = np.repeat(np.clip(110 + 40 * np.sin(x / 30) + rng.normal(0, 12, (200, 200)), 0, 255)[..., None], 3, 2)
    rgb = rgb.astype(np.uint8)
    crop = Crop(np.array([100.0, 100.0]), np.array([70.0, 0.0]))
    asked, whole = align(rgb, crop, 32), np.ones((32, 32), np.float32)
    other = asked.astype(np.float32)
    other[16:] += 60  # another face below
    plain = paste_back(rgb, other, crop, whole).astype(int)
    fine = paste_back(rgb, other, crop, unlike(other, asked)).astype(int)
    above, below = np.s_[50:90, 50:150], np.s_[110:150, 50:150]
    assert np.abs(plain[above] - rgb[above]).mean() > 5
    assert np.abs(fine[above] - rgb[above]).mean() < 1
    assert np.abs(fine[below] - plain[below]).mean() < 1
