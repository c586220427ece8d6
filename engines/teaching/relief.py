"""How the head carries the photo along: a relief of the person under the photo, in closed form.

Every place of a grid has a depth and a share of the head's motion, which the rig gives; the six numbers of the pose
bank then move it exactly, and drawing the moved grid says where each pixel comes from. Where parts overlap after a
turn the nearer one is seen, which no single smooth field of motion can show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.api import head_rotation
from engines.blendshape.actor import BlendshapeActor, Crop
from engines.blendshape.raster import NOTHING, raster
from engines.blendshape.sheet import BODY_SHARE
from engines.rig.camera import Camera
from engines.teaching.banks import POSE_SCALE

NOWHERE: Final = 1e6
"""Offset of pixels at which only what lies behind the person is seen."""
_STILL: Final = 1e-5


@dataclass(frozen=True, eq=False)
class Relief:
    """The person as a surface over the photo.

    Attributes
    ----------
    size : (width, height) of the actor in its own pixels
    places : float32 (G, 2), where each point of the grid lies in the photo, in pixels of the actor
    points : float32 (G, 3), the same in space, in the camera's axes, centimetres
    share : float32 (G,), share of the head's motion
    held : float32 (4, G), share of motion away from the left, upper, right and lower border of the picture
    triangles : int32 (F, 3)
    camera : of pictures in the actor's pixels
    pivot : float32 (3,), where the head turns
    axes : float32 (3, 3), camera's axes from the head's
    angles : float64 (3,), pitch, yaw, roll of the photo's head
    """

    size: tuple[int, int]
    places: np.ndarray
    points: np.ndarray
    share: np.ndarray
    held: np.ndarray
    triangles: np.ndarray
    camera: Camera
    pivot: np.ndarray
    axes: np.ndarray
    angles: np.ndarray

    def flow(self, pose: np.ndarray) -> np.ndarray:
        """Where the still head is seen from each pixel : float32 (H, W, 2), offset in pixels, or `NOWHERE`.

        Parameters
        ----------
        pose : (6,), coordinates of the pose bank
        """
        width, height = self.size
        if not np.abs(pose).max() > _STILL:
            return np.zeros((height, width, 2), np.float32)
        moved, nearness = self.carried(pose)
        depth = np.full((height, width), NOTHING, np.float32)
        seen = np.zeros((height, width, 2), np.float32)
        raster(moved, nearness, self.places, self.triangles, 0, 0, depth, seen, True)
        x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
        seen[..., 0] -= x[None, :]
        seen[..., 1] -= y[:, None]
        seen[depth <= NOTHING] = NOWHERE
        return seen

    def held_still(self, picture: np.ndarray, pose: np.ndarray) -> np.ndarray:
        """A picture (H, W, C) of a pose (6,) with the head as in the portrait : (H, W, C), the other way than `flow`.

        What the turn hides shows what hides it.
        """
        import cv2

        width, height = self.size
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        seen = np.stack([x, y], -1)
        moved, nearness = self.carried(pose)
        depth = np.full((height, width), NOTHING, np.float32)
        raster(self.places, nearness, moved, self.triangles, 0, 0, depth, seen, True)
        return np.asarray(cv2.remap(picture, seen, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))  # type: ignore[call-overload]

    def carried(self, pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The grid moved by a pose (6,): places float32 (G, 2), in pixels, and nearness float32 (G,)."""
        head = np.asarray(pose, np.float64) * POSE_SCALE
        turn = head_rotation(self.angles + head[:3]) @ self.axes.T
        shift = head[3:]
        moved = (self.points - self.pivot) @ (turn - np.eye(3)).T + shift
        share = self.share[:, None]
        there = self.points + share * moved + (1 - share) * (BODY_SHARE * shift)
        offset = self.camera.project(there)[:, :2] - self.camera.project(self.points)[:, :2]
        offset *= np.where(offset > 0, self.held[:2].T, self.held[2:].T)
        return (self.places + offset).astype(np.float32), np.ascontiguousarray(there[:, 2], np.float32)


def relief_of(actor: BlendshapeActor, crop: Crop) -> Relief:
    """The relief of a portrait in the part of it that an actor is taught.

    Parameters
    ----------
    crop : that part
    """
    height, width = actor.portrait.rgb.shape[:2]
    size = max(8, round(width * crop.scale)), max(8, round(height * crop.scale))
    shown, painter = actor.crop(size), actor.painter(size)
    sheet, placement = painter.sheet, painter.placement
    ratio = crop.scale / shown.scale
    left, top = ((shown.left - crop.left) * crop.scale, (shown.top - crop.top) * crop.scale)
    shift = np.array([left, top]) + 0.5 * ratio - 0.5
    x, y = np.array(placement.camera.centre_px) * ratio + shift
    return Relief(
        crop.size,
        np.asarray(sheet.places * ratio + shift, np.float32),
        sheet.points,
        sheet.turn,
        sheet.held,
        sheet.triangles,
        Camera(placement.camera.focal_px * ratio, (float(x), float(y))),
        np.asarray(placement.pivot, np.float32),
        np.asarray(placement.head_axes, np.float32),
        np.asarray(placement.rest_angles, np.float64),
    )
