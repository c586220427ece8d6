"""What a drag in the timeline does, from where it began: always computed from the first state, never step by step."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import cached_property

from app.core import commands
from app.core.project import EmotionClip, Project
from app.ui.timeline import edits
from app.ui.timeline.edits import Selection
from app.ui.timeline.layout import Hit, Item, Part, Scene, edges

_numbers = itertools.count()


@dataclass
class Drag:
    """A press on an item, and what its moves mean.

    Attributes
    ----------
    scene, selection : at the press
    part, item : what was grabbed
    pointer : the (fractional) frame under the pointer at the press
    merge : key under which `History` makes one step of it
    moved : whether it has changed anything yet
    """

    scene: Scene
    part: Part
    item: Item
    selection: Selection
    pointer: float
    ripple: bool
    moved: bool = False
    merge: tuple[str, int] = field(default_factory=lambda: ("timeline", next(_numbers)))

    @cached_property
    def candidates(self) -> list[float]:
        """Frames that moving edges stick to, rising."""
        return edges(self.scene, self.selection)

    def edges(self) -> list[float]:
        """Frames of the edges that move, the grabbed one first."""
        item, scene = self.item, self.scene
        if item.row in ("emotions", "styles"):
            clip = scene.clips(item.row)[item.index]
            if self.part == "body":
                return [float(clip.start), float(scene.end(clip))]
            if isinstance(clip, EmotionClip) and self.part == "ease_in":
                return [float(clip.start + clip.ease_in)]
            if isinstance(clip, EmotionClip) and self.part == "ease_out":
                return [float(scene.end(clip) - clip.ease_out)]
            return [float(clip.start if self.part == "start" else scene.end(clip))]
        if item.row in ("words", "phones"):
            segment = scene.segments(item.row)[item.index]
            return [(segment.end_s if self.part == "end" else segment.start_s) * scene.rate]
        if item.row == "markers":
            return [float(scene.project.markers[item.index].frame)]
        return [float(item.index)]

    def apply(self, by: float) -> tuple[str, Project, Selection]:
        """(name, project, selection) after a drag by ``by`` frames."""
        if self.item.row in ("words", "phones"):
            return self._segment(by)
        frames = round(by)
        if self.item.row in ("emotions", "styles") and self.part != "body":
            return self._trim(frames)
        if frames == 0:
            return "Move", self.scene.project, self.selection
        project, selection = edits.move(self.scene.project, self.selection, frames, self.ripple)
        return _move_name(self.selection), project, selection

    def _trim(self, frames: int) -> tuple[str, Project, Selection]:
        project, row, index = self.scene.project, self.item.row, self.item.index
        clip = self.scene.clips(row)[index]
        end = self.scene.end(clip)
        if isinstance(clip, EmotionClip) and self.part in ("ease_in", "ease_out"):
            if self.part == "ease_in":
                ease = min(max(0, clip.ease_in + frames), end - clip.start - clip.ease_out)
                return (
                    "Ease in",
                    commands.replace_clip(project, "emotions", index, ease_in=max(0, ease)),
                    self.selection,
                )
            ease = min(max(0, clip.ease_out - frames), end - clip.start - clip.ease_in)
            return "Ease out", commands.replace_clip(project, "emotions", index, ease_out=max(0, ease)), self.selection
        if self.part == "start":
            result = commands.trim_clip(project, row, index, start=clip.start + frames)  # type: ignore[arg-type]
        else:
            result = commands.trim_clip(project, row, index, end=end + frames, ripple=self.ripple)  # type: ignore[arg-type]
        values = list(getattr(result, row))
        near = [i for i, c in enumerate(values) if c not in getattr(project, row)]
        place = near[0] if near else index
        return "Trim clip", result, frozenset({Item(row, place)})

    def _segment(self, by: float) -> tuple[str, Project, Selection]:
        """Move an edge of a word or phone, or both; what the analysis found becomes the artist's own first."""
        scene, row, index = self.scene, self.item.row, self.item.index
        if abs(by) < 1e-9:
            return "Move boundary", scene.project, self.selection
        project = commands.adopt_speech(scene.project, scene.words, scene.phones)
        segment = scene.segments(row)[index]
        shift = by / scene.rate
        order = [self.part] if self.part in ("start", "end") else ["end", "start"] if by > 0 else ["start", "end"]
        for edge in order:
            at = (segment.start_s if edge == "start" else segment.end_s) + shift
            project = commands.move_boundary(project, row, index, at, edge)  # type: ignore[arg-type]
        return f"Move {row.removesuffix('s')}", project, self.selection


def _move_name(selection: Selection) -> str:
    rows = {item.row for item in selection}
    if rows <= {"emotions"}:
        return "Move emotion"
    if rows <= {"styles"}:
        return "Move style"
    if rows <= {"markers"}:
        return "Move marker"
    return "Move keys" if all(edits.is_curve(row) for row in rows) else "Move selection"


def start_drag(scene: Scene, target: Hit, selection: Selection, pointer: float, ripple: bool) -> Drag:
    assert target.item is not None
    return Drag(scene, target.part, target.item, selection, pointer, ripple)
