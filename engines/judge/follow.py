"""One face followed through a take of any length, remembering one frame only."""

from __future__ import annotations

from typing import Final

import numpy as np

from engines.capture.track import CUT, look
from engines.face.landmarks import detect_faces
from engines.judge.picture import block_means

_LOOKS: Final = ((1.65, 0.0, 0.0), (1.85, 0.02, -0.015))
LIKE: Final = 0.9
"""Correlation of the brightness of blocks with that of the frame before, above which no colour makes a cut ..."""
STRANGE: Final = 0.5
"""... and below which it is a cut whatever the colours."""
_FLAT: Final = 1.0
"""Variance in squared grey levels below which a picture has no layout."""
_RETRY: Final = 5
"""Without a face, every so many frames the whole picture is searched."""


class Follower:
    """Landmarks frame by frame.

    Attributes
    ----------
    cut : whether the last frame began a new shot
    faces : most faces that a search of the whole picture found
    """

    def __init__(self) -> None:
        self.cut = False
        self.faces = 0
        self._last: np.ndarray | None = None
        self._colours: np.ndarray | None = None
        self._blocks: np.ndarray | None = None
        self._lost = 0

    def add(self, rgb: np.ndarray) -> np.ndarray | None:
        """Landmarks (478, 3) of the next frame in pixels, or None where no face is seen.

        Parameters
        ----------
        rgb : uint8 (H, W, 3)
        """
        self.cut = self._is_cut(rgb)
        points = None
        if self._last is not None and not self.cut:
            looks = [p for grow, dx, dy in _LOOKS if (p := look(rgb, self._last, grow, dx, dy)) is not None]
            points = np.mean(looks, 0) if looks else None
            if points is not None and not _believable(points, looks, self._last):
                points = None
        if points is None and (self.cut or self._lost % _RETRY == 0):
            found = detect_faces(rgb)
            self.faces = max(self.faces, len(found))
            points = found[0].points.astype(float) if found else None
        self._lost = 0 if points is not None else self._lost + 1
        self._last = points if points is not None or self._lost > _RETRY or self.cut else self._last
        return points

    def _is_cut(self, rgb: np.ndarray) -> bool:
        """Whether colours and layout change at once; a change of light leaves the layout."""
        colours, blocks = _colours(rgb), block_means(rgb)
        before, layout = self._colours, self._blocks
        self._colours, self._blocks = colours, blocks
        if before is None or layout is None or layout.shape != blocks.shape:
            return False
        a, b = blocks - blocks.mean(), layout - layout.mean()
        size = float(np.sqrt((a * a).mean() * (b * b).mean()))
        alike = float((a * b).mean()) / size if size > _FLAT else 1.0
        changed = 0.5 * float(np.abs(colours - before).sum())
        return alike < STRANGE or (changed > CUT and alike < LIKE)


def _believable(points: np.ndarray, looks: list[np.ndarray], last: np.ndarray) -> bool:
    """Whether two looks agree and the face has not leapt or collapsed."""
    eyes = float(np.hypot(*(points[33, :2] - points[263, :2])))
    moved = float(np.hypot(*(points[:, :2].mean(0) - last[:, :2].mean(0))))
    apart = float(np.abs(looks[0] - looks[-1])[:, :2].mean())
    return eyes >= 8 and moved < 2.5 * float(np.hypot(*(last[33, :2] - last[263, :2]))) and apart < 0.12 * eyes


def _colours(rgb: np.ndarray) -> np.ndarray:
    """Histogram of coarse colours, sum 1 : float (512,)."""
    small = rgb[:: max(1, rgb.shape[0] // 90), :: max(1, rgb.shape[1] // 90)].reshape(-1, 3).astype(np.int64) >> 5
    index = (small[:, 0] << 6) | (small[:, 1] << 3) | small[:, 2]
    return np.bincount(index, minlength=512) / len(index)
