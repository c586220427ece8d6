"""Making a network from start to end: lessons, training, the file that the engine loads."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engines import weights
from engines.api import CancelToken, Progress, no_progress
from engines.edtalk.material import Material, from_footage, from_portraits
from engines.errors import InputError, WeightsMissing
from engines.latent.sources import found_in

if TYPE_CHECKING:
    from engines.disentangled.net import EDTalk
    from engines.edtalk.train import Look, Plan

LESSONS: Final = "lessons.npz"
ORDER: Final = "order.json"
_UNSEEN: Final = 0.1


@dataclass(frozen=True)
class Order:
    """What is to be made.

    Attributes
    ----------
    sources : portraits, folders of portraits, folders of footage
    samples : lessons of all sources together
    size, width : of a new network, pixels and channels beside the official ones
    start : entry of the weights store to begin with, or empty
    perceptual : VGG19, or None
    """

    sources: tuple[Path, ...]
    samples: int
    size: int
    width: float
    start: str = ""
    perceptual: Path | None = None

    def facts(self) -> dict[str, Any]:
        """As plain values."""
        return {
            **asdict(self),
            "sources": [str(s.absolute()) for s in self.sources],
            "perceptual": str(self.perceptual),
        }


def make_network(
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
    """Make a network in a folder, or go on making it.

    Returns
    -------
    the network, its card, the log and the last pictures

    Raises
    ------
    InputError
        If a source cannot be used, or the folder was begun with another order.
    WeightsMissing
        If weights are not there or not what they should be.
    """
    from engines.devices import device_of
    from engines.edtalk.train import CARD, LOG, PICTURE, Trainer

    folder.mkdir(parents=True, exist_ok=True)
    _remember(order, folder)
    model = network(order)
    material = lessons_in(order, model.config.size, folder, plan.seed, progress, cancel)
    unseen = max(1, round(_UNSEEN * len(material)))
    mixed = np.random.default_rng(plan.seed).permutation(len(material))
    taught, kept = material.part(mixed[unseen:]), material.part(mixed[:unseen])
    trainer = Trainer(model, taught, kept, folder, plan, device=device_of(device), perceptual=order.perceptual)
    look = trainer.run(tell=tell, cancel=cancel)
    facts = order.facts()
    card = {
        "what": "EDTalk's network, trained by Soliloquy; not EDTalk's published weights",
        "started from": order.start or "nothing",
        "sources": [Path(s).name for s in facts["sources"]],
        "samples": len(material),
        "psnr_db": round(look.psnr_db, 2),
        "lips_db": round(look.lips_db, 2),
        "command": command,
    }
    return [trainer.export(card), folder / CARD, folder / LOG, folder / PICTURE]


def _remember(order: Order, folder: Path) -> None:
    """Write the order down, and refuse another one in a folder that was begun."""
    path = folder / ORDER
    facts = order.facts()
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        path.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        return
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}). Choose another folder.") from error
    changed = [name for name in facts if begun.get(name) != facts[name]]
    if changed:
        raise InputError(
            f"{folder} was begun with other {', '.join(changed)}. Give the same ones to go on, or another folder."
        )


def network(order: Order) -> EDTalk:
    """The network to start with."""
    import torch

    from engines.disentangled.net import Config, EDTalk

    if order.start:
        model = weights.load(order.start)
        if not isinstance(model, EDTalk):
            raise WeightsMissing(
                f"'{order.start}' is no EDTalk network. Start from edtalk, edtalk-lip-pose or edtalk-own."
            )
        return model.requires_grad_(True)
    if order.size not in (64, 128, 256) or not 1 / 16 <= order.width <= 1:
        raise InputError(
            f"A network of {order.size} px and width {order.width} is not made: 64, 128 or 256; 0.0625 to 1."
        )
    channels = max(32, round(512 * order.width))
    torch.manual_seed(1)
    config = Config(order.size, max(64, channels), width=order.width * order.size / 256, max_channels=channels)
    return started(EDTalk(config))


def started(model: EDTalk) -> EDTalk:
    """A new network whose first pictures are the source: no flow, everything fetched."""
    import torch

    from engines.disentangled.net import AdaptiveNorm, ToFlow

    with torch.no_grad():
        for module in model.dec.modules():
            if isinstance(module, ToFlow):
                module.conv.weight.mul_(0.05)
            elif isinstance(module, AdaptiveNorm):  # the expression modules add nothing at first
                for part, bias in ((module.mlp_gamma, -1.0), (module.mlp_beta, 0.0)):
                    part.weight.mul_(0.1)
                    part.bias.fill_(bias)
        first = next(m for m in model.dec.modules() if isinstance(m, ToFlow))
        first.bias[0, 2] = 2.0
    return model


def lessons_in(
    order: Order, size: int, folder: Path, seed: int, progress: Progress, cancel: CancelToken | None
) -> Material:
    """The lessons, drawn once and kept in the folder."""
    path = folder / LESSONS
    if path.exists():
        return Material.load(path)
    portraits, footage = found_in(order.sources)
    groups = (1 if portraits else 0) + len(footage)
    parts = []
    if portraits:
        parts.append(from_portraits(portraits, size, order.samples // groups, seed, progress=progress, cancel=cancel))
    for number, item in enumerate(footage):
        own = len(portraits) + number
        count = max(1, order.samples // groups)
        parts.append(from_footage(item, size, count, seed + own, person=own, progress=progress, cancel=cancel))
    material = Material.joined(parts)
    material.save(path)
    return material
