"""Making a generator from start to end: faces, training, the file that the engine loads."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engines import weights
from engines.api import CancelToken, Progress, no_progress
from engines.errors import InputError
from engines.stylegan.faces import Faces, from_sources
from engines.stylegan.generators import DRAWING, Chosen, load

if TYPE_CHECKING:
    from engines.stylegan.convert import LoadedGenerator
    from engines.stylegan.net import Config
    from engines.stylegan.train import Look, Plan

FACES: Final = "faces.npz"
ORDER: Final = "order.json"
_UNSEEN: Final = 0.08


@dataclass(frozen=True)
class Order:
    """What is to be made.

    Attributes
    ----------
    sources : portraits, folders of portraits, folders of footage
    pictures : faces of all sources together
    size : side of the generator's pictures, a power of two
    channels : of the finest resolution; each coarser one has twice as many, up to four times or 512
    start : entry of the weights store that is tuned to the faces, or empty: a new one; ``size`` is then its own
    """

    sources: tuple[Path, ...]
    pictures: int
    size: int
    channels: int
    start: str = ""

    def facts(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "sources": [str(s.absolute()) for s in self.sources]}

    def config(self) -> Config:
        """The generator's size.

        Raises
        ------
        InputError
            For a size or number of channels that is not made.
        """
        from engines.stylegan.net import Config

        if self.size not in (32, 64, 128, 256, 512, 1024) or not 8 <= self.channels <= 512:
            raise InputError(
                f"A generator of {self.size} px with {self.channels} channels is not made. Choose 32, 64 ... 1024 px "
                "and 8 to 512 channels."
            )
        widest = min(512, 4 * self.channels)
        return Config(self.size, widest, 4, self.channels * self.size / 16384, widest)


def make_generator(
    order: Order,
    plan: Plan,
    folder: Path,
    *,
    device: str = "auto",
    command: str = "",
    tell: Callable[[float, Look], None] = lambda part, look: None,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> list[Path]:
    """Make a generator in a folder, or go on making it.

    Returns
    -------
    the generator, its card, the log and the last pictures

    Raises
    ------
    InputError
        If a source cannot be used, or the folder was begun with another order.
    WeightsMissing
        If the state in the folder, or the generator to begin with, cannot be used.
    """
    import torch

    from engines.devices import device_of
    from engines.stylegan.net_people import People
    from engines.stylegan.train import CARD, LOG, PICTURE, Trainer

    begun = _begun(order.start) if order.start else None
    if begun is not None:
        order = replace(order, size=begun.generator.config.size)
    config = order.config() if begun is None else begun.generator.config
    folder.mkdir(parents=True, exist_ok=True)
    _remember(order, folder)
    faces = _faces(order, folder, plan.seed, progress, cancel)
    unseen = max(1, round(_UNSEEN * len(faces)))
    mixed = np.random.default_rng(plan.seed).permutation(len(faces))
    torch.manual_seed(plan.seed)
    model = People(config, faces.people) if begun is None else People.of(begun, faces.people)
    trainer = Trainer(
        model, faces.part(mixed[unseen:]), faces.part(mixed[:unseen]), folder, plan,
        device=device_of(device),
    )  # fmt: skip
    look = trainer.run(tell=tell, cancel=cancel)
    card = {
        **_origin(order.start),
        "sources": [s.name for s in order.sources],
        "people": faces.people,
        "pictures": len(faces),
        "unseen_db": round(look.psnr_db, 2),
        "unseen_mouth_db": round(look.mouth_db, 2),
        "command": command,
    }
    return [trainer.export(card), folder / CARD, folder / LOG, folder / PICTURE]


def _origin(start: str) -> dict[str, str]:
    """What a card says about where the numbers come from."""
    if not start:
        return {"what": "a StyleGAN2 generator trained by Soliloquy; it holds nothing of published weights"}
    item = weights.entry(start)
    return {"what": f"'{item.name}', tuned to people by Soliloquy; its licence holds on", "licence": item.licence}


def _begun(start: str) -> LoadedGenerator:
    """The generator to begin with.

    Raises
    ------
    InputError
        If the entry is no generator; the message lists those that are.
    """
    if start not in DRAWING:
        raise InputError(f"'{start}' is no generator. Begin with one of: {', '.join(DRAWING)}.")
    return load(Chosen(start, ""))[0]


def _remember(order: Order, folder: Path) -> None:
    """Write the order down, and refuse another one in a folder that was begun."""
    path, facts = folder / ORDER, order.facts()
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        path.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        return
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}). Choose another folder.") from error
    changed = [name for name in facts if not isinstance(begun, dict) or begun.get(name) != facts[name]]
    if changed:
        raise InputError(
            f"{folder} was begun with other {', '.join(changed)}. Give the same ones to go on, or another folder."
        )


def _faces(order: Order, folder: Path, seed: int, progress: Progress, cancel: CancelToken | None) -> Faces:
    """The faces, made once and kept in the folder."""
    path = folder / FACES
    if path.exists():
        return Faces.load(path)
    found = from_sources(order.sources, order.size, order.pictures, seed, progress=progress, cancel=cancel)
    found.save(path)
    return found
