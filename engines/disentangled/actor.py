"""A portrait that the disentangled engine can move: taught by the rig."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.api import Performance
from engines.teaching.banks import EXPRESSION, MOUTH, POSE, POSE_SCALE, Motion
from engines.teaching.closed import ClosedForm
from engines.teaching.prior import Region, face_features

VERSION: Final = 3
"""Counted up whenever the same portrait would give other frames."""
NAMES: Final = (
    *(f"mouth_{i + 1}" for i in range(20)),
    *(f"pose_{i + 1}" for i in range(6)),
    *(f"expression_{i + 1}" for i in range(10)),
)
"""What the artist calls the 36 coordinates."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What footage shows beyond the closed form.

    Attributes
    ----------
    region : where, and how much of it a feature of the face gives
    low, high : float32 (F,), what those features were in the footage; what lies beyond was never seen
    """

    region: Region
    low: np.ndarray
    high: np.ndarray

    def colours(self, features: np.ndarray) -> np.ndarray:
        """Change of colour : float32 (h, w, 3), from features (F,) of `engines.teaching.prior.face_features`."""
        return self.region.colours(np.clip(features, self.low, self.high))


@dataclass(eq=False)
class TaughtActor(ClosedForm):
    """What `DisentangledEngine.prepare` makes of a portrait.

    Attributes
    ----------
    digest : content hash of what it was made from
    seen : what footage of the person shows beyond the closed form, where there was any
    """

    digest: str
    engine_id: str = "disentangled"
    seen: Seen | None = None

    def layers(self, motion: Motion, coordinates: np.ndarray, first: int, last: int) -> np.ndarray:
        """What the face does on the still head, as `engines.teaching.closed.ClosedForm.layers` says."""
        found = super().layers(motion, coordinates, first, last)
        if self.seen is not None:
            for layers, features in zip(found, face_features(coordinates[first:last]), strict=True):
                part, change = layers[self.seen.region.box.slices], self.seen.colours(features)
                part[..., 2:5] += change
                part[..., 5:8] += change
        return found

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
