"""The eyeball of a photo: iris, white, highlight and the lid's shadow, completed behind the lids."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)


def refined_iris(luma: np.ndarray, inside: np.ndarray, centre: np.ndarray, radius: float) -> tuple[np.ndarray, float]:
    """Circle near the landmarks' iris across which the photo brightens most (Daugman's operator, both sides only)."""
    angles = np.deg2rad(np.concatenate([np.arange(-40, 41, 5), np.arange(140, 221, 5)]))
    rays = np.stack([np.cos(angles), np.sin(angles)], -1)
    smooth = gaussian_filter(luma, max(0.5, 0.04 * radius))
    shifts = np.linspace(-0.35, 0.35, 15) * radius
    radii = np.linspace(0.8, 1.6, 33) * radius
    candidates = np.stack(np.meshgrid(shifts, shifts[3:12], radii, indexing="ij"), -1).reshape(-1, 3)

    def at(image: np.ndarray, factor: float) -> np.ndarray:
        where = centre + candidates[:, None, :2] + factor * candidates[:, None, 2:] * rays
        return np.asarray(map_coordinates(image, [where[..., 1], where[..., 0]], order=1, mode="nearest"))

    seen = (at(inside, 1.0) > 0.1 * radius).astype(np.float32)
    rise = np.clip(at(smooth, 1.1) - at(smooth, 0.9), -40, 60) + 0.15 * np.minimum(at(smooth, 1.15), 220)
    enough = seen.sum(1) >= 8
    if not enough.any():
        return centre, radius
    score = (rise * seen).sum(1) / np.maximum(seen.sum(1), 1)
    away = np.hypot(candidates[:, 0], candidates[:, 1]) / radius + np.abs(candidates[:, 2] / radius - 1)
    score = np.where(enough, score - 7 * away, -np.inf)
    best = candidates[int(np.argmax(score))]
    return centre + best[:2], float(best[2])


def eyeball(
    patch: np.ndarray,
    inside: np.ndarray,
    under: np.ndarray,
    opening: float,
    centre: np.ndarray,
    radius: float,
    width: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sclera without iris, iris with its cover, highlight, and the shadow of the lid, completed behind the lids.

    Parameters
    ----------
    patch : float32 (h, w, 3)
    inside : (h, w), distance from the nearer rim, positive in the opening
    under : (h, w), depth below the upper rim
    opening : height of the opening
    centre, radius : of the iris, in pixels of the patch
    width : of the eye
    """
    height, columns = patch.shape[:2]
    xs, ys = np.meshgrid(np.arange(columns), np.arange(height))
    dx, dy = xs - centre[0], ys - centre[1]
    distance = np.hypot(dx, dy)
    margin = max(0.75, 0.035 * width)
    luma = patch @ LUMA
    sclera = _sclera(patch, luma, inside, dx, distance / radius, margin, width)

    # Colours of the iris by distance from its centre, from where neither lid nor lashes shade it.
    rings = np.clip((distance / radius * 10).astype(int), 0, 11)
    clear = (inside > max(1.0, 0.05 * width)) & (under > 0.35 * opening)
    profile = np.zeros((12, 3), np.float32)
    fallback = np.quantile(patch[(inside > 0) & (rings < 9)], 0.3, axis=0) if ((inside > 0) & (rings < 9)).any() else 40
    for ring in range(12):
        part = clear & (rings == ring)
        if part.sum() < 3:
            part = clear & (np.abs(rings - min(ring, 9)) <= 2)
        profile[ring] = np.median(patch[part], 0) if part.any() else fallback
    profile = gaussian_filter(profile, (0.7, 0), mode="nearest")
    position = np.clip(distance / radius * 10 - 0.5, 0, 9.5)
    radial = np.stack([np.interp(position, np.arange(12), profile[:, c]) for c in range(3)], -1).astype(np.float32)

    edge = max(0.1 * radius, 0.7)
    cover = np.clip((1.02 * radius - distance) / edge + 0.5, 0, 1)
    cover = (cover * cover * (3 - 2 * cover))[..., None]
    shadow = _lid_shadow(patch, sclera * (1 - cover) + radial * cover, under, inside, opening)
    shade = np.interp(np.maximum(under, 0) / opening * 16, np.arange(16), shadow)[..., None]
    lit = np.minimum(patch / np.maximum(shade, 0.3), 255)

    excess = luma - radial @ LUMA
    spot = np.clip((excess - 30) / 30, 0, 1) * (distance < 0.9 * radius) * (inside > margin * 0.5)
    spot = gaussian_filter(spot.astype(np.float32), 0.5)[..., None]
    highlight = np.maximum(patch - radial, 0) * spot
    own = np.clip((np.minimum(inside, under - margin) - margin * 0.6) / margin, 0, 1)[..., None]
    near = np.clip(1.6 - np.abs(lit - radial).max(-1, keepdims=True) / 45, 0, 1)
    texture = radial + own * np.maximum(near, cover) * (1 - spot) * (lit - radial)
    disc = np.concatenate([texture, cover], -1)
    return sclera.astype(np.float32), disc.astype(np.float32), highlight.astype(np.float32), shadow


def _sclera(
    patch: np.ndarray,
    luma: np.ndarray,
    inside: np.ndarray,
    right: np.ndarray,
    rings: np.ndarray,
    margin: float,
    width: float,
) -> np.ndarray:
    """The white of the eye, everywhere: the photo's where it is seen, near its left and right colour elsewhere."""
    seen = (inside > margin) & (rings > 1.15)
    if seen.sum() < 6:
        opened = inside > 0
        bright = np.quantile(patch[opened], 0.9, axis=0) if opened.any() else np.full(3, 200.0)
        return np.asarray(np.broadcast_to(bright, patch.shape), np.float32).copy()
    # Tear ducts, lashes and iris rims are darker or more colourful than the white.
    whiteness = luma - 1.2 * (patch.max(-1) - patch.min(-1))
    bar = np.quantile(whiteness[seen], 0.6)
    middle = np.median(patch[seen & (whiteness >= bar)], 0)
    sides = []
    for part in (seen & (right < 0), seen & (right >= 0)):
        own = part & (whiteness >= np.quantile(whiteness[part], 0.5)) if part.sum() >= 6 else part
        share = min(1.0, own.sum() / (0.02 * width * width)) * 0.6
        sides.append(middle + share * (np.median(patch[own], 0) - middle) if own.any() else middle)
    turn = np.clip(0.5 + right / (0.5 * width), 0, 1)[..., None]
    base = sides[0] * (1 - turn) + sides[1] * turn
    near = np.abs(patch - base).max(-1)
    trust = seen * np.clip(1.6 - near / 22, 0, 1)
    sigma = max(0.8, 0.03 * width)
    cover = gaussian_filter(trust.astype(np.float32), sigma)
    detail = np.stack([gaussian_filter((patch - base)[..., c] * trust, sigma) for c in range(3)], -1)
    share = np.clip(cover / 0.3, 0, 1)[..., None]
    return np.asarray(base + share * detail / np.maximum(cover, 1e-6)[..., None], np.float32)


def _lid_shadow(
    patch: np.ndarray, model: np.ndarray, under: np.ndarray, inside: np.ndarray, opening: float
) -> np.ndarray:
    """How dark the photo's eyeball is under its upper lid, by depth below the rim : float32 (16,)."""
    ratio = (patch @ LUMA + 4) / (model @ LUMA + 4)
    result = np.ones(16, np.float32)
    for i in range(16):
        low = i / 16 * opening
        part = (inside > 0) & (under >= low - 0.5) & (under < low + opening / 16 + 0.5)
        if part.sum() >= 3:
            result[i] = np.clip(np.median(ratio[part]), 0.4, 1.0)
    result = np.maximum.accumulate(np.asarray(gaussian_filter(result, 0.8, mode="nearest")))
    return np.asarray(result / max(float(result[-1]), 1e-3), np.float32)
