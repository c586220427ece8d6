"""A checkpoint of the artist's that draws, and what is said when memory runs out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from engines import weights
from engines.errors import OutOfMemory


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
