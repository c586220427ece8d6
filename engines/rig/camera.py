"""A pinhole camera in the studio's frame of reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Camera:
    """A camera at the origin that looks along -Z.

    Attributes
    ----------
    focal_px : focal length in pixels
    centre_px : principal point (x, y) in pixels, y down
    """

    focal_px: float
    centre_px: tuple[float, float]

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels and depth of points in the world.

        Parameters
        ----------
        points : (..., 3) in centimetres, Y up, in front of the camera (z < 0)

        Returns
        -------
        (..., 3): x to the right and y down in pixels, where the centre of the upper left pixel is (0, 0); distance
        along the optical axis in centimetres
        """
        depth = -points[..., 2]
        x = self.centre_px[0] + self.focal_px * points[..., 0] / depth
        y = self.centre_px[1] - self.focal_px * points[..., 1] / depth
        return np.stack([x, y, depth], -1)

    def unproject(self, pixels: np.ndarray, depth: np.ndarray | float) -> np.ndarray:
        """Points in the world that are seen at ``pixels`` (..., 2) at a distance ``depth`` along the axis."""
        x = (pixels[..., 0] - self.centre_px[0]) / self.focal_px * depth
        y = -(pixels[..., 1] - self.centre_px[1]) / self.focal_px * depth
        return np.stack([x, y, np.broadcast_to(-np.asarray(depth, float), x.shape)], -1)

    def scaled(self, factor: float) -> Camera:
        """The camera of the same picture at another size."""
        x, y = self.centre_px
        return Camera(self.focal_px * factor, ((x + 0.5) * factor - 0.5, (y + 0.5) * factor - 0.5))
