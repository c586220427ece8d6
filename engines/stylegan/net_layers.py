"""The building blocks of StyleGAN2 (Karras et al., 2020): equalised layers, FIR resampling, modulated convolution.

Parameter names and shapes are those of the published PyTorch checkpoints, so that a state dict loads key for key.
The convolutions are evaluated in the form that shares one weight across the batch: modulating the weight equals
scaling the input channels, demodulating it equals scaling the output channels.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAK = 0.2
GAIN = math.sqrt(2)
DEMODULATION_EPS = 1e-8


def fir_kernel(gain: float = 1.0) -> Tensor:
    """The binomial low-pass filter of StyleGAN2, ``[1, 3, 3, 1]`` in both axes : float32 (4, 4), sum ``gain``."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return torch.outer(taps, taps) * (gain / 64)


def leaky(x: Tensor) -> Tensor:
    """Leaky ReLU that keeps the variance of its input."""
    return F.leaky_relu(x, LEAK) * GAIN


class Blur(nn.Module):
    """FIR low-pass filter; with ``stride`` 2 it also halves the size, keeping only the samples that are used.

    Parameters
    ----------
    pad : zeros added on each side
    gain : sum of the filter taps
    """

    kernel: Tensor

    def __init__(self, pad: int, gain: float = 1.0, stride: int = 1) -> None:
        super().__init__()
        self.pad, self.stride = pad, stride
        self.register_buffer("kernel", fir_kernel(gain))

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        kernel = self.kernel.to(x.dtype).expand(channels, 1, 4, 4)
        return F.conv2d(x, kernel, stride=self.stride, padding=self.pad, groups=channels)


class Upsample(nn.Module):
    """Doubles the size of an image by zero insertion and the FIR filter."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", fir_kernel(4.0))

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        kernel = self.kernel.to(x.dtype).expand(channels, 1, 4, 4)
        return F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=channels)


class EqualConv2d(nn.Module):
    """Convolution with equalised learning rate: the stored weight is scaled by ``1 / sqrt(fan_in)`` when used."""

    def __init__(
        self, channels_in: int, channels_out: int, size: int, stride: int = 1, padding: int = 0, bias: bool = False
    ) -> None:
        super().__init__()
        self.stride, self.padding = stride, padding
        self.scale = 1 / math.sqrt(channels_in * size * size)
        self.weight = nn.Parameter(torch.randn(channels_out, channels_in, size, size))
        self.bias = nn.Parameter(torch.zeros(channels_out)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.scale, self.bias, self.stride, self.padding)


class EqualLinear(nn.Module):
    """Linear layer with equalised learning rate.

    Parameters
    ----------
    lr_multiplier : factor of weight and bias at run time (0.01 in StyleGAN2's mapping network)
    activate : leaky ReLU after it
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        bias_init: float = 0.0,
        lr_multiplier: float = 1.0,
        activate: bool = False,
    ) -> None:
        super().__init__()
        self.lr_multiplier, self.activate = lr_multiplier, activate
        self.scale = lr_multiplier / math.sqrt(channels_in)
        self.weight = nn.Parameter(torch.randn(channels_out, channels_in) / lr_multiplier)
        self.bias = nn.Parameter(torch.full((channels_out,), float(bias_init) / lr_multiplier))

    def affine(self) -> tuple[Tensor, Tensor]:
        """Weight (out, in) and bias (out,) as they act at run time."""
        return self.weight * self.scale, self.bias * self.lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        y = F.linear(x, *self.affine())
        return leaky(y) if self.activate else y


class FusedLeakyReLU(nn.Module):
    """Bias, then `leaky`.

    Parameters
    ----------
    four_d : store the bias as (1, C, 1, 1) rather than (C,); checkpoints exist in both forms
    """

    def __init__(self, channels: int, four_d: bool = False) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1) if four_d else torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return leaky(x + self.bias.view(1, -1, 1, 1))


class NoiseInjection(nn.Module):
    """Adds noise, scaled by one learnt number; without noise it does nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, noise: Tensor | None) -> Tensor:
        return x if noise is None else x + self.weight * noise


class ConstantInput(nn.Module):
    """The learnt 4 x 4 map that synthesis starts from."""

    def __init__(self, channels: int, size: int = 4) -> None:
        super().__init__()
        self.input = nn.Parameter(torch.randn(1, channels, size, size))

    def forward(self, batch: int) -> Tensor:
        return self.input.expand(batch, -1, -1, -1)


class ModulatedConv2d(nn.Module):
    """Convolution whose input channels are scaled by a style, and whose output is normalised for it.

    Parameters
    ----------
    demodulate : divide by the norm of the modulated weight
    upsample : double the size (transposed convolution, then FIR filter)
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        size: int,
        style_dim: int,
        demodulate: bool = True,
        upsample: bool = False,
    ) -> None:
        super().__init__()
        self.size, self.demodulate, self.upsample = size, demodulate, upsample
        self.scale = 1 / math.sqrt(channels_in * size * size)
        self.weight = nn.Parameter(torch.randn(1, channels_out, channels_in, size, size))
        if upsample:
            self.blur = Blur(pad=1, gain=4.0)
        self.modulation = EqualLinear(style_dim, channels_in, bias_init=1)

    def norm(self, style: Tensor) -> Tensor:
        """Inverse norm of the modulated weight per output channel : (B, out)."""
        power = (self.weight[0] * self.scale).square().sum((2, 3))  # (out, in)
        return torch.rsqrt(F.linear(style.square(), power) + DEMODULATION_EPS)

    def forward(self, x: Tensor, latent: Tensor | None, style: Tensor | None = None) -> Tensor:
        """
        Parameters
        ----------
        x : (B, in, H, W)
        latent : (B, style_dim), unused when ``style`` is given
        style : (B, in), the output of `modulation`, given directly (StyleSpace)
        """
        if style is None:
            style = self.modulation(latent)
        x = x * style[:, :, None, None]
        weight = self.weight[0] * self.scale
        if self.upsample:
            y = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
        else:
            y = F.conv2d(x, weight, padding=self.size // 2)
        if self.demodulate:
            y = y * self.norm(style)[:, :, None, None]
        return self.blur(y) if self.upsample else y


class StyledConv(nn.Module):
    """Modulated 3 x 3 convolution, noise, bias and leaky ReLU."""

    def __init__(
        self, channels_in: int, channels_out: int, style_dim: int, upsample: bool = False, four_d_bias: bool = False
    ) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(channels_in, channels_out, 3, style_dim, upsample=upsample)
        self.noise = NoiseInjection()
        self.activate = FusedLeakyReLU(channels_out, four_d_bias)

    def forward(
        self, x: Tensor, latent: Tensor | None, noise: Tensor | None = None, style: Tensor | None = None
    ) -> Tensor:
        return self.activate(self.noise(self.conv(x, latent, style), noise))


class ConvLayer(nn.Sequential):
    """Equalised convolution of the discriminator and encoder, optionally halving the size, optionally activated.

    A strided 1 x 1 convolution reads only every second sample, so there the filter itself does the striding.
    """

    def __init__(
        self, channels_in: int, channels_out: int, size: int, downsample: bool = False, activate: bool = True
    ) -> None:
        layers: list[nn.Module] = []
        if downsample:
            pad = 2 if size == 3 else 1
            layers.append(Blur(pad, stride=2 if size == 1 else 1))
            layers.append(EqualConv2d(channels_in, channels_out, size, stride=1 if size == 1 else 2))
        else:
            layers.append(EqualConv2d(channels_in, channels_out, size, padding=size // 2))
        if activate:
            layers.append(FusedLeakyReLU(channels_out, four_d=True))
        super().__init__(*layers)


class ResBlock(nn.Module):
    """Residual block that halves the size."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv1 = ConvLayer(channels_in, channels_in, 3)
        self.conv2 = ConvLayer(channels_in, channels_out, 3, downsample=True)
        self.skip = ConvLayer(channels_in, channels_out, 1, downsample=True, activate=False)

    def forward(self, x: Tensor) -> Tensor:
        return (self.conv2(self.conv1(x)) + self.skip(x)) / GAIN
