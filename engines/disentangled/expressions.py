"""EDTalk's published emotions as expression coordinates, with intensity and mixtures along time.

The published vectors are whole emotions; intensity and mixing go linearly from the neutral one and are our own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from engines.errors import InputError

NEUTRAL = "neutral"


@cache
def published() -> dict[str, np.ndarray]:
    """The eight emotions : name -> float32 (10,), for the official EDTalk checkpoint only."""
    table = tomllib.loads(Path(__file__).with_name("expressions.toml").read_text(encoding="utf-8"))
    return {name: np.array(values, np.float32) for name, values in table.items()}


def mix(amounts: Mapping[str, np.ndarray | float], count: int) -> np.ndarray:
    """Expression coordinates of emotions that come and go.

    Parameters
    ----------
    amounts : emotion -> its strength, 0 to 1, alone or per frame (T,); where they sum to more than 1 they share it
    count : frames

    Returns
    -------
    float32 (count, 10)

    Raises
    ------
    InputError
        For an emotion that is not published, or curves of another length.
    """
    vectors = published()
    unknown = [name for name in amounts if name not in vectors]
    if unknown:
        raise InputError(f"EDTalk has no emotion '{unknown[0]}'. Choose one of: {', '.join(vectors)}.")
    neutral = vectors[NEUTRAL]
    names = [name for name in amounts if name != NEUTRAL]
    if not names:
        return np.tile(neutral, (count, 1))
    try:
        strength = np.stack([np.broadcast_to(np.asarray(amounts[name], np.float32), (count,)) for name in names], 1)
    except ValueError:
        raise InputError(f"The emotion curves must have one value or {count} values.") from None
    strength = np.clip(strength, 0, 1)
    strength /= np.maximum(1, strength.sum(1, keepdims=True))
    return np.asarray(neutral + strength @ np.stack([vectors[name] - neutral for name in names]), np.float32)
