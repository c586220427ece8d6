"""Everything that a metric may look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from engines.api import Performance
from engines.judge.compare import Comparison
from engines.judge.observe import Observation
from engines.judge.registry import NotMeasured
from engines.judge.sync import Sync, synchronise
from engines.speech.analysis import SpeechAnalysis


@dataclass(frozen=True, eq=False)
class Evidence:
    """A take and what it may be held against.

    Attributes
    ----------
    take : what is to be seen
    speech : what is to be heard; None without sound
    performance : the motion that the take was to show, at any rate
    reference : the take beside a video of the same performance
    emotion : the emotion that it should show, one of `engines.judge.people.EMOTIONS`
    joins : frames at which pieces that were made apart meet
    """

    take: Observation
    speech: SpeechAnalysis | None = None
    performance: Performance | None = None
    reference: Comparison | None = None
    emotion: str = ""
    joins: tuple[int, ...] = field(default=())

    @cached_property
    def sync(self) -> Sync:
        """How mouth and voice go together.

        Raises
        ------
        NotMeasured
            Without a voice, or without a mouth to be seen.
        """
        return synchronise(self.take, self.heard())

    def heard(self) -> SpeechAnalysis:
        """The voice, or `NotMeasured`."""
        if self.speech is None:
            raise NotMeasured("the take has no sound: give the voice with --voice")
        if self.speech.silent:
            raise NotMeasured("the sound is silent")
        return self.speech
