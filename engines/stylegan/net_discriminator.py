"""StyleGAN2's discriminator (Karras et al., 2020) with the names and shapes of the published PyTorch checkpoints."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from engines.stylegan.net import Config
from engines.stylegan.net_layers import ConvLayer, EqualLinear, ResBlock

_GROUP: Final = 4
"""Pictures whose spread is told to the last layers, so that a generator of one picture only is found out."""
_SPREAD_EPS: Final = 1e-8


class Discriminator(nn.Module):
    """How real pictures look.

    Parameters
    ----------
    config : of the generator
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        size, channels = config.size, config.channels(config.size)
        layers: list[nn.Module] = [ConvLayer(3, channels, 1)]
        while size > 4:
            size //= 2
            out = config.channels(size)
            layers.append(ResBlock(channels, out))
            channels = out
        self.convs = nn.Sequential(*layers)
        self.final_conv = ConvLayer(channels + 1, channels, 3)
        self.final_linear = nn.Sequential(EqualLinear(channels * 16, channels, activate=True), EqualLinear(channels, 1))

    def forward(self, picture: Tensor) -> Tensor:
        """Score (B, 1) of pictures (B, 3, size, size) in [-1, 1]; higher is more real."""
        x = self.convs(picture)
        x = self.final_conv(torch.cat([x, _spread(x)], 1))
        score: Tensor = self.final_linear(x.flatten(1))
        return score


def _spread(x: Tensor) -> Tensor:
    """Mean standard deviation over groups of a batch, as one more channel : (B, 1, H, W)."""
    batch, _, height, width = x.shape
    group = _GROUP if batch % _GROUP == 0 else batch
    deviation = (x.view(group, -1, *x.shape[1:]).var(0, correction=0) + _SPREAD_EPS).sqrt()
    return deviation.mean((1, 2, 3), keepdim=True).repeat(group, 1, height, width)
