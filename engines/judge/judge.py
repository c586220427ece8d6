"""Measure a take: one pass over its frames, then every metric."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import numpy as np

from engines.api import CancelToken, Performance, Portrait, Progress, no_progress
from engines.capture.video import open_video
from engines.errors import InputError
from engines.judge.compare import Comparison
from engines.judge.evidence import Evidence
from engines.judge.follow import Follower
from engines.judge.observe import Observer
from engines.judge.people import EmotionReader, Recogniser
from engines.judge.perceptual import Lpips
from engines.judge.registry import Measure, Metric, NotMeasured, metrics
from engines.speech.analysis import SpeechAnalysis

T = TypeVar("T")

MAX_SIDE = 1280
"""Larger frames are looked at in this size."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """A judged take.

    Attributes
    ----------
    measures : one for every metric, in the order of reports
    evidence : what they were computed from
    """

    measures: tuple[Measure, ...]
    evidence: Evidence

    def value(self, metric_id: str) -> float | None:
        """The value of one metric, None where it was not measured."""
        return next((m.value for m in self.measures if m.metric.id == metric_id), None)


def judge_video(
    path: str | Path,
    *,
    speech: SpeechAnalysis | None = None,
    portrait: Portrait | None = None,
    reference: str | Path | None = None,
    performance: Performance | None = None,
    emotion: str = "",
    joins: Sequence[int] = (),
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Verdict:
    """Judge a video file.

    Parameters
    ----------
    speech : its sound, analysed
    portrait : the person it should show
    reference : a video of the same performance
    performance : the motion it was to show
    emotion : the emotion it should show, one of `engines.judge.people.EMOTIONS`
    joins : frames at which pieces that were made apart meet

    Raises
    ------
    InputError
        When a file is no video, or the take shows no face.
    Cancelled
        When the user cancelled.
    """
    video = open_video(path)
    other = open_video(reference).frames(video.rate, MAX_SIDE) if reference is not None else None
    expected = max(1, round(video.duration_s * float(video.rate)))
    return judge_frames(
        video.frames(video.rate, MAX_SIDE), video.rate, speech=speech, portrait=portrait, reference=other,
        performance=performance, emotion=emotion, joins=joins, expected=expected, name=str(video.path),
        progress=progress, cancel=cancel,
    )  # fmt: skip


def judge_frames(
    frames: Iterator[np.ndarray],
    rate: Fraction,
    *,
    speech: SpeechAnalysis | None = None,
    portrait: Portrait | None = None,
    reference: Iterator[np.ndarray] | None = None,
    performance: Performance | None = None,
    emotion: str = "",
    joins: Sequence[int] = (),
    expected: int = 0,
    name: str = "the take",
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Verdict:
    """Judge frames, uint8 (H, W, 3), as they come; see `judge_video`.

    Parameters
    ----------
    expected : how many frames there will be, for the progress
    name : of the take, for messages
    """
    recogniser, emotions = _or_reason(Recogniser), _or_reason(EmotionReader)
    observer = Observer(rate, _describe(portrait, recogniser), recogniser, emotions)
    comparison = Comparison(float(rate), _or_reason(Lpips)) if reference is not None else None
    follower = Follower()
    for index, rgb in enumerate(frames):
        if cancel is not None:
            cancel.check()
        points = observer.add(rgb)
        if comparison is not None and reference is not None:
            other = next(reference, None)
            if other is not None:
                comparison.add(rgb, points, observer.face, other, follower.add(other))
        if expected:
            progress(min(1.0, (index + 1) / expected), "Watching the take")
    if not len(observer):
        raise InputError(f"{name} has no frames.")
    take = observer.observation()
    if not take.seen.any():
        raise InputError(f"No face was found in {name}. Give a video of one face, at least 64 px wide.")
    return measured(Evidence(take, speech, performance, comparison, emotion, tuple(joins)))


def measured(evidence: Evidence) -> Verdict:
    """Every metric of evidence that was gathered before."""
    return Verdict(tuple(_measure(metric, evidence) for metric in metrics().values()), evidence)


def _measure(metric: Metric, evidence: Evidence) -> Measure:
    try:
        value = float(metric.load()(evidence))
    except NotMeasured as reason:
        return Measure(metric, None, str(reason))
    if not np.isfinite(value):
        return Measure(metric, None, "there is too little to measure")
    return Measure(metric, value)


def _or_reason(judge: Callable[[], T]) -> T | NotMeasured:
    try:
        return judge()
    except NotMeasured as reason:
        return reason


def _describe(portrait: Portrait | None, recogniser: Recogniser | NotMeasured) -> np.ndarray | None:
    if portrait is None or not isinstance(recogniser, Recogniser):
        return None
    from engines.face.landmarks import find_face

    return recogniser.describe(portrait.rgb, find_face(portrait).points)
