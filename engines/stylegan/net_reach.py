"""What a generator can do to one face: directions of StyleSpace, how pictures follow them, and fits of amounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engines.stylegan.net import Generator
from engines.stylegan.net_losses import picture_loss

if TYPE_CHECKING:
    from engines.stylegan.convert import LoadedGenerator

LOOKED: Final = 96
"""Side of the pictures that fits look at; more says nothing new about where a mouth is."""
_STEP: Final = 0.5
"""Units either way for differences."""
_AMOUNT_RIDGE: Final = 3e-3
"""Strength with which amounts are kept small, beside the mean power of a direction."""


class Layout:
    """Where the vectors of StyleSpace lie in one flat vector.

    Attributes
    ----------
    count : its length
    """

    def __init__(self, generator: Generator) -> None:
        self._parts: list[tuple[str, int, int]] = []
        at = 0
        for name, (conv, _) in generator.modulated().items():
            size = conv.weight.shape[2]
            self._parts.append((name, at, at + size))
            at += size
        self.count = at

    def flat(self, styles: dict[str, Tensor]) -> Tensor:
        """(B, count) of the vectors by name."""
        return torch.cat([styles[name] for name, _, _ in self._parts], 1)

    def split(self, flat: Tensor) -> dict[str, Tensor]:
        """The inverse of `flat`."""
        return {name: flat[:, low:high] for name, low, high in self._parts}

    def convolutions(self) -> np.ndarray:
        """Which entries belong to convolutions, not to colour layers : bool (count,)."""
        may = np.zeros(self.count, bool)
        for name, low, high in self._parts:
            may[low:high] = not name.startswith("to_rgb")
        return may


def latents(generator: Generator, count: int, seed: int, psi: float = 0.7) -> Tensor:
    """Latents w (count, style_dim) of random faces, drawn towards their mean."""
    own = torch.Generator().manual_seed(seed)
    z = torch.randn(count, generator.config.style_dim, generator=own)
    with torch.no_grad():
        w = generator.mapping(z.to(next(generator.parameters())))
        return torch.lerp(w.mean(0, keepdim=True).expand_as(w), w, psi)


def faces(loaded: LoadedGenerator, count: int, seed: int, psi: float = 0.7) -> Tensor:
    """W+ codes (count, layers, style_dim) of faces that a generator knows.

    One that was trained here knows people and their 35 numbers, and what lies between them; others know what comes
    out of their mapping.
    """
    generator = loaded.generator
    if loaded.moves is None or loaded.people is None:
        return generator.wplus(latents(generator, count, seed, psi))
    own = torch.Generator().manual_seed(seed)
    shares = torch.softmax(3 * torch.randn(count, len(loaded.people), generator=own), 1)
    amounts = psi * torch.randn(count, len(loaded.moves), generator=own)
    device = next(generator.parameters()).device
    moved = torch.einsum("bn,nld->bld", amounts, loaded.moves)
    return ((shares @ loaded.people)[:, None] + moved).to(device)


def pose_candidates(generator: Generator, layout: Layout, count: int) -> np.ndarray:
    """Directions of StyleSpace in which heads may turn : float32 (count, `Layout.count`), a unit one deviation.

    Principal axes of w (Härkönen et al., 2020) on the rows up to 32 px, which hold pose and shape.
    """
    with torch.no_grad():
        w = latents(generator, 2048, seed=5, psi=1.0)
        count = min(count, w.shape[1])
        _, scale, axes = torch.linalg.svd(w - w.mean(0), full_matrices=False)
        axes = axes[:count] * (scale[:count] / len(w) ** 0.5)[:, None]
        zero = generator.styles(generator.wplus(torch.zeros_like(axes[:1])))
        rows = min(generator.config.layers, 8)
        codes = generator.wplus(axes).clone()
        codes[:, rows:] = 0
        moved = layout.flat(generator.styles(codes)) - layout.flat(zero)
    return moved.cpu().numpy()


@dataclass(eq=False)
class Reach:
    """One face and the directions it can be moved in.

    Attributes
    ----------
    generator : that draws it
    layout : of its StyleSpace
    start : (1, count), the face at rest
    basis : (K, count), a unit of each direction
    """

    generator: Generator
    layout: Layout
    start: Tensor
    basis: Tensor

    def draw(self, amounts: Tensor) -> Tensor:
        """Pictures (B, 3, S, S) of amounts (B, K)."""
        return self.generator.synthesis(self.layout.split(self.start + amounts @ self.basis))

    def looked(self, pictures: Tensor) -> Tensor:
        """Pictures as fits look at them : (B, 3, s, s)."""
        return looked(pictures)

    @torch.no_grad()
    def rest(self) -> Tensor:
        """The face at rest as fits look at it : (1, 3, s, s)."""
        return self.looked(self.draw(self.start.new_zeros(1, len(self.basis))))

    @torch.no_grad()
    def slopes(self, advance: Callable[[], None] = lambda: None) -> Tensor:
        """Change of the looked-at picture for one unit of each direction : (K, 3 s s)."""
        rows = []
        for k in range(len(self.basis)):
            amounts = self.start.new_zeros(2, len(self.basis))
            amounts[0, k], amounts[1, k] = _STEP, -_STEP
            up, down = (self.looked(self.draw(a[None])) for a in amounts)
            rows.append(((up - down) / (2 * _STEP)).flatten())
            advance()
        return torch.stack(rows)


def looked(pictures: Tensor) -> Tensor:
    """Pictures (B, 3, S, S) at most `LOOKED` wide, each pixel a mean."""
    side = pictures.shape[-1]
    if side <= LOOKED:
        return pictures
    return F.interpolate(pictures, size=(LOOKED, LOOKED), mode="area")


def solved(slopes: Tensor, changes: Tensor, features: Tensor, strength: float) -> Tensor:
    """A linear map (F, K) from features to amounts, so that amounts times slopes give the changes.

    Parameters
    ----------
    slopes : (K, P), from `Reach.slopes`
    changes : (T, P), of pictures
    features : (T, F), of the same frames
    strength : of the ridge on features
    """
    power = slopes @ slopes.T
    power = power + _AMOUNT_RIDGE * power.diagonal().mean().clamp_min(1e-12) * torch.eye(len(power)).to(power)
    scale = features.square().mean(0).sqrt() + 1e-6
    x = features / scale
    normal = x.T @ x + strength * len(x) * torch.eye(x.shape[1]).to(x)
    found = torch.linalg.solve(normal, x.T @ (changes @ slopes.T)) / scale[:, None]
    return torch.linalg.solve(power, found.T).T


def refine(
    reach: Reach,
    amounts_of: Tensor,
    features: Tensor,
    wanted: Tensor,
    free: Tensor,
    weight: Tensor,
    *,
    steps: int,
    batch: int = 4,
    advance: Callable[[], None] = lambda: None,
) -> Tensor:
    """A map from features to amounts, made better by what the generator draws of it.

    Parameters
    ----------
    amounts_of : (F, K), as it starts
    features : (T, F)
    wanted : (T, 3, s, s), what the pictures should differ from the face at rest by
    free : bool (K,), directions that may be used
    weight : (1, 1, s, s), how much each pixel counts
    """
    rest = reach.rest()
    mask = free.to(amounts_of)[None]
    scale = features.square().mean(0).sqrt()[:, None] + 1e-6
    learnt = (amounts_of * scale).clone().requires_grad_(True)
    optimiser = torch.optim.Adam([learnt], lr=0.02, betas=(0.8, 0.98))
    own = np.random.default_rng(3)
    best, best_loss = amounts_of, float("inf")
    recent: list[float] = []
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 0.02 * (1 - step / steps)
        chosen = torch.from_numpy(own.choice(len(features), min(batch, len(features)), replace=False))
        amounts = features[chosen] @ ((learnt * mask) / scale)
        drawn = reach.looked(reach.draw(amounts)) - rest
        loss = picture_loss(drawn, wanted[chosen], weight) + 1e-3 * amounts.square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        recent = [*recent[-9:], float(loss.detach())]
        if len(recent) == 10 and np.mean(recent) < best_loss:
            best, best_loss = ((learnt * mask) / scale).detach(), float(np.mean(recent))
        advance()
    return best


def amounts_of_pictures(
    reach: Reach, slopes: Tensor, pictures: Tensor, before: Tensor, *, smooth: float, weight: Tensor
) -> Tensor:
    """Amounts (1, K) that draw one picture, from those of the frame before (Gauss and Newton's step, fixed slopes).

    Parameters
    ----------
    pictures : (1, 3, s, s), as fits look at it
    before : (1, K)
    smooth : strength of staying near the frame before, beside the mean power of a direction
    weight : (1, 1, s, s)
    """
    root = weight.sqrt().expand(1, 3, -1, -1).flatten()
    own = slopes * root
    power = own @ own.T
    ridge = power.diagonal().mean().clamp_min(1e-12)
    with torch.no_grad():
        left = (pictures - reach.looked(reach.draw(before))).flatten() * root
    pull = own @ left - _AMOUNT_RIDGE * ridge * before[0]
    total = power + (_AMOUNT_RIDGE + smooth) * ridge * torch.eye(len(power)).to(power)
    return before + torch.linalg.solve(total, pull)[None]
