"""Squares of a picture that networks see, and what they drew laid back into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

_FEATHER: Final = 0.11
"""Width of the soft border of what is pasted back, in sides of the crop."""


@dataclass(frozen=True, eq=False)
class FaceCrop:
    """A square around a face.

    Attributes
    ----------
    matrix : float64 (2, 3), from pixels of the crop to pixels of the picture
    side : of the crop in pixels
    """

    matrix: np.ndarray
    side: int

    @property
    def scale(self) -> float:
        """Pixels of the picture for one of the crop."""
        return float(np.hypot(*self.matrix[:, 0]))

    def cut(self, rgb: np.ndarray) -> np.ndarray:
        """The crop of a picture (H, W, C), black outside of it : (side, side, C)."""
        import cv2

        matrix, source = self.matrix, rgb
        if self.scale > 1.5:  # bilinear sampling would alias: reduce first
            height, width = rgb.shape[:2]
            size = max(1, round(width / self.scale)), max(1, round(height / self.scale))
            source = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
            ratio = np.array([size[0] / width, size[1] / height])
            matrix = self.matrix * ratio[:, None]
            matrix[:, 2] += (ratio - 1) / 2
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(source, matrix, (self.side, self.side), flags=flags))

    def seen_in(self, left: float, top: float, scale: float) -> FaceCrop:
        """The crop in a frame that shows the picture from (left, top) at ``scale``."""
        matrix = self.matrix * scale
        matrix[:, 2] = (self.matrix[:, 2] + 0.5 - np.array([left, top])) * scale - 0.5
        return FaceCrop(matrix, self.side)


def feather(side: int) -> np.ndarray:
    """What of the crop is pasted back : float32 (side, side), 1 inside, falling smoothly to 0 at its border."""
    near = (np.arange(side) + 0.5) / side
    edge = np.clip(np.minimum(near, 1 - near) / _FEATHER, 0, 1)
    edge = edge * edge * (3 - 2 * edge)
    return np.outer(edge, edge).astype(np.float32)


@dataclass(frozen=True, eq=False)
class ColourMatch:
    """What brings the network's colours to those of the photo, measured once and the same for all frames.

    Attributes
    ----------
    gain, offset : float32 (3,), of colours from 0 to 255
    """

    gain: np.ndarray
    offset: np.ndarray

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """A picture (H, W, 3), matched."""
        return np.asarray(np.clip(picture * self.gain + self.offset, 0, 255), np.float32)


def match_colours(drawn: np.ndarray, photo: np.ndarray) -> ColourMatch:
    """Between the network's own picture of the still portrait and the photo, (side, side, 3) each, 0 to 255.

    Mean and spread of each colour in the middle of the crop; small corrections only, so that a network which does not
    know the face is not painted over.
    """
    share = feather(len(photo))[..., None]
    total = share.sum()
    means = [(share * p).sum((0, 1)) / total for p in (drawn, photo)]
    spreads = [np.sqrt((share * (p - m) ** 2).sum((0, 1)) / total) for p, m in zip((drawn, photo), means, strict=True)]
    gain = np.clip(spreads[1] / np.maximum(spreads[0], 1.0), 0.8, 1.25)
    offset = np.clip(means[1] - gain * means[0], -30, 30)
    return ColourMatch(gain.astype(np.float32), offset.astype(np.float32))


def paste(frame: np.ndarray, picture: np.ndarray, crop: FaceCrop, share: np.ndarray) -> None:
    """Lay a crop back into the picture it was cut from.

    Parameters
    ----------
    frame : uint8 (H, W, 3), changed in place
    picture : float32 (side, side, 3), 0 to 255
    crop : where it lies in the frame
    share : float32 (side, side), how much of the crop covers the frame
    """
    import cv2

    height, width = frame.shape[:2]
    corners = np.array([[-0.5, -0.5], [crop.side - 0.5, -0.5], [-0.5, crop.side - 0.5], [crop.side - 0.5] * 2])
    there = corners @ crop.matrix[:, :2].T + crop.matrix[:, 2]
    left, top = np.maximum(np.floor(there.min(0)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(there.max(0)).astype(int) + 1, [width, height])
    if right <= left or bottom <= top:
        return
    local = crop.matrix.copy()
    local[:, 2] -= (left, top)
    size = (int(right - left), int(bottom - top))
    soft = picture
    if crop.scale < 0.75:  # made smaller: average what falls together
        soft = cv2.GaussianBlur(picture, (0, 0), 0.5 / crop.scale)
    laid = cv2.warpAffine(soft, local, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.warpAffine(share, local, size, flags=cv2.INTER_LINEAR)[..., None]
    part = frame[top:bottom, left:right]
    part[:] = np.clip(part + cover * (laid - part) + 0.5, 0, 255).astype(np.uint8)
