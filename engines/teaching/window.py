"""The square around a face that a network draws, and how what it drew goes back into the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.blendshape.actor import BlendshapeActor, Crop

FINE: Final = 2
"""Pixels that a window's pixel is the mean of, along each side."""
_MARGIN: Final = 0.3
"""How far the picture that a window is cut from reaches beyond it, in its sides."""
_REACH: Final = 1.3
"""Side of the window in the larger of the face's width and height."""
_FADE: Final = 0.1
"""Share of the side over which the network's picture gives way to the rest at the border."""
_TRUST: Final = 14.0
"""Change of colour (of 255) beyond which the photo's own detail gives way to the network's picture."""


@dataclass(frozen=True)
class Window:
    """A square around the face, cut out of a finer and larger picture, so that what moves into it is there.

    Attributes
    ----------
    crop : the larger part of the portrait, `FINE` times as fine as the window
    left, top : where the window lies in it, in its pixels
    size : side of the window in pixels
    """

    crop: Crop
    left: int
    top: int
    size: int

    @property
    def scale(self) -> float:
        """Pixels of the window to a pixel of the portrait."""
        return self.crop.scale / FINE

    def cut(self, fine: np.ndarray) -> np.ndarray:
        """The window (size, size, C) of a picture of `crop` (H, W, C), each pixel the mean of its own."""
        side = FINE * self.size
        part = fine[self.top : self.top + side, self.left : self.left + side]
        mean = part.reshape(self.size, FINE, self.size, FINE, -1).mean((1, 3), dtype=np.float32)
        return np.asarray(mean + 0.5 if fine.dtype == np.uint8 else mean).astype(fine.dtype)

    def picture(self, image: np.ndarray) -> np.ndarray:
        """The window of a picture of the portrait's size."""
        return self.cut(self.crop.picture(image))

    def places(self, points: np.ndarray) -> np.ndarray:
        """Window coordinates of portrait coordinates (..., 2)."""
        return np.asarray((self.crop.places(points) + 0.5 - [self.left, self.top]) / FINE - 0.5)

    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """Its corners in the portrait: left and top, right and bottom."""
        low = np.array([self.crop.left, self.crop.top]) + np.array([self.left, self.top]) / self.crop.scale
        return low, low + self.size / self.scale


def face_window(actor: BlendshapeActor, size: int) -> Window:
    """The square around the face, ``size`` pixels wide, inside the portrait."""
    height, width = actor.portrait.rgb.shape[:2]
    points = actor.landmarks.points[:468, :2]
    low, high = points.min(0), points.max(0)
    side = int(min(_REACH * float((high - low).max()), width, height))
    centre = (low + high) / 2
    scale = size / side
    left, top = (int(np.clip(round(c - side / 2), 0, n - side)) for c, n in zip(centre, (width, height), strict=True))
    room = (left, top, width - side - left, height - side - top)
    before_x, before_y, after_x, after_y = (int(min(_MARGIN * size, r * scale)) for r in room)
    whole = (FINE * (before_x + size + after_x), FINE * (before_y + size + after_y))
    crop = Crop(left - before_x / scale, top - before_y / scale, FINE * scale, whole)
    return Window(crop, FINE * before_x, FINE * before_y, size)


def border(size: int) -> np.ndarray:
    """1 inside a window, fading to 0 at its border : float32 (size, size, 1)."""
    near = np.minimum(np.arange(size) + 0.5, size - np.arange(size) - 0.5) / (_FADE * size)
    rise = np.clip(np.minimum(near[:, None], near[None, :]), 0, 1)
    return np.asarray(rise * rise * (3 - 2 * rise), np.float32)[..., None]


def emphasis(actor: BlendshapeActor, window: Window, lips: float, eyes: float) -> np.ndarray:
    """How much each pixel of a window counts in teaching : float32 (size, size), 1 but for the lips and the eyes."""
    import cv2

    points = window.places(actor.landmarks.points[:, :2])
    size = window.size
    weight = np.ones((size, size), np.float32)
    spots = [
        ((61, 291, 0, 17), lips, 0.5, 0.9),
        ((33, 133, 159, 145), eyes, 0.3, 1.2),
        ((263, 362, 386, 374), eyes, 0.3, 1.2),
    ]
    for corners, amount, wider, taller in spots:
        own = points[list(corners)]
        low, high = own.min(0), own.max(0)
        span = high[0] - low[0]
        centre, half = (low + high) / 2, np.array([(0.5 + wider / 2) * span, max(taller * span / 2, high[1] - low[1])])
        x, y = np.meshgrid(np.arange(size), np.arange(size))
        inside = ((x - centre[0]) / half[0]) ** 2 + ((y - centre[1]) / half[1]) ** 2 < 1
        soft = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.02 * size)
        weight = np.maximum(weight, 1 + (amount - 1) * soft)
    return weight


@dataclass(frozen=True, eq=False)
class Pane:
    """Where a window lies in frames of one size.

    Attributes
    ----------
    box : left, top, right, bottom of the window in the frame, in pixels (it may reach beyond the frame)
    size : side of the window in its own pixels
    """

    box: tuple[int, int, int, int]
    size: int

    def paste(self, frame: np.ndarray, drawn: np.ndarray, reference: np.ndarray) -> None:
        """Lay what a network made of ``reference`` over the frame that reference is a small picture of.

        The frame changes by what the network changed; its own finer detail stays where that is little, and goes
        where the network drew something else (an open mouth). Colours match by construction: where the network
        changed nothing, the frame stays as it is.

        Parameters
        ----------
        frame : uint8 (H, W, 3 or 4), changed in place
        drawn, reference : float32 (size, size, 3), 0 to 255
        """
        import cv2

        left, top, right, bottom = self.box
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(right, frame.shape[1]), min(bottom, frame.shape[0])
        if x1 <= x0 or y1 <= y0:
            return
        shape = (right - left, bottom - top)
        change = (drawn - reference) * border(self.size)
        how = cv2.INTER_CUBIC if shape[0] >= self.size else cv2.INTER_AREA
        inside = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
        more = cv2.resize(change, shape, interpolation=how)[inside]
        part = frame[y0:y1, x0:x1, :3]
        result = part + more
        if shape[0] > self.size:
            amount = cv2.blur(np.abs(change).mean(-1), (5, 5)) / _TRUST
            doubt = np.clip(cv2.resize(amount, shape, interpolation=cv2.INTER_LINEAR)[inside] - 1, 0, 1)[..., None]
            if doubt.any():
                coarse = cv2.resize(reference, shape, interpolation=cv2.INTER_CUBIC)[inside]
                result -= doubt * (part - coarse)
        frame[y0:y1, x0:x1, :3] = np.clip(result + 0.5, 0, 255).astype(np.uint8)


def pane(window: Window, shown: Crop) -> Pane:
    """Where ``window`` lies in frames that show the part ``shown`` of the portrait."""
    (left, top), (right, bottom) = (
        np.round((corner - [shown.left, shown.top]) * shown.scale).astype(int) for corner in window.box()
    )
    return Pane((int(left), int(top), int(max(right, left + 1)), int(max(bottom, top + 1))), window.size)
