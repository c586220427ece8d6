"""What was cut is pasted back."""

from __future__ import annotations

import numpy as np
import pytest

from engines.latent.crop import FaceCrop, feather, match_colours, paste


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
