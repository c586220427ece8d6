"""The losses that EDTalk is trained with, and the discriminator that one of them needs.

Multi-scale L1 on colours and gradients stands in for the perceptual loss where no VGG19 is at hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines import checkpoint
from engines.disentangled.net import Config
from engines.stylegan.net_layers import ConvLayer, EqualLinear, ResBlock

_VGG: Final = (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512)
"""Channels of VGG19's convolutions up to ``relu5_1``; 0 is a pooling."""
_VGG_READ: Final = (1, 6, 11, 20, 29)
"""Layers, counted as torchvision does, whose outputs are compared: ``relu1_1`` to ``relu5_1``."""
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SCALES: Final = (1, 2, 4, 8)


def picture_loss(drawn: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean L1 of colours at three scales and of their gradients.

    Parameters
    ----------
    drawn, target : (B, 3, N, N)
    weight : (B, 1, N, N) or None, how much each pixel counts
    """
    total = drawn.new_zeros(())
    share = torch.ones_like(drawn[:, :1]) if weight is None else weight
    for scale in _SCALES[:3]:
        a, b, w = (F.avg_pool2d(x, scale) if scale > 1 else x for x in (drawn, target, share))
        apart = a - b
        total = total + (w * apart.abs()).mean()
        total = total + (w[..., 1:] * apart.diff(dim=-1).abs()).mean()
        total = total + (w[..., 1:, :] * apart.diff(dim=-2).abs()).mean()
    return total


class Perceptual(nn.Module):
    """Differences of VGG19's features (Simonyan & Zisserman 2015; Johnson et al. 2016) at four scales.

    Parameters
    ----------
    path : torchvision's ``vgg19-dcbb9e9d.pth``, or a file with the same keys

    Raises
    ------
    WeightsMissing
        If it is something else.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for out in _VGG:
            layers += [nn.MaxPool2d(2)] if not out else [nn.Conv2d(channels, out, 3, padding=1), nn.ReLU()]
            channels = out or channels
        self.features = nn.Sequential(*layers)
        state = checkpoint.part(checkpoint.read(path), path)
        wanted = self.state_dict().keys()
        checkpoint.load_strict(self, {k: v for k, v in state.items() if k in wanted}, path, "VGG19")

    def forward(self, drawn: Tensor, target: Tensor) -> Tensor:
        """Mean L1 of the features of pictures (B, 3, N, N) in [-1, 1], summed over layers and scales."""
        total = drawn.new_zeros(())
        for scale in _SCALES:
            if drawn.shape[-1] // scale < 32:
                break
            a, b = (F.avg_pool2d(x, scale) if scale > 1 else x for x in (drawn, target))
            for mine, theirs in zip(self._read(a), self._read(b), strict=True):
                total = total + (mine - theirs.detach()).abs().mean()
        return total

    def _read(self, picture: Tensor) -> list[Tensor]:
        mean, std = (torch.tensor(v, device=picture.device).view(1, 3, 1, 1) for v in (_MEAN, _STD))
        x = (picture * 0.5 + 0.5 - mean) / std
        found = []
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i in _VGG_READ:
                found.append(x)
        return found


class Discriminator(nn.Module):
    """StyleGAN2's discriminator (Karras et al. 2020) of the size of a network."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        size = config.size
        self.convs = nn.ModuleList([ConvLayer(3, config.channels(size), 1)])
        while size > 4:
            self.convs.append(ResBlock(config.channels(size), config.channels(size // 2)))
            size //= 2
        channels = config.channels(4)
        self.last = ConvLayer(channels + 1, channels, 3)
        self.linear = nn.Sequential(EqualLinear(channels * 16, channels, activate=True), EqualLinear(channels, 1))

    def forward(self, picture: Tensor) -> Tensor:
        """How real pictures (B, 3, N, N) look : (B, 1)."""
        x = picture
        for conv in self.convs:
            x = conv(x)
        spread = x.std(0, correction=0).mean() if len(x) > 1 else x.new_zeros(())
        x = torch.cat([x, spread.expand(len(x), 1, *x.shape[2:])], 1)
        score: Tensor = self.linear(self.last(x).flatten(1))
        return score


def fooled(score: Tensor) -> Tensor:
    """The generator's non-saturating loss of the discriminator's score of its pictures."""
    return F.softplus(-score).mean()


def told_apart(real: Tensor, drawn: Tensor) -> Tensor:
    """The discriminator's loss."""
    return F.softplus(-real).mean() + F.softplus(drawn).mean()


def agreement(motion: Tensor, other: Tensor) -> Tensor:
    """EDTalk's feature-level loss of two motions (B, style_dim) that should be one: ``exp(-cos)``, mean."""
    return torch.exp(-F.cosine_similarity(motion, other, dim=1, eps=1e-6)).mean()
