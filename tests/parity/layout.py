"""One number for the names and shapes of a state dict."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def layout_digest(layout: Iterable[tuple[str, Iterable[int]]]) -> str:
    """First 16 hex digits of sha256 over the sorted ``name shape`` lines."""
    lines = sorted(f"{key} {tuple(int(n) for n in shape)}" for key, shape in layout)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
