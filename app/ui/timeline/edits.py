"""What the timeline does to a selection, whatever it holds: move, delete, copy, paste, split, smooth. No Qt.

Each function takes a project and the selected items and returns the next project with the items' new places, so that
a selection survives the sorting that a move causes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from app.core import commands
from app.core.project import EmotionClip, Key, Project, StyleClip
from app.ui.timeline.layout import Item, Scene

Clip = EmotionClip | StyleClip
Selection = frozenset[Item]
NONE: Selection = frozenset()
_CLIP_ROWS = ("emotions", "styles")
_SPEECH_ROWS = ("words", "phones")


@dataclass(frozen=True)
class Clipboard:
    """Copied clips and keys, at their own frames."""

    emotions: tuple[EmotionClip, ...] = ()
    styles: tuple[StyleClip, ...] = ()
    keys: dict[str, tuple[Key, ...]] = field(default_factory=dict)

    @property
    def clips(self) -> tuple[Clip, ...]:
        return (*self.emotions, *self.styles)

    @property
    def start(self) -> int:
        frames = [clip.start for clip in self.clips]
        frames += [key.frame for keys in self.keys.values() for key in keys]
        return min(frames, default=0)

    def __bool__(self) -> bool:
        return bool(self.emotions or self.styles or self.keys)


def shifted(clip: Clip, frames: int) -> Clip:
    """A clip at another time."""
    return replace(clip, start=clip.start + frames, end=None if clip.end is None else clip.end + frames)


def by_row(items: Iterable[Item]) -> dict[str, list[int]]:
    """Sorted indices (frames for keys) of the items in each row."""
    found: dict[str, list[int]] = defaultdict(list)
    for item in sorted(items):
        found[item.row].append(item.index)
    return dict(found)


def is_curve(row: str) -> bool:
    return row not in (*_CLIP_ROWS, *_SPEECH_ROWS, "markers")


def valid(project: Project, items: Selection, words: int, phones: int) -> Selection:
    """The items that still exist (after undo, for example)."""
    counts = {
        "emotions": len(project.emotions),
        "styles": len(project.styles),
        "markers": len(project.markers),
        "words": words,
        "phones": phones,
    }
    keys = {(curve.channel, key.frame) for curve in project.curves for key in curve.keys}
    return frozenset(
        item
        for item in items
        if (item.row in counts and 0 <= item.index < counts[item.row]) or (item.row, item.index) in keys
    )


def _indices_of(row: str, project: Project, wanted: Iterable[object]) -> set[Item]:
    """Places of the very values ``wanted`` in a row; equal values take the first free places."""
    values = list(getattr(project, row))
    found: set[Item] = set()
    for value in wanted:
        for index, other in enumerate(values):
            if other == value and Item(row, index) not in found:
                found.add(Item(row, index))
                break
    return found


def move(project: Project, items: Selection, frames: int, ripple: bool = False) -> tuple[Project, Selection]:
    """Shift everything selected in time; with ``ripple`` later clips of the same tracks go along."""
    rows = by_row(items)
    starts: list[int] = []
    for row, indices in rows.items():
        if row in _CLIP_ROWS:
            if ripple:
                first = min(getattr(project, row)[i].start for i in indices)
                indices = [i for i, clip in enumerate(getattr(project, row)) if clip.start >= first]
                rows[row] = indices
            starts += [getattr(project, row)[i].start for i in indices]
        elif row == "markers":
            starts += [project.markers[i].frame for i in indices]
        elif is_curve(row):
            starts += indices
    frames = max(frames, -min(starts, default=0))
    result, selection = project, set[Item]()
    for row, indices in rows.items():
        if row in _CLIP_ROWS:
            clips = getattr(project, row)
            moved = [shifted(clips[i], frames) for i in indices]
            result = commands.move_clips(result, row, indices, frames)  # type: ignore[arg-type]
            selection |= _indices_of(row, result, moved)
        elif row == "markers":
            marks = [replace(project.markers[i], frame=project.markers[i].frame + frames) for i in indices]
            kept = [m for i, m in enumerate(project.markers) if i not in indices]
            result = result.with_(markers=tuple(sorted([*kept, *marks], key=lambda m: m.frame)))
            selection |= _indices_of("markers", result, marks)
        elif is_curve(row):
            result = commands.move_keys(result, row, indices, frames)
            selection |= {Item(row, frame + frames) for frame in indices}
        else:
            selection |= {Item(row, index) for index in indices}
    return result, frozenset(selection)


def delete(project: Project, items: Selection, ripple: bool = False) -> Project:
    """Remove everything selected."""
    for row, indices in by_row(items).items():
        if row in _CLIP_ROWS:
            project = commands.delete_clips(project, row, indices, ripple)  # type: ignore[arg-type]
        elif row in _SPEECH_ROWS:
            project = commands.delete_speech(project, row, indices)  # type: ignore[arg-type]
        elif row == "markers":
            project = commands.delete_markers(project, indices)
        else:
            project = commands.delete_keys(project, row, indices)
            curve = commands.curve(project, row)
            if curve is not None and not curve.keys:
                project = commands.delete_curve(project, row)
    return project


def copy(project: Project, items: Selection) -> Clipboard:
    """What pasting brings back. Words and phones belong to the voice and are not copied."""
    rows = by_row(items)
    keys: dict[str, tuple[Key, ...]] = {}
    for row, frames in rows.items():
        curve = commands.curve(project, row) if is_curve(row) else None
        if curve is not None:
            keys[row] = tuple(key for key in curve.keys if key.frame in set(frames))
    return Clipboard(
        tuple(project.emotions[i] for i in rows.get("emotions", ())),
        tuple(project.styles[i] for i in rows.get("styles", ())),
        keys,
    )


def paste(project: Project, board: Clipboard, frame: int) -> tuple[Project, Selection]:
    """Add what was copied, the earliest of it at ``frame``; the rest keeps its distance."""
    shift = frame - board.start
    selection: set[Item] = set()
    for row, clips in (("emotions", board.emotions), ("styles", board.styles)):
        moved = [shifted(clip, shift) for clip in clips]
        project = commands.add_clips(project, row, moved)  # type: ignore[arg-type]
        selection |= _indices_of(row, project, moved)
    for channel, keys in board.keys.items():
        shifted_keys = [replace(key, frame=key.frame + shift) for key in keys]
        project = commands.set_keys(project, channel, shifted_keys)
        selection |= {Item(channel, key.frame) for key in shifted_keys}
    return project, frozenset(selection)


def split(project: Project, frame: int, items: Selection, everywhere: bool = False) -> Project:
    """Cut the selected clips at ``frame``; with none selected, or ``everywhere``, every clip under it."""
    for row in _CLIP_ROWS:
        chosen = {item.index for item in items if item.row == row}
        for index in reversed(range(len(getattr(project, row)))):
            if everywhere or not any(i.row in _CLIP_ROWS for i in items) or index in chosen:
                project = commands.split_clip(project, row, index, frame)  # type: ignore[arg-type]
    return project


def trim(project: Project, frame: int, items: Selection, edge: str, ripple: bool = False) -> Project:
    """Move the start or end of the selected clips to ``frame``; with none selected, of every clip under it.

    Parameters
    ----------
    edge : ``start`` or ``end``
    ripple : later clips of the track close the gap; a trimmed start then stays where it is
    """
    for row in _CLIP_ROWS:
        chosen = {item.index for item in items if item.row == row}
        anything = any(item.row in _CLIP_ROWS for item in items)
        for index in reversed(range(len(getattr(project, row)))):
            clip = getattr(project, row)[index]
            inside = clip.start < frame and (clip.end is None or frame < clip.end)
            if not inside or (anything and index not in chosen):
                continue
            if edge == "end":
                project = commands.trim_clip(project, row, index, end=frame, ripple=ripple)  # type: ignore[arg-type]
            elif ripple and clip.end is not None:
                shorter = clip.end - (frame - clip.start)
                project = commands.trim_clip(project, row, index, end=shorter, ripple=True)  # type: ignore[arg-type]
            else:
                project = commands.trim_clip(project, row, index, start=frame)  # type: ignore[arg-type]
    return project


def split_speech(project: Project, at_s: float, items: Selection) -> Project:
    """Cut the selected words and phones under a time in two; both parts keep the label until it is changed."""
    for row in _SPEECH_ROWS:
        for index in sorted((item.index for item in items if item.row == row), reverse=True):
            label = getattr(project.speech, row)[index].label
            project = commands.split_speech(project, row, index, at_s, (label, label))  # type: ignore[arg-type]
    return project


def start_of(scene: Scene, item: Item) -> int:
    """The frame that an item starts at."""
    if item.row in _CLIP_ROWS:
        return scene.clips(item.row)[item.index].start
    if item.row in _SPEECH_ROWS:
        return round(scene.segments(item.row)[item.index].start_s * scene.rate)
    return scene.project.markers[item.index].frame if item.row == "markers" else item.index


def neighbour(scene: Scene, selection: Selection, playhead: int, step: int) -> Item | None:
    """The item before (-1) or after (1) the selected one in time, or the one nearest to the playhead on that side."""
    found = set(everything(scene.project))
    for row in _SPEECH_ROWS:
        found |= {Item(row, index) for index in range(len(scene.segments(row)))}
    order = sorted(found, key=lambda item: (start_of(scene, item), item))
    if not order:
        return None
    chosen = [index for index, item in enumerate(order) if item in selection]
    if chosen:
        return order[min(max(0, (chosen[-1] if step > 0 else chosen[0]) + step), len(order) - 1)]
    later = [item for item in order if start_of(scene, item) >= playhead]
    earlier = [item for item in order if start_of(scene, item) < playhead]
    return (later[0] if later else order[-1]) if step > 0 else (earlier[-1] if earlier else order[0])


def smooth(project: Project, items: Selection) -> Project:
    """Smooth the selected keys of each curve."""
    for row, frames in by_row(items).items():
        if is_curve(row):
            project = commands.smooth_keys(project, row, frames)
    return project


def scale(project: Project, items: Selection, value: float = 1.0, time: float = 1.0) -> tuple[Project, Selection]:
    """Scale the selected keys: their values about 0, their times from the first of them on."""
    rows = {row: frames for row, frames in by_row(items).items() if is_curve(row)}
    pivot = min((frames[0] for frames in rows.values()), default=0)
    for row, frames in rows.items():
        project = commands.scale_keys(project, row, frames, value, time, pivot)
    moved = {Item(row, max(0, round(pivot + (f - pivot) * time))) for row, frames in rows.items() for f in frames}
    return project, frozenset(moved | {item for item in items if item.row not in rows})


def everything(project: Project) -> Selection:
    """All clips, keys and markers."""
    found = {Item(row, i) for row in _CLIP_ROWS for i in range(len(getattr(project, row)))}
    found |= {Item(curve.channel, key.frame) for curve in project.curves for key in curve.keys}
    found |= {Item("markers", i) for i in range(len(project.markers))}
    return frozenset(found)


def edit_points(project: Project, total: int) -> list[int]:
    """Frames that Alt+arrow visits: ends of clips, keys and markers."""
    found = {0, max(0, total - 1)}
    clips: tuple[Clip, ...] = (*project.emotions, *project.styles)
    for clip in clips:
        found |= {clip.start, min(total if clip.end is None else clip.end, max(0, total - 1))}
    found |= {key.frame for curve in project.curves for key in curve.keys}
    found |= {marker.frame for marker in project.markers}
    return sorted(found)


def default_marker(project: Project) -> str:
    """A name for the next marker."""
    names = {marker.name for marker in project.markers}
    return next(f"Marker {n}" for n in range(1, len(names) + 2) if f"Marker {n}" not in names)


def nod(project: Project, frame: int, rate: float, channel: str, size: float) -> Project:
    """Keys for one gesture of the head: there and back in about 0.6 s, over the automatic motion."""
    step = max(2, round(0.15 * rate))
    values = (0.0, -size, size * 0.35, 0.0)
    keys = [Key(frame + i * step, value) for i, value in enumerate(values)]
    return commands.set_keys(project, channel, keys)
