"""The engine behind ``engines/diffusion_autoencoder``: an actor's face, redrawn from its code frame by frame."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import platformdirs

from engines.api import CancelToken, EngineInfo, Performance, Portrait, Progress, RenderOptions, no_progress
from engines.blendshape.actor import BlendshapeActor
from engines.blendshape.engine import BlendshapeEngine
from engines.devices import device_of
from engines.diffusion_autoencoder import actor as actors
from engines.diffusion_autoencoder.actor import DiffusionActor
from engines.diffusion_autoencoder.decode import STEPS, Decoder
from engines.diffusion_autoencoder.pairs import window_stage
from engines.diffusion_autoencoder.speech import Mouthpiece, load_speaker, mouth_of
from engines.errors import InputError
from engines.frames import side_by_side
from engines.ranges import checked_range
from engines.teaching import bridge
from engines.teaching.banks import Motion
from engines.teaching.closed import ClosedForm, Stage, teach
from engines.teaching.window import Window, face_window, pane

if TYPE_CHECKING:
    from engines.speech.audio import Voice

_BATCH: Final = {"cpu": 2, "cuda": 16, "mps": 4}
SPEECH, HEARD = "speech", "heard"
"""The artist's coordinate, and the names under which what was heard travels."""
_KEPT: Final = 2
"""Networks that stay loaded."""


def actors_folder() -> Path:
    """Where the user's trained actors are; ``SOLILOQUY_HOME`` moves it together with everything else of the user."""
    home = os.environ.get("SOLILOQUY_HOME")
    return (Path(home) if home else Path(platformdirs.user_data_dir("soliloquy", False))) / "actors"


def rig_of(portrait: Portrait, info: EngineInfo, progress: Progress, cancel: CancelToken) -> BlendshapeActor:
    """The portrait as the rig prepares it.

    Raises
    ------
    InputError
        When it shows no face that can be used, or is a head in 3D.
    """
    if portrait.head is not None:
        raise InputError(f"{info.name} moves pictures, not heads in 3D. Choose the engine 'blendshape' for this one.")
    rig = BlendshapeEngine(info).prepare(portrait, progress=progress, cancel=cancel)
    assert isinstance(rig, BlendshapeActor)
    return rig


class DiffusionEngine:
    """Draws actors of a small diffusion autoencoder; see `engines.api.Engine`."""

    def __init__(self, info: EngineInfo) -> None:
        self.info = info
        self._decoders: dict[tuple[str, str], Decoder] = {}
        self._mouthpieces: dict[str, Mouthpiece] = {}

    def fingerprint(self, portrait: Portrait) -> str:
        """Changes when training gives this portrait another actor."""
        return actors.fingerprint(self._trained(portrait))

    def prepare(
        self, portrait: Portrait, *, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> DiffusionActor:
        """The portrait's trained actor; without one, teach it roughly (about a minute of one core).

        Raises
        ------
        InputError
            When the portrait shows no face that can be used, or is a head in 3D.
        WeightsMissing
            When its actor's folder is damaged.
        """
        cancel = cancel or CancelToken()
        folder = self._trained(portrait)
        rig = rig_of(portrait, self.info, lambda p, what: progress(0.05 * p, what), cancel)
        closed = teach(rig, progress=lambda p, what: progress(0.05 + 0.35 * p, what), cancel=cancel)
        if folder is not None:
            network, taught = actors.read_network(folder), f"trained: {folder.name}"
        else:
            from engines.diffusion_autoencoder.teach import teach_roughly

            network = teach_roughly(closed, progress=lambda p, what: progress(0.4 + 0.6 * p, what), cancel=cancel)
            taught = "roughly taught by the rig; 'soliloquy train dae' makes it better"
        window = face_window(rig, int(network.config["size"]))
        progress(1.0, taught[0].upper() + taught[1:])
        digest = f"{rig.digest}-dae-{actors.VERSION}-{actors.fingerprint(folder)}"
        return DiffusionActor(
            closed.rig, closed.crop, closed.banks, closed.prior, closed.eye_crop, window, network, taught, digest,
            speaker=None if folder is None else load_speaker(folder / actors.SPEECH),
        )  # fmt: skip

    def _trained(self, portrait: Portrait) -> Path | None:
        return actors.folder_of(portrait, actors_folder(), actors.SHIPPED.parent)

    def render(
        self,
        actor: DiffusionActor,
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

    def sources(
        self,
        actor: DiffusionActor,
        voice: Voice | None,
        video: Path | None,
        rate: Fraction,
        count: int,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> dict[str, np.ndarray]:
        """See `engines.api.Engine`: what the actor's speech network hears in a voice, before it knows the pose."""
        if voice is None or actor.speaker is None:
            return {}
        from engines.diffusion_autoencoder.speech import sound_of

        progress(0.0, "Listening to the voice")
        sound = sound_of(voice, actor.speaker.model, rate, count, cancel=cancel)
        hidden = self._mouthpiece(actor).hear(sound, rate, cancel)
        return {f"{HEARD}_{i + 1}": column for i, column in enumerate(hidden.T)}

    def _codes(self, actor: DiffusionActor, performance: Performance) -> tuple[Motion, np.ndarray]:
        """What moves the closed form, and the codes : (T, code_dim or less)."""
        moved = actor.motion(performance)
        codes = bridge.numbers(moved)
        share = np.clip(performance.coordinate(SPEECH), 0, 1)
        if actor.speaker is None or f"{HEARD}_1" not in performance.extras or not share.any():
            return moved, codes
        width = int(actor.speaker.config["width"])
        hidden = np.stack([performance.coordinate(f"{HEARD}_{i + 1}") for i in range(width)], 1)
        said = self._mouthpiece(actor).speak(hidden, codes[:, bridge.HEAD], performance.rate)
        codes = mouth_of(said, codes, share)
        return replace(moved, mouth=bridge.motion_of(codes).mouth), codes

    def _frames(
        self,
        actor: DiffusionActor,
        performance: Performance,
        options: RenderOptions,
        start: int,
        stop: int,
        cancel: CancelToken,
    ) -> Iterator[np.ndarray]:
        if start == stop:
            return
        device = device_of(options.device)
        decoder = self._decoder(actor, device) if actor.network.gain > 0 else None
        stages = Stages(actor, actor.window, options)
        moved, codes = self._codes(actor, performance)
        coordinates = actor.banks.coordinates(moved)

        waiting = side_by_side(partial(actor.moved, moved, coordinates), start, stop, cancel)
        at, count = start, 1  # the first one alone: a preview wants it at once
        while group := list(islice(waiting, count)):
            frames = [stages.frame.draw(*one, options.alpha) for one in group]
            if decoder is not None:
                references = np.stack([actor.window.cut(stages.window.draw(*one, False)) for one in group])
                part = codes[at : at + len(group)]
                drawn = decoder.decode(part, references, STEPS, cancel=cancel)
                for frame, picture, reference in zip(frames, drawn, references.astype(np.float32), strict=True):
                    stages.pane.paste(frame, reference + actor.network.gain * (picture - reference), reference)
            yield from frames
            at += len(group)
            count = _BATCH[device]

    def _mouthpiece(self, actor: DiffusionActor) -> Mouthpiece:
        assert actor.speaker is not None
        if actor.digest not in self._mouthpieces:
            self._mouthpieces.clear()
            self._mouthpieces[actor.digest] = Mouthpiece(actor.speaker)
        return self._mouthpieces[actor.digest]

    def _decoder(self, actor: DiffusionActor, device: str) -> Decoder:
        key = (actor.digest, device)
        if key not in self._decoders:
            while len(self._decoders) >= _KEPT:
                self._decoders.pop(next(iter(self._decoders)))
            self._decoders[key] = Decoder(actor.network, device)
        return self._decoders[key]

    def unload(self) -> None:
        """Forget the networks; the next frame loads its own again."""
        self._decoders.clear()
        self._mouthpieces.clear()


class Stages:
    """Where the closed form stands in a frame and in the network's window."""

    def __init__(self, closed: ClosedForm, window: Window, options: RenderOptions) -> None:
        self.frame: Stage = closed.stage(options.size, options.draft)
        self.window: Stage = window_stage(closed, window)[1]
        self.pane = pane(window, closed.rig.crop(options.size))
