"""What an export writes: one finished performance with everything that goes with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from app.core.project import Marker, Phone, Project
from engines.api import Performance
from engines.rig.mesh import HeadMesh


@dataclass(frozen=True, eq=False)
class Take:
    """A performance and what belongs to it; every adapter takes from it what its format can hold.

    Attributes
    ----------
    performance : the motion; only the exported range
    rate : frame rate of the output; the motion is resampled to it
    frames : makes a fresh iterator of pictures at ``rate``, uint8 (H, W, 3) or (H, W, 4) straight alpha, or None
        when nothing is drawn
    size : (width, height) in pixels of those pictures, where known
    voice : the recording; its second ``start / rate`` belongs to the first frame
    head : the mesh of this person, for 3D formats
    provenance : what made it (engine, weights, project hash, consent), as JSON-able values
    name : take name in files that have one
    start : number of the first frame in the project, for timecode and for the voice
    words, phones : of the whole recording, in its seconds
    markers : of the project, in its frames
    project : the project, for editorial formats
    film : the video written beside, which editorial formats point to
    """

    performance: Performance
    rate: Fraction
    frames: Callable[[], Iterator[np.ndarray]] | None = None
    size: tuple[int, int] | None = None
    voice: Path | None = None
    head: HeadMesh | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    name: str = "Take 1"
    start: int = 0
    words: tuple[Phone, ...] = ()
    phones: tuple[Phone, ...] = ()
    markers: tuple[Marker, ...] = ()
    project: Project | None = None
    film: Path | None = None

    @cached_property
    def motion(self) -> Performance:
        """The performance at the rate of the output."""
        return self.performance.resampled(self.rate)

    def provenance_json(self) -> str:
        """The provenance as one line of JSON."""
        return json.dumps(dict(self.provenance), ensure_ascii=False, default=str)

    def __len__(self) -> int:
        """Number of frames of the output."""
        return len(self.motion)
