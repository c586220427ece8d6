"""Landmarks of a face that is followed: two models behind one interface.

``bundled`` is MediaPipe's attention mesh from its package; ``task`` is a ``face_landmarker.task`` that the user has put
into the weights store, and is taken where it is there. Both look at an upright crop about where the face was.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from engines import weights
from engines.capture.scores import load_scores
from engines.errors import InputError
from engines.face import mediapipe_runtime
from engines.face.mesh_graph import SIDE
from engines.rig.landmark_sets import BROW

KINDS: Final = ("auto", "bundled", "task")
TASK: Final = "face-landmarker"
"""Id of the task file in the weights store."""
_LOOKS: Final = ((1.5, 0.0, 0.0), (1.7, 0.02, -0.015))
_CLOSE: Final = (1.3, 0.02, -0.015)
"""A nearer look, that sees lips better and slips off raised brows: it has a say in the scores only."""
_TASK_SIDE: Final = 320
_TASK_LOOKS: Final = ((2.1, 0.0, 0.0), (2.4, 0.03, -0.02))
"""The task file finds the face in the crop by itself and wants some space about it."""
_BROWS: Final = [landmark for brow in BROW for landmark in brow]


@dataclass(frozen=True, eq=False)
class Sight:
    """One face in one frame.

    Attributes
    ----------
    points : float64 (478, 3), pixels as in `engines.face.landmarks`
    spread : how far several looks differ, in eye distances
    scores : float32 (K,), what `engines.capture.scores` makes of it
    """

    points: np.ndarray
    spread: float
    scores: np.ndarray


class Landmarker(Protocol):
    """Finds the landmarks of a face near where it was."""

    kind: str

    def look(self, rgb: np.ndarray, last: np.ndarray) -> Sight | None:
        """Landmarks in uint8 (H, W, 3), where ``last`` (478, 3) were those of the frame before; None: no face there."""
        ...


class BundledLandmarker:
    """The models in MediaPipe's package."""

    kind = "bundled"

    def look(self, rgb: np.ndarray, last: np.ndarray) -> Sight | None:
        """See `Landmarker.look`."""
        looks = [self.one(rgb, last, *how) for how in _LOOKS]
        return _sight(looks, self.one(rgb, last, *_CLOSE) if any(p is not None for p in looks) else None)

    def one(self, rgb: np.ndarray, last: np.ndarray, grow: float, dx: float, dy: float) -> np.ndarray | None:
        """Landmarks (478, 3) in one crop (see `Crop`), None where no face is seen."""
        crop = Crop(rgb, last, grow, (dx, dy), SIDE)
        found = mediapipe_runtime.run("mesh_crop", crop.picture).multi_face_landmarks
        return None if not found else crop.back(np.array([(p.x, p.y, p.z) for p in found[0].landmark]))


class TaskLandmarker:
    """A ``face_landmarker.task`` file, run by MediaPipe's tasks in picture mode (its video mode lags half a frame).

    In that mode it takes the creases of shut lids for raised brows at times, so brows are those of the bundled models.

    Parameters
    ----------
    path : the file

    Raises
    ------
    InputError
        When the file is no such task.
    """

    kind = "task"

    def __init__(self, path: Path) -> None:
        with mediapipe_runtime.quiet_stderr():
            import mediapipe
            from mediapipe.tasks.python import BaseOptions, vision

            self._image, self._format = mediapipe.Image, mediapipe.ImageFormat.SRGB
            options = vision.FaceLandmarkerOptions(
                BaseOptions(str(path)), min_face_detection_confidence=0.2, min_face_presence_confidence=0.2
            )
            try:
                self._net: Any = vision.FaceLandmarker.create_from_options(options)
            except (RuntimeError, ValueError, OSError) as error:
                raise InputError(
                    f"{path} is no face landmarker task: {error}. Download face_landmarker.task again and import it: "
                    "soliloquy weights import FILE."
                ) from error
        self._lock = threading.Lock()
        self._bundled = BundledLandmarker()

    def look(self, rgb: np.ndarray, last: np.ndarray) -> Sight | None:
        """See `Landmarker.look`."""
        looks = [self._one(rgb, last, *how) for how in _TASK_LOOKS]
        bundled = self._bundled.one(rgb, last, *_LOOKS[-1])  # the widest, which holds on to brows best
        for points in looks:
            if points is not None and bundled is not None:
                points[_BROWS] = bundled[_BROWS]
        return _sight(looks)

    def _one(self, rgb: np.ndarray, last: np.ndarray, grow: float, dx: float, dy: float) -> np.ndarray | None:
        crop = Crop(rgb, last, grow, (dx, dy), _TASK_SIDE)
        with self._lock:
            found = self._net.detect(self._image(self._format, crop.picture)).face_landmarks
        return None if not found else crop.back(np.array([(p.x, p.y, p.z) for p in found[0]]))

    def close(self) -> None:
        """Give the model back."""
        self._net.close()


def make_landmarker(kind: str = "auto") -> Landmarker:
    """The landmarker of that kind.

    Parameters
    ----------
    kind : one of `KINDS`; ``auto`` takes the task file where the weights store has it

    Raises
    ------
    InputError
        For an unknown kind, or a file that is no task.
    WeightsMissing
        When the task file is asked for and is not in the store.
    """
    if kind not in KINDS:
        raise InputError(f"There is no landmarker '{kind}'. Choose one of: {', '.join(KINDS)}.")
    return BundledLandmarker() if chosen(kind) == "bundled" else TaskLandmarker(weights.locate(TASK))


def chosen(kind: str = "auto") -> str:
    """What `make_landmarker` takes for ``kind``: ``bundled`` or ``task``."""
    return ("task" if weights.status(TASK).state == "ready" else "bundled") if kind == "auto" else kind


class Crop:
    """An upright square of a picture about a face.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    last : (478, 3) landmarks near which the face is
    grow : side of the square in sizes of the face
    shift : of the square's middle, in parts of its side
    side : pixels of `picture`
    """

    def __init__(self, rgb: np.ndarray, last: np.ndarray, grow: float, shift: tuple[float, float], side: int) -> None:
        import cv2

        low, high = last[:, :2].min(0), last[:, :2].max(0)
        size = max(grow * float((high - low).max()), 1.0)
        across = last[263, :2] - last[33, :2]
        angle = np.arctan2(across[1], across[0])
        self._side, self._scale = side, size / side
        self._turn = self._scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        half = (side - 1) / 2
        self._origin = (low + high) / 2 + size * np.array(shift) - self._turn @ [half, half]
        matrix = np.column_stack([self._turn, self._origin])
        if self._scale > 1.5:  # sampling would alias: make the part of the picture smaller first
            reach = 0.75 * size
            corner = np.floor(np.maximum((low + high) / 2 - reach, 0)).astype(int)
            end = np.ceil(np.maximum((low + high) / 2 + reach, corner + 2)).astype(int)
            part = rgb[corner[1] : end[1], corner[0] : end[0]]
            if min(part.shape[:2]) >= 2:
                rgb = cv2.resize(part, None, fx=1 / self._scale, fy=1 / self._scale, interpolation=cv2.INTER_AREA)
                ratio = np.array(rgb.shape[1::-1]) / np.array(part.shape[1::-1])
                matrix = np.column_stack([self._turn * ratio[:, None], (self._origin - corner + 0.5) * ratio - 0.5])
        self.picture = cv2.warpAffine(
            rgb, matrix, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
        )

    def back(self, values: np.ndarray) -> np.ndarray:
        """Landmarks (478, 3) in parts of the square, brought to pixels of the whole picture."""
        values = values * self._side
        flat = (values[:, :2] - 0.5) @ self._turn.T + self._origin
        return np.column_stack([flat, values[:, 2] * self._scale])


def _sight(looks: list[np.ndarray | None], close: np.ndarray | None = None) -> Sight | None:
    found = [p for p in looks if p is not None]
    if not found:
        return None
    points = np.mean(found, 0)
    scored = points if close is None else (points + close) / 2
    eyes = max(float(np.hypot(*(points[33, :2] - points[263, :2]))), 1e-6)
    spread = float(np.abs(found[0] - found[-1])[:, :2].mean() / eyes)
    return Sight(points, spread, load_scores()(scored[None])[0])
