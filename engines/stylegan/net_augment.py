"""Augmentation whose strength follows how well the discriminator knows its pictures by heart (Karras et al., 2020,
"Training Generative Adversarial Networks with Limited Data"), with the changes that faces in a crop stand.
"""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

TARGET: Final = 0.6
"""Share of real pictures that the discriminator should know for real (the paper's r_t)."""
MOST: Final = 0.8
"""Strength beyond which augmented faces show up in what is generated."""
_PICTURES_TO_FULL: Final = 100_000
"""Pictures over which the strength goes from 0 to 1 at most."""


class Augment:
    """Changes pictures at random, each change with the probability `strength`.

    Attributes
    ----------
    strength : 0 to `MOST`
    """

    def __init__(self, strength: float = 0.0) -> None:
        self.strength = strength

    def follow(self, real_scores: Tensor) -> None:
        """Grow when the discriminator is too sure of real pictures, shrink when it is not."""
        sure = float(real_scores.detach().sign().mean())
        step = len(real_scores) / _PICTURES_TO_FULL * (1 if sure > TARGET else -1)
        self.strength = min(MOST, max(0.0, self.strength + step))

    def __call__(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """Changed pictures (B, 3, S, S); gradients go through.

        Parameters
        ----------
        generator : of the random numbers
        """
        if self.strength <= 0:
            return pictures
        count = len(pictures)

        def hit() -> Tensor:
            """1 for the pictures that a change meets : (B,)."""
            return (torch.rand(count, generator=generator) < self.strength).float()

        def normal(scale: float) -> Tensor:
            return hit() * scale * torch.randn(count, generator=generator)

        def each(values: Tensor) -> Tensor:
            return values[:, None, None, None].to(pictures)

        flipped = hit() * (torch.rand(count, generator=generator) < 0.5)
        angle, size = normal(0.15), torch.exp(normal(0.12))
        moved = torch.stack([normal(0.12), normal(0.12)], 1)
        cos, sin = angle.cos() / size, angle.sin() / size
        mirror = 1 - 2 * flipped
        matrix = torch.stack(
            [torch.stack([mirror * cos, -sin, moved[:, 0]], 1), torch.stack([mirror * sin, cos, moved[:, 1]], 1)], 1
        ).to(pictures)
        grid = F.affine_grid(matrix, list(pictures.shape), align_corners=False)
        pictures = F.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
        grey = pictures.mean(1, keepdim=True)
        pictures = grey + (pictures - grey) * each(torch.exp(normal(0.5)))
        return pictures * each(torch.exp(normal(0.3))) + each(normal(0.2))
