"""The engine behind ``engines/stylegan``: one identity and 35 numbers a frame."""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engines import registry
from engines.api import CancelToken, EngineInfo, Performance, Portrait, Progress, RenderOptions, no_progress
from engines.blendshape.actor import BlendshapeActor
from engines.blendshape.engine import BlendshapeEngine
from engines.devices import device_of
from engines.errors import InputError
from engines.frames import side_by_side
from engines.latent.checkpoints import memory_for
from engines.ranges import checked_range
from engines.stylegan import edits, generators, taught
from engines.stylegan.actor import SEEN, StyleGANActor
from engines.stylegan.align import add_back, align, paste_back
from engines.stylegan.placing import seen_in
from engines.stylegan.settle import settled
from engines.stylegan.studio import Drawer, drawer, enter
from engines.stylegan.taught import TaughtActor
from engines.stylegan.touch import teach_touch
from engines.teaching.closed import teach

if TYPE_CHECKING:
    from engines.speech.audio import Voice

log = logging.getLogger(__name__)
VERSION: Final = 3
"""Counted up whenever the same portrait and checkpoint would give other frames."""
_KEPT: Final = 2
"""Generators that stay loaded."""
_BATCH: Final = {"cuda": 8}
Prepared = StyleGANActor | TaughtActor


class StyleGANEngine:
    """Prepares portraits for the generator in the weights store, or has the rig teach them (`engines.api.Engine`)."""

    def __init__(self, info: EngineInfo) -> None:
        self.info = info
        self._rig = BlendshapeEngine(registry.info("blendshape"))
        self._drawers: OrderedDict[tuple[str, str, str], Drawer] = OrderedDict()

    def fingerprint(self, portrait: Portrait) -> str:
        """Changes when another generator would draw the portrait."""
        chosen = generators.choose()
        return "taught" if chosen is None else f"{chosen.entry}-{chosen.sha256[:16]}"

    def prepare(
        self, portrait: Portrait, *, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> Prepared:
        """Find the portrait in the latent space of the user's generator; without one, let the rig teach it.

        Raises
        ------
        InputError
            When the portrait shows no face that can be used, or is a head in 3D.
        WeightsMissing, OutOfMemory
            When the checkpoint is not what it should be, or does not fit into memory.
        """
        cancel = cancel or CancelToken()
        if portrait.head is not None:
            raise InputError(
                f"{self.info.name} moves pictures, not heads in 3D. Choose the engine 'blendshape' for this one."
            )
        chosen = generators.choose()
        rig = self._rig.prepare(portrait, progress=lambda p, what: progress(0.1 * p, what), cancel=cancel)
        assert isinstance(rig, BlendshapeActor)
        cancel.check()

        def later(part: float, what: str) -> None:
            progress(0.1 + 0.9 * part, what)

        if chosen is None:
            closed = teach(rig, progress=lambda p, what: later(0.3 * p, what), cancel=cancel)
            touch = teach_touch(closed, progress=lambda p, what: later(0.3 + 0.7 * p, what), cancel=cancel)
            if touch is not None:
                log.info("The mouth's generator: %.2f dB, closed form alone %.2f dB", touch.after_db, touch.before_db)
            digest = f"{rig.digest}-stylegan-{taught.VERSION}"
            return TaughtActor(closed.rig, closed.crop, closed.banks, closed.prior, closed.eye_crop, digest, touch)
        digest = hashlib.blake2b(f"{rig.digest} {chosen} {VERSION}".encode(), digest_size=16).hexdigest()
        device = device_of("auto")
        with memory_for("preparing the portrait", chosen.entry):
            actor = enter(rig, self._rig, chosen, digest, device, progress=later, cancel=cancel)
        log.info("%s: %s", chosen.entry, actor.told)
        return actor

    def sources(
        self,
        actor: Prepared,
        voice: Voice | None,
        video: Path | None,
        rate: Fraction,
        count: int,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> dict[str, np.ndarray]:
        """See `engines.api.SourceReader`: what a video's face does, in the numbers of the user's generator.

        An actor that the rig taught needs none of it, nor does one of a generator trained here: what was measured in
        the video comes with the performance, in the very numbers that they were taught.

        Raises
        ------
        InputError
            If the video shows no face.
        """
        if video is None or isinstance(actor, TaughtActor) or actor.entry == generators.OWN:
            return {}
        from engines.stylegan.video import numbers_of_video

        device = device_of("auto")
        with memory_for("reading the video", actor.entry):
            seen = numbers_of_video(
                self._drawer(actor, device), actor, video, rate, count, progress=progress, cancel=cancel
            )
        return {f"{SEEN}_{i + 1}": column for i, column in enumerate(seen.T)}

    def render(
        self,
        actor: Prepared,
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
            When the actor was made by another engine, or the device is not there.
        InputError
            When the range lies outside the performance.
        WeightsMissing, OutOfMemory
            When the generator that the actor was prepared with is gone or damaged, or the device has too little memory.
        """
        stop = checked_range(self.info, actor, performance, start, stop)
        options, cancel = options or RenderOptions(), cancel or CancelToken()
        draw = self._taught if isinstance(actor, TaughtActor) else self._generated
        return draw(actor, performance, options, start, stop, cancel)

    def _taught(
        self,
        actor: Any,
        performance: Performance,
        options: RenderOptions,
        start: int,
        stop: int,
        cancel: CancelToken,
    ) -> Iterator[np.ndarray]:
        moved, coordinates = actor.told(performance)
        stage = actor.stage(options.size, options.draft)
        for pose, face, eyes in side_by_side(partial(actor.moved, moved, coordinates), start, stop, cancel):
            yield stage.draw(pose, face, eyes, options.alpha)

    def _generated(
        self,
        actor: Any,
        performance: Performance,
        options: RenderOptions,
        start: int,
        stop: int,
        cancel: CancelToken,
    ) -> Iterator[np.ndarray]:
        if start == stop:
            return
        device = device_of(options.device)
        draws = self._drawer(actor, device)
        values = actor.numbers(performance)
        amounts = actor.amounts(values)
        asked = edits.amounts(performance, draws.names)
        plain = actor.amounts(actor.plain(performance, values))
        by_hand = np.maximum(np.abs(amounts - plain).max(1), np.abs(asked).max(1, initial=0))
        head = actor.follower.head(performance)
        if performance.extras.keys() & {"pitch", "yaw", "roll"}:  # the rig around the face turns with it
            head = np.concatenate([np.radians(values[:, :3]), head[:, 3:]], 1)
            performance = performance.with_(head=head)
        shown = actor.rig.crop(options.size)
        crops = [seen_in(crop, shown) for crop in actor.follower.crops(head[start:stop])]
        coarse = max(crop.side for crop in crops) > draws.size
        around = self._rig.render(actor.rig, performance, options=options, start=start, stop=stop, cancel=cancel)
        at, size = start, 1  # the first one alone: a preview wants it at once
        while group := list(islice(around, size)):
            with memory_for("drawing", actor.entry):
                some = slice(at, at + len(group))
                pictures = draws(amounts[some], asked[some])
                rest = draws(plain[some]) if coarse and by_hand[some].any() else pictures
            for i, (frame, picture, unmoved) in enumerate(zip(group, pictures, rest, strict=True), at):
                cancel.check()
                face, crop, laid = actor.colours(picture), crops[i - start], frame[..., :3]
                if crop.side > draws.size:
                    below = align(laid, crop, draws.size)
                    cover = actor.cover(values[i], draws.size)
                    face, cover, change = settled(face, actor.colours(unmoved), below, cover)
                    laid = add_back(paste_back(laid, face, crop, cover), change, crop)
                else:
                    laid = paste_back(laid, face, crop, actor.cover(values[i], draws.size, float(by_hand[i])))
                yield laid if frame.shape[2] == 3 else np.dstack([laid, frame[..., 3]])
            at, size = at + len(group), _BATCH.get(device.split(":")[0], 1)

    def unload(self) -> None:
        """Let go of the generators; the next frame loads its own again."""
        self._drawers.clear()

    def _drawer(self, actor: StyleGANActor, device: str) -> Drawer:
        """What draws an actor on a device, kept for the next frames."""
        key = (actor.digest, device, edits.stamp())
        if key not in self._drawers:
            while len(self._drawers) >= _KEPT:
                self._drawers.popitem(last=False)
            with memory_for("loading the generator", actor.entry):
                self._drawers[key] = drawer(actor, device)
        return self._drawers[key]
