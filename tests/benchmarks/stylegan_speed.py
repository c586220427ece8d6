"""Seconds a picture of our StyleGAN2 synthesis beside a plain grouped-convolution implementation, in one run.

``python -m tests.benchmarks.stylegan_speed [--size 256] [--batch 1] [--rounds 5] [--threads 1] [--device cpu]``

The plain one modulates and demodulates a weight per sample, runs them as one grouped convolution, and filters by
zero insertion, padding and a FIR convolution: the arithmetic of the paper, as published code spells it out. Both
draw the same W+ codes with the same random weights and their pictures are compared.
"""

from __future__ import annotations

import argparse
import math
import sys
import time

import torch
import torch.nn.functional as F
from torch import Tensor

from engines.stylegan.net import Config, Generator
from engines.stylegan.net_fast import Synthesizer
from engines.stylegan.net_layers import ModulatedConv2d, StyledConv

TARGET = 1.5


def fir(x: Tensor, kernel: Tensor, up: int, before: int, after: int) -> Tensor:
    """Zero insertion, padding and correlation with the filter."""
    batch, channels, height, width = x.shape
    if up > 1:
        spread = x.new_zeros(batch, channels, height * up, width * up)
        spread[:, :, ::up, ::up] = x
        x = spread
    x = F.pad(x, (before, after, before, after))
    y = F.conv2d(x.reshape(batch * channels, 1, *x.shape[2:]), kernel[None, None])
    return y.view(batch, channels, *y.shape[2:])


def grouped(conv: ModulatedConv2d, x: Tensor, latent: Tensor) -> Tensor:
    """A modulated convolution with one weight per sample."""
    batch, channels, height, width = x.shape
    style = conv.modulation(latent).view(batch, 1, channels, 1, 1)
    weight = conv.scale * conv.weight * style
    if conv.demodulate:
        weight = weight * torch.rsqrt(weight.square().sum((2, 3, 4), keepdim=True) + 1e-8)
    x = x.reshape(1, batch * channels, height, width)
    if conv.upsample:
        weight = weight.transpose(1, 2).reshape(batch * channels, -1, conv.size, conv.size)
        y = F.conv_transpose2d(x, weight, stride=2, groups=batch)
        return fir(y.view(batch, -1, *y.shape[2:]), conv.blur.kernel, 1, 1, 1)
    y = F.conv2d(x, weight.flatten(0, 1), padding=conv.size // 2, groups=batch)
    return y.view(batch, -1, height, width)


def styled(layer: StyledConv, x: Tensor, latent: Tensor, noise: Tensor) -> Tensor:
    y = grouped(layer.conv, x, latent)
    y = y + layer.noise.weight * noise
    return F.leaky_relu(y + layer.activate.bias.view(1, -1, 1, 1), 0.2) * math.sqrt(2)


@torch.inference_mode()
def plain(generator: Generator, wplus: Tensor) -> Tensor:
    maps = generator.noises.maps()
    x = styled(generator.conv1, generator.input(len(wplus)), wplus[:, 0], maps[0])
    rgb = grouped(generator.to_rgb1.conv, x, wplus[:, 1]) + generator.to_rgb1.bias
    for k, (up, same, to_rgb) in enumerate(generator.blocks()):
        x = styled(up, x, wplus[:, 2 * k + 1], maps[2 * k + 1])
        x = styled(same, x, wplus[:, 2 * k + 2], maps[2 * k + 2])
        picture = grouped(to_rgb.conv, x, wplus[:, 2 * k + 3]) + to_rgb.bias
        rgb = picture + fir(rgb, to_rgb.upsample.kernel, 2, 2, 1)
    return rgb


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    generator = Generator(Config(size=args.size)).eval().requires_grad_(False).to(args.device)
    for layer in (generator.conv1, *(c for up, same, _ in generator.blocks() for c in (up, same))):
        layer.noise.weight.fill_(0.1)
    synthesizer = Synthesizer(generator)
    clock = time.process_time if args.device == "cpu" else time.perf_counter
    spent: dict[str, list[float]] = {"plain": [], "ours": []}
    for _ in range(args.rounds + 1):
        wplus = torch.randn(args.batch, generator.config.layers, 512, device=args.device)
        pictures = {}
        for name in spent:
            start = clock()
            with torch.inference_mode():
                pictures[name] = plain(generator, wplus) if name == "plain" else synthesizer(generator.styles(wplus))
            if args.device.startswith("cuda"):
                torch.cuda.synchronize()
            spent[name].append((clock() - start) / args.batch)
        worst = float((pictures["plain"] - pictures["ours"]).abs().max())
    slow, fast = (sorted(spent[name][1:])[args.rounds // 2] for name in ("plain", "ours"))
    kind = "CPU seconds" if args.device == "cpu" else "seconds"
    print(f"{args.device}, {args.threads} thread(s), {args.size} px, batch {args.batch}, {kind} a picture (median)")
    print(
        f"  plain {slow:.3f}, ours {fast:.3f}, ratio {slow / fast:.2f} (target {TARGET}), worst difference {worst:.1e}"
    )
    return 0 if slow / fast >= TARGET and worst < 1e-3 else 1


if __name__ == "__main__":
    sys.exit(main())
