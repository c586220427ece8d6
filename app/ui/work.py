"""The jobs that the session submits: each takes a frozen project and touches no widget."""

from __future__ import annotations

import math
import time
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from app.core import own_presets
from app.core.jobs import Job, JobContext, Priority
from app.core.project import EmotionClip, Phone, Project, StyleClip
from app.export import formats
from app.ui.timeline.waveform import Peaks, spectrogram
from engines import registry
from engines.api import Performance, RenderOptions
from engines.timebase import parse_rate

if TYPE_CHECKING:
    from app.core.passes.heard import Mood
    from app.core.studio import Studio
    from app.ui.emotion_model import Part
    from app.ui.session import Session
    from engines.speech.analysis import Segment

PORTRAITS: Final = frozenset(
    (
        ".png",
        ".jpg",
        ".jpeg",
        ".webp",
        ".bmp",
        ".tif",
        ".tiff",
        ".gif",
        ".avif",
        ".heic",
        ".heif",
        ".jp2",
        ".ppm",
        ".tga",
    )
)
SOUNDS: Final = frozenset(
    (".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff", ".wma", ".au", ".caf")
)
VIDEOS: Final = frozenset([".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".wmv"])
CURVES: Final = frozenset(suffix for kind in formats() if kind.reads_curves for suffix in kind.suffixes)
HEADS: Final = frozenset(suffix for kind in formats() if kind.reads_head for suffix in kind.suffixes)
WORDS: Final = frozenset([".srt", ".vtt", ".textgrid"])

DRAFT_SIDE: Final = 512
"""Longest side of frames drawn while something is dragged and during playback, in pixels."""
FULL_SIDE: Final = 1280
"""Longest side of a still frame in the viewer; exports are drawn at their own size."""
IDLE_S: Final = 5.0
"""Length of the shot while there is a portrait but no voice."""
AHEAD_S: Final = 2.0
CHUNK_S: Final = 0.5
PLAY_SIDES: Final = (512, 384, 288)
"""Sizes of playback: where drawing cannot keep up with the voice, the picture gets smaller before it gets jerky."""


@dataclass
class Pace:
    """How fast frames are drawn for playback, and what follows from it.

    Attributes
    ----------
    level : index into `PLAY_SIDES`
    frame_s : seconds a frame takes to draw at that size; 0 while unknown
    """

    level: int = 0
    frame_s: float = 0.0

    @property
    def side(self) -> int:
        return PLAY_SIDES[self.level]

    def stride(self, rate: float) -> int:
        """Every how many-th frame can be drawn in time."""
        return max(1, math.ceil(self.frame_s * rate * 1.1)) if self.frame_s else 1

    def measured(self, frame_s: float, rate: float) -> None:
        """Learn from a chunk of drawn frames; smaller when too slow, larger again when there is plenty of time."""
        self.frame_s = frame_s if not self.frame_s else 0.5 * (self.frame_s + frame_s)
        if self.frame_s * rate > 0.9 and self.level < len(PLAY_SIDES) - 1:
            self.level, self.frame_s = self.level + 1, 0.0
        elif self.frame_s * rate < 0.3 and self.level > 0:
            self.level, self.frame_s = self.level - 1, 0.0


def kind_of(path: Path) -> str:
    """What a file is to the studio, by its ending; nothing if it is unknown."""
    suffix = path.suffix.lower()
    kinds = {"portrait": PORTRAITS, "voice": SOUNDS | VIDEOS, "curves": CURVES, "words": WORDS}
    if suffix == ".soliloquy":
        return "project"
    if suffix == ".toml":
        return "preset"
    return next((kind for kind, suffixes in kinds.items() if suffix in suffixes), "")


def is_draft(image: np.ndarray | None, portrait: np.ndarray | None) -> bool:
    """Whether a picture is smaller than a still frame should be."""
    if image is None or portrait is None:
        return image is None
    return max(image.shape[:2]) < min(max(portrait.shape[:2]), FULL_SIDE)


def fitted(size: tuple[int, int], side: int) -> tuple[int, int] | None:
    """``size`` (width, height) scaled down so that its longer side is ``side``; None if it is small enough."""
    longest = max(size)
    if longest <= side:
        return None
    # Even sides: engines and encoders share sizes, and encoders halve the colours.
    return tuple(max(2, round(n * side / longest / 2) * 2) for n in size)  # type: ignore[return-value]


def options_for(session: Session, side: int, draft: bool) -> RenderOptions:
    size = session.project.size
    if size is None:
        size = (2, 2) if session.portrait is None else (session.portrait.shape[1], session.portrait.shape[0])
        return RenderOptions(size=fitted(size, side), draft=draft, device=session.device)
    return RenderOptions(size=fitted(size, side) or size, draft=draft, device=session.device)


def _new(session: Session, step: str, name: str, work: Any, priority: Priority) -> Job:
    # The key holds the session so that two windows do not cancel each other's work.
    job = Job(name, work, priority, key=("session", step, id(session)))
    session.newest[step] = job
    return job


def job(session: Session, step: str, **details: Any) -> Job:
    """The job of a step of the session: ``portrait``, ``voice``, ``prepare``, ``analyse``, ``perform`` ..."""
    return _STEPS[step](session, **details)


def _portrait(session: Session) -> Job:
    project, studio = session.project, session.studio

    def work(context: JobContext) -> np.ndarray:
        return studio.portrait(project).rgb

    return _new(session, "portrait", "Reading the portrait", work, Priority.INTERACTIVE)


def _voice(session: Session) -> Job:
    project = session.project

    def work(context: JobContext) -> tuple[np.ndarray, int, Peaks]:
        from engines.speech.audio import ANALYSIS_RATE, load_voice

        voice = load_voice(project.voice)
        blocks, done = [], 0
        total = max(1.0, voice.duration_s * ANALYSIS_RATE)
        for block in voice.blocks():
            blocks.append(block)
            done += len(block)
            context.progress(min(1.0, done / total), "Reading the voice")
            context.checkpoint()
        samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
        return samples, ANALYSIS_RATE, Peaks(samples, ANALYSIS_RATE)

    return _new(session, "voice", "Reading the voice", work, Priority.INTERACTIVE)


def _spectrum(session: Session) -> Job:
    samples, sample_rate = session.samples, session.sample_rate

    def work(context: JobContext) -> np.ndarray:
        assert samples is not None
        return spectrogram(samples, sample_rate)

    return _new(session, "spectrum", "Computing the spectrogram", work, Priority.BACKGROUND)


def _prepare(session: Session) -> Job:
    project, studio = session.project, session.studio

    def work(context: JobContext) -> Any:
        return studio.prepare(project, progress=context.progress, cancel=context.cancel)

    return _new(session, "prepare", "Preparing the portrait", work, Priority.INTERACTIVE)


def _analyse(session: Session) -> Job:
    project, studio = session.project, session.studio

    def work(context: JobContext) -> tuple[Any, Mood | None]:
        from app.core.passes.heard import listen

        speech = studio.analyse(project, progress=context.progress, cancel=context.cancel)
        return speech, listen(speech)

    return _new(session, "analyse", "Listening to the voice", work, Priority.INTERACTIVE)


def take_key(project: Project, performance: Performance) -> Hashable:
    """What decides how frames look."""
    picture = project.portrait, project.face, project.unit_names
    return performance.digest(), *picture, project.engine, project.size


def motion(studio: Studio, project: Project, context: JobContext) -> Performance:
    """The performance of a project; a portrait without a voice looks about, blinks and breathes."""
    if project.voice or project.performance:
        return studio.perform(project, progress=context.progress, cancel=context.cancel)
    from app.core.perform import perform

    rate = parse_rate(project.rate)
    return perform(project, None, base=Performance.rest(round(IDLE_S * rate), rate))


@dataclass(frozen=True)
class TakeA:
    """What is kept of a take to compare later ones with."""

    name: str
    project: Project
    performance: Performance
    take: Hashable


def take_name(project: Project) -> str:
    """A take in a few words."""
    info = registry.engines().get(project.engine)
    engine = project.engine if info is None else info.name
    return f"{engine}, take {project.auto.seed}"


def _audition(session: Session, kind: str, parts: tuple[Part, ...]) -> Job:
    """The frame under the playhead as it would look with presets over the whole shot."""
    if kind == "emotions":
        clips = tuple(EmotionClip(0, None, part.emotion, part.intensity, 0, 0) for part in parts)
        project = session.project.with_(emotions=clips)
    elif kind == "poses":
        project = own_presets.use_pose(session.project, parts[0].emotion, session.playhead)
    else:
        project = session.project.with_(styles=tuple(StyleClip(0, None, part.emotion) for part in parts))
    frame = session.playhead
    options = options_for(session, DRAFT_SIDE, True)

    def work(context: JobContext) -> np.ndarray:
        performance = motion(session.studio, project, context)
        return _draw(session, project, performance, min(frame, len(performance) - 1), options, context)

    return _new(session, "audition", "Trying a preset", work, Priority.PREVIEW)


def _perform(session: Session) -> Job:
    """The performance and then the frame under the playhead, in one go: the way from a slider to the picture."""
    project, studio, cache = session.project, session.studio, session.frames
    actor, dragging = session.actor, session._dragging
    options = options_for(session, DRAFT_SIDE if dragging else FULL_SIDE, dragging)

    def work(context: JobContext) -> None:
        performance = motion(studio, project, context)
        take = take_key(project, performance)
        frame = min(session.playhead, len(performance) - 1)
        drawn = None
        if actor is not None:
            if not cache.has(take, frame):
                cache.put(take, frame, _draw(session, project, performance, frame, options, context))
            drawn = frame
        context.preview((performance, take, drawn))

    return _new(session, "perform", "Performing", work, Priority.PREVIEW)


def _draw(
    session: Session,
    project: Project,
    performance: Performance,
    frame: int,
    options: RenderOptions,
    context: JobContext,
) -> np.ndarray:
    frames = session.studio.frames(project, performance, frame, frame + 1, options, context.cancel)
    return np.ascontiguousarray(next(iter(frames)))


def frame_job(session: Session, frame: int, draft: bool) -> Job:
    """Draw one frame of the current performance."""
    project, performance, take = session.project, session.performance, session.take
    options = options_for(session, DRAFT_SIDE if draft else FULL_SIDE, draft)
    other = session._a if session.compare else None

    def work(context: JobContext) -> int:
        assert performance is not None
        if other is not None and not session.frames.has(other.take, frame):
            at = min(frame, len(other.performance) - 1)
            drawn = _draw(session, other.project, other.performance, at, options, context)
            session.frames.put(other.take, frame, drawn)
        session.frames.put(take, frame, _draw(session, project, performance, frame, options, context))
        return frame

    return _new(session, "frame", "Drawing", work, Priority.PREVIEW)


def frames_ahead(session: Session, frame: int, playing: bool) -> list[int]:
    """Frames that playback from ``frame`` on will need and that are not drawn yet, in order.

    Where not all can be drawn in time, every second (third ...) one is asked for, always the same ones.
    """
    rate, (first, stop) = float(session.rate), session.range
    stride = session.pace.stride(rate)
    begin = frame if first <= frame < stop else first
    if playing:
        begin += stride  # what is due now would come too late
    begin = -(-begin // stride) * stride
    end = min(stop, begin + round(AHEAD_S * rate))
    return session.frames.missing(session.take, range(begin, end, stride))


def _ahead(session: Session, wanted: Sequence[int]) -> Job:
    """Draw frames for playback; it ends after a while, so that exports get their turn."""
    project, performance, take, cache = session.project, session.performance, session.take, session.frames
    pace, rate = session.pace, float(session.rate)
    options = options_for(session, pace.side, True)

    def work(context: JobContext) -> None:
        assert performance is not None
        started, drawn = time.monotonic(), 0
        for number in wanted:
            cache.put(take, number, _draw(session, project, performance, number, options, context))
            drawn += 1
            context.checkpoint()
            if time.monotonic() - started > CHUNK_S:
                break
        pace.measured((time.monotonic() - started) / max(drawn, 1), rate)

    return _new(session, "ahead", "Drawing ahead", work, Priority.BACKGROUND)


_STEPS: Final[dict[str, Any]] = {
    "portrait": _portrait, "voice": _voice, "spectrum": _spectrum, "prepare": _prepare, "analyse": _analyse,
    "perform": _perform, "ahead": _ahead, "audition": _audition,
}  # fmt: skip


def phones(segments: Iterable[Segment]) -> tuple[Phone, ...]:
    """Words or phones of an analysis as the project keeps them."""
    return tuple(Phone(s.start_s, s.end_s, s.label, s.confidence) for s in segments)
