"""Which pixels belong to the person: MediaPipe's selfie segmentation, refined along hair by a guided filter."""

from __future__ import annotations

from typing import Final

import numpy as np

from engines.face import mediapipe_runtime
from engines.face.landmarks import FaceLandmarks

_SIDE: Final = 256
_REFINE_SIDE: Final = 512


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
    slope, offset = _guided_filter(guide.astype(np.float32) / 255, coarse, radius, 1e-4)
    # Far from the soft edge the segmentation is right and the filter can only add texture.
    band = cv2.dilate(((coarse > 0.03) & (coarse < 0.97)).astype(np.uint8), np.ones((3, 3), np.uint8))
    band = cv2.GaussianBlur(
        cv2.dilate(band, np.ones((radius, radius), np.uint8)).astype(np.float32), (0, 0), radius / 2
    )
    if scale < 1:
        slope, offset, coarse, band = (
            cv2.resize(a, (width, height), interpolation=cv2.INTER_LINEAR) for a in (slope, offset, coarse, band)
        )
    refined = np.clip(np.einsum("hwc,hwc->hw", slope, rgb.astype(np.float32) / 255) + offset, 0, 1)
    result = coarse * (1 - band) + refined * band
    result = np.clip((result - 0.12) / 0.76, 0, 1).astype(np.float32)
    if alpha is not None:
        result = np.minimum(result, alpha.astype(np.float32) / 255)
    return result


def _segment(rgb: np.ndarray) -> np.ndarray:
    """Segmentation at the picture's size, doubtful parts decided by colour : float32 (H, W)."""
    import cv2

    small = cv2.resize(rgb, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    mask = np.asarray(mediapipe_runtime.run("matte", small).segmentation_mask, np.float32)
    mirrored = mediapipe_runtime.run("matte", small[:, ::-1]).segmentation_mask
    mask = _decided_by_colour(small, (mask + np.asarray(mirrored, np.float32)[:, ::-1]) / 2)
    return cv2.resize(mask, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_LINEAR)


def _decided_by_colour(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Settle what the segmentation leaves open by the colours of what it is sure of (GrabCut, Rother et al. 2004)."""
    import cv2

    person, ground = mask > 0.9, mask < 0.08
    doubtful = ~person & ~ground
    if person.sum() < 200 or ground.sum() < 200 or doubtful.sum() < 20:
        return mask
    labels = np.where(mask > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[person], labels[ground] = cv2.GC_FGD, cv2.GC_BGD
    cv2.setRNGSeed(1)  # its colour clusters start at random
    cv2.grabCut(
        np.ascontiguousarray(rgb), labels, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK
    )
    cut = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.float32)
    cut = cv2.GaussianBlur(cut, (0, 0), 1.2)
    result = np.where(doubtful, 0.7 * cut + 0.3 * mask, mask)
    return np.asarray(cv2.GaussianBlur(result.astype(np.float32), (0, 0), 0.7), np.float32)


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


def _guided_filter(guide: np.ndarray, values: np.ndarray, radius: int, epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    """Slope (H, W, 3) and offset (H, W) of a map that is locally linear in ``guide`` and close to ``values``.

    The maps are smooth, so they may be found on a reduced picture and used on the full one (He and Sun 2015).
    """
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
    slope = _solve3(covariance, cross)
    offset = mv - (slope * mu).sum(-1)
    return mean(slope), mean(offset)


def _solve3(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solutions of many symmetric systems of three unknowns by Cramer's rule, far faster than LAPACK one by one."""
    a, b, c = matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 0, 2]
    d, e, f = matrix[..., 1, 1], matrix[..., 1, 2], matrix[..., 2, 2]
    aa, bb, cc = d * f - e * e, c * e - b * f, b * e - c * d
    dd, ee, ff = a * f - c * c, b * c - a * e, a * d - b * b
    determinant = a * aa + b * bb + c * cc
    x, y, z = np.moveaxis(right, -1, 0)
    solved = np.stack([aa * x + bb * y + cc * z, bb * x + dd * y + ee * z, cc * x + ee * y + ff * z], -1)
    return np.asarray(solved / determinant[..., None], np.float32)
