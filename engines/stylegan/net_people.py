"""A generator that knows people, and what the 35 numbers of a frame do to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor, nn

from engines.stylegan import numbers
from engines.stylegan.net import Config, Generator

if TYPE_CHECKING:
    from engines.stylegan.convert import LoadedGenerator

SCALE: Final = np.array([8.0] * 3 + [1.0] * (numbers.COUNT - 3), np.float32)
"""Size of one unit of each number for the network."""


class People(nn.Module):
    """A generator with a latent for each person of a set, and directions for the 35 numbers.

    Parameters
    ----------
    people : how many
    """

    def __init__(self, config: Config, people: int) -> None:
        super().__init__()
        self.generator = Generator(config)
        self.people = nn.Parameter(torch.randn(people, config.style_dim))
        self.moves = nn.Parameter(0.02 * torch.randn(numbers.COUNT, config.layers, config.style_dim))

    @staticmethod
    def of(loaded: LoadedGenerator, people: int) -> People:
        """A generator that is there, people at its mean face; one that was trained here keeps its directions."""
        from engines.stylegan.net_reach import faces

        model = People(loaded.generator.config, people)
        model.generator.load_state_dict(loaded.generator.state_dict())
        mean = faces(loaded, 1024, seed=9, psi=1.0).mean((0, 1))
        with torch.no_grad():
            model.people.copy_(mean.expand(people, -1))
            model.moves.mul_(0.0) if loaded.moves is None else model.moves.copy_(loaded.moves)
        return model

    def moved(self, values: Tensor) -> Tensor:
        """What numbers (B, 35) add to W+ codes : (B, layers, style_dim)."""
        scaled = values / torch.from_numpy(SCALE).to(values)
        return torch.einsum("bn,nld->bld", scaled, self.moves)

    def known(self, person: Tensor, values: Tensor) -> Tensor:
        """W+ codes of people (B,) doing numbers (B, 35)."""
        return self.generator.wplus(self.people[person]) + self.moved(values)

    def imagined(self, z: Tensor, values: Tensor) -> Tensor:
        """W+ codes of nobody in particular, from normal numbers z (B, style_dim)."""
        return self.generator.wplus(self.generator.mapping(z)) + self.moved(values)
