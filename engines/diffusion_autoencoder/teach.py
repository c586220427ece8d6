"""A portrait alone becomes an actor: the rig draws the lessons, a network that knows another face begins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.api import CancelToken, Progress, no_progress
from engines.diffusion_autoencoder import actor as actors
from engines.diffusion_autoencoder.actor import Network
from engines.diffusion_autoencoder.pairs import Pairs, from_rig
from engines.teaching.closed import ClosedForm
from engines.teaching.lessons import lessons
from engines.teaching.window import emphasis, face_window

if TYPE_CHECKING:
    from engines.diffusion_autoencoder.net_student import StudentConfig
    from engines.diffusion_autoencoder.train import Plan, Trainer

LIPS, EYES = 6.0, 4.0
"""How much the lips and the eyes count in teaching beside the rest of the window."""
_UNSEEN: Final = 48
_ROUGH_LESSONS, _ROUGH_PICTURES = 144, 320


@dataclass(frozen=True, eq=False)
class Material:
    """What an actor is taught with: pictures to learn from, pictures to check with, and how much each pixel counts."""

    taught: Pairs
    unseen: Pairs
    weight: np.ndarray


def rig_material(
    closed: ClosedForm,
    size: int,
    count: int,
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Material:
    """``count`` lessons of the rig and some more to check with, in a window of ``size`` pixels."""
    window = face_window(closed.rig, size)
    pairs = from_rig(closed, window, lessons(count + _UNSEEN, seed=31), progress=progress, cancel=cancel)
    weight = emphasis(closed.rig, window, LIPS, EYES)
    return Material(pairs.part(slice(_UNSEEN, None)), pairs.part(slice(_UNSEEN)), weight)


def best_gain(drawn: np.ndarray, references: np.ndarray, frames: np.ndarray, weight: np.ndarray) -> float:
    """Share of a network's changes that brings the closed form nearest to real frames, 0 to 1 (least squares).

    Parameters
    ----------
    drawn, references, frames : (N, S, S, 3), 0 to 255
    weight : (S, S)
    """
    change, wanted = drawn - references, frames.astype(np.float32) - references
    w = weight[None, ..., None]
    power = float((w * change**2).sum())
    return 0.0 if power < 1e-3 else float(np.clip((w * change * wanted).sum() / power, 0, 1))


def teach_roughly(
    closed: ClosedForm, *, progress: Progress = no_progress, cancel: CancelToken | None = None
) -> Network:
    """The shipped actor's network, made to fit another portrait in well under a minute of one core.

    What it changes is laid over the closed form only as far as that helped on unseen lessons, so the actor is never
    worse than its closed form.
    """
    from engines.diffusion_autoencoder.net_student import StudentConfig
    from engines.diffusion_autoencoder.train import Plan

    base = actors.read_network(actors.SHIPPED) if actors.is_actor(actors.SHIPPED) else None
    config = StudentConfig() if base is None else StudentConfig.from_facts(base.config)
    material = rig_material(
        closed, config.size, _ROUGH_LESSONS, progress=lambda p, what: progress(0.4 * p, what), cancel=cancel
    )
    plan = Plan(
        pictures=_ROUGH_PICTURES, rate=4e-4, check_every=10, patience=0, average=0.9, seed=base.seed if base else 1
    )
    return taught_network(
        material, plan, config, base, progress=lambda p, what: progress(0.4 + 0.6 * p, what), cancel=cancel
    )


def taught_network(
    material: Material,
    plan: Plan,
    config: StudentConfig,
    base: Network | None = None,
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Network:
    """Teach in one go; `engines.diffusion_autoencoder.train.Trainer` does so in pieces."""
    import torch

    from engines.diffusion_autoencoder.net_student import Student
    from engines.diffusion_autoencoder.train import Trainer, fill

    torch.manual_seed(plan.seed)
    model = Student(config)
    if base is not None:
        fill(model, base.weights)
    trainer = Trainer(model, material.taught, material.unseen, material.weight, plan)
    trainer.run(tell=lambda told: progress(told.part, "Teaching the network"), cancel=cancel)
    return network_of(trainer, material)


def network_of(trainer: Trainer, material: Material) -> Network:
    """What a trainer has taught, with the gain that fits unseen pictures."""
    from engines.diffusion_autoencoder.decode import Decoder

    network = Network(trainer.model.config.facts(), trainer.averaged(), trainer.plan.seed)
    decoder = Decoder(network)
    unseen = material.unseen
    drawn = np.concatenate(
        [decoder.decode(unseen.codes[i : i + 8], unseen.references[i : i + 8]) for i in range(0, len(unseen), 8)]
    )
    gain = best_gain(drawn, unseen.references.astype(np.float32), unseen.frames, material.weight)
    return replace(network, gain=round(gain, 3))
