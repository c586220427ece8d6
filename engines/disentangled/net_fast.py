"""Rendering with EDTalk and LIA: the arithmetic of `net`, with what does not change computed once.

Per checkpoint: the basis, the linear heads (one affine map), scaled channels-last weights. Per portrait: identity
code and features, and the normalised half of the expression modules, so that an expression costs one
multiplication and one addition per feature. At the finest level the picture needs only three channels of the
warped features, because a 1 x 1 convolution and a warp commute. A frame is then one pass of the plain decoder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.disentangled.net import QR_OFFSET, Decoder, ExpressionModule, MotionNet, ToFlow, ToRGB, base_grid
from engines.stylegan.net_fold import FoldedConv
from engines.stylegan.net_layers import EqualConv2d, EqualLinear, FusedLeakyReLU, StyledConv, leaky


@dataclass
class Source:
    """A portrait as the animator keeps it.

    Attributes
    ----------
    code : (1, style_dim)
    features : source features, 8 px first, channels-last
    normalised : the expression-free half of every expression module
    """

    code: Tensor
    features: list[Tensor]
    normalised: list[Tensor]
    key: Tensor | None = None
    moved: list[Tensor] = field(default_factory=list)


class FoldedLevel:
    """One resolution of the decoder with its constants folded."""

    def __init__(self, decoder: Decoder, index: int) -> None:
        self.up = FoldedConv(cast(StyledConv, decoder.convs[2 * index]))
        self.same = FoldedConv(cast(StyledConv, decoder.convs[2 * index + 1]))
        flow, rgb = cast(ToFlow, decoder.to_flows[index]), cast(ToRGB, decoder.to_rgbs[index])
        colour, activate = cast(EqualConv2d, rgb.conv[0]), cast(FusedLeakyReLU, rgb.conv[1])
        self.flow_weight = (flow.conv.weight.detach()[0, :, :, 0, 0] * flow.conv.scale).contiguous()
        self.flow_bias = flow.bias.detach().flatten()
        self.flow_modulation, self.flow_offset = (p.detach() for p in flow.conv.modulation.affine())
        self.upsample = flow.upsample
        self.rgb_weight = (colour.weight * colour.scale).detach()
        self.rgb_bias = activate.bias.detach()
        self.rgb_offset = rgb.bias.detach()
        self.grid: Tensor | None = None

    def flow(self, x: Tensor, latent: Tensor, coarser: Tensor | None) -> Tensor:
        style = F.linear(latent, self.flow_modulation, self.flow_offset)
        if len(x) == 1:
            flow = F.conv2d(x, (self.flow_weight * style)[:, :, None, None], self.flow_bias)
        else:
            weight = self.flow_weight * style[:, None]  # (B, 3, C)
            flow = torch.matmul(weight, x.flatten(2)).unflatten(2, x.shape[2:]) + self.flow_bias[:, None, None]
        return flow if coarser is None else flow + self.upsample(coarser)

    def sample(self, features: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
        """Features along the flow, and the mask."""
        if self.grid is None:
            self.grid = base_grid(flow.shape[-1], flow)
        grid = self.grid + torch.tanh(flow[:, :2]).permute(0, 2, 3, 1)
        fetched = F.grid_sample(
            features.expand(len(flow), -1, -1, -1), grid, mode="bilinear", padding_mode="zeros", align_corners=False
        )
        return fetched, torch.sigmoid(flow[:, 2:])

    def rgb(self, colours: Tensor, mask: Tensor, coarser: Tensor | None) -> Tensor:
        """Picture from warped colours: the 1 x 1 convolution commutes with the mask, which has one channel."""
        rgb = leaky(colours * mask + self.rgb_bias) + self.rgb_offset
        return rgb if coarser is None else rgb + self.upsample(coarser)


class Animator:
    """Draws frames of portraits with a trained network.

    Parameters
    ----------
    model : taken over: set to inference, its weights to channels-last order

    Attributes
    ----------
    basis : orthonormal directions (style_dim, N)
    banks : name of each bank and its coordinates
    """

    def __init__(self, model: MotionNet) -> None:
        with torch.inference_mode():
            self.model = model.eval().requires_grad_(False)
            self.config, self.banks = model.config, model.banks
            part: nn.Module
            for part in (model.enc, *self._modules()):
                part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            device = next(model.parameters()).device
            self.basis = torch.linalg.qr(_stored(model))[0].to(device)
            self._head, self._head_bias = (p.to(device) for p in fold_heads(model))
            self._first = model.dec.conv1
            self._levels = [FoldedLevel(model.dec, i) for i in range(len(self.config.levels))]

    @torch.inference_mode()
    def source(self, image: Tensor) -> Source:
        """Encode a portrait, (1, 3, size, size) in [-1, 1], once."""
        code, features = self.model.encode(image.contiguous(memory_format=torch.channels_last))
        normalised = [
            F.instance_norm(module.conv2(feature)) for module, feature in zip(self._modules(), features, strict=False)
        ]
        return Source(code, features, normalised)

    @torch.inference_mode()
    def drive(self, images: Tensor) -> Tensor:
        """Coordinates (B, N) of drivers (B, 3, size, size)."""
        code, _ = self.model.encode(images.contiguous(memory_format=torch.channels_last))
        return F.linear(code, self._head, self._head_bias)

    @torch.inference_mode()
    def frames(self, source: Source, alpha: Tensor) -> Tensor:
        """Pictures (B, 3, size, size), about [-1, 1], of a portrait at coordinates ``alpha`` (B, N)."""
        motion = alpha @ self.basis.T
        part = self.banks.get("expression")
        if part is None:
            return self._decode(source.features, source.code + motion)
        if (alpha[:, part] == alpha[:1, part]).all():
            return self._decode(self._expressed(source, alpha[:1, part]), source.code + motion)
        pictures = [
            self._decode(self._expressed(source, a[None, part]), source.code + m[None])
            for a, m in zip(alpha, motion, strict=True)
        ]
        return torch.cat(pictures)

    def _modules(self) -> list[ExpressionModule]:
        return [cast(ExpressionModule, m) for m in self.model.dec.fineadainresblock] if self.config.expression else []

    def _expressed(self, source: Source, alpha: Tensor) -> list[Tensor]:
        """Source features moved to an expression (1, N); those of the last expression are kept."""
        if source.key is None or not torch.equal(source.key, alpha):
            expression = alpha @ self.basis[:, self.banks["expression"]].T
            source.moved = []
            for module, feature, normalised in zip(self._modules(), source.features, source.normalised, strict=True):
                scale, shift = (p[:, :, None, None] for p in module.norm2.affine(expression))
                source.moved.append(torch.addcmul(feature + shift, normalised, scale))
            source.key = alpha.clone()
        return source.moved

    def _decode(self, features: list[Tensor], latent: Tensor) -> Tensor:
        x = self._first(self.model.dec.input(len(latent)), latent).contiguous(memory_format=torch.channels_last)
        flow: Tensor | None = None
        rgb: Tensor | None = None
        for level, source in zip(self._levels, features, strict=True):
            x = level.up(x, level.up.style(latent))
            x = level.same(x, level.same.style(latent))
            flow = level.flow(x, latent, flow)
            if level is self._levels[-1]:
                colours, mask = level.sample(F.conv2d(source, level.rgb_weight), flow)
            else:
                fetched, mask = level.sample(source, flow)
                colours = F.conv2d(fetched, level.rgb_weight)
                x = torch.lerp(x.to(fetched.dtype), fetched, mask.to(fetched.dtype))
            rgb = level.rgb(colours, mask, rgb)
        assert rgb is not None
        return rgb


def _stored(model: MotionNet) -> Tensor:
    """The directions as `MotionNet.basis` factorises them, on the CPU: the signs must be those of LAPACK."""
    return model.directions().detach().float().cpu() + QR_OFFSET


def fold_heads(model: MotionNet) -> tuple[Tensor, Tensor]:
    """The linear heads as one affine map from code to coordinates : (N, style_dim), (N,)."""
    weights, biases = [], []
    for stacks in model.heads().values():
        weight, bias = np.eye(model.config.style_dim), np.zeros(model.config.style_dim)
        for stack in stacks:
            for layer in stack:
                w, b = (p.detach().double().cpu().numpy() for p in cast(EqualLinear, layer).affine())
                weight, bias = w @ weight, w @ bias + b
        weights.append(weight)
        biases.append(bias)
    return torch.from_numpy(np.concatenate(weights)).float(), torch.from_numpy(np.concatenate(biases)).float()
