"""The official crop, and what is pasted back."""

from __future__ import annotations

import numpy as np
import pytest

from engines.edtalk.crop import PLACES, POINTS, FaceCrop, face_crop, feather, match_colours, paste, steady_crop


def landmarks(angle: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    """A face whose template points lie where a similarity takes them."""
    points = np.full((478, 3), 50.0)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for rows, place in zip(POINTS, PLACES, strict=True):
        points[list(rows), :2] = turn @ place + shift
    return points


def test_the_template_is_found_whatever_the_pose() -> None:
    crop = face_crop(landmarks(0.2, 2.5, (30, 40)))
    assert crop.scale == pytest.approx(2.5)
    for rows, place in zip(POINTS, PLACES, strict=True):
        there = landmarks(0.2, 2.5, (30, 40))[list(rows), :2].mean(0)
        np.testing.assert_allclose(crop.matrix[:, :2] @ place + crop.matrix[:, 2], there, atol=1e-6)


def test_a_face_that_is_cropped_already_stays() -> None:
    rgb = np.random.default_rng(1).integers(0, 255, (256, 256, 3), np.uint8)
    crop = face_crop(landmarks(0.0, 1.0, (0, 0)))
    assert np.array_equal(crop.cut(rgb), rgb)


def test_smaller_networks_see_the_same() -> None:
    points = landmarks(0.1, 1.5, (20, 10))
    large, small = face_crop(points, 256), face_crop(points, 64)
    centres = [c.matrix @ [(c.side - 1) / 2, (c.side - 1) / 2, 1] for c in (large, small)]
    np.testing.assert_allclose(centres[0], centres[1], atol=1e-6)
    assert small.scale == pytest.approx(4 * large.scale)


def test_a_video_has_one_crop() -> None:
    frames = np.stack([landmarks(0.0, 1.0, (i, 0)) for i in range(5)])
    frames[3] = np.nan
    crop = steady_crop(frames)
    np.testing.assert_allclose(crop.matrix, face_crop(landmarks(0.0, 1.0, (1.5, 0))).matrix, atol=1e-6)


@pytest.mark.parametrize("scale", [0.4, 1.0, 3.3])
def test_what_was_cut_goes_back_without_a_seam(scale: float) -> None:
    """A picture pasted back unchanged leaves the frame as it was, up to resampling, and nothing shows at the border."""
    y, x = np.mgrid[:300, :400]
    rgb = np.stack([x * 0.5, y * 0.7, 100 + 50 * np.sin(x / 30)], -1).astype(np.uint8)
    crop = FaceCrop(np.array([[scale, 0.05, 80.0], [-0.05, scale, 60.0]]), 64)
    frame = rgb.copy()
    paste(frame, crop.cut(rgb).astype(np.float32), crop, feather(64))
    change = np.abs(frame.astype(int) - rgb)
    assert change.mean() < 0.3
    assert change.max() <= 6
    paste(frame, np.full((64, 64, 3), 255, np.float32), crop, feather(64))
    steps = np.abs(np.diff(frame[..., 0].astype(int) - rgb[..., 0], axis=1))
    assert steps.max() < 255 * 1.5 / (0.11 * 64 * scale) + 4  # no step steeper than the feather


def test_crops_beyond_the_frame_are_left_alone() -> None:
    frame = np.zeros((20, 20, 3), np.uint8)
    paste(frame, np.full((8, 8, 3), 255, np.float32), FaceCrop(np.array([[1.0, 0, 50], [0, 1.0, 50]]), 8), feather(8))
    assert not frame.any()


def test_colours_are_matched_a_little_only() -> None:
    photo = np.random.default_rng(2).uniform(60, 180, (32, 32, 3)).astype(np.float32)
    match = match_colours((photo - 10) / 1.1, photo)
    assert np.abs(match((photo - 10) / 1.1) - photo).mean() < 1e-2
    strange = match_colours(np.full_like(photo, 255.0), photo)
    assert strange.gain.max() <= 1.25
    assert np.abs(strange.offset).max() <= 30
