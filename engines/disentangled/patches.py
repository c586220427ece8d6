"""What the base's networks see of a portrait: patches of the mouth, the eyes and the upper face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.blendshape.eye_parts import Eye as EyeParts
from engines.blendshape.eyes import EYEBALL_PER_IRIS, EyePose
from engines.teaching.lips import Lips
from engines.teaching.prior import Prior, moving_layers
from engines.teaching.teacher import Box

MOUTH_SIZE: Final = (64, 64)
EYE_SIZE: Final = (48, 32)
UPPER_SIZE: Final = (96, 64)
"""Width and height, as `engines.disentangled.net_base` has them."""
_BROWS: Final = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
_NOSE: Final = 1
_ABOVE, _BELOW = 0.4, 0.1
"""How far the upper face reaches above the brows and below the tip of the nose, in distances between the two."""
_RIM_REACH: Final = 0.35
"""How far the rims of `engines.blendshape.eye_parts.Eye` go beyond the corners, in widths."""
EYE_SCALE: Final = np.array([1.0, 2.0, 3.0, 4.0], np.float32)
"""From lids and radians to the numbers that the eye's painter is told."""


def resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture (h, w, ...) at another (width, height) : float32."""
    import cv2

    smaller = size[0] < picture.shape[1]
    flags = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.asarray(picture, np.float32), size, interpolation=flags))


@dataclass(frozen=True, eq=False)
class MouthView:
    """The mouth of one frame of the still head, in its box.

    Attributes
    ----------
    layers : float32 (H, W, `engines.teaching.draw.LAYERS`), all of the still head, without colours
    moved : float32 (h, w, 3), the photo there, moved, 0 to 255
    open : float32 (h, w), how much of each pixel lies between the lips
    own : float32 (h, w), how much of each pixel is the mouth's
    """

    layers: np.ndarray
    moved: np.ndarray
    open: np.ndarray
    own: np.ndarray


def mouth_view(prior: Prior, photo: np.ndarray, features: np.ndarray, speaks: float) -> MouthView:
    """What geometry alone says of a mouth.

    Parameters
    ----------
    photo : (H, W, >=3), the portrait at the actor's size
    features : (F,), from `engines.teaching.prior.face_features`
    speaks : how much of the mouth is drawn
    """
    import cv2

    layers, own = moving_layers(prior, features, speaks)
    box = prior.lips.box
    part = layers[box.slices]
    x, y = np.meshgrid(
        np.arange(box.left, box.left + box.width, dtype=np.float32),
        np.arange(box.top, box.top + box.height, dtype=np.float32),
    )
    moved = cv2.remap(photo, x + part[..., 0], y + part[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT).astype(
        np.float32
    )
    return MouthView(layers, moved[..., :3], np.clip(part[..., 8] + 0.5, 0, 1), own)


def mouth_inputs(lips: Lips, photo: np.ndarray, view: MouthView) -> np.ndarray:
    """What the mouth's painter sees : float32 (8, 64, 64)."""
    parts = (
        resized(view.moved, MOUTH_SIZE) / 127.5 - 1,
        resized(photo[lips.box.slices][..., :3], MOUTH_SIZE) / 127.5 - 1,
        resized(2 * view.open - 1, MOUTH_SIZE)[..., None],
        resized(2 * lips.below_teeth() - 1, MOUTH_SIZE)[..., None],
    )
    return np.ascontiguousarray(np.concatenate(parts, -1).transpose(2, 0, 1))


def put_mouth(view: MouthView, lips: Lips, inner: np.ndarray, change: np.ndarray) -> np.ndarray:
    """The layers with what the painter drew, (3, 64, 64) each, 0 to 1 and -1 to 1."""
    size = (lips.box.width, lips.box.height)
    part = view.layers[lips.box.slices]
    part[..., 5:8] = resized(255 * inner.transpose(1, 2, 0), size)
    part[..., 2:5] = view.own[..., None] * resized(255 * change.transpose(1, 2, 0), size)
    return view.layers


@dataclass(frozen=True, eq=False)
class EyeView:
    """An eye of the still head at one pose, in its patch.

    Attributes
    ----------
    moved : float32 (h, w, 3), the photo's patch with its lids slid and its eyeball turned, 0 to 255
    open, iris : float32 (h, w), how much of each pixel lies between the lids, and in the disc of the iris
    """

    moved: np.ndarray
    open: np.ndarray
    iris: np.ndarray


def eye_view(eye: EyeParts, rest: np.ndarray, pose: EyePose) -> EyeView:
    """What geometry alone says of an eye; lids travel as `engines.blendshape.eyes` has it.

    Parameters
    ----------
    rest : float32 (h, w, 3), the photo's patch, 0 to 255
    """
    import cv2

    left, top, width, height = (int(v) for v in eye.box)
    corner_x, corner_y, ax, ay, size, _ = (float(v) for v in eye.frame)
    grid_x, grid_y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    dx, dy = grid_x + left - corner_x, grid_y + top - corner_y
    along, down = (dx * ax + dy * ay) / size, dy * ax - dx * ay
    upper, lower, reach, meet = (_rim(eye.rims[k], along) for k in (0, 1, 3, 4))
    closing, lifting = float(np.clip(pose.upper, -0.35, 1)), float(np.clip(pose.lower, -0.15, 0.45))
    late = float(np.clip((closing - 0.3) / 0.7, 0, 1))
    lower_now = lower - lifting * (lower - upper) - late * late * (3 - 2 * late) * (lower - meet)
    upper_now = np.minimum(upper + closing * (meet - upper), lower_now)

    # lids are stretched between their rim and where the skin keeps still
    reach, below = np.maximum(reach, 1.0), 0.45 * size
    fixed = upper - reach
    part = np.clip((down - fixed) / np.maximum(upper_now - fixed, 1.0), 0, 1)
    above = np.where(down < fixed, down, fixed + part * reach)
    under = np.maximum(lower + below - lower_now, 1.0)
    beneath = np.where(down > lower + below, down, lower + below * np.clip((down - lower_now) / under, 0, 1))
    ball = EYEBALL_PER_IRIS * float(eye.iris_px[2])
    shift_x, shift_y = ball * np.sin(pose.yaw), -ball * np.sin(pose.pitch)
    opened = np.minimum(np.minimum(down - upper_now, lower_now - down), np.minimum(along, 1 - along) * size)
    within = (along > 0) & (along < 1)
    source = np.where(down <= (upper_now + lower_now) / 2, above, beneath)
    slid = np.where(within, source - down, 0)
    inside = opened > 0
    from_x = np.where(inside, grid_x - shift_x, grid_x - ay * slid).astype(np.float32)
    from_y = np.where(inside, grid_y - shift_y, grid_y + ax * slid).astype(np.float32)
    moved = cv2.remap(np.asarray(rest, np.float32), from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    away = np.hypot(grid_x + left - eye.iris_px[0] - shift_x, grid_y + top - eye.iris_px[1] - shift_y)
    disc = np.clip(float(eye.iris_px[2]) - away + 0.5, 0, 1)
    return EyeView(np.asarray(moved), np.clip(opened + 0.5, 0, 1).astype(np.float32), disc.astype(np.float32))


def eye_inputs(eye: EyeParts, rest: np.ndarray, view: EyeView) -> np.ndarray:
    """What the painter of eyes sees : float32 (8, 32, 48); the right eye is shown mirrored."""
    parts = (
        resized(view.moved, EYE_SIZE) / 127.5 - 1,
        resized(rest, EYE_SIZE) / 127.5 - 1,
        resized(2 * view.open - 1, EYE_SIZE)[..., None],
        resized(2 * view.iris - 1, EYE_SIZE)[..., None],
    )
    return np.ascontiguousarray(mirrored(np.concatenate(parts, -1).transpose(2, 0, 1), eye))


def eye_numbers(eye: EyeParts, pose: EyePose) -> np.ndarray:
    """What the painter of eyes is told : float32 (4,)."""
    yaw = -pose.yaw if eye.side == "Right" else pose.yaw
    return np.array([pose.upper, pose.lower, yaw, pose.pitch], np.float32) * EYE_SCALE


def mirrored(patch: np.ndarray, eye: EyeParts) -> np.ndarray:
    """A patch (..., W) as the painter sees it, or back: the right eye is mirrored."""
    return patch[..., ::-1] if eye.side == "Right" else patch


def _rim(heights: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Height of a rim at places along the eye, in widths."""
    places = np.linspace(-_RIM_REACH, 1 + _RIM_REACH, len(heights))
    return np.asarray(np.interp(along.ravel(), places, heights).reshape(along.shape))


def upper_box(points: np.ndarray, size: tuple[int, int]) -> Box:
    """Where the upper face lies in a picture of ``size`` (width, height) with landmarks (>=468, >=2)."""
    brows, nose = float(points[list(_BROWS), 1].min()), float(points[_NOSE, 1])
    high = nose - brows
    low = points[:468, 0].min(), brows - _ABOVE * high
    far = points[:468, 0].max(), nose + _BELOW * high
    left, top, right, bottom = (round(float(np.clip(v, 0, m))) for v, m in zip((*low, *far), 2 * size, strict=True))
    return Box(left, top, max(1, right - left), max(1, bottom - top))


def read_patches(still: np.ndarray, lips: Lips, upper: Box) -> tuple[np.ndarray, np.ndarray]:
    """What the readers see of a still head (H, W, >=3): uint8 (3, 64, 64) of the mouth, (3, 64, 96) above it."""
    boxes = (lips.box, MOUTH_SIZE), (upper, UPPER_SIZE)
    mouth, face = (resized(still[box.slices][..., :3], size).transpose(2, 0, 1) for box, size in boxes)
    return np.round(mouth).astype(np.uint8), np.round(face).astype(np.uint8)
