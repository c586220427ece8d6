"""The networks of EDTalk (Tan et al., ECCV 2024) and of LIA (Wang et al., ICLR 2022), one definition for both.

A portrait becomes an identity code and a pyramid of features. A frame is that code plus a walk along orthogonal
directions (mouth, pose, expression), decoded by warping the features. Parameter names and shapes are those of the
official checkpoints (``EDTalk.pt``, ``EDTalk_lip_pose.pt``, ``vox.pt`` ...); images are RGB in [-1, 1].
`net_fast.Animator` evaluates the same arithmetic for rendering.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.stylegan.net_layers import (
    ConstantInput,
    ConvLayer,
    EqualConv2d,
    EqualLinear,
    ModulatedConv2d,
    ResBlock,
    StyledConv,
    Upsample,
)

QR_OFFSET = 1e-8
"""Added to the banks before they are made orthogonal, as the published networks do."""


@dataclass(frozen=True)
class Config:
    """The size of a network. The defaults are the official EDTalk.

    Attributes
    ----------
    size : side of the image in pixels, a power of two, 8 or more
    style_dim : length of the identity code
    mouth, pose, expression : coordinates in each bank; ``expression`` 0 is the lip-and-pose network
    width : channels at 64 px and finer are ``16384 / size * width``
    max_channels : upper limit of the channels
    """

    size: int = 256
    style_dim: int = 512
    mouth: int = 20
    pose: int = 6
    expression: int = 10
    width: float = 1.0
    max_channels: int = 512

    @property
    def levels(self) -> tuple[int, ...]:
        """Sides of the feature maps that are warped, small to large."""
        return tuple(8 << i for i in range(self.size.bit_length() - 3))

    def channels(self, size: int) -> int:
        """Feature channels at a side of ``size`` pixels."""
        return min(self.max_channels, int(16384 // size * self.width))


LIP_POSE = Config(expression=0)
LIA_CONFIG = Config(mouth=0, pose=20, expression=0)


class Level(NamedTuple):
    """What the decoder made at one resolution.

    Attributes
    ----------
    features : (B, C, N, N) source features after the expression module
    flow : (B, 3, N, N) raw x, y offset and mask, before tanh and sigmoid
    state : (B, C, N, N) warped and painted features
    """

    features: Tensor
    flow: Tensor
    state: Tensor


class AppearanceEncoder(nn.Module):
    """Image to identity code and features; drivers go through the same network."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.convs = nn.ModuleList([ConvLayer(3, config.channels(config.size), 1)])
        size = config.size
        while size > 4:
            self.convs.append(ResBlock(config.channels(size), config.channels(size // 2)))
            size //= 2
        self.convs.append(EqualConv2d(config.channels(4), config.style_dim, 4))

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Code (B, style_dim) and features from 8 px up to the full size."""
        features = []
        x = image
        for conv in self.convs:
            x = conv(x)
            features.append(x)
        return x.flatten(1), features[-3::-1]


class Encoder(nn.Module):
    """The appearance encoder; LIA keeps its motion head here too."""

    def __init__(self, config: Config, motion: int = 0) -> None:
        super().__init__()
        self.net_app = AppearanceEncoder(config)
        if motion:
            self.fc = linear_stack(config.style_dim, 4, motion)


class Bank(nn.Module):
    """Directions of motion, before they are made orthogonal : ``weight`` (style_dim, count)."""

    def __init__(self, style_dim: int, count: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(style_dim, count))


def linear_stack(dim: int, hidden: int, out: int | None = None) -> nn.Sequential:
    """``hidden`` linear layers and one to ``out``, without activation between them."""
    layers = [EqualLinear(dim, dim) for _ in range(hidden)]
    if out is not None:
        layers.append(EqualLinear(dim, out))
    return nn.Sequential(*layers)


class AdaptiveNorm(nn.Module):
    """Instance normalisation whose scale and shift come from the expression."""

    HIDDEN = 128

    def __init__(self, channels: int, style_dim: int) -> None:
        super().__init__()
        self.mlp_shared = nn.Sequential(nn.Linear(style_dim, self.HIDDEN), nn.ReLU())
        self.mlp_gamma = nn.Linear(self.HIDDEN, channels)
        self.mlp_beta = nn.Linear(self.HIDDEN, channels)

    def affine(self, expression: Tensor) -> tuple[Tensor, Tensor]:
        """Scale and shift : (B, C) each."""
        hidden = self.mlp_shared(expression)
        return 1 + self.mlp_gamma(hidden), self.mlp_beta(hidden)

    def forward(self, x: Tensor, expression: Tensor) -> Tensor:
        scale, shift = self.affine(expression)
        return F.instance_norm(x) * scale[:, :, None, None] + shift[:, :, None, None]


class ExpressionModule(nn.Module):
    """Moves the source features towards an expression (the "expression enhancement module" of the paper).

    The checkpoints hold two convolutions, but in the published network the second reads the input of the module,
    not the output of the first, which therefore has no effect. The recorded outputs of that network fix this.
    """

    def __init__(self, channels: int, style_dim: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm1 = AdaptiveNorm(channels, style_dim)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2 = AdaptiveNorm(channels, style_dim)

    def forward(self, x: Tensor, expression: Tensor) -> Tensor:
        return x + self.norm2(self.conv2(x), expression)


class ToFlow(nn.Module):
    """Dense offset and mask from the decoder state, added to those of the coarser level."""

    def __init__(self, channels: int, style_dim: int) -> None:
        super().__init__()
        self.upsample = Upsample()
        self.conv = ModulatedConv2d(channels, 3, 1, style_dim, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))

    def forward(self, x: Tensor, latent: Tensor, coarser: Tensor | None) -> Tensor:
        flow = self.conv(x, latent) + self.bias
        return flow if coarser is None else flow + self.upsample(coarser)


class ToRGB(nn.Module):
    """Picture from warped features, added to that of the coarser level."""

    def __init__(self, channels: int, upsample: bool = True) -> None:
        super().__init__()
        if upsample:
            self.upsample = Upsample()
        self.conv = ConvLayer(channels, 3, 1)
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))

    def forward(self, x: Tensor, coarser: Tensor | None) -> Tensor:
        rgb = self.conv(x) + self.bias
        return rgb if coarser is None else rgb + self.upsample(coarser)


def base_grid(size: int, like: Tensor) -> Tensor:
    """Coordinates x, y from -1 to 1 with both ends included : (1, N, N, 2).

    The sampler itself treats pixels as areas (``align_corners=False``); the published networks were trained with
    this mixture, so it stays.
    """
    axis = torch.linspace(-1, 1, size, device=like.device, dtype=like.dtype)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([x, y], -1)[None]


def warp(features: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """Features fetched along a raw flow, and the mask : (B, C, N, N), (B, 1, N, N)."""
    grid = base_grid(features.shape[-1], features) + torch.tanh(flow[:, :2]).permute(0, 2, 3, 1)
    fetched = F.grid_sample(features, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return fetched, torch.sigmoid(flow[:, 2:])


class Decoder(nn.Module):
    """Latent and source features to a picture, by warping and painting at every resolution."""

    def __init__(self, config: Config, motion: int = 0) -> None:
        super().__init__()
        if motion:
            self.direction = Bank(config.style_dim, motion)
        dim, channels = config.style_dim, config.channels(4)
        self.input = ConstantInput(channels)
        self.conv1 = StyledConv(channels, channels, dim, four_d_bias=True)
        self.to_rgb1 = ToRGB(channels, upsample=False)  # the checkpoints hold it, nothing uses it
        self.convs, self.to_rgbs, self.to_flows = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        expression = nn.ModuleList()
        for size in config.levels:
            out = config.channels(size)
            self.convs.append(StyledConv(channels, out, dim, upsample=True, four_d_bias=True))
            self.convs.append(StyledConv(out, out, dim, four_d_bias=True))
            self.to_rgbs.append(ToRGB(out))
            self.to_flows.append(ToFlow(out, dim))
            if config.expression:
                expression.append(ExpressionModule(out, dim))
            channels = out
        if config.expression:
            self.fineadainresblock = expression

    def levels(
        self, features: list[Tensor], latent: Tensor, expression: Tensor | None
    ) -> Iterator[tuple[Level, Tensor]]:
        """The work at each resolution and the picture so far, coarse to fine."""
        x = self.conv1(self.input(len(latent)), latent)
        flow: Tensor | None = None
        rgb: Tensor | None = None
        for i, source in enumerate(features):
            x = self.convs[2 * i + 1](self.convs[2 * i](x, latent), latent)
            if expression is not None:
                source = self.fineadainresblock[i](source, expression)
            flow = self.to_flows[i](x, latent, flow)
            fetched, mask = warp(source, flow)
            fetched = fetched * mask
            x = fetched + x * (1 - mask)
            rgb = self.to_rgbs[i](fetched, rgb)
            yield Level(source, flow, x), rgb

    def forward(self, features: list[Tensor], latent: Tensor, expression: Tensor | None = None) -> Tensor:
        """
        Parameters
        ----------
        features : source features, 8 px first
        latent : (B, style_dim), identity plus motion
        expression : (B, style_dim), the expression part of the motion, or None to leave the features alone

        Returns
        -------
        (B, 3, size, size), about [-1, 1], not clamped
        """
        for _, picture in self.levels(features, latent, expression):
            rgb = picture
        return rgb


class MotionNet(nn.Module, ABC):
    """What EDTalk and LIA share: an encoder, a decoder, linear heads and an orthogonal basis.

    Attributes
    ----------
    config : its size
    banks : name of each bank and its coordinates, in the order of the columns of `basis`
    """

    enc: Encoder
    dec: Decoder

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        ends = [0, config.mouth, config.mouth + config.pose, config.mouth + config.pose + config.expression]
        spans = zip(("mouth", "pose", "expression"), ends[:-1], ends[1:], strict=True)
        self.banks = {name: slice(start, stop) for name, start, stop in spans if stop > start}

    def encode(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Identity code (B, style_dim) and features of an image (B, 3, size, size) in [-1, 1]."""
        code, features = self.enc.net_app(image)
        return code, features

    @abstractmethod
    def heads(self) -> dict[str, list[nn.Sequential]]:
        """For each bank, the linear stacks that turn a code into its coordinates."""

    @abstractmethod
    def directions(self) -> Tensor:
        """The stored directions : (style_dim, N)."""

    def coordinates(self, code: Tensor) -> Tensor:
        """Coordinates of a driver's code along the basis : (B, N), unbounded."""
        parts = []
        for stacks in self.heads().values():
            x = code
            for stack in stacks:
                x = stack(x)
            parts.append(x)
        return torch.cat(parts, 1)

    def basis(self) -> Tensor:
        """The orthonormal directions : (style_dim, N).

        They are the Householder QR of LAPACK; the signs of its columns are part of the trained network.
        """
        return torch.linalg.qr(self.directions() + QR_OFFSET)[0]

    def direction(self, alpha: Tensor, basis: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Motion in the latent space, and its expression part, of coordinates ``alpha`` (B, N)."""
        q = self.basis() if basis is None else basis
        part = self.banks.get("expression")
        expression = None if part is None else alpha[:, part] @ q[:, part].T
        return alpha @ q.T, expression

    def forward(self, source: Tensor, alpha: Tensor) -> Tensor:
        """Pictures of ``source`` (B, 3, size, size) moved to coordinates ``alpha`` (B, N)."""
        code, features = self.encode(source)
        motion, expression = self.direction(alpha)
        picture: Tensor = self.dec(features, code + motion, expression)
        return picture


class EDTalk(MotionNet):
    """EDTalk, with (``EDTalk.pt``) or without (``EDTalk_lip_pose.pt``) the expression bank and modules."""

    def __init__(self, config: Config | None = None) -> None:
        config = config or Config()
        super().__init__(config)
        dim = config.style_dim
        self.enc = Encoder(config)
        self.dec = Decoder(config)
        self.direction_lipnonlip = Bank(dim, config.mouth + config.pose)
        self.fc = linear_stack(dim, 4)
        self.lip_fc = linear_stack(dim, 2, config.mouth)
        self.pose_fc = linear_stack(dim, 2, config.pose)
        if config.expression:
            self.direction_exp = Bank(dim, config.expression)
            self.exp_fc = linear_stack(dim, 2, config.expression)

    def heads(self) -> dict[str, list[nn.Sequential]]:
        heads = {"mouth": [self.fc, self.lip_fc], "pose": [self.fc, self.pose_fc]}
        if self.config.expression:
            heads["expression"] = [self.fc, self.exp_fc]
        return heads

    def directions(self) -> Tensor:
        if not self.config.expression:
            return self.direction_lipnonlip.weight
        return torch.cat([self.direction_lipnonlip.weight, self.direction_exp.weight], 1)


class LIA(MotionNet):
    """LIA: one bank that mixes mouth, pose and expression, here called ``pose``."""

    def __init__(self, config: Config | None = None) -> None:
        config = config or LIA_CONFIG
        super().__init__(config)
        self.enc = Encoder(config, motion=config.pose)
        self.dec = Decoder(config, motion=config.pose)

    def heads(self) -> dict[str, list[nn.Sequential]]:
        return {"pose": [self.enc.fc]}

    def directions(self) -> Tensor:
        return self.dec.direction.weight
