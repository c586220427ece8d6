"""The light of a photo, as far as made surfaces (teeth, tongue, gums) must match it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from engines.rig.landmark_sets import INNER_LOWER, INNER_UPPER

_TOOTH = 0.74
"""Brightness of a tooth over that of a white surface, shaded as `engines.blendshape.mouth` shades it."""
_LUMA = np.array([0.299, 0.587, 0.114])
_CHEEKS = (50, 280, 205, 425, 101, 330, 36, 266, 187, 411, 151, 9, 8)


@dataclass(frozen=True)
class Palette:
    """How a photo shows colours.

    Attributes
    ----------
    exposure : brightness of a white surface at the mouth, 0 to 1
    tint : colour of a white surface over its brightness (3,)
    saturation : 0 for black and white to 1
    """

    exposure: float
    tint: tuple[float, float, float]
    saturation: float

    def apply(self, albedo: np.ndarray) -> np.ndarray:
        """Colours (N, 3) in 0 to 1 under white light, as the photo would show them, 0 to 255."""
        grey = (albedo @ _LUMA)[:, None]
        toned = grey + self.saturation * (albedo - grey)
        return np.asarray(255 * self.exposure * toned * np.array(self.tint))


def read_palette(rgb: np.ndarray, points: np.ndarray, sclera: np.ndarray) -> Palette:
    """Judge a photo's light by skin and the white of the eyes.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    points : (478, >=2), landmarks
    sclera : (3,), the white of the eyes, 0 to 255
    """
    places = points[list(_CHEEKS), :2]
    image = rgb.astype(np.float64)
    skin = np.stack([map_coordinates(image[..., c], places.T[::-1], order=1, mode="nearest") for c in range(3)], -1)
    luma = skin @ _LUMA
    bright = float(np.quantile(luma, 0.7)) / 255
    white = float(sclera @ _LUMA) / 255
    # The white of an eye lies in the shade of its lids; lit teeth are brighter than it, and than any but fair skin.
    exposure = float(np.clip(max(1.2 * white, 0.5 * bright + 0.58 * white, 1.08 * bright), 0.25, 1.1))
    seen = _seen_teeth(image, points)
    if seen is not None:
        exposure = float(np.clip(seen / 255 / _TOOTH, 0.25, 1.1))
    middle = np.median(skin, 0)
    chroma = float((middle.max() - middle.min()) / max(middle.max(), 1.0))
    saturation = float(np.clip((chroma - 0.03) / 0.22, 0, 1))
    tint = np.asarray(sclera, np.float64) / max(float(sclera @ _LUMA), 1.0)
    tint = np.clip(1 + 0.6 * (tint - 1), 0.7, 1.3)
    tint = tint / float(tint @ _LUMA)
    if saturation < 0.05:
        tint = middle / max(float(middle @ _LUMA), 1.0)  # sepia stays sepia
    return Palette(exposure, (float(tint[0]), float(tint[1]), float(tint[2])), saturation)


def _seen_teeth(image: np.ndarray, points: np.ndarray) -> float | None:
    """Brightness of the teeth that the photo shows, if it does."""
    upper, lower = points[list(INNER_UPPER), :2], points[list(INNER_LOWER), :2]
    opening = np.hypot(*(upper - lower).T)
    width = float(np.hypot(*(upper[0] - upper[-1])))
    if opening.max() < 0.08 * width:
        return None
    share = np.linspace(0.2, 0.8, 13)[:, None, None]
    places = (upper[2:-2] * (1 - share) + lower[2:-2] * share).reshape(-1, 2)
    colours = np.stack([map_coordinates(image[..., c], places.T[::-1], order=1, mode="nearest") for c in range(3)], -1)
    chroma = (colours.max(1) - colours.min(1)) / np.maximum(colours.max(1), 1)
    luma = colours @ _LUMA
    likely = (chroma < 0.3) & (luma > 0.5 * luma.max())
    return float(np.quantile(luma[likely], 0.75)) if likely.mean() > 0.2 else None
