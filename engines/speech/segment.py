"""Named spans of the voice: words, phones, pauses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SILENCE: Final = "SIL"
"""Label of a phone that is no sound."""


@dataclass(frozen=True)
class Segment:
    """A span ``[start_s, end_s)`` of the recording.

    Attributes
    ----------
    start_s, end_s : seconds from the start of the recording
    label : a word as written, or an ARPAbet phone without stress, `SILENCE` for none
    confidence : 0 (guessed) to 1 (given by the text, or sure)
    """

    start_s: float
    end_s: float
    label: str
    confidence: float = 1.0

    @property
    def middle_s(self) -> float:
        return (self.start_s + self.end_s) / 2
