"""A portrait in the latent space of a generator that the user brought: numbers only, the network stays outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.api import Performance
from engines.blendshape.actor import BlendshapeActor
from engines.latent.crop import ColourMatch
from engines.rig.fit import FittedHead
from engines.rig.mesh import HeadMesh
from engines.stylegan import layout, numbers
from engines.stylegan.bridge import CHANNELS, Bridge, features
from engines.stylegan.edits import VIDEO
from engines.stylegan.faces import told
from engines.stylegan.placing import Follower

SEEN: Final = "seen"
"""Name, with ``_NUMBER`` from 1, of the numbers that a video gives, in `Performance.extras`."""
_NOSE, _SOFT = 0.6, 0.06
"""Height in the crop that parts what mouths move from what brows and lids do, and width of the border."""
_TURN_FADE_DEG: Final = (4.0, 12.0)
"""Turn of the head from which on a generator that cannot turn this face gives way to the rig's picture."""


@dataclass(eq=False)
class StyleGANActor:
    """What `StyleGANEngine.prepare` makes of a portrait with a generator of the user.

    Attributes
    ----------
    rig : the portrait as the rig prepared it: photo, landmarks, matte
    follower : the crop that the generator draws, and how it follows the head
    start : float32 (count,), StyleSpace of the portrait
    basis : float32 (K, count), a unit of each direction: 32 channels, then what the head turns along
    parts : what part of the face each channel moves
    bridge : from a Performance to amounts of them
    colours : what brings the generator's colours to the photo's
    told : how well the portrait is drawn and followed, for people
    entry, sha256 : the checkpoint it was prepared with
    tuned : name of the file with the tuned generator, or empty
    digest : content hash of what it was made from
    """

    rig: BlendshapeActor
    follower: Follower
    start: np.ndarray
    basis: np.ndarray
    parts: tuple[str, ...]
    bridge: Bridge
    colours: ColourMatch
    told: str
    entry: str
    sha256: str
    tuned: str
    digest: str
    engine_id: str = "stylegan"

    @property
    def head(self) -> FittedHead:
        """The person's head, fitted."""
        return self.rig.head

    def head_mesh(self) -> HeadMesh:
        """The person's head with its texture, for export."""
        return self.rig.head_mesh()

    def numbers(self, performance: Performance) -> np.ndarray:
        """The 35 numbers of every frame : float32 (T, 35), three angles in degrees, then amounts of the channels.

        The timeline through the bridge first, then a video's own numbers: as far as a curve asks for them where the
        bridge passed its exams, else all of them. Last the artist's curves on single numbers.
        """
        return numbers.directed(performance, self._undirected(performance))

    def _undirected(self, performance: Performance) -> np.ndarray:
        """The 35 numbers before the artist's curves on single ones."""
        moved = told(self.rig, performance)
        found = np.concatenate([moved[:, numbers.OF_HEAD], self.bridge.amounts(moved)[:, :CHANNELS]], 1)
        if f"{SEEN}_{numbers.COUNT}" in performance.extras:
            seen = np.stack([performance.coordinate(f"{SEEN}_{i + 1}") for i in range(numbers.COUNT)], 1)
            passed = self.bridge.used("mouth") and self.bridge.used("expression")
            share = np.clip(performance.coordinate(VIDEO, 0.0 if passed else 1.0), 0, 1)[:, None]
            found[:, 3:] += share * (seen[:, 3:] - found[:, 3:])
        return found.astype(np.float32)

    def plain(self, performance: Performance, values: np.ndarray) -> np.ndarray:
        """The numbers (T, 35) of a performance without the artist's curves on channels : float32 (T, 35)."""
        if not performance.extras.keys() & set(numbers.CHANNELS):
            return values
        return np.concatenate([values[:, :3], self._undirected(performance)[:, 3:]], 1)

    def amounts(self, values: np.ndarray) -> np.ndarray:
        """Amounts of all directions for numbers (T, 35) : float32 (T, K)."""
        total = np.zeros((len(values), len(self.basis)), np.float32)
        total[:, :CHANNELS] = values[:, 3:]
        if self.bridge.used("pose"):
            turned = np.zeros((len(values), numbers.COUNT), np.float32)
            turned[:, :3] = values[:, :3]
            total[:, CHANNELS:] = (features("pose", turned) @ self.bridge.pose)[:, CHANNELS:]
        return total

    def cover(self, values: np.ndarray, size: int, by_hand: float = 0.0) -> np.ndarray:
        """How much of the generator's picture is seen in a frame of numbers (35,) : float32 (size, size).

        Where a part did not pass its exam the rig's own picture is seen, as far as the artist does not move the
        generator's by hand.
        """
        face = share = layout.face(size)
        at = (np.arange(size, dtype=np.float32) + 0.5) / size
        if not self.bridge.used("mouth"):  # a jaw moves all that is below the nose
            share = share * np.clip((_NOSE - at) / _SOFT, 0, 1)[:, None]
        if not self.bridge.used("expression"):
            share = share * np.clip((at - _NOSE) / _SOFT, 0, 1)[:, None]
        if not self.bridge.used("pose"):
            low, high = _TURN_FADE_DEG
            turn = float(np.hypot(values[0], values[1]))
            share = share * np.float32(1 - np.clip((turn - low) / (high - low), 0, 1))
        return np.asarray(np.maximum(share, min(1.0, by_hand) * face), np.float32)
