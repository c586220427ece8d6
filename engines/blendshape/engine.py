"""The engine behind ``engines/blendshape``: portraits to actors, performances to frames, on the processor."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from engines.api import CancelToken, EngineInfo, Performance, Portrait, Progress, RenderOptions, no_progress
from engines.blendshape.actor import VERSION, BlendshapeActor
from engines.blendshape.expression import drawn_weights, limited_head
from engines.blendshape.mesh_actor import MeshActor, mesh_actor
from engines.face.landmarks import find_face
from engines.face.matte import person_matte
from engines.frames import side_by_side
from engines.ranges import checked_range
from engines.rig.fit import fit_head


class BlendshapeEngine:
    """Moves the photo over a head fitted to it; see `engines.api.Engine`."""

    def __init__(self, info: EngineInfo) -> None:
        self.info = info

    def prepare(
        self, portrait: Portrait, *, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> BlendshapeActor | MeshActor:
        """Find the face, fit the head, cut the person out; an artist's own head is only lit.

        Raises
        ------
        InputError
            When the portrait shows no face that can be used.
        """
        cancel = cancel or CancelToken()
        if portrait.head is not None:
            progress(0.0, "Lighting the head")
            own = mesh_actor(portrait)
            progress(1.0, "Ready")
            return own
        progress(0.0, "Looking for the face")
        landmarks = find_face(portrait)
        cancel.check()
        progress(0.3, "Fitting the head")
        height, width = portrait.rgb.shape[:2]
        head = fit_head(landmarks, (width, height))
        cancel.check()
        progress(0.6, "Cutting out the person")
        matte = person_matte(portrait.rgb, landmarks, portrait.alpha)
        cancel.check()
        progress(0.8, "Making the layers")
        actor = BlendshapeActor(portrait, landmarks, head, matte, f"{portrait.digest()}-{VERSION}")
        progress(1.0, "Ready")
        return actor

    def render(
        self,
        actor: BlendshapeActor | MeshActor,
        performance: Performance,
        *,
        options: RenderOptions | None = None,
        start: int = 0,
        stop: int | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[np.ndarray]:
        """Frames one by one, as `engines.api.Engine.render` says.

        Where nothing moves and the head alone is not asked for, a frame is the portrait itself.

        Raises
        ------
        EngineError
            When the actor was made by another engine.
        InputError
            When the range lies outside the performance.
        """
        options = options or RenderOptions()
        stop = checked_range(self.info, actor, performance, start, stop)
        return self._frames(actor, performance, options, start, stop, cancel or CancelToken())

    def _frames(
        self,
        actor: BlendshapeActor | MeshActor,
        performance: Performance,
        options: RenderOptions,
        start: int,
        stop: int,
        cancel: CancelToken,
    ) -> Iterator[np.ndarray]:
        if start == stop:
            return
        draw = (
            actor.drawer(performance, options) if isinstance(actor, MeshActor) else _drawer(actor, performance, options)
        )
        yield from side_by_side(draw, start, stop, cancel)

    def unload(self) -> None:
        """Nothing to give back: this engine holds no device memory."""


def _drawer(actor: BlendshapeActor, performance: Performance, options: RenderOptions) -> Callable[[int], np.ndarray]:
    """What draws frame ``i`` of a performance on a photo; may be called from several threads."""
    painter = actor.painter(options.size, options.draft)
    weights, activity = drawn_weights(performance, actor.head.rest_weights)
    head = limited_head(performance.head, actor.head.rest_head[:3])

    def draw(i: int) -> np.ndarray:
        return painter.draw(
            weights[i],
            float(activity[i]),
            performance.weights[i],
            head[i],
            performance.gaze[i],
            float(performance.tongue[i]),
            options.alpha,
        )

    return draw
