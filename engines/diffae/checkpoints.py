"""Which of the artist's DiffAE checkpoints draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engines import weights
from engines.latent.checkpoints import Chosen

if TYPE_CHECKING:
    from engines.diffusion_autoencoder.net import DiffusionAutoencoder

DRAWING: Final = ("diffae-ffhq256", "diffae-ffhq128", "diffae-64")
"""Checkpoints that can draw, in this order; the first one that the store holds is used."""


def choose() -> Chosen:
    """The checkpoint that draws.

    Raises
    ------
    WeightsMissing
        If the store holds none of `DRAWING`, or the best of them is damaged; the message names it and its source.
    """
    for entry in DRAWING:
        found = weights.status(entry)
        if found.state != "missing":
            weights.locate(entry)  # a damaged one is not passed over in silence
            return Chosen(entry, found.sha256)
    weights.locate(DRAWING[0])
    raise AssertionError  # locate has raised


def load(chosen: Chosen) -> DiffusionAutoencoder:
    """Its network.

    Raises
    ------
    WeightsMissing, OutOfMemory
        See `engines.weights.load`.
    """
    network: DiffusionAutoencoder = weights.load(chosen.entry).model
    return network
