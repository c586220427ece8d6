"""Rows as pixels: the same curve at every zoom."""

from __future__ import annotations

import numpy as np
import pytest

from app.ui.timeline import strips
from app.ui.timeline.scale import TimeScale


def test_columns_know_their_frames() -> None:
    columns = strips.Columns.of(TimeScale(4.0, 10.0), 8, 2.0)
    assert len(columns) == 16
    assert columns.edges[[0, 8, 16]] == pytest.approx([10, 11, 12])
    assert columns.per_frame == pytest.approx(8)


@pytest.mark.parametrize("px_per_frame", [0.01, 0.3, 1.0, 7.0])
def test_every_peak_is_seen_at_every_zoom(px_per_frame: float) -> None:
    values = np.zeros(2000, np.float32)
    values[777] = 1.0
    columns = strips.Columns.of(TimeScale(px_per_frame, 0.0), 2000 * px_per_frame)
    low, high = strips.extremes(values, columns)
    at = int(777 * px_per_frame)
    assert np.nanmax(high[max(0, at - 1) : at + 2]) == pytest.approx(1, abs=1e-6)
    assert np.nanmin(low) == 0


def test_columns_beside_the_frames_are_empty() -> None:
    columns = strips.Columns.of(TimeScale(2.0, -10.0), 100)
    covered = strips.line(np.ones(5), columns, 20, (0, 1), 2, 1)
    drawn = np.flatnonzero(covered.any(0))
    assert (drawn.min(), drawn.max()) == (19, 28)


def test_a_level_line_has_its_thickness_and_place() -> None:
    columns = strips.Columns.of(TimeScale(3.0, 0.0), 30)
    covered = strips.line(np.full(20, 0.5), columns, 20, (0, 1), 4, 2.0)
    np.testing.assert_allclose(covered.sum(0), 2.0, atol=1e-5)
    assert covered[9:11].min() == 1


def test_dashes_stay_with_the_frames() -> None:
    def drawn(offset: float) -> np.ndarray:
        columns = strips.Columns.of(TimeScale(5.0, offset), 50)
        return strips.line(np.zeros(40), columns, 10, (0, 1), 2, 1, (6, 4)).any(0)

    assert drawn(0.0).sum() == 30
    np.testing.assert_array_equal(drawn(0.0)[10:], drawn(2.0)[:-10])


def test_spans_fill_as_much_as_they_cover() -> None:
    columns = strips.Columns.of(TimeScale(1.0, 0.0), 10)
    full = strips.filled(np.array([1.0, 4.5]), np.array([2.0, 5.0]), columns)
    assert full == pytest.approx([0, 1, 0, 0, 0.5, 0, 0, 0, 0, 0])


def test_pixels_are_premultiplied() -> None:
    pixels = strips.premultiplied(np.array([[0.0, 1.0]]), (255, 128, 0))
    assert [hex(p) for p in pixels[0]] == ["0x0", "0xffff8000"]
