"""The use cases of the studio, the same for the window and the command line.

A `Studio` keeps what is expensive: analyses of voices, prepared actors, loaded engines, performances. All methods
are called in one thread (`app.core.jobs.Worker` in the window, the main thread on the command line).
"""

from __future__ import annotations

import contextlib
import importlib
import logging
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from app.core import actor_store, own_head
from app.core.cache import DiskCache, code_digest, content_key, engine_digest
from app.core.media import VIDEOS, Media, Recent, stamp
from app.core.passes.mouth import Mouth, lip_opening, speak
from app.core.perform import perform
from app.core.project import Project
from app.core.puppet import hears
from engines import arkit, registry
from engines.api import CancelToken, Performance, Progress, RenderOptions, no_progress
from engines.errors import InputError, OutOfMemory
from engines.timebase import parse_rate

if TYPE_CHECKING:
    from app.export import ExportOptions
    from engines.rig.mesh import HeadMesh
    from engines.speech.analysis import SpeechAnalysis

log = logging.getLogger(__name__)
T = TypeVar("T")

MEMORY_MB: Final = 6000
"""Device memory that loaded engines may declare together."""


class Stretches(OrderedDict[bytes, np.ndarray]):
    """Stretches of solved mouths, the newest 400 (over an hour, 40 MB)."""

    def __setitem__(self, key: bytes, value: np.ndarray) -> None:
        super().__setitem__(key, value)
        while len(self) > 400:
            self.popitem(last=False)


class Studio(Media):
    """Everything that can be done with a project.

    Parameters
    ----------
    cache : on disk; default the user's
    memory_mb : budget for loaded engines; the least recently used is unloaded beyond it
    """

    def __init__(self, cache: DiskCache | None = None, memory_mb: int = MEMORY_MB) -> None:
        super().__init__(cache)
        self.memory_mb = memory_mb
        self._speech, self._actors, self._meshes, self._mouths = (Recent() for _ in range(4))
        self._mesh_facts, self._stretches, self._driving = (Recent() for _ in range(3))
        self._loaded: OrderedDict[str, Any] = OrderedDict()

    # --- the way from voice to frames ---

    def analyse(
        self, project: Project, *, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> SpeechAnalysis:
        """Loudness, pitch, pauses, words, phones and mouth geometry of the voice; cached on disk by content."""
        voice, speech = self.voice(project), project.speech

        def analyse() -> SpeechAnalysis:
            from engines.speech import analysis, whisper

            version = (analysis.ANALYSIS_VERSION, code_digest("engines.speech"), whisper.available())
            key = content_key(version, voice.digest, speech.text, speech.language)
            if (path := self.cache.get("speech", key, ".npz")) is not None:
                with contextlib.suppress(InputError):
                    return analysis.SpeechAnalysis.load(path)
            found = analysis.analyse(voice, speech.text, speech.language, progress=progress, cancel=cancel)
            self.cache.put("speech", key, found.save, ".npz")
            return found

        return self._speech.once((voice.digest, speech.text, speech.language), analyse)

    def perform(
        self,
        project: Project,
        *,
        render: RenderOptions | None = None,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> Performance:
        """What the face does: analysis, controls and passes. Cheap once the voice is analysed.

        Parameters
        ----------
        render : how frames will be drawn right after; the engine makes itself ready for it while the voice is heard
        """
        base = self.imported(project, progress=progress, cancel=cancel)
        if base is not None and not hears(project):
            return perform(project, None, base=base)
        _import_for_two_threads()
        with ThreadPoolExecutor(1, thread_name_prefix="soliloquy-fit") as pool:
            # The portrait is fitted while the voice is heard: neither waits for the other.
            fitting = pool.submit(self.head_mesh, project, cancel=cancel)
            if render is not None:
                pool.submit(self._rehearse, project, render, cancel)
            speech = self.analyse(project, progress=scaled(progress, 0.0, 0.9), cancel=cancel)
            mesh = own_head.speaking_mesh(fitting.result())
        progress(0.9, "Performing")
        _, opening, digest = self._mesh_facts.once(id(mesh), lambda: (mesh, lip_opening(mesh), mesh_digest(mesh)))
        mouth = self._mouth(project, speech, mesh, digest)
        return perform(project, speech, mesh, spoken=mouth, opening=opening, base=base)

    def _rehearse(self, project: Project, render: RenderOptions, cancel: CancelToken | None) -> None:
        """Draw one frame for nobody, so that what all frames share is there when the performance is.

        What goes wrong here does so again when the first frame is drawn, and is reported there.
        """
        actor = self.prepare(project, cancel=cancel)
        options = replace(render, size=self.output_size(project, render.size))
        lively = Performance.rest(1, parse_rate(project.rate)).with_(weights=np.full((1, arkit.COUNT), 0.1))
        for _ in self.engine(project.engine).render(actor, lively, options=options, cancel=cancel):
            pass

    def _mouth(self, project: Project, speech: SpeechAnalysis, mesh: HeadMesh, digest: str) -> Mouth:
        phones = project.speech.phones or speech.phones
        heard = (speech.voice_digest, speech.text, speech.language, speech.source, speech.encoder)
        version = code_digest("engines.speech", "engines.rig", "app.core.passes.mouth")
        key = content_key(version, heard, phones, digest)

        def make() -> Mouth:
            if (path := self.cache.get("mouth", key, ".npz")) is not None:
                with contextlib.suppress(OSError, ValueError, KeyError), np.load(path) as data:
                    return Mouth(data["weights"], data["shut"], data["tongue"])
            solved = self._stretches.once(digest, lambda: Stretches())
            mouth = speak(speech, phones, mesh, solved)

            def save(path: Path) -> None:
                with path.open("wb") as file:
                    np.savez_compressed(file, weights=mouth.weights, shut=mouth.shut, tongue=mouth.tongue)

            self.cache.put("mouth", key, save, ".npz")
            return mouth

        return self._mouths.once(key, make)

    def prepare(self, project: Project, *, progress: Progress = no_progress, cancel: CancelToken | None = None) -> Any:
        """The actor of the project's portrait and engine (`engines.api.Actor`).

        Raises
        ------
        InputError
            If no usable face is in the portrait, or the engine cannot draw the artist's own head.
        WeightsMissing, EngineError
            If the engine cannot prepare it.
        """
        digest = self.portrait_digest(project)
        info = registry.info(project.engine)
        own_head.check_engine(self.portrait(project), info)
        fingerprint = getattr(registry.load(project.engine), "fingerprint", None)
        trained = fingerprint(self.portrait(project)) if fingerprint else ""
        key = content_key(
            project.engine,
            digest,
            trained,
            engine_digest(info),
        )

        def prepare() -> Any:
            if any(need.startswith("weights:") for need in info.needs):
                return self._prepared(project, progress, cancel)  # other weights would make another actor
            if (path := self.cache.get("actor", key, ".npz")) is not None:
                with contextlib.suppress(ValueError, OSError, KeyError, TypeError, ImportError):
                    return actor_store.load(path)
            actor = self._prepared(project, progress, cancel)
            with contextlib.suppress(actor_store.Unstorable):
                self.cache.put("actor", key, partial(actor_store.save, actor), ".npz")
            return actor

        return self._actors.once((project.engine, digest, trained), prepare)

    def _prepared(self, project: Project, progress: Progress, cancel: CancelToken | None) -> Any:
        portrait = self.portrait(project)
        engine = self.engine(project.engine)
        try:
            return engine.prepare(portrait, progress=progress, cancel=cancel)
        except OutOfMemory as error:
            message = str(error)
        self.unload(keep=project.engine)  # outside the except block: its traceback holds the memory
        log.info("Out of memory while preparing; retrying alone: %s", message)
        return engine.prepare(portrait, progress=progress, cancel=cancel)

    def head_mesh(
        self, project: Project, *, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> HeadMesh:
        """The person's fitted head, for curves, 3D views and 3D exports; the average head without a portrait."""
        from engines.rig.head import load_head

        if not project.portrait:
            return load_head().mesh
        portrait = self.portrait(project)
        if portrait.head is not None:
            return portrait.head

        def fit() -> HeadMesh:
            actor = self.prepare(project, progress=progress, cancel=cancel) if project.engine == "blendshape" else None
            if actor is not None:
                mesh: HeadMesh = actor.head.mesh
                return mesh
            from engines.face.landmarks import find_face
            from engines.rig.fit import fit_head

            fitted = fit_head(find_face(portrait), (portrait.rgb.shape[1], portrait.rgb.shape[0]))
            return fitted.mesh

        return self._meshes.once((project.engine == "blendshape", self.portrait_digest(project)), fit)

    def frames(
        self,
        project: Project,
        performance: Performance,
        start: int = 0,
        stop: int | None = None,
        options: RenderOptions | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[np.ndarray]:
        """Frames ``start`` to ``stop`` of the performance on the project's portrait, one by one.

        When the device runs out of memory, other engines are unloaded and the rest is tried once more.

        Raises
        ------
        OutOfMemory
            If that is not enough either; the message says what to do.
        """
        actor = self.prepare(project, cancel=cancel)
        engine = self.engine(project.engine)
        performance = self._driven(project, actor, performance, cancel)
        options = options or RenderOptions(size=project.size)
        stop = len(performance) if stop is None else stop
        at = start
        try:
            for frame in engine.render(actor, performance, options=options, start=start, stop=stop, cancel=cancel):
                yield frame
                at += 1
            return
        except OutOfMemory as error:
            message = str(error)
        self.unload(keep=project.engine)
        log.info("Out of memory while drawing; retrying alone: %s", message)
        try:
            yield from engine.render(actor, performance, options=options, start=at, stop=stop, cancel=cancel)
        except OutOfMemory as error:
            raise OutOfMemory(
                f"{registry.info(project.engine).name} has too little memory for this size. Choose a smaller size, "
                f"another device or the engine '{registry.DEFAULT}'."
            ) from error

    def _driven(
        self, project: Project, actor: Any, performance: Performance, cancel: CancelToken | None
    ) -> Performance:
        """The performance with what the engine reads from voice and video itself, for engines that do."""
        if not registry.info(project.engine).sources:
            return performance
        from app.core.driving import driven

        path = Path(project.performance)
        video = path if project.performance and path.suffix.lower() in VIDEOS else None
        stamps = (stamp(Path(project.voice)) if project.voice else None, stamp(path) if video else None)
        key = (actor.digest, stamps, performance.digest())

        def drive() -> Performance:
            voice = partial(self.voice, project)
            engine = self.engine(project.engine)
            return driven(engine, project, actor, performance, voice, video, stamps[1], self.cache, cancel=cancel)

        return self._driving.once(key, drive)

    # --- export ---

    def textured_head(self, project: Project) -> HeadMesh:
        """The person's head with the photo on it where the engine can bake that, else the fitted head."""
        if project.portrait and project.engine == registry.DEFAULT:
            mesh: HeadMesh = self.prepare(project).head_mesh()
            return mesh
        return self.head_mesh(project)

    def output_size(self, project: Project, wanted: tuple[int, int] | None = None) -> tuple[int, int]:
        """(width, height) of the frames; a 0 in ``wanted`` follows from the other by the portrait's shape."""
        height, width = self.portrait(project).rgb.shape[:2]
        if wanted is None or wanted == (0, 0):
            return width, height
        w, h = wanted
        if w == 0:
            w = round(width * h / height / 2) * 2
        if h == 0:
            h = round(height * w / width / 2) * 2
        return max(w, 2), max(h, 2)

    def export(
        self,
        project: Project,
        outputs: list[Path],
        *,
        options: ExportOptions | None = None,
        render: RenderOptions | None = None,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> list[Path]:
        """Write the shot to every path in ``outputs``; see `app.core.exporting.export`."""
        from app.core import exporting

        return exporting.export(self, project, outputs, options, render, progress, cancel)

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


def _import_for_two_threads() -> None:
    """Import what the voice and the portrait both need before two threads ask for it.

    Packages that import each other in a circle (scipy) fail now and then when two threads enter the circle at once.
    """
    importlib.import_module("engines.speech.analysis")
    importlib.import_module("engines.blendshape.engine")


def scaled(progress: Progress, start: float, stop: float) -> Progress:
    """Progress of a part of the work as progress of the whole."""
    return lambda part, what: progress(start + (stop - start) * part, what)


def mesh_digest(mesh: HeadMesh) -> str:
    """Content hash of what decides how a mouth is solved."""
    return content_key(mesh.vertices.tobytes(), mesh.units.tobytes())
