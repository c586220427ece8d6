"""The diffusion autoencoder DiffAE (Preechakul et al., CVPR 2022) with the layout of the official checkpoints.

An encoder turns a picture into a semantic code z; a U-Net predicts noise (Ho et al., 2020) with every residual
block scaled by z. DiffDub's inpainting variant (Liu et al., 2024) is the same network with a reference picture
beside the noisy one (``Config.references`` 1). Pictures are RGB in [-1, 1]. `net_sampling` holds the diffusion.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


@dataclass(frozen=True)
class Config:
    """The size of an autoencoder. The defaults are ``ffhq256``.

    Attributes
    ----------
    size : side of the picture in pixels
    channels : channels of the finest level
    multipliers, encoder_multipliers : channels of each level, finest first, in units of ``channels``
    style_dim : length of z and of the time embedding
    attention_size : feature maps of this side get self-attention
    res_blocks : residual blocks of a level on the way down (one more on the way up)
    references : pictures given beside the noisy one
    groups : of the group normalisation; fewer where a layer has fewer channels
    dropout : in training
    """

    size: int = 256
    channels: int = 128
    multipliers: tuple[int, ...] = (1, 1, 2, 2, 4, 4)
    encoder_multipliers: tuple[int, ...] = (1, 1, 2, 2, 4, 4, 4)
    style_dim: int = 512
    attention_size: int = 16
    res_blocks: int = 2
    references: int = 0
    groups: int = 32
    dropout: float = 0.1


FFHQ256 = Config()
FFHQ128 = Config(128, 128, (1, 1, 2, 3, 4), (1, 1, 2, 3, 4, 4))
AUTOENC64 = Config(64, 64, (1, 2, 4, 8), (1, 2, 4, 8, 8))
DIFFDUB = Config(references=1)
OFFICIAL = {"ffhq256": FFHQ256, "ffhq128": FFHQ128, "autoenc64": AUTOENC64, "diffdub": DIFFDUB}


def group_norm(config: Config, channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(min(config.groups, channels), channels, eps=1e-5)


def norm_float32(norm: nn.GroupNorm, x: Tensor) -> Tensor:
    """Group normalisation in float32 whatever the type of ``x``."""
    if x.dtype == torch.float32:
        return norm(x)
    return F.group_norm(x.float(), norm.num_groups, norm.weight.float(), norm.bias.float(), norm.eps).to(x.dtype)


def resample(x: Tensor, factor: float) -> Tensor:
    """Nearest-neighbour doubling (2), average-pool halving (0.5) or nothing (1)."""
    if factor == 2:
        return F.interpolate(x, scale_factor=2, mode="nearest")
    return F.avg_pool2d(x, 2) if factor == 0.5 else x


class ResBlock(nn.Module):
    """Residual block, with time and z acting on its second normalisation, or without them (encoder).

    Parameters
    ----------
    conditional : the U-Net's form with two convolutions; the encoder's has one
    factor : 2 doubles the size, 0.5 halves it
    """

    def __init__(self, config: Config, channels_in: int, channels: int, conditional: bool, factor: float = 1.0) -> None:
        super().__init__()
        self.conditional, self.factor = conditional, factor
        self.in_layers = nn.Sequential(
            group_norm(config, channels_in), nn.SiLU(), nn.Conv2d(channels_in, channels, 3, padding=1)
        )
        if conditional:
            self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(config.style_dim, 2 * channels))
            self.cond_emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(config.style_dim, channels))
            self.out_layers = nn.Sequential(
                group_norm(config, channels),
                nn.SiLU(),
                nn.Dropout(config.dropout),
                nn.Conv2d(channels, channels, 3, padding=1),
            )
        self.skip_connection: nn.Module = (
            nn.Identity() if channels_in == channels else nn.Conv2d(channels_in, channels, 1)
        )

    def forward(self, x: Tensor, time: Tensor | None = None, scale: Tensor | None = None) -> Tensor:
        """
        Parameters
        ----------
        x : (B, in, H, W)
        time : (B, 2 * channels), this block's `emb_layers` of the time embedding
        scale : (B, channels), this block's `cond_emb_layers` of z
        """
        norm, activate, conv = self.in_layers
        h = resample(activate(norm_float32(cast(nn.GroupNorm, norm), x)), self.factor)
        h = conv(h)
        if time is not None and scale is not None:
            norm, *rest = self.out_layers
            gain, shift = time[:, :, None, None].chunk(2, 1)
            h = norm_float32(cast(nn.GroupNorm, norm), h) * (1 + gain) + shift
            h = h * (1 + scale[:, :, None, None])
            for layer in rest:
                h = layer(h)
        y: Tensor = self.skip_connection(resample(x, self.factor)) + h
        return y


class Attention(nn.Module):
    """Self-attention over the pixels, one head, residual."""

    def __init__(self, config: Config, channels: int) -> None:
        super().__init__()
        self.norm = group_norm(config, channels)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.proj_out = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(norm_float32(self.norm, x).flatten(2)).transpose(1, 2).chunk(3, 2)
        h = F.scaled_dot_product_attention(q, k, v)
        return x + self.proj_out(h.transpose(1, 2)).view_as(x)


class Trunk(nn.Module):
    """What U-Net and encoder share: the way down and the middle."""

    def __init__(self, config: Config, channels_in: int, multipliers: Sequence[int], conditional: bool) -> None:
        super().__init__()
        self.config = config
        channels = config.channels * multipliers[0]
        size = config.size
        self.input_blocks = nn.ModuleList([nn.Sequential(nn.Conv2d(channels_in, channels, 3, padding=1))])
        self.widths = [channels]
        for level, multiplier in enumerate(multipliers):
            for _ in range(config.res_blocks):
                out = config.channels * multiplier
                layers: list[nn.Module] = [ResBlock(config, channels, out, conditional)]
                channels = out
                if size == config.attention_size:
                    layers.append(Attention(config, channels))
                self.input_blocks.append(nn.Sequential(*layers))
                self.widths.append(channels)
            if level < len(multipliers) - 1:
                self.input_blocks.append(nn.Sequential(ResBlock(config, channels, channels, conditional, 0.5)))
                self.widths.append(channels)
                size //= 2
        self.middle_block = nn.Sequential(
            ResBlock(config, channels, channels, conditional),
            Attention(config, channels),
            ResBlock(config, channels, channels, conditional),
        )
        self.last_channels, self.last_size = channels, size


class SemanticEncoder(Trunk):
    """Picture to semantic code."""

    def __init__(self, config: Config) -> None:
        super().__init__(config, 3, config.encoder_multipliers, conditional=False)
        self.out = nn.Sequential(
            group_norm(config, self.last_channels),
            nn.SiLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(self.last_channels, config.style_dim, 1),
        )

    def forward(self, picture: Tensor) -> Tensor:
        """Code (B, style_dim) of a picture (B, 3, size, size) in [-1, 1]."""
        x = picture
        for block in (*self.input_blocks, self.middle_block):
            x = block(x)
        norm, *rest = self.out
        x = norm_float32(cast(nn.GroupNorm, norm), x)
        for layer in rest:
            x = layer(x)
        return x.flatten(1)


class TimeEmbedding(nn.Module):
    """Sinusoid of the step, cosines first, and two linear layers."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.width = config.channels
        self.time_embed = nn.Sequential(
            nn.Linear(config.channels, config.style_dim), nn.SiLU(), nn.Linear(config.style_dim, config.style_dim)
        )

    def forward(self, step: Tensor) -> Tensor:
        """Embedding (B, style_dim) of steps (B,) of the training schedule, 0 to 999."""
        half = self.width // 2
        exponent = torch.arange(half, dtype=torch.float32, device=step.device) * (-math.log(10000) / half)
        angle = step.float()[:, None] * exponent.exp()
        wave = torch.cat([angle.cos(), angle.sin()], 1)
        embedding: Tensor = self.time_embed(wave.to(next(self.parameters()).dtype))
        return embedding


class DiffusionAutoencoder(Trunk):
    """Noise prediction conditioned on a semantic code, and the encoder that makes the code.

    Attributes
    ----------
    forgetful : in training, compute each place of the U-Net anew on the way back instead of remembering it (gradient
        checkpointing; Chen et al., 2016): less memory, a third more time
    """

    forgetful = False

    def __init__(self, config: Config | None = None) -> None:
        config = config or FFHQ256
        super().__init__(config, 3 * (1 + config.references), config.multipliers, conditional=True)
        channels, size = self.last_channels, self.last_size
        skips = list(self.widths)
        self.output_blocks = nn.ModuleList()
        for level in reversed(range(len(config.multipliers))):
            out = config.channels * config.multipliers[level]
            for i in range(config.res_blocks + 1):
                layers: list[nn.Module] = [ResBlock(config, channels + skips.pop(), out, conditional=True)]
                channels = out
                if size == config.attention_size:
                    layers.append(Attention(config, channels))
                if level and i == config.res_blocks:
                    layers.append(ResBlock(config, channels, channels, conditional=True, factor=2))
                    size *= 2
                self.output_blocks.append(nn.Sequential(*layers))
        self.out = nn.Sequential(group_norm(config, channels), nn.SiLU(), nn.Conv2d(channels, 3, 3, padding=1))
        self.time_embed = TimeEmbedding(config)
        self.encoder = SemanticEncoder(config)

    def encode(self, picture: Tensor) -> Tensor:
        """Semantic code (B, style_dim) of a picture (B, 3, size, size) in [-1, 1]."""
        code: Tensor = self.encoder(picture)
        return code

    def blocks(self) -> Iterator[ResBlock]:
        """Every residual block of the U-Net in the order in which it acts."""
        for part in (*self.input_blocks, self.middle_block, *self.output_blocks):
            for layer in cast(nn.Sequential, part):
                if isinstance(layer, ResBlock):
                    yield layer

    def styles(self, z: Tensor) -> list[Tensor]:
        """Scales (B, channels) of every residual block for a code z (B, style_dim); the same at all steps."""
        return [block.cond_emb_layers(z) for block in self.blocks()]

    def times(self, step: Tensor) -> list[Tensor]:
        """Gain and shift (B, 2 * channels) of every residual block at steps (B,)."""
        embedding = self.time_embed(step)
        return [block.emb_layers(embedding) for block in self.blocks()]

    def forward(
        self,
        noisy: Tensor,
        step: Tensor,
        z: Tensor | None = None,
        reference: Tensor | None = None,
        styles: list[Tensor] | None = None,
    ) -> Tensor:
        """Predicted noise.

        Parameters
        ----------
        noisy : (B, 3, size, size)
        step : (B,) steps of the training schedule
        z : (B, style_dim), or give its ``styles``
        reference : (B, 3 * references, size, size) for the inpainting variant

        Returns
        -------
        (B, 3, size, size)
        """
        if styles is None:
            assert z is not None, "give z or its styles"
            styles = self.styles(z)
        x = noisy if reference is None else torch.cat([noisy, reference], 1)
        return self.conditioned(x, self.times(step), styles)

    def conditioned(self, x: Tensor, times: list[Tensor], styles: list[Tensor]) -> Tensor:
        """The U-Net itself on its input (B, C, size, size), with every block's conditions given."""
        conditions = iter(list(zip(times, styles, strict=True)))
        skips: list[Tensor] = []
        for block in self.input_blocks:
            x = self._run(cast(nn.Sequential, block), x, conditions)
            skips.append(x)
        x = self._run(self.middle_block, x, conditions)
        for block in self.output_blocks:
            x = self._run(cast(nn.Sequential, block), torch.cat([x, skips.pop()], 1), conditions)
        norm, activate, conv = self.out
        noise: Tensor = conv(activate(norm_float32(cast(nn.GroupNorm, norm), x)))
        return noise

    def _run(self, layers: nn.Sequential, x: Tensor, conditions: Iterator[tuple[Tensor, Tensor]]) -> Tensor:
        own = list(islice(conditions, sum(isinstance(layer, ResBlock) for layer in layers)))
        if not (self.forgetful and torch.is_grad_enabled()):
            return run_blocks(layers, x, own)
        again: Tensor = checkpoint(run_blocks, layers, x, own, use_reentrant=False)
        return again


def run_blocks(layers: nn.Sequential, x: Tensor, conditions: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Layers of one place in the U-Net; every residual block takes the next condition."""
    following = iter(conditions)
    for layer in layers:
        x = layer(x, *next(following)) if isinstance(layer, ResBlock) else layer(x)
    return x
