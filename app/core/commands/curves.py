"""What the artist can do to curves and their keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from app.core.project import (
    CHANNELS_GAZE,
    CHANNELS_POSE,
    Curve,
    Key,
    Project,
)
from engines import arkit
from engines.errors import InputError


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


def unique_keys(keys: Iterable[Key]) -> tuple[Key, ...]:
    """Keys in rising order, the last given of several on one frame."""
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
    return _with_curve(project, replace(old, keys=unique_keys([*old.keys, *keys])))


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
    return _with_curve(project, replace(old, keys=unique_keys([*kept, *(k for k in edited if k is not None)])))


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
