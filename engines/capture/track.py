"""One face followed through a video: landmarks frame by frame, shot changes, and where no face was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.face import mediapipe_runtime
from engines.face.landmarks import COUNT, OUTER_EYE_CORNERS, detect_faces

CUT: Final = 0.35
"""Share of a frame's colours that changes at once at a cut (half the L1 distance of colour histograms, 0 to 1)."""

_CROP_SIDE: Final = 320
_LOOKS: Final = ((1.65, 0.0, 0.0), (1.85, 0.02, -0.015))
_RETRY: Final = 5
"""After this many frames without a face the whole picture is searched again."""


@dataclass(frozen=True, eq=False)
class Track:
    """Landmarks of one face over a video.

    Attributes
    ----------
    points : float32 (T, 478, 3), pixels as in `engines.face.landmarks`; not a number where no face was seen
    spread : float32 (T,), how far two looks at the face differ, in parts of the distance of the eyes
    shots : first frame of each shot, increasing, the first is 0
    size : width, height of the frames in pixels
    """

    points: np.ndarray
    spread: np.ndarray
    shots: tuple[int, ...]
    size: tuple[int, int]

    @property
    def seen(self) -> np.ndarray:
        """Where there is a face : bool (T,)."""
        return np.isfinite(self.points[:, 0, 0])

    @property
    def eye_distance(self) -> np.ndarray:
        """Distance of the outer eye corners in pixels : (T,)."""
        a, b = (self.points[:, i, :2] for i in OUTER_EYE_CORNERS)
        return np.asarray(np.hypot(*(a - b).T))


class Tracker:
    """Follows a face: `add` every frame in order, then take the `track`.

    Parameters
    ----------
    face : which face of the first frame that shows any, counted from the largest
    """

    def __init__(self, face: int = 0) -> None:
        self.face = face
        self._points: list[np.ndarray | None] = []
        self._spread: list[float] = []
        self._shots: list[int] = [0]
        self._last: np.ndarray | None = None
        self._lost = 0
        self._colours: np.ndarray | None = None
        self._size = (0, 0)
        self.faces = 0
        """Most faces seen together."""

    def add(self, rgb: np.ndarray) -> np.ndarray | None:
        """Look at the next frame.

        Parameters
        ----------
        rgb : uint8 (H, W, 3)

        Returns
        -------
        float (478, 3) landmarks, or None where the face is not seen
        """
        self._size = rgb.shape[1], rgb.shape[0]
        colours = _colours(rgb)
        cut = self._colours is not None and 0.5 * np.abs(colours - self._colours).sum() > CUT
        self._colours = colours
        if cut:
            self._shots.append(len(self._points))
            self._lost = 0
        points, spread = (None, 0.0) if cut or self._last is None else self._follow(rgb, self._last)
        if points is None and self._lost % _RETRY == 0:
            points, spread = self._search(rgb, None if cut else self._last)
        self._lost = 0 if points is not None else self._lost + 1
        if points is not None:
            self._last = points
        elif self._lost > _RETRY or cut:
            self._last = None if cut else self._last
        self._points.append(points)
        self._spread.append(spread)
        return points

    def track(self) -> Track:
        """What was seen so far."""
        empty = np.full((COUNT, 3), np.nan)
        points = np.array([empty if p is None else p for p in self._points], np.float32).reshape(-1, COUNT, 3)
        return Track(points, np.array(self._spread, np.float32), tuple(self._shots), self._size)

    def _follow(self, rgb: np.ndarray, last: np.ndarray) -> tuple[np.ndarray | None, float]:
        looks = [p for grow, dx, dy in _LOOKS if (p := look(rgb, last, grow, dx, dy)) is not None]
        if not looks:
            return None, 0.0
        points = np.mean(looks, 0)
        eyes = np.hypot(*(points[33, :2] - points[263, :2]))
        moved = np.hypot(*(points[:, :2].mean(0) - last[:, :2].mean(0)))
        if eyes < 8 or moved > 2.5 * np.hypot(*(last[33, :2] - last[263, :2])):
            return None, 0.0
        spread = float(np.abs(looks[0] - looks[-1])[:, :2].mean() / eyes)
        if spread > 0.12:
            return None, 0.0
        return points, spread

    def _search(self, rgb: np.ndarray, last: np.ndarray | None) -> tuple[np.ndarray | None, float]:
        faces = detect_faces(rgb)
        self.faces = max(self.faces, len(faces))
        if not faces:
            return None, 0.0
        if last is None:
            chosen = faces[min(self.face, len(faces) - 1)]
        else:  # the one nearest to where ours was
            middle = last[:, :2].mean(0)
            chosen = min(faces, key=lambda f: float(np.hypot(*(f.points[:, :2].mean(0) - middle))))
        return chosen.points.astype(float), float(np.median(chosen.spread) / max(chosen.eye_distance, 1.0))


def look(rgb: np.ndarray, last: np.ndarray, grow: float, dx: float, dy: float) -> np.ndarray | None:
    """Landmarks found in an upright crop about the landmarks of the frame before : (478, 3) or None."""
    import cv2

    low, high = last[:, :2].min(0), last[:, :2].max(0)
    side = grow * float((high - low).max())
    across = last[263, :2] - last[33, :2]
    angle = np.arctan2(across[1], across[0])
    scale = side / _CROP_SIDE
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (low + high) / 2 + side * np.array([dx, dy])
    half = (_CROP_SIDE - 1) / 2
    matrix = np.column_stack([turn, middle - turn @ [half, half]])
    flags = (cv2.INTER_AREA if scale > 1.5 else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(rgb, matrix, (_CROP_SIDE, _CROP_SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    found = mediapipe_runtime.run("mesh", crop).multi_face_landmarks
    if not found:
        return None
    values = np.array([(p.x, p.y, p.z) for p in found[0].landmark]) * _CROP_SIDE
    flat = (values[:, :2] - 0.5) @ turn.T + matrix[:, 2]
    return np.column_stack([flat, values[:, 2] * scale])


def _colours(rgb: np.ndarray) -> np.ndarray:
    """Histogram of coarse colours, sum 1 : float (512,)."""
    small = rgb[:: max(1, rgb.shape[0] // 90), :: max(1, rgb.shape[1] // 90)].reshape(-1, 3) >> 5
    index = (small[:, 0].astype(int) << 6) | (small[:, 1].astype(int) << 3) | small[:, 2]
    return np.bincount(index, minlength=512) / len(index)
