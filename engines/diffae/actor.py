"""A portrait that a DiffAE network can move: plain numbers, without the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.api import Performance
from engines.blendshape.actor import BlendshapeActor
from engines.latent.bridge import Bridge, rig_rest
from engines.latent.crop import ColourMatch, FaceCrop
from engines.rig.fit import FittedHead
from engines.rig.mesh import HeadMesh
from engines.teaching.banks import motion

SEEN: Final = "seen"
"""Name, with ``_NUMBER`` from 1, of the codes that a video gives, in `Performance.extras`."""


@dataclass(eq=False)
class DiffAEActor:
    """What `engines.diffae.engine.DiffAEEngine.prepare` makes of a portrait.

    Attributes
    ----------
    rig : the portrait as the rig prepared it: photo, landmarks, matte
    crop : what the network sees of it
    start : float32 (512,), code of the still portrait
    noise : float32 (1, 3, size, size), x_T that gives the portrait back
    bridge : from a Performance to codes
    colours : what brings the network's colours to the photo's
    entry, sha256 : the checkpoint it was prepared with
    digest : content hash of what it was made from
    """

    rig: BlendshapeActor
    crop: FaceCrop
    start: np.ndarray
    noise: np.ndarray
    bridge: Bridge
    colours: ColourMatch
    entry: str
    sha256: str
    digest: str
    engine_id: str = "diffae"

    @property
    def head(self) -> FittedHead:
        """The person's head, fitted."""
        return self.rig.head

    def head_mesh(self) -> HeadMesh:
        """The person's head with its texture, for export."""
        return self.rig.head_mesh()

    def codes(self, performance: Performance) -> np.ndarray:
        """What every frame asks of the network : float32 (T, 512).

        The timeline through the bridge; where a video gave codes, how they change from its first frame on comes in
        instead, in the share of the curve ``diffae.video`` (by default all).
        """
        codes = self.start + self.bridge.changes(motion(performance, rig_rest(self.rig), self.rig.head.rest_head))
        if f"{SEEN}_{len(self.start)}" in performance.extras:
            seen = np.stack([performance.coordinate(f"{SEEN}_{i + 1}") for i in range(len(self.start))], 1)
            share = np.clip(performance.coordinate("video", 1.0), 0, 1)[:, None]
            codes += share * (self.start + seen - seen[:1] - codes)
        return np.asarray(codes, np.float32)
