"""Styles and emotions lifted from references: a clip, or a pair of clips or voices, becomes a preset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.core import style_reference
from app.core.presets import HeadCharacter, Style
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
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> tuple[Style, HeadCharacter]:
    """The way of speaking in a clip, and how its head moves, as presets (`app.core.style_reference`).

    Parameters
    ----------
    clip : a video of one person talking, or curves
    voice : its sound, where the clip itself has none

    Raises
    ------
    InputError
        If there is no face in it, or it is too short.
    """
    from app.core.studio import VIDEOS, scaled

    if not clip.is_file():
        raise InputError(f"There is no clip {clip}. Check the path.")
    filmed = clip.suffix.lower() in VIDEOS
    motion = studio.imported(
        Project(performance=str(clip.absolute())), progress=scaled(progress, 0.0, 0.7), cancel=cancel
    )
    assert motion is not None
    if voice is None and filmed and has_sound(clip):
        voice = clip
    plain = Project(voice=str((voice or DEMO_VOICE).absolute()), rate=str(motion.rate))
    natural = studio.perform(plain, progress=scaled(progress, 0.7, 1.0), cancel=cancel)
    style = style_reference.style_of(name, motion, natural, own_words=voice is not None, captured=filmed)
    return style, style_reference.character_of(name, motion, natural)
