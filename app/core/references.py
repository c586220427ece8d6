"""Styles and emotions lifted from references: a clip, or a pair of clips or voices, becomes a preset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.core import emotion_reference, style_reference
from app.core.presets import Emotion, HeadCharacter, Style
from app.core.project import Project
from app.core.puppet import has_sound
from engines.api import CancelToken, Progress, no_progress
from engines.errors import InputError

if TYPE_CHECKING:
    from app.core.studio import Studio

DEMO_VOICE: Final = Path(__file__).resolve().parents[2] / "assets" / "demo" / "voice.wav"


def lift_style(
    studio: Studio,
    clip: Path,
    name: str,
    voice: Path | None = None,
    *,
    head: bool = False,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> tuple[Style, HeadCharacter | None]:
    """The way of speaking in a clip as a preset (`app.core.style_reference`).

    Parameters
    ----------
    clip : a video of one person talking, or curves
    voice : its sound, where the clip itself has none
    head : keep how the head and the brows move as a head preset beside it, and leave them out of the style

    Raises
    ------
    InputError
        If there is no face in it, or it is too short.
    """
    from app.core.media import VIDEOS
    from app.core.studio import scaled

    if not clip.is_file():
        raise InputError(f"There is no clip {clip}. Check the path.")
    filmed = clip.suffix.lower() in VIDEOS
    watch = scaled(progress, 0.0, 0.7)
    if filmed:
        from engines.capture.capture import capture
        from engines.capture.lips import of_track

        found = capture(clip, progress=watch, cancel=cancel)
        motion, seen = found.performance, of_track(found.track, found.performance.rate)
    else:
        from app.export import read_curves

        motion, seen = read_curves(clip), None
    if voice is None and filmed and has_sound(clip):
        voice = clip
    plain = Project(voice=str((voice or DEMO_VOICE).absolute()), rate=str(motion.rate))
    natural = studio.perform(plain, progress=scaled(progress, 0.7, 1.0), cancel=cancel)
    style = style_reference.style_of(name, motion, natural, own_words=voice is not None, seen=seen)
    if not head:
        return style, None
    return replace(style, head_motion=1.0, brows=1.0), style_reference.character_of(name, motion, natural)


def lift_emotion(
    studio: Studio,
    emotional: Path,
    neutral: Path,
    name: str,
    *,
    by_voice: bool = False,
    pleasant: bool | None = None,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Emotion:
    """The difference between an emotional and a neutral reference as a preset (`app.core.emotion_reference`).

    Parameters
    ----------
    emotional, neutral : two videos of one person, or two recordings of one voice
    by_voice : compare the sound of videos, not their faces
    pleasant : whether the mood is; used only where voices are compared

    Raises
    ------
    InputError
        If one is a video and the other is not, no face or too little speech is in them, or they hardly differ.
    """
    from app.core.media import VIDEOS
    from app.core.studio import scaled

    for path in (emotional, neutral):
        if not path.is_file():
            raise InputError(f"There is no file {path}. Check the path.")
    filmed = [path.suffix.lower() in VIDEOS for path in (emotional, neutral)]
    if by_voice or not any(filmed):
        found = []
        for number, path in enumerate((emotional, neutral)):
            project = Project(voice=str(path.absolute()))
            part = scaled(progress, 0.5 * number, 0.5 * number + 0.5)
            speech = studio.analyse(project, progress=part, cancel=cancel)
            found.append(emotion_reference.listen(speech, studio.voice(project)))
        return emotion_reference.emotion_from_voices(name, found[0], found[1], pleasant)
    if not all(filmed):
        raise InputError("A video cannot be compared with a recording. Give two videos, or compare their sound.")
    from engines.capture.capture import capture
    from engines.capture.compare import held

    strong = capture(emotional, progress=scaled(progress, 0.0, 0.45), cancel=cancel)
    plain = capture(neutral, progress=scaled(progress, 0.45, 0.9), cancel=cancel)
    faces = [held(clip.track, plain.head, plain.track, cancel) for clip in (strong, plain)]
    habits = [style_reference.measure(clip.performance) for clip in (strong, plain)]
    progress(1.0, "comparing the faces")
    return emotion_reference.emotion_from_clips(name, faces[0], faces[1], habits[0], habits[1])
