"""A small diffusion autoencoder for one actor, quick enough for a processor.

The same blocks as `engines.diffusion_autoencoder.net`, used otherwise:

* it sees ``patch`` x ``patch`` pixels at once, so that its finest level has a quarter of the places;
* the second picture beside the noisy one is the portrait as the closed form already moved it
  (`engines.teaching.closed`), as DiffDub's reference frame is;
* it predicts the clean picture as a change of that reference (x0 prediction; Salimans and Ho, ICLR 2022, section 4,
  compare the targets). The last layer starts at zero, so an untaught actor shows the closed form itself;
* the code shifts the blocks' normalisation as time does, too, beside scaling it; a scale alone takes long to be learnt;
* the noisy picture comes in scaled by what is left of the picture in it, so that pure noise does not drown the
  reference, and frames of one actor do not differ by it;
* the encoder keeps where things are (it has no global pooling), for a code holds the pose;
* its code is `engines.teaching.bridge`'s: motion in known units, then numbers of its own for what motion does not
  explain.

Seen from a sampler it predicts noise, so `net_sampling` decodes and encodes with it as with the official networks.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.diffusion_autoencoder.net import Config, DiffusionAutoencoder, SemanticEncoder
from engines.diffusion_autoencoder.net_sampling import TRAINING_STEPS, alphas_cumprod

CHANGE = 0.1
"""Size of what the last layer says in one unit, of a picture's range of 2: what moved portraits typically lack. At full
size the first steps of teaching overshoot it by far."""


@dataclass(frozen=True)
class StudentConfig:
    """The size of a small autoencoder.

    Attributes
    ----------
    size : side of the picture in pixels
    patch : side of the squares of pixels that are one place of the finest level
    channels, multipliers, encoder_multipliers, res_blocks, groups : as in `engines.diffusion_autoencoder.net.Config`
    code_dim : numbers of the code
    style_dim : length of the embeddings of code and time
    """

    size: int = 96
    patch: int = 2
    channels: int = 24
    multipliers: tuple[int, ...] = (1, 2, 3)
    encoder_multipliers: tuple[int, ...] = (1, 2, 3, 4)
    res_blocks: int = 1
    groups: int = 8
    code_dim: int = 64
    style_dim: int = 128

    def facts(self) -> dict[str, Any]:
        """As plain values, for a card."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @staticmethod
    def from_facts(facts: dict[str, Any]) -> StudentConfig:
        """The inverse of `facts`.

        Raises
        ------
        TypeError
            For a name that is no field.
        """
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in facts.items()}
        return StudentConfig(**values)


class Student(nn.Module):
    """Noise prediction conditioned on a code and a moved portrait, and the encoder that reads codes off pictures."""

    def __init__(self, config: StudentConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or StudentConfig()
        grid, inside = config.size // config.patch, config.patch**2
        common: dict[str, Any] = {
            "size": grid,
            "channels": config.channels,
            "attention_size": grid // 2 ** (len(config.multipliers) - 1),
            "res_blocks": config.res_blocks,
            "groups": config.groups,
            "dropout": 0.0,
        }
        self.unet = DiffusionAutoencoder(
            Config(multipliers=config.multipliers, encoder_multipliers=(1,), style_dim=config.style_dim, **common)
        )
        del self.unet.encoder  # replaced by one whose output is the code
        first = self.unet.input_blocks[0]
        cast(nn.Sequential, first)[0] = nn.Conv2d(6 * inside, config.channels * config.multipliers[0], 3, padding=1)
        self.unet.out[2] = nn.Conv2d(config.channels * config.multipliers[0], 3 * inside, 3, padding=1)
        self.shift = nn.Linear(config.code_dim, config.style_dim)
        self.embed = nn.Sequential(nn.Linear(config.code_dim, config.style_dim), nn.SiLU(),
                                   nn.Linear(config.style_dim, config.style_dim))  # fmt: skip
        self.encoder = SemanticEncoder(
            Config(encoder_multipliers=config.encoder_multipliers, style_dim=config.code_dim, **common)
        )
        cast(nn.Sequential, self.encoder.input_blocks[0])[0] = nn.Conv2d(
            3 * inside, config.channels * config.encoder_multipliers[0], 3, padding=1
        )
        places = (grid // 2 ** (len(config.encoder_multipliers) - 1)) ** 2
        self.encoder.out[2] = nn.Flatten()
        self.encoder.out[3] = nn.Linear(self.encoder.last_channels * places, config.code_dim)
        self.register_buffer("alphas", torch.from_numpy(alphas_cumprod()).float(), persistent=False)
        for parameter in self.unet.out[2].parameters():
            nn.init.zeros_(parameter)

    def encode(self, picture: Tensor) -> Tensor:
        """Code (B, code_dim) of a picture (B, 3, size, size) in [-1, 1]."""
        code: Tensor = self.encoder(F.pixel_unshuffle(picture, self.config.patch))
        return code

    def signal(self, step: Tensor) -> Tensor:
        """Share of the picture's power left at steps (B,)."""
        return cast(Tensor, self.alphas)[step]

    def styles(self, code: Tensor) -> list[Tensor]:
        """What a code (B, code_dim) does in every residual block, the same at all steps; its shift comes last."""
        return [*self.unet.styles(self.embed(code)), self.shift(code)]

    def clean(self, noisy: Tensor, step: Tensor, styles: list[Tensor], reference: Tensor) -> Tensor:
        """The predicted picture (B, 3, size, size); parameters as in `forward`."""
        patch = self.config.patch
        *scales, shift = styles
        embedding = self.unet.time_embed(step) + shift
        times = [block.emb_layers(embedding) for block in self.unet.blocks()]
        left = self.signal(step).sqrt()[:, None, None, None]
        x = F.pixel_unshuffle(torch.cat([left * noisy, reference], 1), patch)
        change = self.unet.conditioned(x, times, scales)
        return reference + CHANGE * F.pixel_shuffle(change, patch)

    def forward(
        self,
        noisy: Tensor,
        step: Tensor,
        z: Tensor | None = None,
        *,
        reference: Tensor | None = None,
        styles: list[Tensor] | None = None,
    ) -> Tensor:
        """The noise that is in ``noisy``, if `clean` is right.

        Parameters
        ----------
        noisy : (B, 3, size, size)
        step : (B,), steps of the training schedule
        z : (B, code_dim), or give its ``styles``
        reference : (B, 3, size, size) in [-1, 1], the portrait moved in closed form
        """
        if styles is None:
            assert z is not None, "give z or its styles"
            styles = self.styles(z)
        assert reference is not None, "give the moved portrait"
        alpha = self.signal(step)[:, None, None, None]
        clean = self.clean(noisy, step, styles, reference)
        return (noisy - alpha.sqrt() * clean) / (1 - alpha).sqrt()


def student_steps(count: int) -> np.ndarray:
    """The steps that a decode with `Student` visits, ascending : int64 (count,), evenly spread, the noisiest last.

    The official schedules end well before the noisiest step when they are short; a network that predicts the
    picture itself needs that one above all (Lin et al., WACV 2024, "Common diffusion noise schedules ...").
    """
    return np.round((np.arange(count) + 1) * TRAINING_STEPS / count).astype(np.int64) - 1


def shared_noise(seed: int, config: StudentConfig) -> Tensor:
    """x_T of an actor : float32 (1, 3, size, size), the same for all frames, so that they hang together."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, 3, config.size, config.size, generator=generator)
