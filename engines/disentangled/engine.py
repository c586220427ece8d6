"""The engine behind ``engines/disentangled``: 36 numbers in three banks move a portrait that it was taught."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from engines.api import CancelToken, EngineInfo, Performance, Portrait, Progress, RenderOptions, no_progress
from engines.blendshape.actor import BlendshapeActor
from engines.blendshape.engine import BlendshapeEngine
from engines.disentangled import footage
from engines.disentangled.actor import VERSION, TaughtActor
from engines.errors import InputError
from engines.frames import side_by_side
from engines.ranges import checked_range
from engines.teaching.closed import teach


class DisentangledEngine:
    """Teaches an actor from the rig and draws it from mouth, pose and expression coordinates."""

    def __init__(self, info: EngineInfo) -> None:
        self.info = info
        self._rig = BlendshapeEngine(info)

    def fingerprint(self, portrait: Portrait) -> str:
        """Changes when footage teaches this portrait something else."""
        return footage.fingerprint(portrait)

    def prepare(
        self, portrait: Portrait, *, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> TaughtActor:
        """Find the face, fit the head, learn from the rig how this face moves; and what footage taught beside it.

        Raises
        ------
        InputError
            When the portrait shows no face that can be used, or is a head in 3D.
        WeightsMissing
            When what footage taught cannot be read.
        """
        cancel = cancel or CancelToken()
        if portrait.head is not None:
            raise InputError(
                f"{self.info.name} moves pictures, not heads in 3D. Choose the engine 'blendshape' for this one."
            )
        rig = self._rig.prepare(portrait, progress=lambda p, what: progress(0.3 * p, what), cancel=cancel)
        assert isinstance(rig, BlendshapeActor)
        cancel.check()
        closed = teach(rig, progress=lambda p, what: progress(0.3 + 0.7 * p, what), cancel=cancel)
        digest = f"{rig.digest}-disentangled-{VERSION}-{self.fingerprint(portrait)}"
        actor = TaughtActor(closed.rig, closed.crop, closed.banks, closed.prior, closed.eye_crop, digest)
        path = footage.file_of(portrait)
        return actor if path is None else footage.taught(actor, portrait, path)

    def render(
        self,
        actor: TaughtActor,
        performance: Performance,
        *,
        options: RenderOptions | None = None,
        start: int = 0,
        stop: int | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[np.ndarray]:
        """Frames one by one, as `engines.api.Engine.render` says.

        Raises
        ------
        EngineError
            When the actor was made by another engine.
        InputError
            When the range lies outside the performance.
        """
        stop = checked_range(self.info, actor, performance, start, stop)
        return self._frames(actor, performance, options or RenderOptions(), start, stop, cancel or CancelToken())

    def _frames(
        self,
        actor: TaughtActor,
        performance: Performance,
        options: RenderOptions,
        start: int,
        stop: int,
        cancel: CancelToken,
    ) -> Iterator[np.ndarray]:
        moved, coordinates = actor.directed(performance)
        cancel.check()
        stage = actor.stage(options.size, options.draft)

        for pose, face, eyes in side_by_side(partial(actor.moved, moved, coordinates), start, stop, cancel):
            yield stage.draw(pose, face, eyes, options.alpha)

    def unload(self) -> None:
        """Nothing to give back: this engine holds no device memory."""
