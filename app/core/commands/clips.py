"""What the artist can do to the clips of emotions and styles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

from app.core.project import (
    EmotionClip,
    Project,
    StyleClip,
)
from engines.errors import InputError

Track = Literal["emotions", "styles"]
Clip = EmotionClip | StyleClip


def _clips(project: Project, track: Track) -> tuple[Any, ...]:
    return tuple(getattr(project, track))


def _with_clips(project: Project, track: Track, clips: Iterable[Any]) -> Project:
    clips = sorted(clips, key=lambda clip: clip.start)
    for clip in clips:
        if clip.start < 0 or (clip.end is not None and clip.end <= clip.start):
            raise InputError(f"A clip cannot run from frame {clip.start} to {clip.end}: its end must follow its start.")
    return project.with_(**{track: tuple(clips)})


def add_clips(project: Project, track: Track, clips: Iterable[Clip]) -> Project:
    return _with_clips(project, track, [*_clips(project, track), *clips])


def add_emotion(
    project: Project, emotion: str, start: int, end: int | None, intensity: float = 0.7, **eases: int
) -> Project:
    return add_clips(project, "emotions", [EmotionClip(start, end, emotion, intensity, **eases)])


def add_style(project: Project, style: str, start: int = 0, end: int | None = None, amount: float = 1.0) -> Project:
    return add_clips(project, "styles", [StyleClip(start, end, style, amount)])


def replace_clip(project: Project, track: Track, index: int, **fields: Any) -> Project:
    """Change fields of one clip (``emotion``, ``intensity``, ``ease_in``, ``style``, ``amount``, ``start`` ...)."""
    clips = list(_clips(project, track))
    clips[index] = replace(clips[index], **fields)
    return _with_clips(project, track, clips)


def move_clips(project: Project, track: Track, indices: Iterable[int], frames: int) -> Project:
    """Shift clips in time; none starts before frame 0, so the whole selection stops there."""
    chosen, clips = set(indices), list(_clips(project, track))
    if not chosen:
        return project
    frames = max(frames, -min(clips[i].start for i in chosen))
    moved = [_shifted(clip, frames) if i in chosen else clip for i, clip in enumerate(clips)]
    return _with_clips(project, track, moved)


def _shifted(clip: Any, frames: int) -> Any:
    return replace(clip, start=clip.start + frames, end=None if clip.end is None else clip.end + frames)


def trim_clip(
    project: Project, track: Track, index: int, start: int | None = None, end: int | None = None, ripple: bool = False
) -> Project:
    """Move one edge (at least one frame stays); with ``ripple`` later clips follow the end."""
    clips = list(_clips(project, track))
    old = clips[index]
    new_start = old.start if start is None else max(0, start)
    new_end = old.end if end is None else max(1, end)
    if new_end is not None:
        if start is not None:
            new_start = min(new_start, new_end - 1)
        new_end = max(new_end, new_start + 1)
    clips[index] = replace(old, start=new_start, end=new_end)
    if ripple and old.end is not None and new_end is not None:
        shift = new_end - old.end
        clips = [_shifted(c, shift) if i != index and c.start >= old.end else c for i, c in enumerate(clips)]
    return _with_clips(project, track, clips)


def split_clip(project: Project, track: Track, index: int, frame: int) -> Project:
    """Cut one clip in two at ``frame``; the motion at the cut stays as it was."""
    clips = list(_clips(project, track))
    clip = clips[index]
    if frame <= clip.start or (clip.end is not None and frame >= clip.end):
        return project
    first, second = replace(clip, end=frame), replace(clip, start=frame)
    clips[index : index + 1] = [first, second]
    return _with_clips(project, track, clips)


def delete_clips(project: Project, track: Track, indices: Iterable[int], ripple: bool = False) -> Project:
    """Remove clips; with ``ripple`` later clips close the gaps."""
    chosen, clips = set(indices), list(_clips(project, track))
    gone = [clips[i] for i in sorted(chosen)]
    kept = [c for i, c in enumerate(clips) if i not in chosen]
    if ripple:
        for removed in reversed(gone):
            if removed.end is not None:
                length = removed.end - removed.start
                kept = [_shifted(c, -length) if c.start >= removed.end else c for c in kept]
    return _with_clips(project, track, kept)


def paste_clips(project: Project, track: Track, clips: Sequence[Clip], frame: int) -> Project:
    """Add copies so that the first starts at ``frame``."""
    if not clips:
        return project
    shift = frame - min(c.start for c in clips)
    return add_clips(project, track, [_shifted(c, shift) for c in clips])
