"""What a project's files hold: the portrait, the voice and imported motion, read once and kept while they are used."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from app.core import own_head
from app.core.cache import DiskCache, code_digest, content_key, file_digest
from app.core.project import Project
from app.core.puppet import hears, listens
from engines.api import CancelToken, Performance, Portrait, Progress, no_progress
from engines.errors import InputError
from engines.timebase import frame_count, parse_rate

if TYPE_CHECKING:
    from engines.speech.audio import Voice

T = TypeVar("T")

VIDEOS: Final = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".wmv"})
"""Endings of files that motion is captured from."""
KEPT: Final = 4
"""How many portraits, analyses, actors and performances stay in memory."""


class Recent(OrderedDict[Any, Any]):
    """The last few values by key."""

    def once(self, key: Any, make: Callable[[], T]) -> T:
        """The value of ``key``, made if it is not there."""
        if key not in self:
            self[key] = make()
        self.move_to_end(key)
        while len(self) > KEPT:
            self.popitem(last=False)
        value: T = self[key]
        return value


def stamp(path: Path) -> tuple[str, int, int]:
    """Changes when the file does."""
    try:
        stat = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), stat.st_mtime_ns, stat.st_size


class Media:
    """The files of projects.

    Parameters
    ----------
    cache : on disk; default the user's
    """

    def __init__(self, cache: DiskCache | None = None) -> None:
        self.cache = cache or DiskCache()
        self._portraits, self._digests, self._voices, self._motions = (Recent() for _ in range(4))

    def portrait(self, project: Project) -> Portrait:
        """The picture of ``project``, upright, or the artist's own 3D head.

        Raises
        ------
        InputError
            If there is none or it cannot be read.
        """
        if not project.portrait:
            raise InputError("The project has no portrait yet. Add a picture of a face.")
        path = Path(project.portrait)

        def load() -> Portrait:
            from engines.face.portrait import load_portrait

            if own_head.is_head(path):
                return own_head.load_head(path, project.unit_names)
            return load_portrait(path, project.face)

        return self._portraits.once((stamp(path), project.face, project.unit_names), load)

    def portrait_digest(self, project: Project) -> str:
        """Content hash of the portrait (`engines.api.Portrait.digest`), taken once a file."""
        key = (stamp(Path(project.portrait)), project.face, project.unit_names)
        return self._digests.once(key, lambda: self.portrait(project).digest())

    def voice(self, project: Project) -> Voice:
        """The recording of ``project``.

        Raises
        ------
        InputError
            If there is none or it cannot be read.
        """
        if not project.voice:
            raise InputError("The project has no voice yet. Add a recording.")
        path = Path(project.voice)

        def load() -> Voice:
            from engines.speech.audio import load_voice

            return load_voice(path)

        return self._voices.once(stamp(path), load)

    def imported(
        self, project: Project, *, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> Performance | None:
        """The motion that the project takes from a file, if it does: curves, or a video whose face is followed."""
        if not project.performance:
            return None
        path = Path(project.performance)

        def load() -> Performance:
            from app.export import read_curves

            if path.suffix.lower() not in VIDEOS:
                return read_curves(path, own_head.naming(project.unit_names))
            from engines.capture import decode
            from engines.capture.landmarker import chosen

            version = code_digest("engines.capture", "engines.rig", "engines.face")
            key = content_key(file_digest(path), version, file_digest(decode.ASSET), chosen())
            if (kept := self.cache.get("capture", key, ".npz")) is not None:
                with contextlib.suppress(InputError):
                    return read_curves(kept)
            from app.export import Take, write
            from engines.capture.capture import capture_video

            found = capture_video(path, progress=progress, cancel=cancel)
            take = Take(performance=found, rate=found.rate)
            self.cache.put("capture", key, partial(write, take), ".npz")
            return found

        return self._motions.once((stamp(path), project.unit_names), load)

    def frame_count(self, project: Project) -> int:
        """How many frames the shot has: as many as the voice or the imported motion lasts."""
        rate = parse_rate(project.rate)
        if (not hears(project) or listens(project)) and (base := self.imported(project)) is not None:
            return len(base.resampled(rate))
        voice = self.voice(project)
        return frame_count(voice.samples, voice.sample_rate, rate)

    def frame_range(self, project: Project) -> tuple[int, int]:
        """First frame and end (exclusive) of what is exported; the out frame itself is included."""
        count = self.frame_count(project)
        start = min(max(project.in_frame or 0, 0), count - 1)
        stop = count if project.out_frame is None else min(count, project.out_frame + 1)
        if stop <= start:
            raise InputError(f"The range from frame {start} to {stop - 1} is empty. The shot has {count} frames.")
        return start, stop
