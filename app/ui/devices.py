"""Which devices engines can be drawn on here, found out without importing torch."""

from __future__ import annotations

import ctypes.util
import platform
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Device:
    """A choice of the device picker; ``reason`` says why it is not there, empty if it is."""

    id: str
    name: str
    reason: str = ""


def _nvidia_driver() -> bool:
    name = "nvcuda" if sys.platform == "win32" else "cuda"
    return ctypes.util.find_library(name) is not None


def devices() -> tuple[Device, ...]:
    """The devices of `engines.api.RenderOptions.device`, the automatic choice first."""
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    return (
        Device("auto", "Automatic"),
        Device("cpu", "Processor"),
        Device("cuda", "NVIDIA graphics card", "" if _nvidia_driver() else "no NVIDIA driver was found"),
        Device("mps", "Apple graphics", "" if apple else "only on Macs with Apple silicon"),
    )
