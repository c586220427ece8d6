"""The StyleGAN2 generator (Karras et al., 2020) with the layout of the published PyTorch checkpoints.

It takes a latent ``w``, one latent per layer (W+), or the modulations themselves (StyleSpace, Wu et al., 2021), and
explicit noise. NVIDIA's naming of the same network is handled in `convert`; `net_fast.Synthesizer` evaluates the
same arithmetic for rendering.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from engines.stylegan.net_layers import ConstantInput, EqualLinear, ModulatedConv2d, StyledConv, Upsample

PIXEL_NORM_EPS = 1e-8


@dataclass(frozen=True)
class Config:
    """The size of a generator. The defaults are FFHQ at 1024 px.

    Attributes
    ----------
    size : side of the picture in pixels, a power of two, 8 or more
    style_dim : length of z and w
    mapping_layers : fully connected layers from z to w
    channel_multiplier : 2 for NVIDIA's ``channel_base`` 32768, 1 for 16384
    max_channels : upper limit of the channels
    """

    size: int = 1024
    style_dim: int = 512
    mapping_layers: int = 8
    channel_multiplier: float = 2
    max_channels: int = 512

    @property
    def sizes(self) -> tuple[int, ...]:
        """Resolutions after the first, 4 px one."""
        return tuple(8 << i for i in range(self.size.bit_length() - 3))

    @property
    def layers(self) -> int:
        """Rows of a W+ code."""
        return 2 * len(self.sizes) + 2

    def channels(self, size: int) -> int:
        """Feature channels at a side of ``size`` pixels."""
        return min(self.max_channels, int(16384 * self.channel_multiplier) // size)


class PixelNorm(nn.Module):
    """Scales every latent to unit mean square."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + PIXEL_NORM_EPS)


class ToRGB(nn.Module):
    """Modulated 1 x 1 convolution to colour, added to the picture of the coarser level."""

    def __init__(self, channels: int, style_dim: int, upsample: bool = True) -> None:
        super().__init__()
        if upsample:
            self.upsample = Upsample()
        self.conv = ModulatedConv2d(channels, 3, 1, style_dim, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))

    def forward(self, x: Tensor, coarser: Tensor | None, style: Tensor) -> Tensor:
        rgb = self.conv(x, None, style) + self.bias
        return rgb if coarser is None else rgb + self.upsample(coarser)


class Noises(nn.Module):
    """The constant noise maps of a checkpoint, ``noise_0`` (4 px) to the finest."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        sides = [4, *(size for size in config.sizes for _ in range(2))]
        for i, side in enumerate(sides):
            self.register_buffer(f"noise_{i}", torch.randn(1, 1, side, side))

    def maps(self) -> list[Tensor]:
        return list(self.buffers())


class Generator(nn.Module):
    """z to w to picture.

    Attributes
    ----------
    config : its size
    """

    def __init__(self, config: Config | None = None) -> None:
        super().__init__()
        self.config = config = config or Config()
        dim, channels = config.style_dim, config.channels(4)
        mapping = [EqualLinear(dim, dim, lr_multiplier=0.01, activate=True) for _ in range(config.mapping_layers)]
        self.style = nn.Sequential(PixelNorm(), *mapping)
        self.input = ConstantInput(channels)
        self.conv1 = StyledConv(channels, channels, dim)
        self.to_rgb1 = ToRGB(channels, dim, upsample=False)
        self.convs, self.to_rgbs = nn.ModuleList(), nn.ModuleList()
        for size in config.sizes:
            out = config.channels(size)
            self.convs.append(StyledConv(channels, out, dim, upsample=True))
            self.convs.append(StyledConv(out, out, dim))
            self.to_rgbs.append(ToRGB(out, dim))
            channels = out
        self.noises = Noises(config)

    def mapping(self, z: Tensor) -> Tensor:
        """Normal numbers z (B, style_dim) to latents w (B, style_dim)."""
        w: Tensor = self.style(z)
        return w

    def wplus(self, w: Tensor) -> Tensor:
        """One latent w (B, style_dim) repeated for all layers : (B, layers, style_dim)."""
        return w[:, None].expand(-1, self.config.layers, -1)

    def blocks(self) -> list[tuple[StyledConv, StyledConv, ToRGB]]:
        """The two convolutions and the colour layer of every resolution from 8 px on."""
        return [
            (cast(StyledConv, up), cast(StyledConv, same), cast(ToRGB, rgb))
            for up, same, rgb in zip(self.convs[::2], self.convs[1::2], self.to_rgbs, strict=True)
        ]

    def modulated(self) -> dict[str, tuple[ModulatedConv2d, int]]:
        """Every modulated convolution by name, in the order of StyleSpace, and the row of W+ it reads."""
        found = {"conv1": (self.conv1.conv, 0), "to_rgb1": (self.to_rgb1.conv, 1)}
        for k, (up, same, rgb) in enumerate(self.blocks()):
            found[f"convs.{2 * k}"] = (up.conv, 2 * k + 1)
            found[f"convs.{2 * k + 1}"] = (same.conv, 2 * k + 2)
            found[f"to_rgbs.{k}"] = (rgb.conv, 2 * k + 3)
        return found

    def styles(self, wplus: Tensor) -> dict[str, Tensor]:
        """StyleSpace of a W+ code (B, layers, style_dim): for every modulated convolution its scales (B, in)."""
        return {name: conv.modulation(wplus[:, row]) for name, (conv, row) in self.modulated().items()}

    def synthesis(self, styles: dict[str, Tensor], noises: list[Tensor] | None = None) -> Tensor:
        """Picture from StyleSpace.

        Parameters
        ----------
        styles : as `styles` gives them, edited at will
        noises : a map (B or 1, 1, side, side) per noise layer; default the checkpoint's constants

        Returns
        -------
        (B, 3, size, size), about [-1, 1], not clamped
        """
        maps = self.noises.maps() if noises is None else noises
        x = self.input(len(styles["conv1"]))
        x = self.conv1(x, None, maps[0], styles["conv1"])
        rgb: Tensor = self.to_rgb1(x, None, styles["to_rgb1"])
        for k, (up, same, to_rgb) in enumerate(self.blocks()):
            x = up(x, None, maps[2 * k + 1], styles[f"convs.{2 * k}"])
            x = same(x, None, maps[2 * k + 2], styles[f"convs.{2 * k + 1}"])
            rgb = to_rgb(x, rgb, styles[f"to_rgbs.{k}"])
        return rgb

    def forward(self, wplus: Tensor, noises: list[Tensor] | None = None) -> Tensor:
        """Picture from a W+ code (B, layers, style_dim); see `synthesis`."""
        return self.synthesis(self.styles(wplus), noises)


def truncate(w: Tensor, centre: Tensor, psi: float) -> Tensor:
    """Latents pulled towards the average one; ``psi`` 1 leaves them, 0 gives the average."""
    return torch.lerp(centre.expand_as(w), w, psi)
