"""What an actor is made from, laid ready: lessons that the rig draws of a picture, or frames of footage."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from PIL import Image

from engines.api import CancelToken, EngineInfo, Portrait, Progress, no_progress
from engines.blendshape.actor import BlendshapeActor
from engines.blendshape.engine import BlendshapeEngine
from engines.capture.footage import Footage, FootageClip, load_footage
from engines.diffusion_autoencoder import actor as actors
from engines.diffusion_autoencoder.pairs import Pairs
from engines.diffusion_autoencoder.teach import EYES, LIPS, Material, rig_material
from engines.errors import InputError
from engines.teaching import bridge
from engines.teaching.closed import teach
from engines.teaching.window import Window, emphasis, face_window

VIDEOS: Final = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v"})
_FOOTAGE_SIZE: Final = 320


@dataclass(frozen=True)
class Order:
    """What actor is to be made.

    Attributes
    ----------
    source : picture, video, or folder of footage (`engines.capture.footage`)
    size : side of the network's window in pixels
    lessons : frames that the rig draws, where the source is a picture
    pictures : how many the network sees at most
    fresh : begin with an empty network, not with the shipped actor's
    seed : of everything random
    """

    source: Path
    size: int = 96
    lessons: int = 1200
    pictures: int = 24000
    fresh: bool = False
    seed: int = 1

    @property
    def kind(self) -> Literal["picture", "video", "footage"]:
        if self.source.is_dir():
            return "footage"
        return "video" if self.source.suffix.lower() in VIDEOS else "picture"


def _rig(portrait: Portrait, info: EngineInfo, progress: Progress, cancel: CancelToken | None) -> BlendshapeActor:
    rig = BlendshapeEngine(info).prepare(portrait, progress=progress, cancel=cancel)
    if not isinstance(rig, BlendshapeActor):
        raise InputError("An actor is learnt from a picture or footage, not from a head in 3D.")
    return rig


@dataclass(frozen=True, eq=False)
class Bench:
    """What lies ready for teaching; ``footage`` and its portrait (clip, frame) only where there is footage."""

    portrait: Portrait
    rig: BlendshapeActor
    window: Window
    material: Material
    heads: np.ndarray
    licence: str
    footage: Footage | None
    chosen: tuple[FootageClip, int] | None


def lay_ready(
    order: Order,
    folder: Path,
    work: Path,
    info: EngineInfo,
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Bench:
    """Draw the lessons, or cut and explain the footage; what lies in ``work`` already is taken from there.

    Raises
    ------
    InputError
        When the source shows no face that can be used, or too little of one.
    """
    from engines.face.portrait import load_portrait

    footage = chosen = None
    if order.kind == "picture":
        portrait = load_portrait(order.source)
        licence = "that of the portrait"
    else:
        from engines.teaching.footage import calmest

        footage = _footage(order, work, lambda p, what: progress(0.4 * p, what), cancel)
        chosen = calmest(footage)
        path = folder / actors.PORTRAIT
        if not path.is_file():
            Image.fromarray(chosen[0].frame(chosen[1])).save(path)
        portrait = load_portrait(path)
        licence = "that of the footage"
    rig = _rig(portrait, info, lambda p, what: progress(0.4 + 0.05 * p, what), cancel)
    window = face_window(rig, order.size)
    weight = emphasis(rig, window, LIPS, EYES)
    files = work / "taught.npz", work / "unseen.npz", work / "heads.npy"
    if all(f.is_file() for f in files):
        taught, unseen = Pairs.load(files[0]), Pairs.load(files[1])
        return Bench(
            portrait, rig, window, Material(taught, unseen, weight), np.load(files[2]), licence, footage, chosen
        )
    closed = teach(rig, progress=lambda p, what: progress(0.45 + 0.15 * p, what), cancel=cancel)
    if footage is None:
        material = rig_material(
            closed, order.size, order.lessons, progress=lambda p, what: progress(0.6 + 0.4 * p, what), cancel=cancel
        )
        heads = bridge.motion_of(material.taught.codes).head.astype(np.float32)
    else:
        from engines.diffusion_autoencoder.footage import see

        assert chosen is not None
        seen = see(
            closed, window, footage, chosen, progress=lambda p, what: progress(0.6 + 0.4 * p, what), cancel=cancel
        )
        material, heads = Material(seen.taught, seen.unseen, weight), seen.heads
    material.taught.save(files[0])
    material.unseen.save(files[1])
    with (work / "heads.part").open("wb") as file:
        np.save(file, heads)
    (work / "heads.part").replace(files[2])
    return Bench(portrait, rig, window, material, heads, licence, footage, chosen)


def _footage(order: Order, work: Path, progress: Progress, cancel: CancelToken | None) -> Footage:
    if order.kind == "footage":
        return load_footage(order.source)
    from engines.capture.footage_make import Wanted, make_footage

    place = work / "footage"
    done = work / "footage.done"
    if done.is_file():
        return load_footage(place)
    shutil.rmtree(place, ignore_errors=True)
    wanted = Wanted(size=_FOOTAGE_SIZE, layout="fixed", silent=True)
    made = make_footage([order.source], place, wanted, progress=progress, cancel=cancel)
    done.touch()
    return made
