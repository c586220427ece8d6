"""The photo taken apart into the person and what lies behind: colours without each other's fringe."""

from __future__ import annotations

import numpy as np


def clean_plate(rgb: np.ndarray, matte: np.ndarray, reach_px: float) -> np.ndarray:
    """The photo without the person : float32 (H, W, 3).

    Only a band of ``reach_px`` inside the silhouette can ever be uncovered, so this needs no invention of scenery:
    colours flow in from outside (pull-push pyramid, Gortler et al. 1996), and grain of the photo's own strength is
    laid over them.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    matte : float32 (H, W)
    reach_px : how far hair reaches beyond what the matte says, in pixels
    """
    import cv2

    radius = max(1, round(reach_px))
    person = cv2.dilate((matte > 0.02).astype(np.uint8), cv2.getStructuringElement(2, (2 * radius + 1, 2 * radius + 1)))
    known = 1.0 - person.astype(np.float32)
    photo = rgb.astype(np.float32)
    if known.mean() < 0.005:  # the person fills the picture: what little is seen behind looks like its border
        known = np.clip(1 - matte, 0, 1) ** 4 + 1e-3
    filled = pull_push(photo, known)
    soft = cv2.GaussianBlur(filled, (0, 0), max(1.0, 1.5 * radius))
    hole = cv2.GaussianBlur(person.astype(np.float32), (0, 0), max(0.7, 0.5 * radius))[..., None]
    deep = np.clip(2 * hole - 1, 0, 1)
    filled = filled + deep * (soft - filled)
    sure = known > 0.5
    if sure.mean() > 0.02:
        grain = (photo - cv2.GaussianBlur(photo, (0, 0), 1.5))[sure]
        strength = float(np.median(np.abs(grain)) * 1.4826)
        noise = np.random.default_rng(1).normal(0, strength, photo.shape[:2])[..., None]
        filled = filled + deep * noise.astype(np.float32)
    result = np.where(person[..., None] > 0, filled, photo)
    return np.clip(result, 0, 255).astype(np.float32)


def refined_matte(rgb: np.ndarray, matte: np.ndarray, plate: np.ndarray) -> np.ndarray:
    """The matte's uncertain part, judged by colour : float32 (H, W).

    Where the colours of the person nearby and of the clean plate differ enough to tell, a pixel's cover is its place
    on the line between them (Levin, Lischinski and Weiss 2008, eq. 1); elsewhere the matte stays as it was.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    matte : float32 (H, W)
    plate : float32 (H, W, 3), from `clean_plate`
    """
    import cv2

    photo = cv2.GaussianBlur(rgb, (0, 0), 0.6).astype(np.float32)
    sure = (matte > 0.97).astype(np.float32)
    if sure.mean() < 0.005:
        return matte
    person = pull_push(photo, sure)
    across = person - plate
    contrast = np.linalg.norm(across, axis=-1)
    along = ((photo - plate) * across).sum(-1) / np.maximum(contrast, 1e-3) ** 2
    off = np.linalg.norm(photo - plate - along[..., None] * across, axis=-1)
    telling = np.clip(contrast / 50 - 0.6, 0, 1) * np.clip(1.5 - off / 30, 0, 1)
    unsure = np.clip(np.minimum(matte - 0.03, 0.97 - matte) / 0.1, 0, 1)
    share = cv2.GaussianBlur((0.9 * telling * unsure).astype(np.float32), (0, 0), 0.8)
    judged = np.clip((along - 0.06) / 0.84, 0, 1)
    return np.clip(matte + share * (judged - matte), 0, 1).astype(np.float32)


def pull_push(image: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Fill where ``weight`` (H, W) is 0 from where it is not, scale by scale."""
    import cv2

    height, width = weight.shape
    if min(height, width) < 2:
        mean = (image * weight[..., None]).sum((0, 1)) / max(float(weight.sum()), 1e-6)
        return np.broadcast_to(mean, image.shape).astype(np.float32).copy()
    half = ((width + 1) // 2, (height + 1) // 2)
    small_weight = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    small = cv2.resize(image * weight[..., None], half, interpolation=cv2.INTER_AREA)
    small = small / np.maximum(small_weight, 1e-6)[..., None]
    coarse = pull_push(small, np.minimum(small_weight * 4, 1.0))
    up = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(image * weight[..., None] + up * (1 - weight[..., None]), np.float32)


def person_colours(rgb: np.ndarray, matte: np.ndarray, plate: np.ndarray, radius_px: float) -> np.ndarray:
    """Colours of the person freed of the background that shines through hair : float32 (H, W, 3).

    Blur-fusion (Forte 2021, "Approximate Fast Foreground Colour Estimation"), against the known clean plate; where
    the matte is 0 the nearest person's colour continues, so that a moving edge never drags the background along.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    matte : float32 (H, W)
    plate : float32 (H, W, 3), from `clean_plate`
    radius_px : width of the soft edge
    """
    photo = rgb.astype(np.float32)
    alpha = matte[..., None]
    sure = np.clip((matte - 0.85) / 0.1, 0, 1)
    spread = pull_push(photo, sure) if sure.any() else photo
    # The colour that composites back to the photo, trusted as far as the matte is; the neighbourhood's otherwise.
    solved = (photo - (1 - alpha) * plate) / np.maximum(alpha, 0.05)
    near = np.clip(solved, np.minimum(spread - 50, photo), np.maximum(spread + 50, photo))
    trust = np.clip((alpha - 0.1) / 0.5, 0, 1)
    colours = spread + trust * (near - spread)
    return np.clip(np.where(alpha >= 0.995, photo, colours), 0, 255).astype(np.float32)
