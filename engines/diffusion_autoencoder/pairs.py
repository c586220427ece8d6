"""What a small autoencoder is taught with: frames, the closed form's picture of each, and the code of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from engines.api import CancelToken, Performance, Progress, no_progress
from engines.teaching import bridge
from engines.teaching.banks import POSE_SCALE
from engines.teaching.closed import ClosedForm, Stage
from engines.teaching.teacher import Teacher
from engines.teaching.window import Window


@dataclass(frozen=True, eq=False)
class Pairs:
    """Frames of one actor.

    Attributes
    ----------
    frames : uint8 (N, S, S, 3), as they are
    references : uint8 (N, S, S, 3), as the closed form draws them
    codes : float32 (N, `engines.teaching.bridge.COUNT`)
    """

    frames: np.ndarray
    references: np.ndarray
    codes: np.ndarray

    def __len__(self) -> int:
        return len(self.codes)

    def part(self, where: slice | np.ndarray) -> Pairs:
        """Some of them."""
        return Pairs(self.frames[where], self.references[where], self.codes[where])

    def save(self, path: Path) -> None:
        """Write them to a file under its final name only when it is whole."""
        partial = path.with_suffix(".part")
        with partial.open("wb") as file:
            np.savez(file, frames=self.frames, references=self.references, codes=self.codes)
        partial.replace(path)

    @staticmethod
    def load(path: Path) -> Pairs:
        """What `save` wrote.

        Raises
        ------
        OSError, ValueError, KeyError
            If the file is missing or damaged.
        """
        with np.load(path, allow_pickle=False) as data:
            return Pairs(data["frames"], data["references"], data["codes"])


def window_stage(closed: ClosedForm, window: Window) -> tuple[Teacher, Stage]:
    """What the rig, and what the closed form, draw a window with."""
    teacher = Teacher(closed.rig, 0, window.crop)
    return teacher, closed.stage_in(teacher.painter, window.crop)


def from_rig(
    closed: ClosedForm,
    window: Window,
    performance: Performance,
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Pairs:
    """Frames that the rig draws of a performance."""
    teacher, stage = window_stage(closed, window)
    frames, references = [], []
    for at in range(0, len(performance), 25):
        if cancel is not None:
            cancel.check()
        part = performance.slice(at, min(at + 25, len(performance)))
        frames += [window.cut(frame) for frame in teacher.frames(part)]
        references += [window.cut(frame) for frame in closed.frames(stage, part)]
        progress(min(1.0, (at + 25) / len(performance)), "Drawing lessons")
    codes = bridge.numbers(closed.motion(performance))
    return Pairs(np.stack(frames), np.stack(references), codes)


def from_footage(
    closed: ClosedForm,
    window: Window,
    pictures: Iterable[np.ndarray],
    performance: Performance,
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Pairs:
    """Real frames of the actor; the pose that was captured in each is made exact by `register`.

    Parameters
    ----------
    pictures : uint8 (H, W, 3) each, of the portrait's size, as many as ``performance`` has frames
    performance : what the face does in them, relative to the portrait
    """
    from engines.diffusion_autoencoder.register import Registration

    registration = Registration(closed, window)
    moved = closed.motion(performance)
    codes = bridge.numbers(moved)
    frames, references = [], []
    for i, picture in enumerate(islice(pictures, len(codes))):
        if cancel is not None:
            cancel.check()
        frames.append(window.picture(picture))
        codes[i, bridge.HEAD] = registration.poses(frames[-1][None], codes[i : i + 1])[0]
        head = moved.head.copy()
        head[i] = codes[i, bridge.HEAD] * POSE_SCALE
        exact = replace(moved, head=head)
        one = closed.moved(exact, closed.banks.coordinates(exact), i)
        references.append(window.cut(registration.stage.draw(*one, False)))
        progress((i + 1) / len(codes), "Looking at the footage")
    return Pairs(np.stack(frames), np.stack(references), codes[: len(frames)])
