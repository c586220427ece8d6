"""Pictures as networks take them, and coordinates over gaps."""

from __future__ import annotations

import numpy as np
import torch

from engines.capture.scores import UNITS
from engines.capture.track import Track
from engines.latent.pictures import joined, to_pictures, to_tensor


def test_brightness_is_the_same_in_every_clip() -> None:
    """-1 and 1 are black and white, whatever else the clip holds."""
    grey = torch.full((1, 3, 2, 2), 0.5)
    np.testing.assert_allclose(to_pictures(grey), 191.25)
    np.testing.assert_allclose(to_pictures(torch.full((1, 3, 2, 2), 3.0)), 255)
    rgb = np.arange(48, dtype=np.uint8).reshape(1, 4, 4, 3)
    np.testing.assert_allclose(to_pictures(to_tensor(rgb)), rgb, atol=1e-3)


def test_gaps_without_a_face_are_bridged() -> None:
    points = np.zeros((4, 478, 3), np.float32)
    points[1:3] = np.nan
    alpha = np.array([[0.0], [50.0], [50.0], [3.0]], np.float32)
    track = Track(points, np.zeros(4, np.float32), (0,), (8, 8), np.zeros((4, len(UNITS)), np.float32))
    np.testing.assert_allclose(joined(alpha, track)[:, 0], [0, 1, 2, 3])
