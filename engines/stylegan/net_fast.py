"""Rendering with StyleGAN2: the arithmetic of `net.Generator` with its constants folded (see `net_fold`)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engines.stylegan.net import Generator, ToRGB
from engines.stylegan.net_fold import FoldedConv


class FoldedRGB:
    """A colour layer whose style multiplies the weight, which is smaller than the picture."""

    def __init__(self, layer: ToRGB) -> None:
        self.weight = (layer.conv.weight.detach()[0, :, :, 0, 0] * layer.conv.scale).contiguous()  # (3, in)
        self.bias = layer.bias.detach().flatten()
        self.upsample = getattr(layer, "upsample", None)

    def __call__(self, x: Tensor, coarser: Tensor | None, style: Tensor) -> Tensor:
        if len(x) == 1:
            rgb = F.conv2d(x, (self.weight * style)[:, :, None, None], self.bias)
        else:
            rgb = F.conv2d(x * style[:, :, None, None], self.weight[:, :, None, None], self.bias)
        if coarser is None or self.upsample is None:
            return rgb
        return rgb.add_(self.upsample(coarser))


class Synthesizer:
    """Draws pictures with a trained generator.

    Parameters
    ----------
    generator : in inference mode; later changes of its parameters are not seen
    noises : as in `Generator.synthesis`; False draws without noise, None takes the checkpoint's constants
    """

    @torch.inference_mode()
    def __init__(self, generator: Generator, noises: list[Tensor] | bool | None = None) -> None:
        self.generator = generator.eval().requires_grad_(False)
        start = generator.input(1).contiguous(memory_format=torch.channels_last)
        self._start = start
        self._first, self._first_rgb = FoldedConv(generator.conv1), FoldedRGB(generator.to_rgb1)
        self._blocks = [(FoldedConv(u), FoldedConv(s), FoldedRGB(r)) for u, s, r in generator.blocks()]
        if noises is False:
            self._noises: list[Tensor | None] = [None] * (2 * len(self._blocks) + 1)
        else:
            maps = noises if isinstance(noises, list) else generator.noises.maps()
            self._noises = [m if bool(m.any()) else None for m in maps]

    @torch.inference_mode()
    def __call__(self, styles: dict[str, Tensor]) -> Tensor:
        """Pictures (B, 3, size, size), about [-1, 1], of StyleSpace vectors as `Generator.styles` gives them."""
        batch = len(styles["conv1"])
        x = self._first(self._start.expand(batch, -1, -1, -1), styles["conv1"], self._noises[0])
        rgb = self._first_rgb(x, None, styles["to_rgb1"])
        for k, (up, same, to_rgb) in enumerate(self._blocks):
            x = up(x, styles[f"convs.{2 * k}"], self._noises[2 * k + 1])
            x = same(x, styles[f"convs.{2 * k + 1}"], self._noises[2 * k + 2])
            rgb = to_rgb(x, rgb, styles[f"to_rgbs.{k}"])
        return rgb
