"""The engine behind ``engines/disentangled``: 36 numbers in three banks move a portrait that it was taught."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from engines.api import CancelToken, EngineInfo, Performance, Portrait, Progress, RenderOptions, no_progress
from engines.blendshape.actor import BlendshapeActor
from engines.blendshape.engine import BlendshapeEngine
from engines.disentangled import prior
from engines.disentangled.actor import VERSION, TaughtActor
from engines.disentangled.banks import banks, motion
from engines.disentangled.teacher import Teacher
from engines.errors import EngineError, InputError

FACE_PX: Final = 128
"""Width of the face that an actor is taught at: about that of the official networks' 256 pixel pictures."""
EYES_PX: Final = 400
"""The same for the eyes, whose lashes a smaller size would smear."""
_BATCH: Final = 4


class DisentangledEngine:
    """Teaches an actor from the rig and draws it from mouth, pose and expression coordinates."""

    def __init__(self, info: EngineInfo) -> None:
        self.info = info
        self._rig = BlendshapeEngine(info)

    def prepare(
        self, portrait: Portrait, *, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> TaughtActor:
        """Find the face, fit the head, learn from the rig how this face moves.

        Raises
        ------
        InputError
            When the portrait shows no face that can be used, or is a head in 3D.
        """
        cancel = cancel or CancelToken()
        if portrait.head is not None:
            raise InputError(
                f"{self.info.name} moves pictures, not heads in 3D. Choose the engine 'blendshape' for this one."
            )
        rig = self._rig.prepare(portrait, progress=lambda p, what: progress(0.3 * p, what), cancel=cancel)
        assert isinstance(rig, BlendshapeActor)
        teacher = Teacher(rig, FACE_PX)
        cancel.check()
        eyes = teacher if teacher.crop.scale == 1 else Teacher(rig, EYES_PX)
        cancel.check()
        learnt = prior.fit(
            teacher, eyes.painter, banks(), progress=lambda p, what: progress(0.4 + 0.6 * p, what), cancel=cancel
        )
        return TaughtActor(rig, teacher.crop, banks(), learnt, eyes.crop, f"{rig.digest}-disentangled-{VERSION}")

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
        stop = len(performance) if stop is None else stop
        if getattr(actor, "engine_id", None) != self.info.id:
            raise EngineError("This actor was prepared by another engine. Prepare the portrait again.")
        if not 0 <= start <= stop <= len(performance):
            raise InputError(
                f"Frames {start} to {stop} lie outside the performance, which has {len(performance)} frames."
            )
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
        if start == stop:
            return
        moved = motion(performance, actor.rest_weights, actor.head.rest_head)
        coordinates = actor.banks.coordinates(moved)
        cancel.check()
        stage = actor.stage(options.size, options.draft)
        at, size = start, 1  # the first one alone: a preview wants it at once
        while at < stop:
            cancel.check()
            end = min(stop, at + size)
            faces = actor.layers(moved, coordinates, at, end)
            for i, face in zip(range(at, end), faces, strict=True):
                cancel.check()
                eyes = actor.eyes(moved, coordinates, i)
                yield stage.draw(actor.prior.pose_flow(coordinates[i]), face, eyes, options.alpha)
            at, size = end, _BATCH

    def unload(self) -> None:
        """Nothing to give back: this engine holds no device memory."""
