"""A portrait that the disentangled engine can move: taught by the rig."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engines.teaching.closed import ClosedForm

VERSION: Final = 1
"""Counted up whenever the same portrait would give other frames."""


@dataclass(eq=False)
class TaughtActor(ClosedForm):
    """What `DisentangledEngine.prepare` makes of a portrait.

    Attributes
    ----------
    digest : content hash of what it was made from
    """

    digest: str
    engine_id: str = "disentangled"
