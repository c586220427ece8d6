"""Which pixels belong to the person: MediaPipe's selfie segmentation, refined along hair by a guided filter."""

from __future__ import annotations

from typing import Final

import numpy as np

from engines.face import mediapipe_runtime
from engines.face.landmarks import FaceLandmarks

_SIDE: Final = 256
_REFINE_SIDE: Final = 1024


def person_matte(rgb: np.ndarray, face: FaceLandmarks, alpha: np.ndarray | None = None) -> np.ndarray:
    """Cover of the person, hair and shoulders included : float32 (H, W), 0 to 1.

    The segmentation sees the whole picture and, where that is much larger than the face, a closer part as well.
    Its soft edge is then drawn to the edges of the picture by a colour guided filter (He, Sun and Tang 2013).

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    face : the face of the person who is to be kept
    alpha : uint8 (H, W), the picture's own transparency, which the matte never exceeds
    """
    import cv2

    height, width = rgb.shape[:2]
    matte = _segment(rgb)
    low, high = np.array(face.box[:2]), np.array(face.box[2:])
    size = float((high - low).max())
    if size < 0.3 * max(height, width):
        matte = _merge_closer_look(rgb, matte, (low + high) / 2, size)
    scale = min(1.0, _REFINE_SIDE / max(height, width))
    guide = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else rgb
    coarse = cv2.resize(matte, (guide.shape[1], guide.shape[0]), interpolation=cv2.INTER_LINEAR)
    coarse = _only_this_person(coarse, face, scale)
    coarse = _with_face(coarse, face, scale)
    radius = max(2, round(0.05 * size * scale))
    refined = _guided_filter(guide.astype(np.float32) / 255, coarse, radius, 1e-4)
    # Far from the soft edge the segmentation is right and the filter can only add texture.
    band = cv2.dilate(((coarse > 0.03) & (coarse < 0.97)).astype(np.uint8), np.ones((3, 3), np.uint8))
    band = cv2.GaussianBlur(
        cv2.dilate(band, np.ones((radius, radius), np.uint8)).astype(np.float32), (0, 0), radius / 2
    )
    result = coarse * (1 - band) + refined * band
    result = np.clip((result - 0.06) / 0.88, 0, 1)
    if scale < 1:
        result = cv2.resize(result, (width, height), interpolation=cv2.INTER_CUBIC)
    result = np.clip(result, 0, 1).astype(np.float32)
    if alpha is not None:
        result = np.minimum(result, alpha.astype(np.float32) / 255)
    return result


def _segment(rgb: np.ndarray) -> np.ndarray:
    """Raw segmentation at the picture's size : float32 (H, W)."""
    import cv2

    small = cv2.resize(rgb, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    mask = np.asarray(mediapipe_runtime.run("matte", small).segmentation_mask, np.float32)
    return cv2.resize(mask, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_LINEAR)


def _merge_closer_look(rgb: np.ndarray, matte: np.ndarray, centre: np.ndarray, size: float) -> np.ndarray:
    """Replace the matte around the face by one that saw it larger, fading at the border of the part."""
    import cv2

    height, width = matte.shape
    left, top = np.maximum(0, centre - np.array([2.0, 1.7]) * size).astype(int)
    right, bottom = np.minimum([width, height], centre + np.array([2.0, 2.3]) * size).astype(int)
    part = _segment(rgb[top:bottom, left:right])
    fade = np.zeros_like(part)
    border = max(2, int(0.25 * size))
    fade[border:-border, border:-border] = 1
    fade = cv2.blur(fade, (border, border))
    result = matte.copy()
    result[top:bottom, left:right] += fade * (part - result[top:bottom, left:right])
    return result


def _only_this_person(matte: np.ndarray, face: FaceLandmarks, scale: float) -> np.ndarray:
    """Drop regions that do not hang together with the face."""
    import cv2

    count, labels = cv2.connectedComponents((matte > 0.3).astype(np.uint8))
    if count <= 2:
        return matte
    pixels = np.clip((face.points[:, :2] * scale).astype(int), 0, np.array(matte.shape[::-1]) - 1)
    label = int(np.bincount(labels[pixels[:, 1], pixels[:, 0]], minlength=count)[1:].argmax()) + 1
    keep = cv2.dilate((labels == label).astype(np.uint8), np.ones((5, 5), np.uint8))
    return np.where(keep > 0, matte, 0).astype(np.float32)


def _with_face(matte: np.ndarray, face: FaceLandmarks, scale: float) -> np.ndarray:
    """The face itself is always part of the person, whatever the segmentation says about a painting or statue."""
    import cv2

    mask = np.zeros(matte.shape, np.uint8)
    hull = cv2.convexHull((face.points[:468, :2] * scale).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, (255.0,))
    inner = cv2.erode(mask, np.ones((3, 3), np.uint8), iterations=max(1, round(0.02 * face.eye_distance * scale)))
    soft = cv2.GaussianBlur(inner, (0, 0), max(1.0, 0.02 * face.eye_distance * scale)).astype(np.float32) / 255
    return np.maximum(matte, soft)


def _guided_filter(guide: np.ndarray, values: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """Locally linear in the colour of ``guide`` (H, W, 3), close to ``values`` (H, W)."""
    import cv2

    def mean(image: np.ndarray) -> np.ndarray:
        return cv2.blur(image, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT)

    mu, mv = mean(guide), mean(values)
    covariance = np.empty((*values.shape, 3, 3), np.float32)
    for i in range(3):
        for j in range(i, 3):
            covariance[..., i, j] = covariance[..., j, i] = (
                mean(guide[..., i] * guide[..., j]) - mu[..., i] * mu[..., j]
            )
    covariance += epsilon * np.eye(3, dtype=np.float32)
    cross = mean(guide * values[..., None]) - mu * mv[..., None]
    slope = np.linalg.solve(covariance, cross[..., None])[..., 0]
    offset = mv - (slope * mu).sum(-1)
    return np.clip((mean(slope) * guide).sum(-1) + mean(offset), 0, 1).astype(np.float32)
