"""From a portrait to a latent: optimisation in W+ and noise, and pivotal tuning of the generator.

After the projection of Karras et al. (2020), started from an encoder where there is one (Tov et al., 2021), and Roich
et al. (2022, "Pivotal Tuning").
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from engines.stylegan import layout as places
from engines.stylegan.net import Generator
from engines.stylegan.net_losses import decibel, noise_regularity, picture_loss

_NEAR: Final = 2e-3
"""Strength with which a latent is kept near the average, where faces can be edited."""
_NOISE: Final = 1e3
_RISE, _FALL = 0.05, 0.25
_PATIENCE: Final = 40
"""Steps without gain after which the search stops."""


@dataclass(frozen=True)
class Effort:
    """How much is spent on a portrait.

    Attributes
    ----------
    steps : of the search for the latent
    tuning : of pivotal tuning
    """

    steps: int
    tuning: int

    @staticmethod
    def of(size: int, device: str) -> Effort:
        """What a device can do in about a minute or two with a generator of ``size`` pixels."""
        if device != "cpu":
            return Effort(400, 200)
        if size <= 64:
            return Effort(240, 160)
        if size <= 128:
            return Effort(160, 80)
        return Effort(80, 24) if size <= 256 else Effort(40, 0)


@dataclass(eq=False)
class Inversion:
    """A portrait in a generator's latent space.

    Attributes
    ----------
    wplus : (1, layers, dim)
    generator : that draws it, tuned or as it was
    found_db, tuned_db : PSNR of the portrait after the search and after tuning
    """

    wplus: Tensor
    generator: Generator
    found_db: float
    tuned_db: float

    def told(self) -> str:
        """For people."""
        tuned = f", {self.tuned_db:.1f} dB after tuning" if self.tuned_db != self.found_db else ""
        return f"the portrait is drawn at {self.found_db:.1f} dB{tuned}"


def invert(
    generator: Generator,
    target: Tensor,
    start: Tensor | None,
    effort: Effort,
    advance: Callable[[float], None] = lambda part: None,
    *,
    known: Tensor,
) -> Inversion:
    """Find the latent of a portrait.

    Parameters
    ----------
    target : (1, 3, S, S), the aligned portrait in [-1, 1]
    start : (1, layers, dim) of an encoder, or None for the mean of ``known``
    advance : called with the part done; may raise to stop
    known : (N, layers, dim), faces that the generator knows, see `net_reach.faces`
    """
    average, spread = known.mean(0), known.std(0).mean().clamp_min(1e-3)
    weight = torch.from_numpy(places.emphasis(generator.config.size).copy()).to(target)[None, None]
    first = average[None] if start is None else start
    own = torch.Generator().manual_seed(10)
    learnt = first.detach().clone().requires_grad_(True)
    # noise of its own is not kept: what the maps of the file cannot show is tuning's to learn
    noises = [n.detach().clone().requires_grad_(True) for n in generator.noises.maps()]
    rate = 0.05 if start is None else 0.02
    optimiser = torch.optim.Adam([learnt, *noises], lr=rate, betas=(0.9, 0.999))
    total = effort.steps + effort.tuning
    best, best_loss, waited = learnt.detach().clone(), math.inf, 0
    for step in range(effort.steps):
        at = step / effort.steps
        fall = min(1.0, (1 - at) / _FALL)
        fade = 0.5 - 0.5 * math.cos(math.pi * fall)
        for group in optimiser.param_groups:
            group["lr"] = rate * fade * min(1.0, (step + 1) / max(1.0, _RISE * effort.steps))
        jolt = 0.05 * spread * max(0.0, 1 - at / 0.75) ** 2
        code = learnt + jolt * torch.randn(learnt.shape, generator=own).to(learnt)
        drawn = generator(code, noises)
        seen = picture_loss(drawn, target, weight)
        near = ((learnt - average) / spread).square().mean()
        loss = seen + _NEAR * near + _NOISE * 1e-5 * noise_regularity(noises)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            for noise in noises:
                noise.sub_(noise.mean()).div_(noise.std().clamp_min(1e-6))
        value = float(seen.detach())
        waited = 0 if value < best_loss * 0.999 else waited + 1
        if value < best_loss:
            best, best_loss = learnt.detach().clone(), value
        advance((step + 1) / total)
        if waited > _PATIENCE and at > 0.5:
            break
    with torch.no_grad():
        found_db = decibel(generator(best), target)
    if not effort.tuning:
        return Inversion(best, generator, found_db, found_db)
    tuned = tune(
        generator, best, target, weight, effort.tuning, lambda p: advance((effort.steps + p) / total), known=known
    )  # fmt: skip
    with torch.no_grad():
        tuned_db = decibel(tuned(best), target)
    return Inversion(best, tuned, found_db, tuned_db)


def tune(
    generator: Generator,
    wplus: Tensor,
    target: Tensor,
    weight: Tensor,
    steps: int,
    advance: Callable[[int], None] = lambda step: None,
    *,
    known: Tensor,
) -> Generator:
    """A copy of the generator that draws the portrait at its latent, and other latents as before (locality term)."""
    tuned = copy.deepcopy(generator).requires_grad_(True)
    tuned.style.requires_grad_(False)
    optimiser = torch.optim.Adam([p for p in tuned.parameters() if p.requires_grad], lr=5e-4, betas=(0.9, 0.999))
    own = torch.Generator().manual_seed(11)
    others = known[torch.randperm(len(known), generator=own)]
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 5e-4 * min(1.0, 2 * (1 - step / steps))
        loss = picture_loss(tuned(wplus), target, weight)
        if step % 8 == 0:
            beside = torch.lerp(wplus, others[step // 8 % len(others)][None], 0.3)
            with torch.no_grad():
                before = generator(beside)
            loss = loss + 0.1 * picture_loss(tuned(beside), before)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        advance(step + 1)
    return tuned.eval().requires_grad_(False)
