from __future__ import annotations

import numpy as np
import pytest

from engines.api import head_rotation
from engines.judge.geometry import MOUTH, RIGID, average_face, face_numbers, upright_map
from engines.judge.picture import background_blocks, block_means, psnr, ssim


def seen_at(angles_deg: tuple[float, float, float], model: np.ndarray | None = None) -> np.ndarray:
    """Landmarks of the average face, 120 px between the eyes, turned."""
    points = (average_face() if model is None else model) @ head_rotation(np.radians(angles_deg)).T * 120
    return points * (1, -1, -1) + (200, 180, 0)


@pytest.mark.parametrize("angles", [(0, 0, 0), (10, -15, 5), (-20, 25, -8)])
def test_the_turn_of_the_head_is_recovered(angles: tuple[float, float, float]) -> None:
    face = face_numbers(seen_at(angles))
    assert np.degrees(face.head) == pytest.approx(angles, abs=0.1)
    assert face.eyes_px == pytest.approx(120, rel=1e-3)


def test_the_mouth_does_not_know_of_the_head() -> None:
    straight, turned = face_numbers(seen_at((0, 0, 0))), face_numbers(seen_at((15, 20, 10)))
    assert turned.mouth == pytest.approx(straight.mouth, abs=1e-3)
    opened = average_face().copy()
    opened[[14, 87, 317, 178, 402]] -= (0, 0.1, 0)
    wider = face_numbers(seen_at((15, 20, 10), opened)).mouth - straight.mouth
    assert wider[MOUTH.index("aperture")] == pytest.approx(0.1, abs=1e-3)
    assert abs(wider[MOUTH.index("width")]) < 1e-3


def test_gaze_turns_with_the_pupils() -> None:
    model = average_face().copy()
    model[[468, 473]] += (0.03, 0, 0)
    moved = face_numbers(seen_at((0, 0, 0), model)).gaze - face_numbers(seen_at((0, 0, 0))).gaze
    assert np.degrees(moved[0]) == pytest.approx(np.degrees(0.03 / 0.135), abs=3)
    assert abs(np.degrees(moved[1])) < 0.5


def test_the_upright_crop_holds_the_face_still() -> None:
    points = seen_at((0, 0, 25))
    matrix = upright_map(points[list(RIGID), :2], 100, 0.5)
    middle = matrix[:, :2] @ [49.5, 49.5] + matrix[:, 2]
    assert middle == pytest.approx(points[168, :2], abs=8)
    assert np.hypot(*matrix[:, 0]) == pytest.approx(120 / 50, rel=0.05)


def test_psnr_and_ssim_of_known_pairs() -> None:
    draw = np.random.default_rng(0)
    a = draw.integers(40, 200, (64, 64, 3), np.uint8)
    assert psnr(a, a) == 100
    assert ssim(a, a) == pytest.approx(1)
    assert psnr(a, a + np.uint8(10)) == pytest.approx(20 * np.log10(255 / 10), abs=1e-3)
    noisy = np.clip(a + draw.normal(0, 20, a.shape), 0, 255).astype(np.uint8)
    assert ssim(a, noisy) < 0.95


def test_the_background_leaves_head_and_shoulders_out() -> None:
    points = seen_at((0, 0, 0))
    blocks = block_means(np.zeros((400, 600, 3), np.uint8))
    empty = background_blocks(points, (400, 600), blocks.shape)
    assert 0.1 < empty.mean() < 0.6
    row, column = (int(v * blocks.shape[0] / 400) for v in (points[1, 1], points[1, 0]))
    assert not empty[row, column]
    assert not empty[-1].any()
