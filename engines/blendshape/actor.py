"""A portrait made ready for drawing: its landmarks, fitted head and matte, and painters for the sizes in use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from engines.api import Portrait
from engines.blendshape.bake import bake
from engines.blendshape.painter import Painter
from engines.blendshape.placement import place
from engines.face.landmarks import FaceLandmarks
from engines.rig.camera import Camera
from engines.rig.fit import FittedHead
from engines.rig.mesh import HeadMesh

VERSION: Final = 4
"""Counted up whenever the same portrait would give other frames."""
_KEPT_PAINTERS: Final = 2


@dataclass(frozen=True)
class Crop:
    """The part of a portrait that a frame shows: picture x = (frame x + 0.5) / scale - 0.5 + left, y alike."""

    left: float
    top: float
    scale: float
    size: tuple[int, int]

    def places(self, points: np.ndarray) -> np.ndarray:
        """Frame coordinates of portrait coordinates (..., 2)."""
        return (np.asarray(points) + 0.5 - np.array([self.left, self.top])) * self.scale - 0.5

    def camera(self, camera: Camera) -> Camera:
        """The portrait's camera as the frame has it."""
        x, y = self.places(np.array(camera.centre_px))
        return Camera(camera.focal_px * self.scale, (float(x), float(y)))

    def picture(self, image: np.ndarray) -> np.ndarray:
        """A portrait-sized image (H, W) or (H, W, C), cropped and resized."""
        import cv2

        width, height = self.size
        if self.scale == 1 and self.left == int(self.left) and self.top == int(self.top):
            left, top = int(self.left), int(self.top)
            return np.ascontiguousarray(image[top : top + height, left : left + width])
        if self.scale < 1:  # area averaging, then a shift below a pixel's size at most
            left, top = round(self.left), round(self.top)
            right, bottom = round(self.left + width / self.scale), round(self.top + height / self.scale)
            part = image[top:bottom, left:right]
            return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA))
        matrix = np.array(
            [
                [1 / self.scale, 0, self.left + 0.5 / self.scale - 0.5],
                [0, 1 / self.scale, self.top + 0.5 / self.scale - 0.5],
            ]
        )
        return np.asarray(
            cv2.warpAffine(
                image,
                matrix,
                (width, height),
                flags=cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REFLECT,
            )
        )


@dataclass(eq=False)
class BlendshapeActor:
    """What `BlendshapeEngine.prepare` makes of a portrait; it can be pickled, painters are made again when needed.

    Attributes
    ----------
    portrait, landmarks : the picture and the face in it
    head : the person's head, fitted
    matte : float32 (H, W), the person
    digest : content hash of what it was made from
    """

    portrait: Portrait
    landmarks: FaceLandmarks
    head: FittedHead
    matte: np.ndarray
    digest: str
    engine_id: str = "blendshape"

    def __post_init__(self) -> None:
        self._painters: dict[tuple[int, int], Painter] = {}
        self._mesh: HeadMesh | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_painters": {}, "_mesh": None}

    def crop(self, size: tuple[int, int] | None) -> Crop:
        """The largest part of the portrait in the shape of ``size`` (width, height), with the face well inside it."""
        height, width = self.portrait.rgb.shape[:2]
        if size is None or size == (width, height):
            return Crop(0, 0, 1, (width, height))
        scale = max(size[0] / width, size[1] / height)
        left, top, right, bottom = self.landmarks.box
        room_x, room_y = width - size[0] / scale, height - size[1] / scale
        middle_x, middle_y = (left + right) / 2, top + 0.45 * (bottom - top)
        x = float(np.clip(middle_x - size[0] / scale / 2, 0, max(room_x, 0)))
        y = float(np.clip(middle_y - 0.42 * size[1] / scale, 0, max(room_y, 0)))
        return Crop(x, y, scale, size)

    def painter(self, size: tuple[int, int] | None = None, draft: bool = False) -> Painter:
        """The painter for frames of ``size`` (width, height); made on first use, the last few are kept."""
        crop = self.crop(size)
        if crop.size not in self._painters:
            while len(self._painters) >= _KEPT_PAINTERS:
                self._painters.pop(next(iter(self._painters)))
            placement = place(self.head, crop.places(self.landmarks.points[:, :2]), crop.camera(self.head.camera))
            matte = np.clip(crop.picture(self.matte), 0, 1).astype(np.float32)
            self._painters[crop.size] = Painter(crop.picture(self.portrait.rgb), matte, placement)
        painter = self._painters[crop.size]
        return painter.draft() if draft else painter

    def head_mesh(self) -> HeadMesh:
        """The person's head with its texture, for export; made once."""
        if self._mesh is None:
            painter = self.painter()
            self._mesh = bake(painter.cut_out, painter.placement, painter.eyes, painter.palette)
        return self._mesh
