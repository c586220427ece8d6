"""Official DiffAE and DiffDub checkpoints, loaded key for key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines import checkpoint
from engines.errors import WeightsMissing

if TYPE_CHECKING:
    from torch import Tensor

    from engines.diffusion_autoencoder.net import Config, DiffusionAutoencoder
    from engines.diffusion_autoencoder.net_sampling import LatentNorm


@dataclass
class Loaded:
    """What an autoencoder checkpoint holds.

    Attributes
    ----------
    model : the averaged (EMA) network
    noise : (N, 3, size, size), the noise that training drew its preview pictures from, or None
    latents : statistics of the training set's codes, or None
    """

    model: DiffusionAutoencoder
    noise: Tensor | None
    latents: LatentNorm | None


def load(path: Path) -> Loaded:
    """``last.ckpt`` of DiffAE (64, 128 or 256 px) or of DiffDub's first stage, told apart by shapes.

    Raises
    ------
    WeightsMissing, OutOfMemory
        See `engines.checkpoint`.
    """
    import torch

    from engines.diffusion_autoencoder.net import DiffusionAutoencoder

    state = checkpoint.part(checkpoint.read(path), path, "state_dict")
    noise, latents = state.get("x_T"), _statistics(state)
    network = network_state(state)
    with torch.device("meta"):
        model = DiffusionAutoencoder(config_of(network, path))
    loaded = checkpoint.load_strict(model, network, path, "a DiffAE autoencoder")
    return Loaded(loaded, noise, latents)


def network_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The autoencoder's own tensors under bare names: the averaged copy where there is one.

    Tensors of a latent diffusion model that shares the file are left out.
    """
    for prefix in ("ema_model.", "model.", ""):
        found = {
            key.removeprefix(prefix): value
            for key, value in state.items()
            if key.startswith(prefix) and not key.startswith((prefix + "latent_net.", "x_T", "conds_"))
        }
        if found:
            return found
    return {}


def config_of(state: Mapping[str, Tensor], path: Path) -> Config:
    """The official configuration that a bare state dict belongs to.

    Raises
    ------
    WeightsMissing
        If it is none of them.
    """
    import torch

    from engines.diffusion_autoencoder.net import OFFICIAL, DiffusionAutoencoder

    if "input_blocks.0.0.weight" not in state:
        raise WeightsMissing(
            f"{path} is no DiffAE autoencoder: it starts with '{next(iter(state), 'nothing')}'. Choose the last.ckpt "
            "of an autoencoder (ffhq64, ffhq128, ffhq256 ...), not of a latent model or classifier."
        )

    def agreement(config: Config) -> int:
        with torch.device("meta"):
            expected = DiffusionAutoencoder(config).state_dict()
        return sum(key in state and state[key].shape == value.shape for key, value in expected.items())

    return max(OFFICIAL.values(), key=agreement)


def load_latents(path: Path) -> tuple[Tensor | None, LatentNorm]:
    """``latent.pkl``: the codes (N, 512) of a data set, if stored, and their statistics.

    Raises
    ------
    WeightsMissing
        If the file holds no statistics of codes.
    """
    content: Any = checkpoint.read(path)
    norm = _statistics(content) if isinstance(content, Mapping) else None
    if norm is None:
        raise WeightsMissing(f"{path} holds no 'conds_mean' and 'conds_std'. Choose the latent.pkl of the autoencoder.")
    return content.get("conds"), norm


def _statistics(content: Mapping[str, Any]) -> LatentNorm | None:
    from engines.diffusion_autoencoder.net_sampling import LatentNorm

    mean, std = content.get("conds_mean"), content.get("conds_std")
    return None if mean is None or std is None else LatentNorm(mean.flatten().float(), std.flatten().float())
