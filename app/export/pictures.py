"""The pictures of a take on their way to an encoder: checked, cropped, flattened, counted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from app.export.options import ExportOptions
from app.export.take import Take
from engines.api import CancelToken, Progress
from engines.errors import ExportError, InputError


def cropped(picture: np.ndarray, crop: tuple[int, int, int, int] | None) -> np.ndarray:
    """The part of a picture inside (left, top, width, height); the box must lie inside.

    Raises
    ------
    InputError
        If it does not.
    """
    if crop is None:
        return picture
    left, top, width, height = crop
    if left < 0 or top < 0 or width < 1 or height < 1 or left + width > picture.shape[1]:
        inside = False
    else:
        inside = top + height <= picture.shape[0]
    if not inside:
        raise InputError(
            f"The crop {crop} (left, top, width, height) does not fit the picture of "
            f"{picture.shape[1]} x {picture.shape[0]} pixels."
        )
    return picture[top : top + height, left : left + width]


def flattened(picture: np.ndarray, background: tuple[int, int, int]) -> np.ndarray:
    """RGB of a picture over a plain background : uint8 (H, W, 3).

    Parameters
    ----------
    picture : uint8 (H, W, 3) or (H, W, 4) straight alpha
    """
    if picture.shape[2] == 3:
        return picture
    alpha = picture[..., 3:].astype(np.uint16)
    over = picture[..., :3] * alpha + np.array(background, np.uint16) * (255 - alpha)
    return ((over + 127) // 255).astype(np.uint8)


def with_alpha(picture: np.ndarray) -> np.ndarray:
    """RGBA of a picture; one without alpha is opaque : uint8 (H, W, 4)."""
    if picture.shape[2] == 4:
        return picture
    return np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])


def even(picture: np.ndarray) -> np.ndarray:
    """The picture with its last column and row doubled where their number is odd (4:2:0 video needs even sizes)."""
    odd = [(0, picture.shape[0] % 2), (0, picture.shape[1] % 2), (0, 0)]
    return np.pad(picture, odd, mode="edge") if picture.shape[0] % 2 or picture.shape[1] % 2 else picture


def pictures(take: Take, options: ExportOptions, progress: Progress, cancel: CancelToken) -> Iterator[np.ndarray]:
    """The cropped pictures of a take; progress is told and a cancel obeyed before each.

    Raises
    ------
    ExportError
        If there are fewer pictures than frames, or a picture changes its size.
    """
    assert take.frames is not None
    count, shape = len(take), None
    number = 0
    for number, picture in enumerate(take.frames(), 1):
        cancel.check()
        if number > count:
            break
        picture = np.asarray(picture)
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (3, 4):
            raise ExportError(f"Picture {number} is {picture.dtype} {picture.shape}, expected 8-bit RGB or RGBA.")
        if shape not in (None, picture.shape):
            raise ExportError(f"Picture {number} changes its size from {shape} to {picture.shape}.")
        shape = picture.shape
        yield cropped(picture, options.crop)
        progress(number / count, f"frame {number} of {count}")
    if number < count:
        raise ExportError(f"Drawing ended after {number} of {count} frames. Export again.")
