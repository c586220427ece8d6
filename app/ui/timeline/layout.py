"""Where each track of the timeline lies and what is under the pointer. No Qt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal

import numpy as np

from app.core.project import CHANNELS_GAZE, CHANNELS_POSE, Curve, EmotionClip, Phone, Project, StyleClip
from app.ui.timeline.scale import TimeScale

Kind = Literal["voice", "words", "phones", "emotions", "heard", "styles", "pose", "gaze", "blink", "curve"]
Part = Literal["body", "start", "end", "ease_in", "ease_out", "intensity", "key", "marker", "ruler", "empty"]

RULER: Final = 30
LANE: Final = 30
EDGE_PX: Final = 6
_HEIGHTS: Final[dict[str, int]] = {
    "voice": 50, "words": 24, "phones": 22, "styles": 30, "pose": 40, "gaze": 30, "blink": 24, "curve": 38,
    "heard": 42,
}  # fmt: skip
LABELS: Final[dict[str, str]] = {
    "voice": "Voice", "words": "Words", "phones": "Phones", "emotions": "Emotion", "heard": "Voice mood",
    "styles": "Style", "pose": "Head pose", "gaze": "Gaze", "blink": "Blink",
}  # fmt: skip
KEY_CHANNELS: Final[dict[str, tuple[str, ...]]] = {
    "pose": tuple(f"pose.{name}" for name in CHANNELS_POSE),
    "gaze": tuple(f"gaze.{name}" for name in CHANNELS_GAZE),
    "blink": ("blink",),
}


@dataclass(frozen=True)
class Row:
    """One track on screen.

    Attributes
    ----------
    kind, channel : what it shows; ``channel`` only for single curves
    top, height : pixels below the ruler, before scrolling
    lanes : lane of each clip, so that overlapping clips lie below each other
    """

    kind: Kind
    label: str
    top: int
    height: int
    channel: str = ""
    lanes: tuple[int, ...] = ()

    def channels(self) -> tuple[str, ...]:
        """The curve channels whose keys the row shows."""
        return (self.channel,) if self.kind == "curve" else KEY_CHANNELS.get(self.kind, ())


@dataclass(frozen=True, order=True)
class Item:
    """One thing that can be selected: a clip or segment by index, a key by frame, a marker by index."""

    row: str
    """``emotions``, ``styles``, ``words``, ``phones``, ``markers``, or a curve channel."""
    index: int


@dataclass(frozen=True)
class Hit:
    """What is under the pointer."""

    part: Part
    row: Row | None = None
    item: Item | None = None


def lanes_of(clips: Sequence[EmotionClip | StyleClip], total: int) -> tuple[int, ...]:
    """The lane of each clip: the first in which it overlaps none before it."""
    ends: list[int] = []
    lanes: list[int] = []
    for clip in clips:
        end = total if clip.end is None else clip.end
        lane = next((i for i, busy in enumerate(ends) if busy <= clip.start), len(ends))
        if lane == len(ends):
            ends.append(end)
        else:
            ends[lane] = end
        lanes.append(lane)
    return tuple(lanes)


def rows_of(project: Project, total: int) -> tuple[Row, ...]:
    """The tracks of a project from top to bottom."""
    rows: list[Row] = []
    top = 0

    def add(kind: Kind, label: str, height: int, channel: str = "", lanes: tuple[int, ...] = ()) -> None:
        nonlocal top
        rows.append(Row(kind, label, top, height, channel, lanes))
        top += height

    add("voice", LABELS["voice"], _HEIGHTS["voice"])
    add("words", LABELS["words"], _HEIGHTS["words"])
    add("phones", LABELS["phones"], _HEIGHTS["phones"])
    emotions = lanes_of(project.emotions, total)
    add("emotions", LABELS["emotions"], LANE * max(2, max(emotions, default=0) + 1) + 4, lanes=emotions)
    add("heard", LABELS["heard"], _HEIGHTS["heard"])
    styles = lanes_of(project.styles, total)
    add("styles", LABELS["styles"], LANE * max(1, max(styles, default=0) + 1) + 4, lanes=styles)
    for kind in ("pose", "gaze", "blink"):
        add(kind, LABELS[kind], _HEIGHTS[kind])
    grouped = {channel for channels in KEY_CHANNELS.values() for channel in channels}
    for curve in project.curves:
        if curve.channel not in grouped:
            add("curve", curve.channel, _HEIGHTS["curve"], curve.channel)
    return tuple(rows)


def content_height(rows: Sequence[Row]) -> int:
    return rows[-1].top + rows[-1].height if rows else 0


class SegmentTimes:
    """Starts and ends of words or phones as arrays, so that an hour of them can be searched and drawn at once.

    Attributes
    ----------
    start_s, end_s : float64 (N,), rising
    """

    _recent: ClassVar[list[tuple[Sequence[Phone], SegmentTimes]]] = []

    def __init__(self, segments: Sequence[Phone]) -> None:
        self.start_s = np.array([segment.start_s for segment in segments], np.float64)
        self.end_s = np.array([segment.end_s for segment in segments], np.float64)

    @classmethod
    def of(cls, segments: Sequence[Phone]) -> SegmentTimes:
        """The times of ``segments``, computed once for each of the last few tuples."""
        for known, times in cls._recent:
            if known is segments:
                return times
        cls._recent.insert(0, (segments, cls(segments)))
        del cls._recent[6:]
        return cls._recent[0][1]

    def between(self, start_s: float, stop_s: float) -> range:
        """Indices of the segments that a stretch of time touches."""
        first = int(np.searchsorted(self.end_s, start_s, "right"))
        return range(first, int(np.searchsorted(self.start_s, stop_s, "left")))


@dataclass
class Scene:
    """All that hit tests and painting need to know, gathered once per change.

    Attributes
    ----------
    total : frames of the shot
    words, phones : segments as shown, seconds
    rate : frames a second
    """

    project: Project
    total: int
    rate: float
    words: Sequence[Phone] = ()
    phones: Sequence[Phone] = ()
    rows: tuple[Row, ...] = field(default=())

    def __post_init__(self) -> None:
        self.rows = rows_of(self.project, self.total)

    def clips(self, kind: str) -> Sequence[EmotionClip | StyleClip]:
        return self.project.emotions if kind == "emotions" else self.project.styles

    def segments(self, kind: str) -> Sequence[Phone]:
        return self.words if kind == "words" else self.phones

    def end(self, clip: EmotionClip | StyleClip) -> int:
        return self.total if clip.end is None else clip.end

    def curves(self, row: Row) -> list[Curve]:
        wanted = row.channels()
        return [curve for curve in self.project.curves if curve.channel in wanted]

    def row_at(self, y: float) -> Row | None:
        """The row at ``y`` pixels below the ruler, scrolling already added."""
        return next((row for row in self.rows if row.top <= y < row.top + row.height), None)

    def lane_top(self, row: Row, index: int) -> int:
        return row.top + 2 + LANE * (row.lanes[index] if index < len(row.lanes) else 0)


def _edge(x: float, left: float, right: float) -> Part:
    """Which part of a bar from ``left`` to ``right`` the pixel ``x`` grabs; a short bar keeps a body to move."""
    reach = min(EDGE_PX, max(1.0, (right - left) / 4))
    if x <= left + reach:
        return "start"
    return "end" if x >= right - reach else "body"


def _hit_clip(scene: Scene, row: Row, scale: TimeScale, x: float, y: float) -> Hit | None:
    for index in reversed(range(len(scene.clips(row.kind)))):
        clip = scene.clips(row.kind)[index]
        top = scene.lane_top(row, index)
        left, right = scale.x(clip.start), scale.x(scene.end(clip))
        if not (left - 2 <= x <= right + 2 and top <= y < top + LANE):
            continue
        item = Item(row.kind, index)
        part = _edge(x, left, right)
        if isinstance(clip, EmotionClip) and part == "body":
            if y < top + 11 and abs(x - scale.x(clip.start + clip.ease_in)) <= EDGE_PX:
                part = "ease_in"
            elif y < top + 11 and abs(x - scale.x(scene.end(clip) - clip.ease_out)) <= EDGE_PX:
                part = "ease_out"
        return Hit(part, row, item)
    return None


def _hit_segment(scene: Scene, row: Row, scale: TimeScale, x: float) -> Hit | None:
    at_s = scale.frame(x) / scene.rate
    segments = scene.segments(row.kind)
    for index in SegmentTimes.of(segments).between(at_s, at_s + 1e-9):
        segment = segments[index]
        left, right = scale.x(segment.start_s * scene.rate), scale.x(segment.end_s * scene.rate)
        if left <= x < right:
            return Hit(_edge(x, left, right), row, Item(row.kind, index))
    return None


def _hit_key(scene: Scene, row: Row, scale: TimeScale, x: float) -> Hit | None:
    best: tuple[float, Item] | None = None
    for curve in scene.curves(row):
        for key in curve.keys:
            distance = abs(scale.x(key.frame) - x)
            if distance <= EDGE_PX + 1 and (best is None or distance < best[0]):
                best = distance, Item(curve.channel, key.frame)
    return None if best is None else Hit("key", row, best[1])


def hit(scene: Scene, scale: TimeScale, x: float, y: float, scroll: float) -> Hit:
    """What lies under the pointer.

    Parameters
    ----------
    x, y : pixels from the top left corner of the track area, ruler included
    scroll : how far the rows are scrolled down, in pixels
    """
    if y < RULER:
        for index, marker in enumerate(scene.project.markers):
            if abs(scale.x(marker.frame) - x) <= EDGE_PX and y < 16:
                return Hit("marker", None, Item("markers", index))
        return Hit("ruler")
    inner = y - RULER + scroll
    row = scene.row_at(inner)
    if row is None:
        return Hit("empty")
    found: Hit | None = None
    if row.kind in ("emotions", "styles"):
        found = _hit_clip(scene, row, scale, x, inner)
    elif row.kind in ("words", "phones"):
        found = _hit_segment(scene, row, scale, x)
    elif row.channels():
        found = _hit_key(scene, row, scale, x)
    return found or Hit("empty", row)


def in_box(scene: Scene, scale: TimeScale, x0: float, x1: float, y0: float, y1: float) -> frozenset[Item]:
    """Everything that a box touches; ``y`` below the ruler, scrolling already added."""
    found: set[Item] = set()
    for row in scene.rows:
        if row.top + row.height <= y0 or row.top >= y1:
            continue
        if row.kind in ("emotions", "styles"):
            for index, clip in enumerate(scene.clips(row.kind)):
                top = scene.lane_top(row, index)
                if top < y1 and top + LANE > y0 and scale.x(clip.start) < x1 and scale.x(scene.end(clip)) > x0:
                    found.add(Item(row.kind, index))
        elif row.kind in ("words", "phones"):
            times = SegmentTimes.of(scene.segments(row.kind))
            touched = times.between(scale.frame(x0) / scene.rate, scale.frame(x1) / scene.rate)
            found |= {Item(row.kind, index) for index in touched}
        else:
            for curve in scene.curves(row):
                found |= {Item(curve.channel, key.frame) for key in curve.keys if x0 <= scale.x(key.frame) <= x1}
    return frozenset(found)


def edges(scene: Scene, exclude: Iterable[Item] = ()) -> list[float]:
    """Frames that dragged edges stick to: ends of clips, words and phones, keys, markers, in and out, both ends."""
    left_out = set(exclude)
    found: set[float] = {0.0, float(scene.total)}
    for row in ("emotions", "styles"):
        for index, clip in enumerate(scene.clips(row)):
            if Item(row, index) not in left_out:
                found |= {float(clip.start), float(scene.end(clip))}
    for row in ("words", "phones"):
        times = SegmentTimes.of(scene.segments(row))
        found.update((times.start_s * scene.rate).tolist(), (times.end_s * scene.rate).tolist())
    for curve in scene.project.curves:
        found |= {float(k.frame) for k in curve.keys if Item(curve.channel, k.frame) not in left_out}
    found |= {float(m.frame) for i, m in enumerate(scene.project.markers) if Item("markers", i) not in left_out}
    found |= {float(f) for f in (scene.project.in_frame, scene.project.out_frame) if f is not None}
    return sorted(found)
