"""The rig as a teacher: frames of one portrait and their dense motion, at the size an actor is taught at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.api import Performance
from engines.blendshape.actor import BlendshapeActor, Crop
from engines.blendshape.expression import drawn_weights, limited_head
from engines.blendshape.flow import dense_flow
from engines.blendshape.painter import Painter
from engines.blendshape.placement import place

_REACH: Final = (0.95, 0.95, 0.75)
"""How far the crop reaches beyond the face: to each side, up and down, in widths of the face."""


@dataclass(frozen=True)
class Box:
    """A part of the crop: left, top, width, height in its pixels."""

    left: int
    top: int
    width: int
    height: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


class Teacher:
    """Draws what the rig would, around the face.

    Parameters
    ----------
    actor : the portrait, prepared by the rig
    face_px : width of the face in the frames drawn; small portraits are not enlarged
    crop : the part to draw instead of the head, at the size to draw it

    Attributes
    ----------
    crop : which part of the portrait is drawn
    """

    def __init__(self, actor: BlendshapeActor, face_px: int, crop: Crop | None = None) -> None:
        self.actor = actor
        self.crop = crop or head_crop(actor, face_px)
        points = self.crop.places(actor.landmarks.points[:, :2])
        placement = place(actor.head, points, self.crop.camera(actor.head.camera))
        matte = np.clip(self.crop.picture(actor.matte), 0, 1).astype(np.float32)
        self.painter = Painter(self.crop.picture(actor.portrait.rgb), matte, placement)
        self.landmarks = placement.landmarks

    @property
    def rest_weights(self) -> np.ndarray:
        """The photo's own expression, effective : (52,)."""
        return self.painter.placement.rest_weights

    def frames(self, performance: Performance) -> np.ndarray:
        """Pictures of a performance : uint8 (T, H, W, 3)."""
        weights, activity = drawn_weights(performance, self.rest_weights)
        head = limited_head(performance.head, self.actor.head.rest_head[:3])
        return np.stack(
            [
                self.painter.draw(
                    weights[i],
                    float(activity[i]),
                    performance.weights[i],
                    head[i],
                    performance.gaze[i],
                    float(performance.tongue[i]),
                )
                for i in range(len(performance))
            ]
        )

    def flows(self, performance: Performance, stride: int = 1) -> np.ndarray:
        """Where each pixel comes from, as an offset in pixels : float32 (T, h, w, 2), every ``stride``-th pixel."""
        weights, activity = drawn_weights(performance, self.rest_weights)
        head = limited_head(performance.head, self.actor.head.rest_head[:3])
        width, height = self.crop.size
        grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
        result = []
        for i in range(len(performance)):
            uv, seen = dense_flow(self.painter, weights[i], float(activity[i]), head[i])
            result.append(np.where(seen[..., None], uv - grid, 0)[::stride, ::stride])
        return np.stack(result)

    def mouth_motion(self, performance: Performance) -> np.ndarray:
        """Where the mouth's vertices go from the photo's own expression : float32 (T, M, 2), in pixels; head still."""
        weights, activity = drawn_weights(performance, self.rest_weights)
        still = np.zeros(6)
        places = [self.painter.mouth_places(w, float(a), still)[0] for w, a in zip(weights, activity, strict=True)]
        return np.asarray(places - self.mouth_rest(), np.float32)

    def mouth_rest(self) -> np.ndarray:
        """Where the mouth's vertices are in the photo : float32 (M, 2)."""
        places: np.ndarray = self.painter.mouth_places(self.rest_weights, 0.0, np.zeros(6))[0]
        return places

    def mouth_box(self) -> Box:
        """What the mouth can cover when the head is still."""
        points = self.landmarks
        corner_l, corner_r, nose, chin = points[61], points[291], points[2], points[152]
        centre = (corner_l + corner_r) / 2
        half = 0.9 * float(np.hypot(*(corner_r - corner_l)))
        top, bottom = 0.2 * centre[1] + 0.8 * nose[1], chin[1] + 0.32 * (chin[1] - centre[1])
        return self._box(centre[0] - half, top, centre[0] + half, bottom)

    def eye_boxes(self) -> tuple[Box, Box]:
        """What the left and the right eye can cover when the head is still."""
        boxes = [eye.box for eye in self.painter.eyes]
        return tuple(self._box(x, y, x + w, y + h) for x, y, w, h in boxes)  # type: ignore[return-value]

    def _box(self, left: float, top: float, right: float, bottom: float) -> Box:
        """Whole pixels inside the crop, sides a multiple of 8 where there is room."""
        width, height = self.crop.size
        w, h = (min(int(np.ceil(v / 8)) * 8, limit) for v, limit in ((right - left, width), (bottom - top, height)))
        x = int(np.clip(round((left + right - w) / 2), 0, width - w))
        y = int(np.clip(round((top + bottom - h) / 2), 0, height - h))
        return Box(x, y, w, h)


def head_crop(actor: BlendshapeActor, face_px: int) -> Crop:
    """The part of the portrait around the head, scaled to a face of ``face_px``."""
    height, width = actor.portrait.rgb.shape[:2]
    points = actor.landmarks.points[:468, :2]
    (x0, y0), (x1, y1) = points.min(0), points.max(0)
    face = x1 - x0
    left, top = max(0, int(x0 - _REACH[0] * face)), max(0, int(y0 - _REACH[1] * face))
    right, bottom = min(width, int(x1 + _REACH[0] * face)), min(height, int(y1 + _REACH[2] * face))
    scale = min(1.0, face_px / float(face))
    size = (max(8, int((right - left) * scale)), max(8, int((bottom - top) * scale)))
    return Crop(left, top, scale, size)
