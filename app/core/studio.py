"""The use cases of the studio, the same for the window and the command line.

A `Studio` keeps what is expensive: analyses of voices, prepared actors, loaded engines, performances. All methods
are called in one thread (`app.core.jobs.Worker` in the window, the main thread on the command line).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from app.core.cache import DiskCache
from app.core.project import Project
from engines import registry
from engines.api import CancelToken, Performance, Portrait, Progress, RenderOptions, no_progress
from engines.errors import InputError
from engines.timebase import frame_count, parse_rate

if TYPE_CHECKING:
    from engines.rig.mesh import HeadMesh
    from engines.speech.analysis import SpeechAnalysis

MEMORY_MB: Final = 6000
"""Device memory that loaded engines may declare together."""
KEPT: Final = 4
"""How many portraits, analyses, actors and performances stay in memory."""


class _Recent(OrderedDict[Any, Any]):
    """The last few values by key."""

    def remember(self, key: Any, value: Any, limit: int = KEPT) -> Any:
        self[key] = value
        self.move_to_end(key)
        while len(self) > limit:
            self.popitem(last=False)
        return value


class Studio:
    """Everything that can be done with a project.

    Parameters
    ----------
    cache : on disk; default the user's
    memory_mb : budget for loaded engines; the least recently used is unloaded beyond it
    """

    def __init__(self, cache: DiskCache | None = None, memory_mb: int = MEMORY_MB) -> None:
        self.cache = cache or DiskCache()
        self.memory_mb = memory_mb
        self._portraits, self._speech, self._actors, self._performances = (_Recent() for _ in range(4))
        self._loaded: OrderedDict[str, Any] = OrderedDict()

    # --- media ---

    def portrait(self, project: Project) -> Portrait:
        """The picture of ``project``, upright."""
        from engines.face.portrait import load_portrait

        if not project.portrait:
            raise InputError("The project has no portrait yet. Add a picture of a face.")
        path = Path(project.portrait)
        stamp = (str(path), path.stat().st_mtime_ns if path.exists() else 0, project.face)
        if stamp in self._portraits:
            return self._portraits[stamp]
        return self._portraits.remember(stamp, load_portrait(path, project.face))

    def frame_count(self, project: Project) -> int:
        """How many frames the shot has: as many as the voice lasts."""
        from engines.speech.audio import load_voice

        if not project.voice:
            raise InputError("The project has no voice yet. Add a recording.")
        voice = load_voice(project.voice)
        return frame_count(voice.samples, voice.sample_rate, parse_rate(project.rate))

    # --- the way from voice to frames ---

    def analyse(
        self, project: Project, *, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> SpeechAnalysis:
        """Loudness, pitch, pauses, words, phones and mouth geometry of the voice; cached on disk by content."""
        raise NotImplementedError

    def perform(
        self,
        project: Project,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> Performance:
        """What the face does: analysis, controls and passes. Cheap once the voice is analysed."""
        raise NotImplementedError

    def prepare(self, project: Project, *, progress: Progress = no_progress, cancel: CancelToken | None = None) -> Any:
        """The actor of the project's portrait and engine (`engines.api.Actor`)."""
        raise NotImplementedError

    def head_mesh(self, project: Project) -> HeadMesh:
        """The person's fitted head, for curves, 3D views and 3D exports."""
        raise NotImplementedError

    def frames(
        self,
        project: Project,
        performance: Performance,
        start: int = 0,
        stop: int | None = None,
        options: RenderOptions | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[np.ndarray]:
        """Frames ``start`` to ``stop`` of the performance on the project's portrait, one by one."""
        raise NotImplementedError

    def export(
        self,
        project: Project,
        outputs: list[Path],
        *,
        options: dict[str, Any] | None = None,
        render: RenderOptions | None = None,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> list[Path]:
        """Write the shot to every path in ``outputs``, the format of each by its suffix; resumes where it was killed.

        ``options`` by format suffix or name as in ``presets/export``; the project's in and out frames limit the range.
        """
        raise NotImplementedError

    # --- engines and memory ---

    def engine(self, engine_id: str) -> Any:
        """The engine, loaded; others are unloaded if the memory budget asks for it."""
        engine = registry.load(engine_id)
        self._loaded[engine_id] = engine
        self._loaded.move_to_end(engine_id)
        total = sum(registry.info(other).memory_mb for other in self._loaded)
        for other in list(self._loaded)[:-1]:
            if total <= self.memory_mb:
                break
            total -= registry.info(other).memory_mb
            self._loaded.pop(other).unload()
        return engine

    def unload(self, keep: str = "") -> None:
        """Give device memory back; ``keep`` names the engine that stays."""
        for other in [e for e in self._loaded if e != keep]:
            self._loaded.pop(other).unload()
