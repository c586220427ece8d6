"""A DiffAE network seen as what the motion bridge examines: pictures to codes, codes to pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from engines.api import CancelToken
from engines.diffusion_autoencoder.net import DiffusionAutoencoder
from engines.diffusion_autoencoder.net_sampling import Sampler

STEPS: Final = 20
"""Network passes of a frame; the authors' scripts decode with 20 or 100."""
DRAFT_STEPS: Final = 5
INVERSION_STEPS: Final = 100
"""Passes that find the portrait's noise; the authors take 100 to 250."""
_SEED: Final = 1


@dataclass(frozen=True, eq=False)
class Source:
    """What all frames of a portrait share.

    Attributes
    ----------
    noise : (1, 3, size, size), x_T from which the network gives the portrait back
    """

    noise: Tensor


class Animator:
    """Codes and pictures of one network.

    Parameters
    ----------
    model : as `engines.diffusion_autoencoder.convert.load` gives it, on its device

    Attributes
    ----------
    banks : the whole code is one bank
    """

    def __init__(self, model: DiffusionAutoencoder) -> None:
        self.model = model.eval().requires_grad_(False)
        self.config = model.config
        self.banks = {"all": slice(0, model.config.style_dim)}

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @torch.inference_mode()
    def drive(self, pictures: Tensor) -> Tensor:
        """Codes (N, style_dim) of pictures (N, 3, size, size) in [-1, 1]."""
        return self.model.encode(pictures)

    @torch.inference_mode()
    def invert(self, picture: Tensor, code: Tensor, cancel: CancelToken | None = None) -> Source:
        """The noise of a picture (1, 3, size, size) with the code (1, style_dim): DiffAE's stochastic encoding."""
        return Source(Sampler(INVERSION_STEPS).encode(self.model, picture, code, cancel))

    @torch.inference_mode()
    def frames(
        self,
        source: Source,
        codes: Tensor,
        *,
        detail: Tensor | None = None,
        steps: int = STEPS,
        cancel: CancelToken | None = None,
    ) -> Tensor:
        """Pictures (N, 3, size, size) in [-1, 1] of codes (N, style_dim).

        Parameters
        ----------
        source : as `invert` gives it
        detail : (N,), share of the portrait's noise, the rest is chance that all frames share; by default 1
        steps : network passes
        """
        noise = source.noise.expand(len(codes), -1, -1, -1)
        if detail is not None:
            noise = between(chance(source.noise), source.noise, detail.to(noise))
        return Sampler(steps).decode(self.model, noise, codes, cancel=cancel)


def chance(like: Tensor) -> Tensor:
    """Noise of that shape that is the same every time."""
    generator = torch.Generator().manual_seed(_SEED)
    return torch.randn(like.shape, generator=generator).to(like)


def between(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """Noise on the way from one (1, C, H, W) to another, as strong as they are (Shoemake, 1985) : (N, C, H, W).

    Parameters
    ----------
    share : (N,), 0 the first to 1 the second
    """
    a, b = first.flatten(), second.flatten()
    angle = torch.acos((torch.dot(a, b) / (a.norm() * b.norm())).clamp(-1, 1)).item()
    if math.sin(angle) < 1e-4:
        return torch.lerp(first, second, share[:, None, None, None])
    left, right = (torch.sin(s * angle) / math.sin(angle) for s in (1 - share, share))
    return left[:, None, None, None] * first + right[:, None, None, None] * second
