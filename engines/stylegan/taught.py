"""A portrait taught by the rig, moved by 35 numbers: what the engine draws without a generator of the user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.api import Performance
from engines.stylegan import numbers
from engines.stylegan.touch import Touch, changes, network
from engines.teaching.banks import Motion
from engines.teaching.closed import ClosedForm

if TYPE_CHECKING:
    from engines.stylegan.net_touch import Touch as Network

VERSION: Final = 1
"""Counted up whenever the same portrait would give other frames."""


@dataclass(eq=False)
class TaughtActor(ClosedForm):
    """What `StyleGANEngine.prepare` makes of a portrait without a generator.

    Attributes
    ----------
    digest : content hash of what it was made from
    touch : the small generator that adds to the mouth what the closed form lacks, where it does
    """

    digest: str
    touch: Touch | None = None
    engine_id: str = "stylegan"

    def layers(self, motion: Motion, coordinates: np.ndarray, first: int, last: int) -> np.ndarray:
        """See `ClosedForm.layers`; the generator's change lies over lips and what is between them."""
        found = super().layers(motion, coordinates, first, last)
        if self.touch is None:
            return found
        values = numbers.of_motion(motion, coordinates)
        model = self._network()
        for layer, row, speaks in zip(found, values[first:last], motion.speaks[first:last], strict=True):
            if speaks > 0:
                change = speaks * self.touch.square.laid(changes(model, self.touch, row), layer.shape[:2])
                layer[..., 2:5] += change
                layer[..., 5:8] += change
        return found

    def _network(self) -> Network:
        """The generator, made ready once."""
        if getattr(self, "_ready", None) is None:
            assert self.touch is not None
            self._ready = network(self.touch)
        ready: Network = self._ready
        return ready

    def numbers(self, performance: Performance) -> np.ndarray:
        """The 35 numbers of every frame, the artist's curves included : float32 (T, 35)."""
        moved = self.motion(performance)
        return numbers.directed(performance, numbers.of_motion(moved, self.banks.coordinates(moved)))

    def told(self, performance: Performance) -> tuple[Motion, np.ndarray]:
        """What is drawn of a performance: nothing but its 35 numbers, and where the head stands."""
        shift = self.motion(performance).head[:, 3:]
        return numbers.to_motion(self.numbers(performance), shift, self.banks)
