"""Deterministic weights and inputs, by the rules that the fixtures' manifests state in words."""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch

Rule = Callable[[str, np.ndarray], np.ndarray]


def normal(seed: int, shape: Iterable[int]) -> np.ndarray:
    """Standard normal numbers : float32."""
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(tuple(shape)).astype(np.float32)


def key_normal(key: str, salt: str, shape: Iterable[int]) -> np.ndarray:
    """Standard normal numbers that belong to a parameter's name : float32."""
    return normal(zlib.crc32((key + salt).encode()), shape)


def fan_in(w: np.ndarray) -> np.float32:
    return np.float32(1 / math.sqrt(math.prod(w.shape[1:])))


def fill(
    model: torch.nn.Module, layout: list[dict[str, Any]], salt: str, rule: Callable[..., np.ndarray | None]
) -> str:
    """Load a network with deterministic weights, strictly, and check that it gives back the same layout.

    Parameters
    ----------
    layout : the manifest's list of key and shape (and fill rule)
    rule : ``rule(entry, w)`` gives the array, or None to keep the module's own constant

    Returns
    -------
    sha256 over the sorted keys and their bytes

    Raises
    ------
    AssertionError
        If names, shapes or kept constants differ from the manifest.
    """
    own = model.state_dict()
    expected = {entry["key"]: tuple(entry["shape"]) for entry in layout}
    assert {k: tuple(v.shape) for k, v in own.items()} == expected, "the state dict differs from the manifest"
    state: dict[str, torch.Tensor] = {}
    for entry in layout:
        key = entry["key"]
        value = rule(entry, key_normal(key, salt, entry["shape"]))
        state[key] = own[key] if value is None else torch.from_numpy(np.array(value)).to(own[key].dtype)
    model.load_state_dict(state, strict=True)
    model.eval()
    return state_digest(model.state_dict())


def state_digest(state: Mapping[str, torch.Tensor]) -> str:
    """sha256 over sorted keys, each followed by its raw bytes."""
    h = hashlib.sha256()
    for key in sorted(state):
        h.update(key.encode())
        h.update(np.ascontiguousarray(state[key].numpy()).tobytes())
    return h.hexdigest()


def smooth_image(seed: int, size: int) -> np.ndarray:
    """A sum of sine waves in [-1, 1] : float32 (1, 3, size, size)."""
    g = np.random.Generator(np.random.PCG64(seed))
    y, x = np.meshgrid(np.linspace(0, 1, size), np.linspace(0, 1, size), indexing="ij")
    image = np.zeros((3, size, size))
    for channel in image:
        for _ in range(6):
            fx, fy = g.uniform(-4, 4, 2)
            phase = g.uniform(0, 2 * np.pi)
            channel += g.uniform(0.1, 0.4) * np.sin(2 * np.pi * (fx * x + fy * y) + phase)
    return np.clip(image, -1, 1).astype(np.float32)[None]


def block_image(seed: int) -> np.ndarray:
    """Blocks of 16 x 16 px with a little noise in [-1, 1] : float32 (1, 3, 256, 256)."""
    g = np.random.Generator(np.random.PCG64(seed))
    image = g.uniform(-1, 1, (3, 16, 16)).astype(np.float32).repeat(16, 1).repeat(16, 2)
    image = image + np.float32(0.05) * g.standard_normal((3, 256, 256)).astype(np.float32)
    return np.clip(image, -1, 1)[None]


def short_sha(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array, np.float32).tobytes()).hexdigest()[:16]
