"""What the artist can do to a shot as a whole: media, fields, rate, automatic motion, markers, consent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from app.core import own_head
from app.core.commands.curves import unique_keys
from app.core.project import (
    PUPPET_PARTS,
    AutoMotion,
    Consent,
    EmotionClip,
    Marker,
    Project,
    RegionSettings,
)
from engines import arkit
from engines.errors import InputError
from engines.timebase import parse_rate


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
    """How motion from a file moves the face: ``relative``, ``neutral_s``, ``dub``, ``listen``."""
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
            replace(c, keys=unique_keys(replace(k, frame=at(k.frame)) for k in c.keys)) for c in project.curves
        ),
        markers=tuple(replace(m, frame=at(m.frame)) for m in project.markers),
        in_frame=maybe(project.in_frame),
        out_frame=maybe(project.out_frame),
    )


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
