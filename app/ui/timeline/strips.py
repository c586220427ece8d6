"""Rows of the timeline as pixels made with numpy: curves, sound and dense segments cost the same at every zoom. No Qt.

Qt's antialiased paths take some microseconds a point; an hour of motion has ten thousand. A curve over time is a
function, so each column of pixels only needs its lowest and highest value there. All positions are device pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.ui.timeline.scale import TimeScale


@dataclass(frozen=True)
class Columns:
    """The pixel columns of a row.

    Attributes
    ----------
    edges : float64 (W + 1,), the (fractional) frame at the left edge of each column and at the end of the last
    """

    edges: np.ndarray

    @staticmethod
    def of(scale: TimeScale, width: float, ratio: float = 1.0) -> Columns:
        """Columns of ``width`` logical pixels with ``ratio`` device pixels each."""
        count = max(1, round(width * ratio))
        return Columns(scale.offset + np.arange(count + 1) / (scale.px_per_frame * ratio))

    def __len__(self) -> int:
        return len(self.edges) - 1

    @property
    def per_frame(self) -> float:
        """Columns a frame."""
        return float(1 / (self.edges[1] - self.edges[0]))


def extremes(values: np.ndarray, columns: Columns) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value that the line through ``values`` takes in each column.

    Parameters
    ----------
    values : (T,), one a frame; between frames the line is straight

    Returns
    -------
    float32 (W,) each; NaN in columns outside the frames
    """
    edges, last = columns.edges, len(values) - 1
    first, stop = int(np.clip(edges[0], 0, last)), int(np.clip(np.ceil(edges[-1]), 0, last)) + 1
    part = np.ascontiguousarray(values[first:stop], np.float32)
    at = np.interp(edges, np.arange(first, stop), part).astype(np.float32)
    low, high = np.minimum(at[:-1], at[1:]), np.maximum(at[:-1], at[1:])
    if columns.per_frame < 1:
        starts = np.clip(np.floor(edges[:-1]).astype(np.int64) - first, 0, len(part) - 1)
        low = np.minimum(low, np.minimum.reduceat(part, starts))
        high = np.maximum(high, np.maximum.reduceat(part, starts))
    else:
        column = ((np.arange(first, stop) - edges[0]) * columns.per_frame).astype(np.int64)
        inside = (column >= 0) & (column < len(low))
        np.minimum.at(low, column[inside], part[inside])
        np.maximum.at(high, column[inside], part[inside])
    outside = (edges[1:] < 0) | (edges[:-1] > last)
    low[outside] = high[outside] = np.nan
    return low, high


def line(
    values: np.ndarray,
    columns: Columns,
    height: int,
    span: tuple[float, float],
    margin: float,
    thickness: float,
    dash: tuple[float, float] | None = None,
) -> np.ndarray:
    """How much of each pixel the curve through ``values`` covers : float32 (height, W), 0 to 1.

    Parameters
    ----------
    span : values at the bottom and at the top, ``margin`` pixels inside the row; what lies beyond is cut to them
    thickness : of the line
    dash : lengths of the drawn and the free stretches; they stay with the frames when the view moves
    """
    low, high = (np.clip(v, *span) for v in extremes(values, columns))
    room = height - 2 * margin
    bottom = height - margin - (low - span[0]) / max(span[1] - span[0], 1e-6) * room + thickness / 2
    top = height - margin - (high - span[0]) / max(span[1] - span[0], 1e-6) * room - thickness / 2
    if dash is not None:
        place = (columns.edges[:-1] * columns.per_frame + 1e-6) % sum(dash)
        top = np.where(place < dash[0], top, np.nan)
    return band(top, bottom, height)


def band(top: np.ndarray, bottom: np.ndarray, height: int) -> np.ndarray:
    """How much of each pixel lies between two edges : float32 (height, W); NaN edges cover nothing."""
    y = np.arange(height, dtype=np.float32)[:, None]
    covered = np.minimum(bottom.astype(np.float32), y + 1)
    covered -= np.maximum(top.astype(np.float32), y)
    return np.nan_to_num(np.clip(covered, 0, 1, out=covered), copy=False)


def filled(start: np.ndarray, end: np.ndarray, columns: Columns) -> np.ndarray:
    """How full of spans each column is : float64 (W,), 0 to 1.

    Parameters
    ----------
    start, end : (N,) frames; the spans do not overlap
    """
    count = len(columns)
    found = np.zeros(count + 2)
    for edge, sign in ((start, 1.0), (end, -1.0)):  # the integral of the steps, split between neighbouring columns
        at = np.clip((edge - columns.edges[0]) * columns.per_frame, 0, count)
        whole = at.astype(np.int64)
        np.add.at(found, whole, sign * (1 - (at - whole)))
        np.add.at(found, whole + 1, sign * (at - whole))
    return np.asarray(np.clip(np.cumsum(found)[:count], 0, 1))


def premultiplied(coverage: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """Pixels of one colour : uint32 (H, W), ``0xAARRGGBB`` with the colour times the coverage.

    Parameters
    ----------
    coverage : float (H, W), 0 clear to 1 full
    color : red, green, blue, 0 to 255
    """
    levels = np.arange(256, dtype=np.uint32)
    table = levels << 24
    for shift, value in zip((16, 8, 0), color, strict=True):
        table |= (levels * value // 255) << shift
    return np.asarray(table[(coverage * 255).astype(np.uint8)])
