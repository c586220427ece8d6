"""Which of the artist's generators draws, and what is said when memory runs out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engines import weights
from engines.errors import OutOfMemory

if TYPE_CHECKING:
    from engines.stylegan.convert import LoadedEncoder, LoadedGenerator

OWN: Final = "stylegan-own"
"""Generators trained here: their directions are the 35 numbers themselves."""
DRAWING: Final = (OWN, "e4e", "psp", "stylegan2-1024", "stylegan2-512", "stylegan2-256")
"""Checkpoints that can draw, in this order; the first one that the store holds is used."""
BUNDLES: Final = ("e4e", "psp")
"""Those that bring an encoder with their generator."""


@dataclass(frozen=True)
class Chosen:
    """A checkpoint in the store.

    Attributes
    ----------
    entry : its id in the weights store
    sha256 : of the file when it was imported
    """

    entry: str
    sha256: str

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


@contextmanager
def memory_for(what: str, entry: str) -> Iterator[None]:
    """Turn a device's or the machine's lack of memory into an `OutOfMemory` that says what to do."""
    try:
        yield
    except MemoryError:
        raise _too_little(what, entry) from None
    except RuntimeError as error:
        text = str(error).lower()
        if "memory" not in text or not any(word in text for word in ("alloc", "out of")):
            raise
        raise _too_little(what, entry) from None  # the cause's traceback would hold the memory


def _too_little(what: str, entry: str) -> OutOfMemory:
    item = weights.entry(entry)
    return OutOfMemory(
        f"There is too little memory for {what} with '{item.name}'. Close other programs, choose the device 'cpu', a "
        "smaller generator or the engine 'blendshape'."
    )
