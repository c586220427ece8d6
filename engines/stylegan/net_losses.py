"""The losses that a generator is trained, and a latent is found, with."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

SCALES = (1, 2, 4)


def picture_loss(drawn: Tensor, wanted: Tensor, weight: Tensor | None = None, quadratic: float = 0.0) -> Tensor:
    """Mean L1 of pictures (B, 3, S, S) and of their gradients, at the scales 1, 1/2 and 1/4.

    Parameters
    ----------
    weight : (B or 1, 1, S, S), how much each pixel counts
    quadratic : error up to which it counts as its square (Huber's loss): where most errors are nought most of the time,
        so is their median, and L1 alone would leave them all
    """

    def size(error: Tensor) -> Tensor:
        if not quadratic:
            return error.abs()
        return F.smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=quadratic)

    total = drawn.new_zeros(())
    apart = drawn - wanted
    share = torch.ones_like(apart[:1, :1]) if weight is None else weight / weight.mean()
    for scale in SCALES:
        a, w = (F.avg_pool2d(x, scale) if scale > 1 else x for x in (apart, share))
        total = total + (w * size(a)).mean()
        total = total + (w[..., 1:] * size(a.diff(dim=-1))).mean()
        total = total + (w[..., 1:, :] * size(a.diff(dim=-2))).mean()
    return total


def fooled(score: Tensor) -> Tensor:
    """The generator's non-saturating loss."""
    return F.softplus(-score).mean()


def told_apart(real: Tensor, drawn: Tensor) -> Tensor:
    """The discriminator's logistic loss."""
    return F.softplus(-real).mean() + F.softplus(drawn).mean()


def r1_penalty(score: Tensor, real: Tensor) -> Tensor:
    """Mean squared gradient of the scores at real pictures (Mescheder et al., 2018)."""
    (slope,) = torch.autograd.grad(score.sum(), real, create_graph=True)
    return slope.square().sum((1, 2, 3)).mean()


def path_lengths(drawn: Tensor, wplus: Tensor, generator: torch.Generator) -> Tensor:
    """How much pictures (B, 3, S, S) change along their latents (B, layers, dim) : (B,) (Karras et al., 2020)."""
    noise = torch.randn(drawn.shape, generator=generator).to(drawn) / math.sqrt(drawn.shape[2] * drawn.shape[3])
    (slope,) = torch.autograd.grad((drawn * noise).sum(), wplus, create_graph=True)
    return slope.square().sum(2).mean(1).sqrt()


def noise_regularity(maps: list[Tensor]) -> Tensor:
    """What noise maps (1, 1, S, S) hold beyond white noise, at all scales (the projection of Karras et al., 2020)."""
    total = maps[0].new_zeros(())
    for noise in maps:
        part = noise
        while True:
            total = total + (part * part.roll(1, 3)).mean().square() + (part * part.roll(1, 2)).mean().square()
            if part.shape[2] <= 8:
                break
            part = F.avg_pool2d(part, 2) * 2
    return total


def decibel(drawn: Tensor, wanted: Tensor, where: Tensor | None = None) -> float:
    """PSNR of pictures in [-1, 1], of all pixels or those of a mask (S, S)."""
    error = (drawn.clamp(-1, 1) - wanted).square().mean(1)
    error = error if where is None else error[:, where]
    return float(10 * torch.log10(4 / error.mean().clamp_min(1e-9)))
