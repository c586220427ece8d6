"""Pictures as networks take them and give them, and the coordinates that they read off them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from engines.capture.track import Track


class Animated(Protocol):
    """What moves portraits by coordinates: EDTalk's and LIA's networks, DiffAE's codes."""

    banks: dict[str, slice]
    """Name of each bank and its coordinates."""

    def drive(self, pictures: Tensor, /) -> Tensor:
        """Coordinates (B, N) of pictures (B, 3, size, size) in [-1, 1]."""

    def frames(self, source: Any, coordinates: Tensor, /) -> Tensor:
        """Pictures (B, 3, size, size), about [-1, 1], of a portrait as the network keeps it."""


def to_tensor(pictures: np.ndarray) -> Tensor:
    """Pictures uint8 (N, H, W, 3) as the networks take them : float32 (N, 3, H, W) in [-1, 1]."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))).float().div_(127.5).sub_(1)


def to_pictures(images: Tensor) -> np.ndarray:
    """Images of the networks (N, 3, H, W) as pictures : float32 (N, H, W, 3), 0 to 255.

    -1 is black and 1 is white; the official scripts stretch each clip to its own darkest and brightest pixel instead,
    which makes brightness depend on the clip.
    """
    images = images.clamp(-1, 1).add(1).mul(127.5)
    return np.ascontiguousarray(images.permute(0, 2, 3, 1).float().cpu().numpy())


def encode(animator: Animated, pictures: np.ndarray, device: str) -> np.ndarray:
    """Coordinates (N, C) of cropped pictures, uint8 (N, side, side, 3)."""
    return np.asarray(animator.drive(to_tensor(pictures).to(device)).cpu().numpy(), np.float32)


def joined(alpha: np.ndarray, track: Track) -> np.ndarray:
    """Coordinates with the frames in which no face is seen bridged by a straight line."""
    seen = track.seen[: len(alpha)]
    if seen.all():
        return alpha
    at = np.arange(len(alpha))
    return np.stack([np.interp(at, at[seen], column[seen]) for column in alpha.T], 1).astype(np.float32)
