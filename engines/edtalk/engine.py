"""The engine behind ``engines/edtalk``: portraits and performances through the networks of EDTalk and LIA."""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from engines import registry, weights
from engines.api import CancelToken, EngineInfo, Performance, Portrait, Progress, RenderOptions, no_progress
from engines.blendshape.actor import BlendshapeActor
from engines.blendshape.engine import BlendshapeEngine
from engines.devices import device_of
from engines.edtalk import checkpoints
from engines.edtalk.actor import HEARD, SEEN, EDTalkActor
from engines.edtalk.crop import face_crop
from engines.edtalk.drive import coordinates_of_video, coordinates_of_voice, source_of
from engines.errors import InputError
from engines.latent import bridge as bridges
from engines.latent.bridge import Bridge
from engines.latent.checkpoints import Chosen, memory_for, move
from engines.latent.crop import FaceCrop, match_colours
from engines.latent.pictures import encode, to_pictures
from engines.latent.whole import whole_pictures
from engines.ranges import checked_range

if TYPE_CHECKING:
    from engines.disentangled.net_fast import Animator, Source
    from engines.speech.audio import Voice

log = logging.getLogger(__name__)
VERSION: Final = 1
"""Counted up whenever the same portrait and checkpoint would give other frames."""
_KEPT_SOURCES: Final = 2


class EDTalkEngine:
    """Prepares portraits for the checkpoint in the weights store and draws them with it."""

    def __init__(self, info: EngineInfo) -> None:
        self.info = info
        self._rig = BlendshapeEngine(registry.info("blendshape"))
        self._loaded: tuple[Chosen, str, Animator] | None = None
        self._sources: OrderedDict[str, Source] = OrderedDict()

    def prepare(
        self, portrait: Portrait, *, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> EDTalkActor:
        """Crop and encode the portrait, and fit the bridge from the timeline if it is not kept from before.

        Raises
        ------
        InputError
            When the portrait shows no face that can be used, or is a head in 3D.
        WeightsMissing, OutOfMemory
            When the checkpoint is not there, is not what it should be, or does not fit into memory.
        """
        cancel = cancel or CancelToken()
        if portrait.head is not None:
            raise InputError(
                f"{self.info.name} moves pictures, not heads in 3D. Choose the engine 'blendshape' for this one."
            )
        chosen = checkpoints.choose()
        progress(0.0, "Loading the network")
        device = device_of("auto")
        animator = self._animator(chosen, device)
        cancel.check()
        rig = self._rig.prepare(portrait, progress=lambda p, what: progress(0.05 + 0.1 * p, what), cancel=cancel)
        assert isinstance(rig, BlendshapeActor)
        crop = face_crop(rig.landmarks.points, animator.config.size)
        digest = hashlib.blake2b(f"{rig.digest} {chosen} {VERSION}".encode(), digest_size=16).hexdigest()
        progress(0.15, "Encoding the portrait")
        picture = crop.cut(portrait.rgb)
        with memory_for("preparing the portrait", chosen.entry):
            start = encode(animator, picture[None], device)[0]
            source = self._source(digest, crop, portrait, animator, device)
            drawn = self._draw(animator, source, start[None], device)[0]
            colours = match_colours(drawn, picture.astype(np.float32))
            cancel.check()

            def fit() -> Bridge:
                return bridges.fit(
                    rig, self._rig, crop, animator, source, start, device=device,
                    progress=lambda p, what: progress(0.2 + 0.8 * p, what), cancel=cancel,
                )  # fmt: skip

            bridge = bridges.kept(chosen.entry, f"{rig.digest} {chosen} {bridges.VERSION}", fit)
        log.info("Bridge of %s: %s", chosen.entry, bridge.told())
        spans = {bank: (span.start, span.stop) for bank, span in animator.banks.items()}
        progress(1.0, "Ready")
        relative = chosen.entry.startswith("lia") and chosen.entry != "lia-ted"
        return EDTalkActor(rig, crop, start, spans, relative, bridge, colours, chosen.entry, chosen.sha256, digest)

    def sources(
        self,
        actor: EDTalkActor,
        voice: Voice | None,
        video: Path | None,
        rate: Fraction,
        count: int,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> dict[str, np.ndarray]:
        """See `engines.api.Engine`: the mouth that Audio2Lip hears in a voice, and what the encoder sees in a video.

        Raises
        ------
        InputError
            If the video shows no face, or the voice is shorter than can be heard.
        """
        found: dict[str, np.ndarray] = {}
        if voice is not None and "mouth" in actor.spans and checkpoints.hears():
            progress(0.0, "Listening for the mouth")
            with memory_for("hearing the voice", checkpoints.VOICE):
                samples = np.concatenate(list(voice.blocks()))
                network = weights.load(checkpoints.VOICE)
                heard = coordinates_of_voice(network, samples, rate, count, cancel=cancel)
            found |= {f"{HEARD}_{i + 1}": column for i, column in enumerate(heard.T)}
        if video is not None:
            device = device_of("auto")
            animator = self._animator(Chosen(actor.entry, actor.sha256), device)
            with memory_for("reading the video", actor.entry):
                seen = coordinates_of_video(
                    animator, video, rate, count, device=device, progress=progress, cancel=cancel
                )
            found |= {f"{SEEN}_{i + 1}": column for i, column in enumerate(seen.T)}
        return found

    def render(
        self,
        actor: EDTalkActor,
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
        OutOfMemory
            When the device has too little memory.
        """
        stop = checked_range(self.info, actor, performance, start, stop)
        return self._frames(actor, performance, options or RenderOptions(), start, stop, cancel or CancelToken())

    def _frames(
        self,
        actor: EDTalkActor,
        performance: Performance,
        options: RenderOptions,
        start: int,
        stop: int,
        cancel: CancelToken,
    ) -> Iterator[np.ndarray]:
        if start == stop:
            return
        device = device_of(options.device)
        animator = self._animator(Chosen(actor.entry, actor.sha256), device)
        alpha = actor.coordinates(performance)

        def draw(first: int, end: int) -> np.ndarray:
            with memory_for("drawing", actor.entry):
                source = self._source(actor.digest, actor.crop, actor.rig.portrait, animator, device)
                return self._draw(animator, source, alpha[first:end], device)

        yield from whole_pictures(draw, actor, self._rig, performance, options, start, stop, device, cancel)

    def unload(self) -> None:
        """Let go of the network and of what it keeps of portraits."""
        self._loaded = None
        self._sources.clear()

    # --- what is kept between calls ---

    def _animator(self, chosen: Chosen, device: str) -> Animator:
        """The network on a device; a reimported or removed checkpoint is noticed."""
        if self._loaded is not None and self._loaded[:2] == (chosen, device):
            return self._loaded[2]
        from engines.disentangled.net_fast import Animator

        self.unload()
        with memory_for("loading the network", chosen.entry):
            animator = Animator(move(checkpoints.load(chosen), device))
        self._loaded = (chosen, device, animator)
        return animator

    def _source(self, digest: str, crop: FaceCrop, portrait: Portrait, animator: Animator, device: str) -> Source:
        """The portrait as the network keeps it, encoded once."""
        if digest not in self._sources:
            self._sources[digest] = animator.source(source_of(crop, portrait.rgb).to(device))
            while len(self._sources) > _KEPT_SOURCES:
                self._sources.popitem(last=False)
        return self._sources[digest]

    def _draw(self, animator: Animator, source: Source, alpha: np.ndarray, device: str) -> np.ndarray:
        """Pictures at coordinates (B, N) : float32 (B, side, side, 3), 0 to 255."""
        import torch

        moved = torch.from_numpy(np.ascontiguousarray(alpha, np.float32)).to(device)
        return to_pictures(animator.frames(source, moved))
