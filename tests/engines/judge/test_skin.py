"""Light on the skin, told from motion."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from engines.judge.geometry import RIGID, average_face
from engines.judge.skin import light_steps, still_face


@pytest.fixture(scope="module")
def shaded() -> np.ndarray:
    """Skin: pores, freckles and a strong shade from one side, of 1 grey level a pixel."""
    rng = np.random.default_rng(3)
    spots = gaussian_filter(rng.normal(0, 1, (400, 400)), 6)
    grey = 120 + 0.5 * np.arange(400) - 60 + 8 * spots / spots.std()
    return np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, 2)


def rigid(right: float = 0, down: float = 0, size: float = 1) -> np.ndarray:
    """Landmarks of a face 120 px between the eyes, which may lie a little beside the skin."""
    return average_face()[list(RIGID), :2] * (120 * size, -120 * size) + (200 + right, 180 + down)


@pytest.mark.parametrize("off", [(2, 0, 1), (0, -2, 1), (1.5, 1.5, 1.01)])
def test_skin_that_landmarks_slip_over_does_not_flicker(shaded: np.ndarray, off: tuple[float, float, float]) -> None:
    before, after = still_face(shaded, rigid()), still_face(shaded, rigid(*off))
    assert np.abs(after - before)[20:-20, 20:-20].mean() > 0.5
    assert light_steps(before, after) == pytest.approx(np.zeros(4), abs=0.15)


def test_light_is_told_though_the_landmarks_slip(shaded: np.ndarray) -> None:
    before, after = still_face(shaded, rigid()), still_face(shaded + np.uint8(5), rigid(1, -1))
    assert light_steps(before, after) == pytest.approx([5] * 4, abs=0.2)


def test_even_skin_tells_light_alone() -> None:
    plain = np.full((400, 400, 3), 150, np.uint8)
    steps = light_steps(still_face(plain, rigid()), still_face(plain + np.uint8(3), rigid(2, 2)))
    assert steps == pytest.approx([3] * 4, abs=1e-3)


def test_one_cheek_may_be_lit(shaded: np.ndarray) -> None:
    lit = shaded.copy()
    lit[:, 215:] += 6
    steps = light_steps(still_face(shaded, rigid()), still_face(lit, rigid()))
    assert steps[2] > 4.5
    assert abs(steps[1]) < 1
