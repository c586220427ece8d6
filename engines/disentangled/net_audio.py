"""Audio2Lip: voice to EDTalk's mouth coordinates, with the layout of the official ``Audio2Lip.pt``."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SMOOTHING = (0.27406862, 0.45186276, 0.27406862)
"""Gaussian of standard deviation 1 over three frames."""

_LAYERS: tuple[tuple[int, int, int, int | tuple[int, int], int, bool], ...] = (
    # in, out, kernel, stride, padding, residual
    (1, 32, 3, 1, 1, False),
    (32, 32, 3, 1, 1, True),
    (32, 32, 3, 1, 1, True),
    (32, 64, 3, (3, 1), 1, False),
    (64, 64, 3, 1, 1, True),
    (64, 64, 3, 1, 1, True),
    (64, 128, 3, 3, 1, False),
    (128, 128, 3, 1, 1, True),
    (128, 128, 3, 1, 1, True),
    (128, 256, 3, (3, 2), 1, False),
    (256, 256, 3, 1, 1, True),
    (256, 512, 3, 1, 0, False),
    (512, 512, 1, 1, 0, False),
)


class ConvBlock(nn.Module):
    """Convolution, batch normalisation, optional skip, ReLU."""

    def __init__(
        self, channels_in: int, out: int, kernel: int, stride: int | tuple[int, int], pad: int, skip: bool
    ) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(nn.Conv2d(channels_in, out, kernel, stride, pad), nn.BatchNorm2d(out))
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv_block(x)
        return F.relu(y + x if self.skip else y)


class Audio2Lip(nn.Module):
    """Windows of mel spectrogram to mouth coordinates.

    Parameters
    ----------
    mouth : coordinates of the mouth bank
    """

    def __init__(self, mouth: int = 20) -> None:
        super().__init__()
        self.audio_encoder = nn.Sequential(*(ConvBlock(*layer) for layer in _LAYERS))
        self.mapping = nn.Linear(512, mouth)

    def forward(self, windows: Tensor) -> Tensor:
        """Windows (T, 80, 16), as `mel.windows` cuts them, to coordinates (T, mouth)."""
        alpha: Tensor = self.mapping(self.audio_encoder(windows[:, None]).flatten(1))
        return alpha


def smooth(alpha: Tensor) -> Tensor:
    """Coordinates (T, N) smoothed in time as the official audio mode does, zeros beyond both ends."""
    taps = torch.tensor(SMOOTHING, dtype=alpha.dtype, device=alpha.device)
    return F.conv1d(alpha.T[:, None], taps.view(1, 1, 3), padding=1)[:, 0].T
