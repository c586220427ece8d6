"""Modulated layers arranged for rendering: the same arithmetic with everything constant computed once.

Weights are scaled ahead, kept in channels-last order (measured on a CPU: transposed convolutions of the decoder's
last levels run three times faster than in channel order), and their power per input channel is stored, so that
demodulation is a small matrix product. The gain of the leaky ReLU moves into the normalisation and the bias. At
coarse resolutions the style scales the activations, at fine ones (batch 1) the weight, whichever is smaller.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engines.stylegan.net_layers import DEMODULATION_EPS, GAIN, LEAK, StyledConv


class FoldedConv:
    """A `StyledConv` with its constants folded.

    Parameters
    ----------
    layer : in inference mode; later changes of its parameters are not seen
    """

    def __init__(self, layer: StyledConv) -> None:
        conv = layer.conv
        weight = conv.weight.detach()[0] * conv.scale
        self.power = weight.square().sum((2, 3)) / GAIN**2
        self.upsample = conv.upsample
        self.weight = (weight.transpose(0, 1) if self.upsample else weight).contiguous(
            memory_format=torch.channels_last
        )
        self.bias = layer.activate.bias.detach().flatten() * GAIN
        self.noise = float(layer.noise.weight.detach()) * GAIN
        modulation, offset = conv.modulation.affine()
        self.modulation, self.offset = modulation.detach(), offset.detach()
        if self.upsample:
            self.kernel = conv.blur.kernel.expand(len(self.bias), 1, 4, 4).contiguous(memory_format=torch.channels_last)

    def style(self, latent: Tensor) -> Tensor:
        """Scale of every input channel : (B, in)."""
        return F.linear(latent, self.modulation, self.offset)

    def __call__(self, x: Tensor, style: Tensor, noise: Tensor | None = None) -> Tensor:
        """
        Parameters
        ----------
        x : (B, in, H, W), channels-last
        style : (B, in)
        noise : (B or 1, 1, H', W') of the output's size, or None
        """
        norm = torch.rsqrt(F.linear(style.square(), self.power) + DEMODULATION_EPS / GAIN**2)  # (B, out)
        fold = len(x) == 1 and x.shape[2] * x.shape[3] > self.weight.shape[2] * self.weight.shape[3] * norm.shape[1]
        bias = None if noise is not None else self.bias
        if fold:
            scale = style[0][:, None] * norm[0] if self.upsample else norm[0][:, None] * style[0]
            weight = self.weight * scale[:, :, None, None]
        else:
            weight = self.weight
            x = x * style[:, :, None, None]
        if self.upsample:
            y = F.conv_transpose2d(x, weight, stride=2)
            if not fold:
                y *= norm[:, :, None, None]
            y = F.conv2d(y, self.kernel, bias, padding=1, groups=y.shape[1])
        elif fold:
            y = F.conv2d(x, weight, bias, padding=1)
        else:
            y = F.conv2d(x, weight, padding=1)
            y *= norm[:, :, None, None]
            if bias is not None:
                y += bias[:, None, None]
        if noise is not None:
            y += noise * self.noise + self.bias[:, None, None]
        return F.leaky_relu_(y, LEAK)
