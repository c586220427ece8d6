"""The photo's light: found on skin, and what a turn of the head makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from engines.api import head_rotation
from engines.blendshape.light import Light, read_light


def ball(towards: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A picture of a ball lit from the right by ``towards``, landmarks spread over it, and its normals there."""
    size, radius = 160, 70.0
    y, x = np.mgrid[:size, :size].astype(float)
    across, up = (x - 80) / radius, (80 - y) / radius
    out = np.sqrt(np.clip(1 - across**2 - up**2, 0, 1))
    luma = 120 * (1 + towards * across + 0.1 * up)
    picture = np.repeat(np.clip(luma, 0, 255)[..., None], 3, 2).astype(np.uint8)
    rng = np.random.default_rng(0)
    places = 80 + 45 * rng.uniform(-1, 1, (478, 2))
    at = np.round(places).astype(int)
    pick = (at[:, 1], at[:, 0])
    return picture, places, np.stack([across[pick], up[pick], out[pick]], -1)


@pytest.mark.parametrize("towards", [-0.4, 0.0, 0.3])
def test_light_is_found_on_skin(towards: float) -> None:
    light = read_light(*ball(towards))
    assert light.direction[0] == pytest.approx(towards, abs=0.1)
    assert light.direction[1] == pytest.approx(0.1, abs=0.08)


def test_a_mirrored_face_is_lit_from_the_other_side() -> None:
    picture, places, normals = ball(0.3)
    mirrored = read_light(picture[:, ::-1], places * [-1, 1] + [159, 0], normals * [-1, 1, 1])
    light = read_light(picture, places, normals)
    np.testing.assert_allclose(mirrored.direction, np.array(light.direction) * [-1, 1, 1], atol=0.01)


def test_turning_to_the_light_brightens_and_standing_still_does_not() -> None:
    light = Light((0.4, 0.0, 0.1))
    front = np.array([[0.0, 0.0, 1.0]], np.float32)
    assert light.change(front, front)[0] == 1
    to_the_right = front @ head_rotation(np.array([0.0, 0.3, 0.0])).T
    assert light.change(front, to_the_right)[0] > 1.03
    assert light.change(front, to_the_right * [-1, 1, 1])[0] < 0.97
