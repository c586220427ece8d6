"""The rasteriser: cover, depth, facing, exact interpolation, sampling."""

from __future__ import annotations

import numpy as np
import pytest

from engines.blendshape.raster import NOTHING, moved_box, raster, sample_cubic, sample_linear


def _draw(
    xy: list[tuple[float, float]], near: list[float], faces: list[tuple[int, int, int]], both: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    points = np.array(xy, np.float32)
    depth = np.full((16, 16), NOTHING, np.float32)
    out = np.zeros((16, 16, 2), np.float32)
    raster(points, np.array(near, np.float32), points, np.array(faces, np.int32), 0, 0, depth, out, both)
    return depth, out


SQUARE = [(2.0, 2.0), (12.0, 2.0), (12.0, 12.0), (2.0, 12.0)]
FRONT = [(0, 2, 1), (0, 3, 2)]


def test_square_has_no_crack_and_exact_coordinates() -> None:
    depth, out = _draw(SQUARE, [0, 0, 0, 0], FRONT)
    drawn = depth > NOTHING
    assert drawn[2:13, 2:13].all()
    assert drawn.sum() == 121
    ys, xs = np.nonzero(drawn)
    assert np.allclose(out[drawn], np.stack([xs, ys], -1), atol=1e-5)


def test_faces_that_look_away_are_left_out() -> None:
    away = [(0, 1, 2), (0, 2, 3)]
    assert (_draw(SQUARE, [0] * 4, away)[0] <= NOTHING).all()
    assert (_draw(SQUARE, [0] * 4, away, both=True)[0] > NOTHING).any()


def test_nearer_wins_in_any_order() -> None:
    xy = SQUARE + SQUARE
    near = [0.0] * 4 + [1.0] * 4
    front = [(4, 6, 5), (4, 7, 6)]
    for faces in (FRONT + front, front + FRONT):
        assert _draw(xy, near, faces)[0].max() == 1.0
        assert _draw(xy, near, faces)[0][5, 5] == 1.0


@pytest.mark.parametrize("sample", [sample_cubic, sample_linear])
def test_samples_return_the_texture_at_its_points(sample: object) -> None:
    assert callable(sample)
    texture = np.random.default_rng(0).uniform(0, 255, (9, 7, 4)).astype(np.float32)
    for y, x in ((4, 3), (0, 0), (8, 6)):
        assert np.allclose(sample(texture, np.float32(x), np.float32(y)), texture[y, x], atol=1e-3)


def test_cubic_reproduces_a_ramp() -> None:
    ramp = np.repeat(np.arange(9, dtype=np.float32)[None, :, None], 9, 0).repeat(4, -1)
    assert sample_cubic(ramp, np.float32(4.3), np.float32(4.6))[0] == pytest.approx(4.3, abs=1e-5)


def test_the_box_of_what_moved_holds_the_neighbours_too() -> None:
    before = np.stack(np.meshgrid(np.arange(6), np.arange(5)), -1).reshape(-1, 2).astype(np.float32)
    places = before.copy()
    places[2 * 6 + 3] += (0.25, -4.0)
    low, high = moved_box(places, before, 5, 6, 0.01)
    assert (low, high) == (pytest.approx([2, -2]), pytest.approx([4, 3]))
    low, high = moved_box(before, before, 5, 6, 0.01)
    assert (low > high).all()
