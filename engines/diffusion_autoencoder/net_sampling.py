"""Decoding and encoding with DiffAE: DDIM (Song et al., 2021) over a subset of the 1000 training steps.

Decoding runs through diffusers' ``DDIMScheduler``. Its inverse scheduler does not reproduce the official stochastic
encoding, so the inversion is our own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from diffusers import DDIMScheduler
from torch import Tensor

from engines.api import CancelToken
from engines.errors import InputError

TRAINING_STEPS = 1000
BETA_FIRST, BETA_LAST = 1e-4, 0.02


def alphas_cumprod() -> np.ndarray:
    """Share of the signal's power left at every training step : float64 (1000,)."""
    return np.cumprod(1 - np.linspace(BETA_FIRST, BETA_LAST, TRAINING_STEPS))


def kept_steps(count: int) -> np.ndarray:
    """The training steps that a decode of ``count`` steps visits, ascending : int64 (count,).

    Where an integer stride gives exactly ``count`` steps (the official rule) it is taken; other counts, which the
    official code refuses, are spread evenly.

    Raises
    ------
    InputError
        If ``count`` is not between 1 and 1000.
    """
    if not 1 <= count <= TRAINING_STEPS:
        raise InputError(f"{count} denoising steps are not possible. Choose 1 to {TRAINING_STEPS}.")
    stride = -(-TRAINING_STEPS // count)
    steps = np.arange(0, TRAINING_STEPS, stride)
    if len(steps) == count:
        return steps
    return np.arange(count) * TRAINING_STEPS // count


class Denoiser(Protocol):
    """A network that predicts noise: the official one, or a small one of our own."""

    def styles(self, z: Tensor, /) -> list[Tensor]:
        """What codes (B, code) do in every residual block."""
        ...

    def __call__(
        self, noisy: Tensor, step: Tensor, *, reference: Tensor | None = None, styles: list[Tensor] | None = None
    ) -> Tensor:
        """The noise in pictures (B, 3, size, size) at steps (B,)."""
        ...


@dataclass(frozen=True)
class Known:
    """Pixels that decoding keeps (DiffDub): everything but the mouth.

    Attributes
    ----------
    picture : (B, 3, size, size) in [-1, 1]
    mask : (B or 1, 1 or 3, size, size), 1 where the picture is kept
    """

    picture: Tensor
    mask: Tensor

    def paste(self, x: Tensor) -> Tensor:
        return torch.lerp(x, self.picture, self.mask.expand_as(x))


class Sampler:
    """A schedule of ``count`` steps.

    Parameters
    ----------
    count : number of U-Net passes of one decode
    clip : limit the predicted picture to [-1, 1] at every step, as trained networks want it
    steps : the training steps to visit, ascending, instead of the official choice of ``count``
    """

    def __init__(self, count: int = 20, clip: bool = True, steps: np.ndarray | None = None) -> None:
        self.steps = kept_steps(count) if steps is None else steps
        count = len(self.steps)
        self.clip = clip
        self.alphas = alphas_cumprod()[self.steps]
        betas = 1 - self.alphas / np.append(1.0, self.alphas[:-1])
        scheduler: Any = DDIMScheduler(
            num_train_timesteps=count,
            trained_betas=betas,
            clip_sample=clip,
            set_alpha_to_one=True,
            steps_offset=0,
            timestep_spacing="leading",
        )
        scheduler.alphas_cumprod = torch.from_numpy(self.alphas).float()
        scheduler.set_timesteps(count)
        self._scheduler: Any = scheduler

    def decode(
        self,
        model: Denoiser,
        noise: Tensor,
        z: Tensor,
        reference: Tensor | None = None,
        known: Known | None = None,
        cancel: CancelToken | None = None,
    ) -> Tensor:
        """Picture (B, 3, size, size) in [-1, 1] from noise x_T of that shape and codes z (B, style_dim)."""
        return deque(self.trajectory(model, noise, z, reference, known, cancel), maxlen=1).pop()

    @torch.no_grad()
    def trajectory(
        self,
        model: Denoiser,
        noise: Tensor,
        z: Tensor,
        reference: Tensor | None = None,
        known: Known | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[Tensor]:
        """The states after each step, the finished picture last; see `decode`."""
        styles = model.styles(z)
        x = noise
        for i in reversed(range(len(self.steps))):
            if cancel is not None:
                cancel.check()
            if known is not None:
                x = known.paste(x)
            predicted = model(x, self._at(i, x), reference=reference, styles=styles)
            x = self._scheduler.step(predicted, i, x, eta=0.0, use_clipped_model_output=True).prev_sample
            yield x if known is None or i else known.paste(x)

    def encode(
        self,
        model: Denoiser,
        picture: Tensor,
        z: Tensor,
        cancel: CancelToken | None = None,
        reference: Tensor | None = None,
    ) -> Tensor:
        """The noise x_T from which `decode` gives ``picture`` back ("stochastic encoding")."""
        return deque(self.inversion(model, picture, z, cancel, reference), maxlen=1).pop()

    @torch.no_grad()
    def inversion(
        self,
        model: Denoiser,
        picture: Tensor,
        z: Tensor,
        cancel: CancelToken | None = None,
        reference: Tensor | None = None,
    ) -> Iterator[Tensor]:
        """The states after each step of the inversion, x_T last. The last one has no signal left."""
        styles = model.styles(z)
        x = picture
        for i, (alpha, following) in enumerate(zip(self.alphas, [*self.alphas[1:], 0.0], strict=True)):
            if cancel is not None:
                cancel.check()
            predicted = model(x, self._at(i, x), reference=reference, styles=styles)
            scaled = x * alpha**-0.5
            clean = scaled - (1 / alpha - 1) ** 0.5 * predicted
            if self.clip:
                clean = clean.clamp(-1, 1)
            noise = (scaled - clean) / (1 / alpha - 1) ** 0.5
            x = following**0.5 * clean + (1 - following) ** 0.5 * noise
            yield x

    def _at(self, index: int, like: Tensor) -> Tensor:
        return torch.full((len(like),), int(self.steps[index]), device=like.device)


@dataclass(frozen=True)
class LatentNorm:
    """Mean and spread of the codes of a data set; edits and speech-to-latent work on normalised codes.

    Attributes
    ----------
    mean, std : (style_dim,)
    """

    mean: Tensor
    std: Tensor

    @staticmethod
    def of(codes: Tensor) -> LatentNorm:
        """Statistics of codes (N, style_dim); a coordinate that never changes keeps a spread of 1."""
        std = codes.std(0, correction=0)
        return LatentNorm(codes.mean(0), torch.where(std > 1e-6, std, torch.ones_like(std)))

    def normalise(self, z: Tensor) -> Tensor:
        return (z - self.mean) / self.std

    def restore(self, z: Tensor) -> Tensor:
        return z * self.std + self.mean
