"""A portrait that the networks can move: plain numbers, the networks' own memory of it stays in the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.api import Performance
from engines.blendshape.actor import BlendshapeActor
from engines.disentangled import expressions
from engines.latent.bridge import Bridge, rig_rest
from engines.latent.crop import ColourMatch, FaceCrop
from engines.rig.fit import FittedHead
from engines.rig.mesh import HeadMesh
from engines.teaching.banks import motion

NAMES: Final = (
    *(f"mouth_{i + 1}" for i in range(20)),
    *(f"pose_{i + 1}" for i in range(6)),
    *(f"expression_{i + 1}" for i in range(10)),
)
"""What the artist calls the columns of EDTalk's basis."""
HEARD: Final = "heard"
SEEN: Final = "seen"
"""Names, with ``_NUMBER`` from 1, of the coordinates that a voice and a video give, in `Performance.extras`."""


@dataclass(eq=False)
class EDTalkActor:
    """What `EDTalkEngine.prepare` makes of a portrait.

    Attributes
    ----------
    rig : the portrait as the rig prepared it: photo, landmarks, matte
    crop : what the network sees of it
    start : float32 (N,), coordinates of the still portrait
    spans : bank -> first and end (exclusive) of its coordinates
    relative : motion of a video is taken from its first frame on, as LIA does
    bridge : from a Performance to coordinates
    colours : what brings the network's colours to the photo's
    entry, sha256 : the checkpoint it was prepared with
    digest : content hash of what it was made from
    """

    rig: BlendshapeActor
    crop: FaceCrop
    start: np.ndarray
    spans: dict[str, tuple[int, int]]
    relative: bool
    bridge: Bridge
    colours: ColourMatch
    entry: str
    sha256: str
    digest: str
    engine_id: str = "edtalk"

    @property
    def head(self) -> FittedHead:
        """The person's head, fitted."""
        return self.rig.head

    def head_mesh(self) -> HeadMesh:
        """The person's head with its texture, for export."""
        return self.rig.head_mesh()

    def names(self) -> list[str]:
        """The artist's name of each coordinate; those of a network with one bank count through mouth, pose ..."""
        if len(self.spans) == 1:
            return list(NAMES[: len(self.start)])
        found = [""] * len(self.start)
        for bank, (first, end) in self.spans.items():
            found[first:end] = [f"{bank}_{i + 1}" for i in range(end - first)]
        return found

    def coordinates(self, performance: Performance) -> np.ndarray:
        """What every frame asks of the network : float32 (T, N).

        The timeline through the bridge first; then a video's coordinates and a voice's in the shares that the artist's
        curves give them, EDTalk's emotions, and last the curves on single coordinates.
        """
        head = self.rig.head
        changes = self.bridge.changes(motion(performance, rig_rest(self.rig), head.rest_head))
        alpha = self.start + changes
        seen = _given(performance, SEEN, len(self.start))
        if seen is not None:
            seen = seen - seen[:1] + self.start if self.relative else seen
            for bank, (first, end) in self.spans.items():
                share = _share(performance, f"video_{bank}", 1.0)
                alpha[:, first:end] += share * (seen[:, first:end] - alpha[:, first:end])
        if "mouth" in self.spans:
            first, end = self.spans["mouth"]
            heard = _given(performance, HEARD, end - first)
            if heard is not None:
                default = 0.0 if seen is not None or self.bridge.used("mouth") else 1.0
                alpha[:, first:end] += _share(performance, "voice", default) * (heard - alpha[:, first:end])
        self._feel(performance, alpha, changes)
        for k, name in enumerate(self.names()):
            alpha[:, k] = performance.coordinate(name, alpha[:, k])
        return np.asarray(alpha, np.float32)

    def _feel(self, performance: Performance, alpha: np.ndarray, changes: np.ndarray) -> None:
        """Replace the still portrait's expression by a mixture of EDTalk's, where the artist's curves ask for one."""
        asked = [name for name in expressions.published() if name in performance.extras]
        span = slice(*self.spans.get("expression", (0, 0)))
        if not asked or self.entry != "edtalk":  # to other weights the published vectors mean nothing
            return
        mixed = expressions.mix({name: performance.coordinate(name) for name in asked}, len(performance))
        alpha[:, span] = mixed + changes[:, span]


def _given(performance: Performance, name: str, count: int) -> np.ndarray | None:
    """Coordinates that came with the performance : (T, count), or None."""
    if f"{name}_{count}" not in performance.extras:
        return None
    return np.stack([performance.coordinate(f"{name}_{i + 1}") for i in range(count)], 1)


def _share(performance: Performance, name: str, default: float) -> np.ndarray:
    return np.clip(performance.coordinate(name, default), 0, 1)[:, None]
