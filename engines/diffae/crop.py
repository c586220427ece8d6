"""The FFHQ crop of a portrait in the form that the motion bridge takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.latent.crop import FaceCrop
from engines.stylegan.align import Crop, align, crop_of


@dataclass(frozen=True, eq=False)
class AlignedCrop(FaceCrop):
    """A crop that is filled outside of the picture as FFHQ's are, not with black."""

    def cut(self, rgb: np.ndarray) -> np.ndarray:
        """The crop of a picture, uint8 (H, W, 3) : uint8 (side, side, 3)."""
        middle = self.matrix @ np.array([(self.side - 1) / 2, (self.side - 1) / 2, 1.0])
        square = Crop(middle + 0.5, self.matrix[:, 0] * (self.side / 2))
        return align(np.ascontiguousarray(rgb), square, self.side)

    def seen_in(self, left: float, top: float, scale: float) -> AlignedCrop:
        """The crop in a frame that shows the picture from (left, top) at ``scale``."""
        moved = super().seen_in(left, top, scale)
        return AlignedCrop(moved.matrix, moved.side)


def aligned_crop(points: np.ndarray, side: int) -> AlignedCrop:
    """The FFHQ crop of a face.

    Parameters
    ----------
    points : (478, >=2) landmarks in pixels of the picture
    side : of the crop, pixels
    """
    return AlignedCrop(crop_of(points).picture_from_crop(side), side)
