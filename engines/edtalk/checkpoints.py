"""Which of the artist's checkpoints draws, on which device, and what is said when memory runs out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from engines import weights
from engines.errors import OutOfMemory

if TYPE_CHECKING:
    from engines.disentangled.net import MotionNet

DRAWING: Final = ("edtalk-own", "edtalk", "edtalk-lip-pose", "lia-vox")
"""Checkpoints that can draw, in this order; the first one that the store holds is used."""
VOICE: Final = "edtalk-audio2lip"


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
    weights.locate("edtalk")
    raise AssertionError  # locate has raised


def load(chosen: Chosen) -> MotionNet:
    """Its network.

    Raises
    ------
    WeightsMissing, OutOfMemory
        See `engines.weights.load`.
    """
    network: MotionNet = weights.load(chosen.entry)
    return network


def hears() -> bool:
    """Whether Audio2Lip is at hand."""
    return weights.status(VOICE).state == "ready"


@contextmanager
def memory_for(what: str, entry: str) -> Iterator[None]:
    """Turn a device's or the machine's lack of memory into an `OutOfMemory` that says what to do.

    Parameters
    ----------
    what : what is being done, for the message
    entry : the checkpoint
    """
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
    size = item.size_bytes or weights.status(entry).size_bytes
    return OutOfMemory(
        f"There is too little memory for {what} with '{item.name}' ({size / 1e6:.0f} MB of weights, about "
        "three times that while it runs). Close other programs, choose the device 'cpu' or the engine 'blendshape'."
    )


def move(network: Any, device: str) -> Any:
    """A network on a device."""
    return network if device == "cpu" else network.to(device)
