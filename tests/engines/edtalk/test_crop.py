"""The official crop."""

from __future__ import annotations

import numpy as np
import pytest

from engines.edtalk.crop import PLACES, POINTS, face_crop, steady_crop


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
