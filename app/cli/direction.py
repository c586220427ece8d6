"""Direction on one line: ``happy:0.7@0-3.5,sad:1@3.5-`` and its relatives, as clips and keys.

The grammar is ``NAME[:VALUE][@START[-[END]]]``, parted by commas; times are seconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from app.core import commands
from app.core.project import CHANNELS_GAZE, CHANNELS_POSE, PUPPET_PARTS, Key, Project
from app.core.puppet import GROUPS
from engines.timebase import parse_rate, seconds_to_frame

_ITEM: Final = re.compile(
    r"(?P<name>[A-Za-z][\w.-]*?)(?::(?P<value>[+-]?\d*\.?\d+))?"
    r"(?:@(?P<start>\d*\.?\d+)(?P<dash>-)?(?P<end>\d*\.?\d+)?)?"
)
POSE_EASE_S: Final = 0.4
"""How long a pose given for a span takes to come and to go."""


@dataclass(frozen=True)
class Item:
    """One part of a direction: a name, a value, and a span in seconds.

    ``start_s`` None: all the time; ``end_s`` None with ``open_end``: to the end; else a moment.
    """

    name: str
    value: float | None
    start_s: float | None
    end_s: float | None
    open_end: bool


def parse_items(text: str) -> tuple[Item, ...]:
    """The parts of a direction.

    Raises
    ------
    ValueError
        For what the grammar does not know; the message names the part.
    """
    items = []
    for part in text.split(","):
        found = _ITEM.fullmatch(part.strip())
        if found is None:
            raise ValueError(f"'{part.strip()}' is not understood; write NAME:VALUE@START-END, as in happy:0.7@0-3.5")
        value, start, end = (None if found[k] is None else float(found[k]) for k in ("value", "start", "end"))
        if start is not None and end is not None and end <= start:
            raise ValueError(f"'{part.strip()}' ends before it starts")
        items.append(Item(found["name"], value, start, end, bool(found["dash"]) and end is None))
    return tuple(items)


def _span(item: Item, rate: Fraction) -> tuple[int, int | None]:
    start = 0 if item.start_s is None else seconds_to_frame(item.start_s, rate)
    if item.end_s is None:
        return start, None
    return start, max(start + 1, seconds_to_frame(item.end_s, rate))


def add_emotions(project: Project, items: tuple[Item, ...]) -> Project:
    rate = parse_rate(project.rate)
    ease = max(1, round(0.32 * rate))
    for item in items:
        start, end = _span(item, rate)
        intensity = 0.7 if item.value is None else item.value
        project = commands.add_emotion(project, item.name, start, end, intensity, ease_in=ease, ease_out=ease)
    return project


def add_styles(project: Project, items: tuple[Item, ...]) -> Project:
    rate = parse_rate(project.rate)
    for item in items:
        start, end = _span(item, rate)
        project = commands.add_style(project, item.name, start, end, 1.0 if item.value is None else item.value)
    return project


def add_keys(project: Project, group: str, items: tuple[Item, ...]) -> Project:
    """Pose or gaze: ``yaw:10`` all the time, ``yaw:10@2`` a key, ``yaw:10@2-4`` held there and eased in and out.

    Raises
    ------
    ValueError
        For a name that the group does not have, or without a value.
    """
    rate = parse_rate(project.rate)
    names = {c.partition("_")[0]: c for c in (CHANNELS_POSE if group == "pose" else CHANNELS_GAZE)}
    ease = max(1, round(POSE_EASE_S * rate))
    for item in items:
        if item.name not in names or item.value is None:
            raise ValueError(
                f"'{item.name}' is not understood; {group} takes {', '.join(f'{n}:NUMBER' for n in names)}"
            )
        start, end = _span(item, rate)
        if item.start_s is None:
            keys = [Key(0, item.value)]
        elif item.end_s is None and not item.open_end:
            keys = [Key(start, item.value)]
        else:
            keys = [Key(max(0, start - ease), 0.0), Key(start, item.value)] if start > 0 else [Key(0, item.value)]
            keys += [] if end is None else [Key(end, item.value), Key(end + ease, 0.0)]
        project = commands.set_keys(project, f"{group}.{names[item.name]}", keys)
    return project


def set_auto(project: Project, items: tuple[Item, ...]) -> Project:
    """Amounts of automatic motion: ``head:0.5,blink:0``; the head's character: ``lively``.

    Raises
    ------
    ValueError
        For an unknown amount.
    """
    amounts = ("head", "blink", "gaze", "breath", "micro")
    for item in items:
        if item.value is None:
            project = commands.set_auto(project, character=item.name)
        elif item.name in amounts:
            project = commands.set_auto(project, **{item.name: item.value})
        else:
            raise ValueError(
                f"'{item.name}' is not understood; use {', '.join(amounts)} with a number, or a head preset"
            )
    return project


def set_puppet(
    project: Project, parts: str | None, relative_s: float | None, dub: bool, listen: float = 0.0
) -> Project:
    """How the motion of a clip moves the face: ``head,eyes:0.5`` and no other part, relative to a moment, dubbed.

    Parameters
    ----------
    relative_s : seconds into the clip; None: absolute
    listen : how far the voice corrects the mouth of the clip that it belongs to, 0 to 1

    Raises
    ------
    ValueError
        For an unknown part, or a clip to dub without a voice.
    """
    if parts is not None:
        chosen = dict.fromkeys(PUPPET_PARTS, 0.0)
        for item in parse_items(parts):
            names = GROUPS.get(item.name, (item.name,))
            if not set(names) <= set(PUPPET_PARTS) or item.start_s is not None:
                raise ValueError(f"'{item.name}' is not understood; use {', '.join((*PUPPET_PARTS, *GROUPS))}")
            chosen.update(dict.fromkeys(names, 1.0 if item.value is None else item.value))
        for name, strength in chosen.items():
            project = commands.set_puppet_part(project, name, strength)
    if relative_s is not None:
        project = commands.set_puppet(project, relative=True, neutral_s=float(relative_s))
    if dub:
        if not (project.performance and project.voice) or project.voice == project.performance:
            raise ValueError("--dub gives a clip a new voice: give both, as in PORTRAIT VOICE --drive CLIP --dub")
        project = commands.set_puppet(project, dub=True)
    if listen:
        if not (project.performance and project.voice) or not 0 <= listen <= 1:
            raise ValueError("--drive-voice takes 0 to 1 and needs the clip's voice: PORTRAIT VOICE --drive CLIP")
        project = commands.set_puppet(project, listen=float(listen))
    return project


def parse_range(text: str, rate: Fraction) -> tuple[int | None, int | None]:
    """First and last frame of ``START-END`` in seconds, or in frames as ``50f-120f``; either may be left out.

    Raises
    ------
    ValueError
        If it is neither.
    """
    found = re.fullmatch(r"(\d*\.?\d+)?(f?)-(?:(\d*\.?\d+)(f?))?", text.strip())
    if found is None or not (found[1] or found[3]):
        raise ValueError(f"'{text}' is no range; write START-END in seconds, or frames as in 50f-120f")

    def frame(number: str | None, unit: str | None, last: bool) -> int | None:
        if not number:
            return None
        if unit:
            return int(float(number))
        at = seconds_to_frame(float(number), rate)
        return max(0, at - 1) if last else at

    start, stop = frame(found[1], found[2], False), frame(found[3], found[4], True)
    if start is not None and stop is not None and stop < start:
        raise ValueError(f"The range '{text}' ends before it starts")
    return start, stop


def parse_size(text: str) -> tuple[int, int]:
    """(width, height) of ``1280x720``; one may be left out (``x720``) and follows from the portrait, as 0.

    Raises
    ------
    ValueError
        If it is neither, or larger than 8192 or odd sizes that no encoder takes.
    """
    found = re.fullmatch(r"(\d*)[xX×](\d*)", text.strip())
    if found is None or not (found[1] or found[2]):
        raise ValueError(f"'{text}' is no size; write WIDTHxHEIGHT in pixels, or xHEIGHT")
    width, height = int(found[1] or 0), int(found[2] or 0)
    if max(width, height) > 8192 or 0 < width < 16 or 0 < height < 16:
        raise ValueError(f"The size {text} is outside 16 to 8192 pixels")
    return width, height


def read_text(argument: str) -> str:
    """What ``--text`` means: the words themselves, or those in the file after ``@``."""
    return Path(argument[1:]).read_text(encoding="utf-8").strip() if argument.startswith("@") else argument
