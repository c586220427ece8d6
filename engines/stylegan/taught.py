"""A portrait taught by the rig, moved by 35 numbers: what the engine draws without a generator of the user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.api import Performance
from engines.stylegan import numbers
from engines.teaching.banks import Motion
from engines.teaching.closed import ClosedForm

VERSION: Final = 1
"""Counted up whenever the same portrait would give other frames."""


@dataclass(eq=False)
class TaughtActor(ClosedForm):
    """What `StyleGANEngine.prepare` makes of a portrait without a generator.

    Attributes
    ----------
    digest : content hash of what it was made from
    """

    digest: str
    engine_id: str = "stylegan"

    def numbers(self, performance: Performance) -> np.ndarray:
        """The 35 numbers of every frame, the artist's curves included : float32 (T, 35)."""
        moved = self.motion(performance)
        return numbers.directed(performance, numbers.of_motion(moved, self.banks.coordinates(moved)))

    def told(self, performance: Performance) -> tuple[Motion, np.ndarray]:
        """What is drawn of a performance: nothing but its 35 numbers, and where the head stands."""
        shift = self.motion(performance).head[:, 3:]
        return numbers.to_motion(self.numbers(performance), shift, self.banks)
