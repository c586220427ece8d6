"""The engine behind ``engines/diffae``: portraits through the published diffusion autoencoder."""

from __future__ import annotations

import hashlib
import logging
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
from engines.diffae import checkpoints
from engines.diffae.actor import SEEN, DiffAEActor
from engines.diffae.crop import aligned_crop
from engines.errors import InputError
from engines.latent import bridge as bridges
from engines.latent.bridge import Bridge
from engines.latent.checkpoints import Chosen, memory_for, move
from engines.latent.crop import match_colours
from engines.latent.pictures import to_pictures, to_tensor
from engines.latent.whole import whole_pictures
from engines.ranges import checked_range

if TYPE_CHECKING:
    from engines.diffae.net_animator import Animator
    from engines.speech.audio import Voice

log = logging.getLogger(__name__)
VERSION: Final = 1
"""Counted up whenever the same portrait and checkpoint would give other frames."""


class DiffAEEngine:
    """Prepares portraits for the DiffAE checkpoint in the weights store and draws them with it."""

    def __init__(self, info: EngineInfo) -> None:
        self.info = info
        self._rig = BlendshapeEngine(registry.info("blendshape"))
        self._loaded: tuple[Chosen, str, Animator] | None = None

    def fingerprint(self, portrait: Portrait) -> str:
        """Changes when another checkpoint would draw the portrait."""
        return next((f"{e}-{weights.status(e).sha256[:16]}" for e in checkpoints.DRAWING if _there(e)), "none")

    def prepare(
        self, portrait: Portrait, *, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> DiffAEActor:
        """Find the portrait's code and noise, and fit the bridge from the timeline if it is not kept from before.

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
        rig = self._rig.prepare(portrait, progress=lambda p, what: progress(0.05 + 0.05 * p, what), cancel=cancel)
        assert isinstance(rig, BlendshapeActor)
        crop = aligned_crop(rig.landmarks.points, animator.config.size)
        digest = hashlib.blake2b(f"{rig.digest} {chosen} {VERSION}".encode(), digest_size=16).hexdigest()
        progress(0.1, "Finding the portrait's code and noise")
        picture = crop.cut(portrait.rgb)
        with memory_for("preparing the portrait", chosen.entry):
            image = to_tensor(picture[None]).to(device)
            code = animator.drive(image)
            source = animator.invert(image, code, cancel)
            drawn = to_pictures(animator.frames(source, code, cancel=cancel))[0]
            colours = match_colours(drawn, picture.astype(np.float32))
            start = np.asarray(code[0].cpu().numpy(), np.float32)

            def fit() -> Bridge:
                return bridges.fit(
                    rig, self._rig, crop, animator, source, start, device=device,
                    progress=lambda p, what: progress(0.15 + 0.85 * p, what), cancel=cancel,
                )  # fmt: skip

            bridge = bridges.kept(chosen.entry, f"{rig.digest} {chosen} {bridges.VERSION} {VERSION}", fit)
        log.info("Bridge of %s: %s", chosen.entry, bridge.told())
        progress(1.0, "Ready")
        noise = np.asarray(source.noise.cpu().numpy(), np.float32)
        return DiffAEActor(rig, crop, start, noise, bridge, colours, chosen.entry, chosen.sha256, digest)

    def sources(
        self,
        actor: DiffAEActor,
        voice: Voice | None,
        video: Path | None,
        rate: Fraction,
        count: int,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> dict[str, np.ndarray]:
        """See `engines.api.SourceReader`: the codes of a video's frames.

        Raises
        ------
        InputError
            If the video shows no face.
        """
        if video is None:
            return {}
        from engines.diffae.video import codes_of_video

        device = device_of("auto")
        animator = self._animator(Chosen(actor.entry, actor.sha256), device)
        with memory_for("reading the video", actor.entry):
            seen = codes_of_video(animator, video, rate, count, progress=progress, cancel=cancel)
        return {f"{SEEN}_{i + 1}": column for i, column in enumerate(seen.T)}

    def render(
        self,
        actor: DiffAEActor,
        performance: Performance,
        *,
        options: RenderOptions | None = None,
        start: int = 0,
        stop: int | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[np.ndarray]:
        """Frames one by one, as `engines.api.Engine.render` says; drafts take fewer passes of the network.

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
        actor: DiffAEActor,
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
        codes = actor.codes(performance)
        detail = np.clip(performance.coordinate("detail", 1.0), 0, 1)

        def draw(first: int, end: int) -> np.ndarray:
            with memory_for("drawing", actor.entry):
                return _drawn(animator, actor, codes[first:end], detail[first:end], options.draft, cancel)

        yield from whole_pictures(draw, actor, self._rig, performance, options, start, stop, device, cancel)

    def unload(self) -> None:
        """Let go of the network."""
        self._loaded = None

    def _animator(self, chosen: Chosen, device: str) -> Animator:
        """The network on a device; a reimported or removed checkpoint is noticed."""
        if self._loaded is not None and self._loaded[:2] == (chosen, device):
            return self._loaded[2]
        from engines.diffae.net_animator import Animator

        self.unload()
        with memory_for("loading the network", chosen.entry):
            animator = Animator(move(checkpoints.load(chosen), device))
        self._loaded = (chosen, device, animator)
        return animator


def _there(entry: str) -> bool:
    return weights.status(entry).state != "missing"


def _drawn(
    animator: Animator, actor: DiffAEActor, codes: np.ndarray, detail: np.ndarray, draft: bool, cancel: CancelToken
) -> np.ndarray:
    """The network's pictures of codes (B, 512) : float32 (B, side, side, 3), 0 to 255."""
    import torch

    from engines.diffae.net_animator import DRAFT_STEPS, STEPS, Source

    noise, code, share = (torch.from_numpy(a).to(animator.device) for a in (actor.noise, codes, detail))
    steps = DRAFT_STEPS if draft else STEPS
    return to_pictures(animator.frames(Source(noise), code, detail=share, steps=steps, cancel=cancel))
