"""Which device PyTorch is to use."""

from __future__ import annotations

from engines.errors import EngineError


def device_of(wanted: str) -> str:
    """The device for ``auto``, ``cpu``, ``cuda`` (also ``cuda:1`` and so on) or ``mps``.

    Raises
    ------
    EngineError
        If this machine does not have it.
    """
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return "cuda" if there["cuda"] else "cpu"
    kind = wanted.split(":")[0]
    if not there.get(kind, False):
        usable = ", ".join(name for name, here in there.items() if here)
        raise EngineError(f"This machine has no device '{wanted}' that PyTorch can use. Choose one of: auto, {usable}.")
    return wanted
