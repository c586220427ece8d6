"""Which of the artist's generators draws."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engines import weights
from engines.latent.checkpoints import Chosen as Checkpoint

if TYPE_CHECKING:
    from engines.stylegan.convert import LoadedEncoder, LoadedGenerator

OWN: Final = "stylegan-own"
"""Generators trained here: their directions are the 35 numbers themselves."""
DRAWING: Final = (OWN, "e4e", "psp", "stylegan2-1024", "stylegan2-512", "stylegan2-256")
"""Checkpoints that can draw, in this order; the first one that the store holds is used."""
BUNDLES: Final = ("e4e", "psp")
"""Those that bring an encoder with their generator."""


@dataclass(frozen=True)
class Chosen(Checkpoint):
    """A generator in the store."""

    @property
    def folder(self) -> Path:
        """Where what was found out about it is kept; goes when the checkpoint is removed or brought anew."""
        return weights.folder() / self.entry / "found"


def choose() -> Chosen | None:
    """The checkpoint that draws, or None where the store holds none.

    Raises
    ------
    WeightsMissing
        If the first one that is there is damaged; it is not passed over in silence.
    """
    for entry in DRAWING:
        found = weights.status(entry)
        if found.state != "missing":
            weights.locate(entry)
            return Chosen(entry, found.sha256)
    return None


def load(chosen: Chosen) -> tuple[LoadedGenerator, LoadedEncoder | None]:
    """Its generator, and its encoder where it has one.

    Raises
    ------
    WeightsMissing, OutOfMemory
        See `engines.weights.load`.
    """
    loaded = weights.load(chosen.entry)
    if chosen.entry in BUNDLES:
        return loaded.decoder, loaded
    return loaded, None
