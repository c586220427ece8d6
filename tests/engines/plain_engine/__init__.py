"""The smallest engine there can be, registered as a third party's would be: what its own numbers say, it draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engines.api import CancelToken, EngineInfo, Performance, Portrait, Progress, RenderOptions, no_progress


@dataclass(frozen=True)
class PlainActor:
    engine_id: str
    digest: str
    size: tuple[int, int]


class PlainEngine:
    """Draws frames of one grey, the coordinate ``level``, which by itself is 100 plus 50 times the open jaw."""

    def __init__(self, info: EngineInfo) -> None:
        self.info = info

    def prepare(
        self, portrait: Portrait, *, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> PlainActor:
        return PlainActor(self.info.id, portrait.digest(), (portrait.rgb.shape[1], portrait.rgb.shape[0]))

    def render(
        self,
        actor: PlainActor,
        performance: Performance,
        *,
        options: RenderOptions | None = None,
        start: int = 0,
        stop: int | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[np.ndarray]:
        width, height = (options.size if options else None) or actor.size
        level = performance.coordinate("level", 100 + 50 * performance.channel("jawOpen"))
        for i in range(start, len(performance) if stop is None else stop):
            yield np.full((height, width, 3), np.clip(level[i], 0, 255), np.uint8)

    def unload(self) -> None:
        """It holds nothing."""
