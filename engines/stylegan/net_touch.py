"""A small StyleGAN2 generator that adds to a taught mouth what its closed form lacks: teeth, and the rims of the lips.

Its only inputs are the 32 channels of a frame and a latent of the person. It draws a change of colour in a square
around the mouth of the still head, which the closed form then turns by the three angles as it turns the photo; the last
layers start at nought, so an untaught one changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from engines.stylegan import numbers
from engines.stylegan.net import Config, Generator
from engines.stylegan.net_discriminator import Discriminator
from engines.stylegan.net_losses import fooled, picture_loss, told_apart

CONFIG: Final = Config(64, 64, 2, 24 * 64 / 16384, 64)
"""64 pixels, 24 channels at the finest resolution and 64 at the coarsest: 0.7 M numbers."""
_QUADRATIC: Final = 0.15
CHANGE: Final = 0.2
"""Size of what the last layers say in one unit, of a picture's range of 2."""


class Touch(nn.Module):
    """The generator with a latent for each person that it knows, and directions for the channels.

    Parameters
    ----------
    people : how many
    """

    def __init__(self, people: int, config: Config = CONFIG) -> None:
        super().__init__()
        self.generator = Generator(config)
        self.people = nn.Parameter(0.5 * torch.randn(people, config.style_dim))
        self.moves = nn.Parameter(0.1 * torch.randn(len(numbers.CHANNELS), config.layers, config.style_dim))
        with torch.no_grad():
            for _, _, rgb in self.generator.blocks():
                rgb.conv.weight.zero_()
            self.generator.to_rgb1.conv.weight.zero_()
        for noise in self.generator.noises.maps():
            noise.zero_()  # a mouth has no grain of its own

    def forward(self, latent: Tensor, values: Tensor) -> Tensor:
        """Change of colour (B, 3, S, S) of latents (B, style_dim) and numbers (B, 35), in a picture's range of 2."""
        code = self.generator.wplus(latent) + torch.einsum("bn,nld->bld", values[:, 3:], self.moves)
        drawn: Tensor = CHANGE * self.generator(code)
        return drawn


@dataclass(frozen=True, eq=False)
class Mouths:
    """Squares around mouths.

    Attributes
    ----------
    pictures : uint8 (N, S, S, 3), as they are
    references : uint8 (N, S, S, 3), as the closed form draws them
    numbers : float32 (N, 35)
    person : int64 (N,)
    """

    pictures: np.ndarray
    references: np.ndarray
    numbers: np.ndarray
    person: np.ndarray

    def __len__(self) -> int:
        return len(self.person)

    def part(self, where: slice | np.ndarray) -> Mouths:
        """Some of them."""
        return Mouths(self.pictures[where], self.references[where], self.numbers[where], self.person[where])


def emphasis(size: int) -> Tensor:
    """How much each pixel counts : (1, 1, S, S), less towards the border, where the change fades out."""
    at = (torch.arange(size) + 0.5) / size
    near = torch.minimum(at, 1 - at) / 0.2
    rise = near.clamp(0, 1)
    return (0.1 + torch.outer(rise, rise))[None, None]


def border(size: int) -> Tensor:
    """1 inside, falling to 0 at the border : (1, 1, S, S)."""
    near = (torch.minimum(torch.arange(size), torch.arange(size).flip(0)) + 0.5) / (0.1 * size)
    rise = near.clamp(0, 1)
    rise = rise * rise * (3 - 2 * rise)
    return torch.outer(rise, rise)[None, None]


def learn(
    model: Touch,
    mouths: Mouths,
    steps: int,
    *,
    batch: int = 8,
    rate: float = 5e-3,
    adversarial: float = 0.0,
    seed: int = 1,
    device: str = "cpu",
    advance: Callable[[int, float], None] = lambda step, loss: None,
) -> None:
    """Teach a generator, in place.

    Parameters
    ----------
    adversarial : weight of a discriminator that looks at the whole square, in the last half of the steps
    advance : called after every step with its number and loss; may raise to stop
    """
    size = model.generator.config.size
    weight, fade = emphasis(size).to(device), border(size).to(device)
    model.to(device).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=rate, betas=(0.5, 0.99))
    judge = Discriminator(model.generator.config).to(device) if adversarial > 0 else None
    judging = torch.optim.Adam(judge.parameters(), lr=rate, betas=(0.0, 0.99)) if judge else None
    rng = np.random.default_rng(seed)
    for step in range(steps):
        late = max(0.0, step / steps - 0.4) / 0.6
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 10) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * late)))
        sample = mouths.part(rng.choice(len(mouths), min(batch, len(mouths)), replace=False))
        real, reference = (_tensor(p, device) for p in (sample.pictures, sample.references))
        latent = model.people[torch.from_numpy(sample.person).to(device)]
        drawn = reference + fade * model(latent, torch.from_numpy(sample.numbers).to(device))
        loss = picture_loss(drawn, real, weight, _QUADRATIC)
        fooling = judge is not None and step >= steps // 2
        if fooling and judge is not None:
            loss = loss + adversarial * fooled(judge(drawn))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        if fooling and judge is not None and judging is not None:
            apart = told_apart(judge(real), judge(drawn.detach()))
            judging.zero_grad(set_to_none=True)
            apart.backward()
            judging.step()
        advance(step, float(loss.detach()))
    model.eval()


@torch.no_grad()
def drawn(model: Touch, mouths: Mouths, gain: float = 1.0, batch: int = 16) -> np.ndarray:
    """The closed form's squares with the generator's change : float32 (N, S, S, 3), 0 to 255."""
    fade = border(model.generator.config.size)
    found = []
    for i in range(0, len(mouths), batch):
        part = mouths.part(slice(i, i + batch))
        change = gain * fade * model(model.people[torch.from_numpy(part.person)], torch.from_numpy(part.numbers))
        found.append(((_tensor(part.references, "cpu") + change + 1) * 127.5).clamp(0, 255))
    return np.ascontiguousarray(torch.cat(found).permute(0, 2, 3, 1).numpy())


def _tensor(pictures: np.ndarray, device: str) -> Tensor:
    moved = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))).to(device)
    return moved.float().div_(127.5).sub_(1)
