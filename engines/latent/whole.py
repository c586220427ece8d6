"""Whole pictures from what a published network draws of a face's square, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Protocol

import numpy as np

from engines.api import CancelToken, Performance, RenderOptions
from engines.blendshape.actor import BlendshapeActor
from engines.blendshape.engine import BlendshapeEngine
from engines.latent.crop import ColourMatch, FaceCrop, feather, paste

_BATCH: Final = {"cuda": 8}


class CroppedActor(Protocol):
    """A portrait of which a network draws one square: the rig's portrait, the square, and what matches its colours."""

    @property
    def rig(self) -> BlendshapeActor: ...
    @property
    def crop(self) -> FaceCrop: ...
    @property
    def colours(self) -> ColourMatch: ...


def whole_pictures(
    draw: Callable[[int, int], np.ndarray],
    actor: CroppedActor,
    rig: BlendshapeEngine,
    performance: Performance,
    options: RenderOptions,
    start: int,
    stop: int,
    device: str,
    cancel: CancelToken,
) -> Iterator[np.ndarray]:
    """Frames ``start`` to ``stop`` : uint8 (H, W, 3), or 4 with alpha.

    Parameters
    ----------
    draw : the network's pictures of some frames, first and end (exclusive) : float32 (B, side, side, 3), 0 to 255
    rig : lends its matte, since the network draws none; both heads move alike
    device : on which ``draw`` runs; decides how many frames it is asked for at once
    """
    photo = actor.rig.painter(options.size).photo
    shown = actor.rig.crop(options.size)
    crop = actor.crop.seen_in(shown.left, shown.top, shown.scale)
    share = feather(actor.crop.side)
    covers: Iterator[np.ndarray] | None = None
    if options.alpha:
        covers = rig.render(actor.rig, performance, options=options, start=start, stop=stop, cancel=cancel)
    at, size = start, 1  # the first one alone: a preview wants it at once
    while at < stop:
        cancel.check()
        end = min(stop, at + size)
        for picture in draw(at, end):
            cancel.check()
            frame = photo.copy()
            paste(frame, actor.colours(picture), crop, share)
            yield frame if covers is None else np.dstack([frame, next(covers)[..., 3]])
        at, size = end, _BATCH.get(device.split(":")[0], 1)
