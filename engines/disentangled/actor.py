"""A portrait that the disentangled engine can move: taught by the rig."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.api import Performance
from engines.teaching.banks import EXPRESSION, MOUTH, POSE, POSE_SCALE, Motion
from engines.teaching.closed import ClosedForm

VERSION: Final = 2
"""Counted up whenever the same portrait would give other frames."""
NAMES: Final = (
    *(f"mouth_{i + 1}" for i in range(20)),
    *(f"pose_{i + 1}" for i in range(6)),
    *(f"expression_{i + 1}" for i in range(10)),
)
"""What the artist calls the 36 coordinates."""


@dataclass(eq=False)
class TaughtActor(ClosedForm):
    """What `DisentangledEngine.prepare` makes of a portrait.

    Attributes
    ----------
    digest : content hash of what it was made from
    """

    digest: str
    engine_id: str = "disentangled"

    def directed(self, performance: Performance) -> tuple[Motion, np.ndarray]:
        """What a performance asks of this portrait, the artist's curves on single coordinates included.

        Returns
        -------
        the motion, and float32 (T, 36) the coordinates that stand for it
        """
        moved = self.motion(performance)
        found = self.banks.coordinates(moved)
        if not performance.extras.keys() & set(NAMES):
            return moved, found
        asked = np.stack([performance.coordinate(n, column) for n, column in zip(NAMES, found.T, strict=True)], 1)
        change = asked - found
        mouth = moved.mouth + change[:, MOUTH] @ np.linalg.pinv(self.banks.mouth)
        face = moved.face + change[:, EXPRESSION] @ np.linalg.pinv(self.banks.expression)
        return Motion(mouth, face, asked[:, POSE] * POSE_SCALE), asked
