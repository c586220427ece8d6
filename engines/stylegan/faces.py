"""What a generator is trained with: aligned faces, whose they are, and the 35 numbers that each of them shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engines.api import CancelToken, Performance, Portrait, Progress, RenderOptions, no_progress
from engines.errors import InputError
from engines.stylegan import numbers
from engines.stylegan.align import align
from engines.stylegan.placing import Follower, fitting_size, seen_in
from engines.teaching.banks import banks, motion
from engines.teaching.lessons import lessons
from engines.teaching.table import Table

if TYPE_CHECKING:
    from engines.blendshape.actor import BlendshapeActor
    from engines.blendshape.engine import BlendshapeEngine
    from engines.capture.footage import Footage

_FINER: Final = 2
"""Pixels of the rig's frames to one of a face."""
_KINDS: Final = (
    # share of a portrait's lessons, and whether head, mouth, and the rest of the face move in them
    (0.4, True, True, True), (0.1, False, True, True), (0.2, False, True, False), (0.15, False, False, True),
    (0.15, True, False, False),
)  # fmt: skip
"""Parts move together and alone: what was only seen together is drawn badly alone, and a face at rest worst."""
_FAINT: Final = 0.5
"""Share of the lessons that fade towards the face at rest."""


@dataclass(frozen=True, eq=False)
class Faces(Table):
    """Pictures of people.

    Attributes
    ----------
    pictures : uint8 (N, S, S, 3), FFHQ crops
    numbers : float32 (N, 35), see `engines.stylegan.numbers`
    person : int64 (N,), whose face it is
    """

    pictures: np.ndarray
    numbers: np.ndarray
    person: np.ndarray

    @property
    def people(self) -> int:
        return int(self.person.max()) + 1 if len(self) else 0


def drawn(
    rig: BlendshapeActor,
    painter: BlendshapeEngine,
    performance: Performance,
    size: int,
    *,
    follower: Follower | None = None,
    cancel: CancelToken | None = None,
) -> np.ndarray:
    """Aligned faces that the rig draws of a performance : uint8 (T, size, size, 3); the crop follows the head."""
    follower = follower or Follower.of(rig)
    shown_size = fitting_size(rig, follower.crop, _FINER * size)
    shown = rig.crop(shown_size)
    crops = follower.crops(follower.head(performance))
    frames = painter.render(rig, performance, options=RenderOptions(size=shown_size), cancel=cancel)
    return np.stack([align(f, seen_in(c, shown), size) for f, c in zip(frames, crops, strict=True)])


def told(rig: BlendshapeActor, performance: Performance) -> np.ndarray:
    """The 35 numbers of a performance on a portrait : float32 (T, 35)."""
    from engines.rig.mesh import effective_weights

    moved = motion(performance, effective_weights(rig.head.rest_weights), rig.head.rest_head)
    return numbers.of_motion(moved, banks().coordinates(moved))


def from_portraits(
    portraits: Sequence[Portrait],
    size: int,
    count: int,
    seed: int,
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Faces:
    """Lessons that the rig draws, ``count`` of all portraits together."""
    from engines import registry
    from engines.blendshape.actor import BlendshapeActor
    from engines.blendshape.engine import BlendshapeEngine

    rig = BlendshapeEngine(registry.info("blendshape"))
    cancel = cancel or CancelToken()
    each = max(2, count // max(1, len(portraits)))
    found = []
    for number, portrait in enumerate(portraits):
        cancel.check()
        actor = rig.prepare(portrait, cancel=cancel)
        if not isinstance(actor, BlendshapeActor):
            raise InputError(f"{portrait.source} is a head in 3D; a generator learns from pictures.")
        own = seed + 1000 * number
        for performance in _parts(each, own):
            pictures = drawn(actor, rig, performance, size, cancel=cancel)
            found.append(Faces(pictures, told(actor, performance), np.full(len(pictures), number)))
        progress((number + 1) / len(portraits), "Drawing lessons")
    return Faces.joined(found)


def _parts(count: int, seed: int) -> list[Performance]:
    """``count`` lessons, of every kind its share."""
    rng = np.random.default_rng(seed)
    ends = np.round(np.cumsum([0, *(kind[0] for kind in _KINDS)]) * count).astype(int)
    found = []
    for kind, ((_, head, mouth, expression), some) in enumerate(zip(_KINDS, np.diff(ends).tolist(), strict=True)):
        if not some:
            continue
        part = lessons(some, seed + kind, head=head, mouth=mouth, expression=expression)
        size = np.where(rng.random(len(part)) < _FAINT, rng.random(len(part)), 1.0)[:, None]
        found.append(
            part.with_(
                weights=size * part.weights, head=size * part.head, gaze=size * part.gaze,
                tongue=size[:, 0] * part.tongue,
            )
        )  # fmt: skip
    return found


def from_footage(
    footage: Footage,
    size: int,
    count: int,
    seed: int,
    *,
    person: int = 0,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Faces:
    """Real frames with the motion that was measured in them; parameters as `from_portraits`.

    Raises
    ------
    InputError
        If there is no usable frame.
    """
    from engines.stylegan.align import steady_crops

    if not len(footage):
        raise InputError(f"{footage.folder} holds no usable frame. Make footage of a face that is seen well.")
    rng = np.random.default_rng(seed)
    pictures: list[np.ndarray] = []
    found: list[np.ndarray] = []
    shares = np.array([len(clip) for clip in footage.clips], float)
    for number, (clip, share) in enumerate(zip(footage.clips, shares / shares.sum(), strict=True)):
        if cancel is not None:
            cancel.check()
        performance = clip.performance()
        moved = motion(performance, np.zeros(performance.weights.shape[1]), np.zeros(3))
        rows = numbers.of_motion(moved, banks().coordinates(moved))
        crops = steady_crops(clip.landmarks(), clip.rate)
        wanted = min(len(clip), max(1, round(count * share)))
        for i in np.sort(rng.choice(len(clip), wanted, replace=False)):
            pictures.append(align(clip.frame(int(i)), crops[i], size))
            found.append(rows[i])
        progress((number + 1) / len(footage.clips), "Looking at the footage")
    return Faces(np.stack(pictures), np.stack(found), np.full(len(pictures), person))


def from_sources(
    sources: Sequence[Path],
    size: int,
    count: int,
    seed: int,
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Faces:
    """Faces of portraits, folders of portraits and folders of footage.

    Raises
    ------
    InputError
        If a source is none of them.
    """
    from engines.latent.sources import found_in

    portraits, footage = found_in(sources)
    groups = len(portraits) + len(footage)
    found: list[Any] = []
    if portraits:
        part = count * len(portraits) // groups
        found.append(from_portraits(portraits, size, part, seed, progress=progress, cancel=cancel))
    for number, item in enumerate(footage):
        person = len(portraits) + number
        found.append(
            from_footage(item, size, count // groups, seed + person, person=person, progress=progress, cancel=cancel)
        )
    return Faces.joined(found)
