"""Where the FFHQ crop of a portrait goes when the head moves: it follows shift, nearness and roll, as the paper's
stabilised alignment does, so that only turning and nodding are left for the generator to draw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.api import Performance, head_rotation
from engines.blendshape.actor import BlendshapeActor
from engines.blendshape.actor import Crop as Shown
from engines.blendshape.expression import limited_head
from engines.rig.camera import Camera
from engines.rig.head import load_head
from engines.stylegan.align import STABLE, Crop, crop_of, similarity


@dataclass(frozen=True, eq=False)
class Follower:
    """The crop of a portrait and what carries it.

    Attributes
    ----------
    crop : of the portrait itself
    points : float64 (P, 3), points of the head that no expression moves, camera's axes, centimetres
    pivot, axes, angles : where and how the photo's head turns, as in `engines.blendshape.placement.Placement`
    camera : of the portrait
    """

    crop: Crop
    points: np.ndarray
    pivot: np.ndarray
    axes: np.ndarray
    angles: np.ndarray
    camera: Camera

    @classmethod
    def of(cls, rig: BlendshapeActor) -> Follower:
        """For a portrait that the rig prepared.

        Raises
        ------
        InputError
            If eyes and mouth coincide.
        """
        placement = rig.painter().placement
        places = rig.landmarks.points[:, :2]
        depth = load_head().landmarks(placement.points)[list(STABLE), 2]
        points = placement.unproject(places[list(STABLE)], depth)
        return cls(
            crop_of(places),
            np.asarray(points, np.float64),
            placement.pivot.astype(np.float64),
            placement.head_axes.astype(np.float64),
            placement.rest_angles,
            placement.camera,
        )

    def head(self, performance: Performance) -> np.ndarray:
        """What the rig draws of the head's motion : float64 (T, 6)."""
        return limited_head(performance.head, self.angles)

    def crops(self, head: np.ndarray) -> list[Crop]:
        """The crop in every frame of a head's motion (T, 6), radians and centimetres; pixels of the portrait.

        Turning and nodding leave it where it is, as they do not move the head.
        """
        before = self.camera.project(self.points)[:, :2]
        found = []
        for row in np.asarray(head, np.float64):
            rolled = np.array([0, 0, row[2]])
            turn = head_rotation(self.angles + rolled) @ self.axes.T
            there = (self.points - self.pivot) @ turn.T + self.pivot + row[3:]
            a, b = similarity(before, self.camera.project(there)[:, :2])
            centre, axis = a * complex(*self.crop.centre) + b, a * complex(*self.crop.axis)
            found.append(Crop(np.array([centre.real, centre.imag]), np.array([axis.real, axis.imag])))
        return found


def seen_in(crop: Crop, shown: Shown) -> Crop:
    """A crop of the portrait, in pixels of frames that show a part of it."""
    return Crop(shown.places(crop.centre), crop.axis * shown.scale)


def fitting_size(rig: BlendshapeActor, crop: Crop, side: int) -> tuple[int, int]:
    """Size (width, height) of frames whose crop has about ``side`` pixels; never larger than the portrait."""
    height, width = rig.portrait.rgb.shape[:2]
    scale = min(1.0, side / crop.side)
    return max(8, round(width * scale)), max(8, round(height * scale))
