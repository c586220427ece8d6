"""The curve editor without Qt: channels, value axes, hits and drags of keys in time and value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.core import commands
from app.core.controls import sample_keys
from app.core.project import CHANNELS_GAZE, CHANNELS_POSE, Key, Project
from app.ui.timeline.edits import Selection, by_row
from app.ui.timeline.layout import Item
from app.ui.timeline.scale import TimeScale, nice_range
from engines import arkit, registry
from engines.api import Coordinate, Performance

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Head", tuple(f"pose.{name}" for name in CHANNELS_POSE)),
    ("Eyes", (*(f"gaze.{name}" for name in CHANNELS_GAZE), "blink")),
    *((region.capitalize(), tuple(n for n in arkit.NAMES if arkit.REGION[n] == region)) for region in arkit.REGIONS),
)
KEY_PX = 8


OTHER_ENGINES = "Of other engines"


def groups(project: Project) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The channels that can be keyed, under their headings: the face's, the engine's own, and what is keyed besides."""
    found: dict[str, tuple[str, ...]] = {}
    engine = registry.engines().get(project.engine)
    for coordinate in () if engine is None else registry.coordinates(engine):
        heading = f"{engine.name}: {coordinate.group}" if coordinate.group else engine.name  # type: ignore[union-attr]
        found[heading] = (*found.get(heading, ()), f"{project.engine}.{coordinate.name}")
    known = {channel for _, channels in (*GROUPS, *found.items()) for channel in channels}
    if others := tuple(c.channel for c in project.curves if c.channel not in known):
        found[OTHER_ENGINES] = others
    return (*GROUPS, *found.items())


def coordinate(channel: str) -> Coordinate | None:
    """What the manifest of an engine on this machine says about its own channel; None for other channels."""
    engine_id, _, name = channel.partition(".")
    engine = registry.engines().get(engine_id)
    return None if engine is None else next((c for c in registry.coordinates(engine) if c.name == name), None)


def limits(channel: str) -> tuple[float, float]:
    """What sliders of a channel run over, in its unit."""
    own = coordinate(channel)
    if own is not None:
        return own.low, own.high
    if channel == "blink":
        return 0.0, 1.0
    return {"°": (-45.0, 45.0), "cm": (-15.0, 15.0)}.get(unit(channel), (-1.0, 1.0))


def channel_name(channel: str) -> str:
    """A channel for people: ``mouthSmileLeft`` is ``Mouth smile left``, ``pose.yaw_deg`` is ``Head yaw``."""
    if "." in channel:
        own = coordinate(channel)
        if own is not None:
            return own.label
        group, _, name = channel.partition(".")
        label = {"pose": "Head", "gaze": "Gaze"}.get(group, group)
        return f"{label} {name.replace('_deg', '').replace('_cm', ' (move)')}"
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in channel)
    return words[:1].upper() + words[1:]


def unit(channel: str) -> str:
    return "°" if channel.endswith("_deg") else "cm" if channel.endswith("_cm") else ""


def motion(performance: Performance | None, channel: str) -> np.ndarray | None:
    """What the face does in a channel, in the channel's unit : float (T,), or None where there is no such motion."""
    if performance is None:
        return None
    if channel in arkit.INDEX:
        return performance.channel(channel)
    if channel == "blink":
        return performance.channel("eyeBlinkLeft")
    group, _, name = channel.partition(".")
    if group == "pose" and name in CHANNELS_POSE:
        index = CHANNELS_POSE.index(name)
        values = performance.head[:, index]
        return np.asarray(np.degrees(values) if index < 3 else values)
    if group == "gaze" and name in CHANNELS_GAZE:
        column = CHANNELS_GAZE.index(name)
        return np.asarray(np.degrees((performance.gaze[:, column] + performance.gaze[:, column + 2]) / 2))
    return None


def value_at(project: Project, channel: str, frame: int) -> float:
    """What the curve of a channel says at a frame; 0 where there is none."""
    curve = commands.curve(project, channel)
    return 0.0 if curve is None or not curve.keys else float(sample_keys(curve.keys, frame + 1)[frame])


@dataclass
class Axes:
    """Frames and values on screen.

    Attributes
    ----------
    scale : of time
    low, high, step : of values
    height : pixels
    """

    scale: TimeScale
    low: float = -1.0
    high: float = 1.0
    step: float = 0.5
    height: float = 100.0
    margin: float = 14.0

    def y(self, value: float) -> float:
        part = (value - self.low) / max(self.high - self.low, 1e-9)
        return self.height - self.margin - part * (self.height - 2 * self.margin)

    def value(self, y: float) -> float:
        part = (self.height - self.margin - y) / max(self.height - 2 * self.margin, 1.0)
        return self.low + part * (self.high - self.low)

    def fit(self, values: list[float], channels: tuple[str, ...]) -> None:
        """Show all values, and at least what the channels can be expected to hold."""
        degrees = any(unit(channel) for channel in channels)
        least = 10.0 if degrees else 1.0
        low, high = min([0.0, *values]), max([least, *values])
        if degrees:
            low = min(low, -least)
        for own in filter(None, map(coordinate, channels)):
            low, high = min(low, own.low), max(high, own.high)
        self.low, self.high, self.step = nice_range(low, high)


def key_at(project: Project, channels: tuple[str, ...], axes: Axes, x: float, y: float) -> Item | None:
    """The key under the pointer, the nearest of several."""
    best: tuple[float, Item] | None = None
    for channel in channels:
        curve = commands.curve(project, channel)
        for key in () if curve is None else curve.keys:
            distance = max(abs(axes.scale.x(key.frame) - x), abs(axes.y(key.value) - y))
            if distance <= KEY_PX and (best is None or distance < best[0]):
                best = distance, Item(channel, key.frame)
    return None if best is None else best[1]


def keys_in(
    project: Project, channels: tuple[str, ...], axes: Axes, box: tuple[float, float, float, float]
) -> Selection:
    """Keys inside a box given as (left, top, right, bottom) in pixels."""
    left, top, right, bottom = box
    return frozenset(
        Item(channel, key.frame)
        for channel in channels
        for curve in [commands.curve(project, channel)]
        if curve is not None
        for key in curve.keys
        if left <= axes.scale.x(key.frame) <= right and top <= axes.y(key.value) <= bottom
    )


def move_keys(project: Project, items: Selection, frames: int, value: float) -> tuple[Project, Selection]:
    """Shift keys in time and value; weights stay in -1 to 1, an engine's own numbers in their range."""
    rows = by_row(items)
    first = min((min(f) for f in rows.values()), default=0)
    frames = max(frames, -first)
    for channel, chosen in rows.items():
        project = commands.move_keys(project, channel, chosen, frames, value)
        if not unit(channel):
            project = _limited(project, channel, {frame + frames for frame in chosen})
    return project, frozenset(Item(item.row, item.index + frames) for item in items)


def _limited(project: Project, channel: str, frames: set[int]) -> Project:
    curve = commands.curve(project, channel)
    if curve is None:
        return project
    low, high = limits(channel)
    outside = [
        Key(k.frame, float(np.clip(k.value, low, high)), k.interpolation)
        for k in curve.keys
        if k.frame in frames and not low <= k.value <= high
    ]
    return commands.set_keys(project, channel, outside) if outside else project
