"""What the artist can do to a project: pure functions from one `Project` to the next.

Each returns a new project (or the same one if nothing would change) and raises `InputError` for what cannot be.
The window and the command line hand the result to `app.core.history.History.do` with a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeVar

from app.core import own_head
from app.core.project import (
    CHANNELS_GAZE,
    CHANNELS_POSE,
    PUPPET_PARTS,
    AutoMotion,
    Consent,
    Curve,
    EmotionClip,
    Key,
    Marker,
    Phone,
    Project,
    RegionSettings,
    StyleClip,
)
from engines import arkit
from engines.errors import InputError
from engines.timebase import parse_rate

Track = Literal["emotions", "styles"]
Clip = EmotionClip | StyleClip
SpeechRow = Literal["words", "phones"]
T = TypeVar("T")

MIN_PHONE_S = 0.01
"""A word or phone never gets shorter than this."""


# --- media ---


def set_portrait(project: Project, path: str, face: int = 0) -> Project:
    """Another picture or head; names that an own head had for its shapes go with it."""
    names = project.unit_names if str(path) == project.portrait else ()
    return project.with_(portrait=str(path), face=face, unit_names=names)


def set_unit_names(project: Project, path: str) -> Project:
    """What the artist's head and curves call ARKit units, from a JSON file; empty: nothing but what is recognised."""
    return project.with_(unit_names=own_head.read_names(Path(path)) if path else ())


def set_voice(project: Project, path: str, text: str = "", language: str | None = None) -> Project:
    """Another recording; what was edited of the old one's words and phones goes."""
    if str(path) == project.voice:
        return project
    speech = replace(project.speech, text=text, language=language or project.speech.language, words=(), phones=())
    return project.with_(voice=str(path), performance="", speech=speech)


def set_performance(project: Project, path: str) -> Project:
    """Motion from a file instead of from the voice; empty to go back to the voice."""
    return project.with_(performance=str(path))


def set_puppet(project: Project, **fields: Any) -> Project:
    """How motion from a file moves the face: ``relative``, ``neutral_s``, ``dub``."""
    return project.with_(puppet=replace(project.puppet, **fields))


def dub(project: Project, voice: str) -> Project:
    """A new voice for the clip that moves the face: it moves the mouth, the clip the rest."""
    return set_puppet(set_voice(project, voice).with_(performance=project.performance), dub=True)


def set_puppet_part(project: Project, part: str, strength: float) -> Project:
    """How strongly motion from a file moves one part of the face: 0 leaves it to automatic motion, 1 as in the file.

    Raises
    ------
    InputError
        For an unknown part, or a strength outside 0 to 2.
    """
    if part not in PUPPET_PARTS:
        raise InputError(f"A clip cannot move '{part}'. Choose from {', '.join(PUPPET_PARTS)}.")
    if not 0 <= strength <= 2:
        raise InputError(f"The strength of {part} must lie between 0 and 2, not {strength:g}.")
    kept = {**dict(project.puppet.parts), part: float(strength)}
    parts = tuple((name, kept[name]) for name in PUPPET_PARTS if kept.get(name, 1.0) != 1.0)
    return set_puppet(project, parts=parts)


def set_field(project: Project, **fields: Any) -> Project:
    """Set plain fields such as ``name``, ``engine``, ``size``, ``auto_emotion``, ``in_frame``, ``out_frame``."""
    return project.with_(**fields)


def set_rate(project: Project, rate: str | float | Fraction) -> Project:
    """Another frame rate; clips, keys and markers stay at their times."""
    new, old = parse_rate(rate), parse_rate(project.rate)
    if new == old:
        return project
    factor = new / old

    def at(frame: int) -> int:
        return round(frame * factor)

    def maybe(frame: int | None) -> int | None:
        return None if frame is None else at(frame)

    def clip(c: Any) -> Any:
        c = replace(c, start=at(c.start), end=maybe(c.end))
        if isinstance(c, EmotionClip):
            c = replace(c, ease_in=at(c.ease_in), ease_out=at(c.ease_out))
        return c if c.end is None or c.end > c.start else replace(c, end=c.start + 1)

    return project.with_(
        rate=str(rate) if not isinstance(rate, Fraction) else f"{rate.numerator}/{rate.denominator}",
        emotions=tuple(map(clip, project.emotions)),
        styles=tuple(map(clip, project.styles)),
        curves=tuple(
            replace(c, keys=_unique_keys(replace(k, frame=at(k.frame)) for k in c.keys)) for c in project.curves
        ),
        markers=tuple(replace(m, frame=at(m.frame)) for m in project.markers),
        in_frame=maybe(project.in_frame),
        out_frame=maybe(project.out_frame),
    )


# --- clips ---


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


# --- curves ---


def check_channel(channel: str) -> str:
    """``channel`` if a curve can have that name.

    Raises
    ------
    InputError
        For a name that is no ARKit unit, pose, gaze, blink or engine coordinate.
    """
    known = {*arkit.NAMES, *(f"pose.{n}" for n in CHANNELS_POSE), *(f"gaze.{n}" for n in CHANNELS_GAZE), "blink"}
    group, _, rest = channel.partition(".")
    if channel in known or (rest and group not in ("pose", "gaze")):
        return channel
    raise InputError(
        f"There is no curve channel '{channel}'. Use an ARKit unit, pose.yaw_deg, gaze.pitch_deg, blink or "
        "ENGINE.NAME for an engine's own number."
    )


def curve(project: Project, channel: str) -> Curve | None:
    """The curve of ``channel``, if the project has one."""
    return next((c for c in project.curves if c.channel == channel), None)


def _unique_keys(keys: Iterable[Key]) -> tuple[Key, ...]:
    """In rising order, the last given of several on one frame."""
    by_frame = {key.frame: key for key in keys}
    return tuple(by_frame[frame] for frame in sorted(by_frame))


def _with_curve(project: Project, new: Curve) -> Project:
    curves = [new if c.channel == new.channel else c for c in project.curves]
    if all(c.channel != new.channel for c in project.curves):
        curves.append(new)
    return project.with_(curves=tuple(curves))


def set_keys(project: Project, channel: str, keys: Iterable[Key]) -> Project:
    """Add keys, replacing those on the same frames; makes the curve if there is none."""
    old = curve(project, check_channel(channel)) or Curve(channel)
    return _with_curve(project, replace(old, keys=_unique_keys([*old.keys, *keys])))


def set_curve(project: Project, channel: str, **fields: Any) -> Project:
    """Set ``mode``, ``mute`` or ``solo``; makes the curve if there is none."""
    old = curve(project, check_channel(channel)) or Curve(channel)
    return _with_curve(project, replace(old, **fields))


def delete_curve(project: Project, channel: str) -> Project:
    return project.with_(curves=tuple(c for c in project.curves if c.channel != channel))


def _edit_keys(project: Project, channel: str, frames: Iterable[int], edit: Any) -> Project:
    old = curve(project, channel)
    if old is None:
        return project
    chosen = set(frames)
    kept = [k for k in old.keys if k.frame not in chosen]
    edited = [edit(k) for k in old.keys if k.frame in chosen]
    return _with_curve(project, replace(old, keys=_unique_keys([*kept, *(k for k in edited if k is not None)])))


def delete_keys(project: Project, channel: str, frames: Iterable[int]) -> Project:
    return _edit_keys(project, channel, frames, lambda key: None)


def move_keys(project: Project, channel: str, frames: Sequence[int], by: int, value: float = 0.0) -> Project:
    """Shift keys in time and value."""
    by = max(by, -min(frames, default=0))
    return _edit_keys(project, channel, frames, lambda k: replace(k, frame=k.frame + by, value=k.value + value))


def set_interpolation(project: Project, channel: str, frames: Iterable[int], interpolation: Any) -> Project:
    return _edit_keys(project, channel, frames, lambda k: replace(k, interpolation=interpolation))


def scale_keys(
    project: Project, channel: str, frames: Iterable[int], value: float = 1.0, time: float = 1.0, pivot: int = 0
) -> Project:
    """Scale keys: values about 0 and times about frame ``pivot``."""

    def scaled(key: Key) -> Key:
        return replace(key, frame=max(0, round(pivot + (key.frame - pivot) * time)), value=key.value * value)

    return _edit_keys(project, channel, frames, scaled)


def smooth_keys(project: Project, channel: str, frames: Iterable[int], amount: float = 0.5) -> Project:
    """Draw each key towards the straight line between its neighbours."""
    old = curve(project, channel)
    if old is None:
        return project
    smooth: dict[int, float] = {}
    for before, key, after in zip(old.keys, old.keys[1:], old.keys[2:], strict=False):
        part = (key.frame - before.frame) / (after.frame - before.frame)
        line = before.value + (after.value - before.value) * part
        smooth[key.frame] = key.value + amount * (line - key.value)
    return _edit_keys(project, channel, frames, lambda k: replace(k, value=smooth.get(k.frame, k.value)))


# --- words and phones ---


def set_text(project: Project, text: str, language: str | None = None) -> Project:
    """What is said; times edited for another text go."""
    speech = replace(project.speech, text=text, language=language or project.speech.language)
    if speech != project.speech:
        speech = replace(speech, words=(), phones=())
    return project.with_(speech=speech)


def adopt_speech(project: Project, words: Iterable[Phone], phones: Iterable[Phone]) -> Project:
    """Make what the analysis found the artist's own, so that it can be edited; rows already edited stay."""
    speech = project.speech
    return project.with_(
        speech=replace(speech, words=speech.words or tuple(words), phones=speech.phones or tuple(phones))
    )


def _with_row(project: Project, row: SpeechRow, items: Iterable[Phone]) -> Project:
    fields: dict[str, Any] = {row: tuple(items)}
    return project.with_(speech=replace(project.speech, **fields))


def set_label(project: Project, row: SpeechRow, index: int, label: str) -> Project:
    """Another phone or word in the same place, now certain."""
    items = list(getattr(project.speech, row))
    items[index] = replace(items[index], label=label, confidence=1.0)
    return _with_row(project, row, items)


def move_boundary(project: Project, row: SpeechRow, index: int, t_s: float, edge: Literal["start", "end"]) -> Project:
    """Move one edge of a word or phone; a neighbour that touches it follows, and none gets shorter than 10 ms."""
    items = list(getattr(project.speech, row))
    item = items[index]
    if edge == "start":
        before = items[index - 1] if index else None
        touching = before is not None and abs(before.end_s - item.start_s) < 1e-3
        low = 0.0 if before is None else (before.start_s + MIN_PHONE_S if touching else before.end_s)
        t_s = max(low, min(t_s, item.end_s - MIN_PHONE_S))
        items[index] = replace(item, start_s=t_s)
        if touching and before is not None:
            items[index - 1] = replace(before, end_s=t_s)
    else:
        after = items[index + 1] if index + 1 < len(items) else None
        touching = after is not None and abs(after.start_s - item.end_s) < 1e-3
        high = float("inf") if after is None else (after.end_s - MIN_PHONE_S if touching else after.start_s)
        t_s = min(high, max(t_s, item.start_s + MIN_PHONE_S))
        items[index] = replace(item, end_s=t_s)
        if touching and after is not None:
            items[index + 1] = replace(after, start_s=t_s)
    return _with_row(project, row, items)


def split_speech(project: Project, row: SpeechRow, index: int, t_s: float, labels: tuple[str, str]) -> Project:
    """Cut a word or phone in two at ``t_s``."""
    items = list(getattr(project.speech, row))
    item = items[index]
    if not item.start_s + MIN_PHONE_S <= t_s <= item.end_s - MIN_PHONE_S:
        return project
    items[index : index + 1] = [
        replace(item, end_s=t_s, label=labels[0], confidence=1.0),
        replace(item, start_s=t_s, label=labels[1], confidence=1.0),
    ]
    return _with_row(project, row, items)


def insert_speech(project: Project, row: SpeechRow, item: Phone) -> Project:
    """Put a word or phone in a free place, in time order."""
    items = sorted([*getattr(project.speech, row), item], key=lambda p: p.start_s)
    return _with_row(project, row, items)


def delete_speech(project: Project, row: SpeechRow, indices: Iterable[int]) -> Project:
    """Remove words or phones; the gap is silence."""
    chosen = set(indices)
    return _with_row(project, row, (p for i, p in enumerate(getattr(project.speech, row)) if i not in chosen))


# --- direction, markers, consent ---


def set_region(project: Project, name: str, strength: float | None = None, offset_s: float | None = None) -> Project:
    """Strength and time shift of a facial region (`engines.arkit.REGIONS` or ``head``)."""
    if name not in (*arkit.REGIONS, "head"):
        raise InputError(f"There is no region '{name}'. Choose one of: {', '.join(arkit.REGIONS)}, head.")
    old = project.region(name)
    new = RegionSettings(old.strength if strength is None else strength, old.offset_s if offset_s is None else offset_s)
    regions = dict(project.regions)
    regions.pop(name, None)
    if new != RegionSettings():
        regions[name] = new
    return project.with_(regions=tuple(sorted(regions.items())))


def set_auto(project: Project, **fields: Any) -> Project:
    """Set amounts, character or seed of the automatic motion."""
    return project.with_(auto=replace(project.auto, **fields))


def another_take(project: Project) -> Project:
    """The same direction, other automatic motion."""
    return set_auto(project, seed=project.auto.seed + 1)


def add_marker(project: Project, frame: int, name: str, color: str = "blue") -> Project:
    return project.with_(markers=tuple(sorted([*project.markers, Marker(frame, name, color)], key=lambda m: m.frame)))


def replace_marker(project: Project, index: int, **fields: Any) -> Project:
    markers = list(project.markers)
    markers[index] = replace(markers[index], **fields)
    return project.with_(markers=tuple(sorted(markers, key=lambda m: m.frame)))


def delete_markers(project: Project, indices: Iterable[int]) -> Project:
    chosen = set(indices)
    return project.with_(markers=tuple(m for i, m in enumerate(project.markers) if i not in chosen))


def record_consent(project: Project, consent: Consent) -> Project:
    """Note who agreed to what; an earlier answer for the same portrait is replaced."""
    kept = [c for c in project.consents if c.portrait_digest != consent.portrait_digest]
    return project.with_(consents=(*kept, consent))


def reset_automatic_motion(project: Project) -> Project:
    return project.with_(auto=AutoMotion())
