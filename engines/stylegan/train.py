"""Training of a generator, in steps that survive being killed.

StyleGAN2's own training (Karras et al., 2020): the logistic loss, R1 and path length regularisation at every so many
steps, adaptive augmentation for small sets, an average of the weights. Where the sets say whose face a picture shows
and what it does (the rig's lessons and measured footage do), the generator also reconstructs them: a latent for each
person, and for each of the 35 numbers a direction in W+ that all share.

A generator that is there already is tuned to people in the same way (`Plan.pivotal`): first their latents and the
directions are sought in it as it is, the pivots, then the generator itself learns to draw them there while other
latents stay as they were (Roich et al., 2022, "Pivotal Tuning").
"""

from __future__ import annotations

import copy
import csv
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from diffusers.training_utils import EMAModel
from torch import Tensor

from engines import checkpoint
from engines.api import CancelToken
from engines.errors import InputError, WeightsMissing
from engines.stylegan import layout
from engines.stylegan.faces import Faces
from engines.stylegan.net_augment import Augment
from engines.stylegan.net_discriminator import Discriminator
from engines.stylegan.net_losses import decibel, fooled, path_lengths, picture_loss, r1_penalty, told_apart
from engines.stylegan.net_people import People

STATE, LOG, PICTURE, NETWORK, CARD = "training.pt", "log.csv", "progress.png", "generator.safetensors", "card.json"
_SHOWN: Final = 6
_PATH_DECAY: Final = 0.01
_ALONE: Final = (0.8, 3.0)
"""Momentum of Adam, and how many times faster it learns, while no discriminator is in play. Against one it has no
momentum, as Karras et al. have it; a mere regression learns with it what takes several times as long without."""
_PIVOTS: Final = 0.2
"""Part of the steps of pivotal tuning in which latents are sought and the generator is left alone."""
_TUNING: Final = 0.5
"""How much more slowly a generator is tuned than trained."""
_LOCALITY, _LOCALITY_EVERY, _BESIDE = 0.1, 4, 0.3
"""Weight of latents beside the pivots staying as they were, steps between, and how far from the pivots they lie."""


@dataclass(frozen=True)
class Plan:
    """How a generator is trained.

    Attributes
    ----------
    steps, batch : each step reconstructs ``batch`` pictures and imagines as many
    rate : of Adam
    reconstruct, adversarial : weights of the two aims; 0 leaves one out
    adversarial_from : step at which the discriminator comes in
    r1, r1_every, path, path_every : weights of the regularisations, and steps between them
    augment : adaptive augmentation
    average : share of the past in the average of the weights
    check_every : steps between two looks at unseen pictures
    seed : of everything random
    pivotal : tune a generator that is there, without a discriminator
    """

    steps: int = 20000
    batch: int = 8
    rate: float = 2e-3
    reconstruct: float = 5.0
    adversarial: float = 1.0
    adversarial_from: int = 0
    r1: float = 2.0
    r1_every: int = 16
    path: float = 1.0
    path_every: int = 8
    augment: bool = True
    average: float = 0.998
    check_every: int = 200
    seed: int = 1
    pivotal: bool = False


@dataclass
class Look:
    """A look at unseen pictures: steps done, seconds spent, PSNR of whole pictures and of mouths, each loss."""

    step: int
    seconds: float
    psnr_db: float
    mouth_db: float
    losses: dict[str, float] = field(default_factory=dict)


class Trainer:
    """Trains one generator in a folder, which it goes on in.

    Parameters
    ----------
    model : as it starts
    taught, unseen : pictures to learn from, and to check with
    folder : of state, log and pictures

    Raises
    ------
    InputError
        If there are too few pictures, or their size is not the generator's.
    WeightsMissing
        If the folder holds the state of another network.
    """

    def __init__(
        self, model: People, taught: Faces, unseen: Faces, folder: Path, plan: Plan, *, device: str = "cpu"
    ) -> None:
        size = model.generator.config.size
        if len(taught) < plan.batch or not len(unseen):
            raise InputError(f"{len(taught)} pictures are too few to learn from. Ask for {4 * plan.batch} or more.")
        if taught.pictures.shape[1] != size:
            raise InputError(f"The pictures are {taught.pictures.shape[1]} px wide, the generator {size}.")
        self.model, self.device, self.plan, self.folder = model.to(device).train(), torch.device(device), plan, folder
        self.taught, self.unseen = taught, unseen
        rarely = plan.path_every / (plan.path_every + 1) if plan.path > 0 else 1.0
        betas = (0.0, 0.99**rarely)
        latents, network = [model.people, model.moves], list(model.generator.parameters())
        self.optimiser = torch.optim.Adam([{"params": latents}, {"params": network}], lr=plan.rate, betas=betas)
        self.before = copy.deepcopy(model.generator).eval().requires_grad_(False) if plan.pivotal else None
        self.judge = Discriminator(model.generator.config).to(device)
        rarely = plan.r1_every / (plan.r1_every + 1)
        self.judge_optimiser = torch.optim.Adam(
            self.judge.parameters(), lr=plan.rate * rarely, betas=(0.0, 0.99**rarely)
        )
        self.average = EMAModel(list(model.parameters()), decay=plan.average, min_decay=0.0)
        self.augment = Augment()
        self.path_mean = torch.zeros((), device=device)
        self.weight = torch.from_numpy(layout.emphasis(size).copy()).to(device)[None, None]
        self.step, self.seconds = 0, 0.0
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / STATE).exists():
            self._resume()

    # --- state on disk ---

    def _save(self) -> None:
        content = {
            "model": self.model.state_dict(),
            "judge": self.judge.state_dict(),
            "average": list(self.average.shadow_params),
            "optimisers": [self.optimiser.state_dict(), self.judge_optimiser.state_dict()],
            "at": {"step": self.step, "seconds": self.seconds, "strength": self.augment.strength},
            "path_mean": self.path_mean,
        }
        partial = self.folder / f".{STATE}.part"
        torch.save(content, partial)
        partial.replace(self.folder / STATE)

    def _resume(self) -> None:
        path = self.folder / STATE
        content: Any = checkpoint.read(path)
        try:
            self.model.load_state_dict(content["model"])
            self.judge.load_state_dict(content["judge"])
            self.average.shadow_params = [p.to(self.device) for p in content["average"]]
            for optimiser, state in zip((self.optimiser, self.judge_optimiser), content["optimisers"], strict=True):
                optimiser.load_state_dict(state)
            at = content["at"]
            self.step, self.seconds, self.augment.strength = int(at["step"]), float(at["seconds"]), at["strength"]
            self.path_mean = content["path_mean"].to(self.device)
        except (KeyError, TypeError, RuntimeError, ValueError) as error:
            raise WeightsMissing(
                f"{path} belongs to a network of another size or version. Choose another folder."
            ) from error

    def export(self, facts: dict[str, Any]) -> Path:
        """Write the averaged generator (official names, with ``latent_avg``, ``people`` and ``moves``) and its card."""
        from safetensors.torch import save_file

        state = self._averaged()
        generator = {k.removeprefix("generator."): v for k, v in state.items() if k.startswith("generator.")}
        content = {**generator, **{k: state[k] for k in ("people", "moves")}, "latent_avg": state["people"].mean(0)}
        partial = self.folder / f".{NETWORK}.part"
        save_file({k: v.detach().cpu().half().contiguous() for k, v in content.items()}, partial)
        partial.replace(self.folder / NETWORK)
        config = asdict(self.model.generator.config)
        card = {**facts, "config": config, "steps": self.step, "minutes": round(self.seconds / 60, 1)}
        text = json.dumps(card, indent=2, ensure_ascii=False)
        (self.folder / CARD).write_text(text + "\n", encoding="utf-8")
        return self.folder / NETWORK

    def _averaged(self) -> dict[str, Tensor]:
        parameters = list(self.model.parameters())
        self.average.store(parameters)
        self.average.copy_to(parameters)
        state = {k: v.clone() for k, v in self.model.state_dict().items()}
        self.average.restore(parameters)
        return state

    # --- training ---

    def run(
        self,
        *,
        tell: Callable[[float, Look], None] = lambda part, look: None,
        cancel: CancelToken | None = None,
        keep_every_s: float = 120.0,
    ) -> Look:
        """Train to the end of the plan.

        Raises
        ------
        Cancelled
            When the user cancelled; the state is written before.
        """
        cancel = cancel or CancelToken()
        began, kept, before = time.monotonic(), time.monotonic(), self.seconds
        look = Look(self.step, self.seconds, 0.0, 0.0)
        try:
            while self.step < self.plan.steps:
                cancel.check()
                losses = self._train()
                self.step += 1
                self.seconds = before + time.monotonic() - began
                if self.step % self.plan.check_every == 0 or self.step == self.plan.steps:
                    look = self.look()
                    look.losses = losses
                    self._log(look)
                    tell(self.step / self.plan.steps, look)
                if time.monotonic() - kept > keep_every_s:
                    self._save()
                    kept = time.monotonic()
        finally:
            self._save()
        return look

    def _train(self) -> dict[str, float]:
        plan, model = self.plan, self.model
        rng = np.random.default_rng((plan.seed, self.step))
        own = torch.Generator().manual_seed(plan.seed * 1_000_003 + self.step)
        late = max(0.0, self.step / plan.steps - 0.7) / 0.3
        fall = min(1.0, (self.step + 1) / 50) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * late)))
        adversarial = plan.adversarial > 0 and self.step >= plan.adversarial_from
        momentum, faster = (0.0, 1.0) if adversarial else _ALONE
        for group in self.judge_optimiser.param_groups:
            group["lr"] = plan.rate * fall
        size = 1.0 if not plan.pivotal else _TUNING if self.step >= _PIVOTS * plan.steps else 0.0
        for group, share in zip(self.optimiser.param_groups, (1.0, size), strict=True):
            group["lr"], group["betas"] = plan.rate * faster * fall * share, (momentum, group["betas"][1])
        sample = self.taught.part(rng.choice(len(self.taught), plan.batch))
        real, values = self._pictures(sample.pictures), torch.from_numpy(sample.numbers).to(self.device)
        losses: dict[str, Tensor] = {}
        if plan.reconstruct > 0:
            person = torch.from_numpy(sample.person).to(self.device)
            drawn = model.generator(model.known(person, values), self._noises(own))
            losses["picture"] = plan.reconstruct * picture_loss(drawn, real, self.weight)
            if size and self.before is not None and self.step % _LOCALITY_EVERY == 0:
                losses["locality"] = plan.reconstruct * _LOCALITY * self._locality(person, own)
        if adversarial:
            z = torch.randn(plan.batch, model.generator.config.style_dim, generator=own).to(self.device)
            imagined = model.generator(model.imagined(z, values), self._noises(own))
            losses["adversarial"] = plan.adversarial * fooled(self.judge(self._changed(imagined, own)))
            if plan.path > 0 and self.step % plan.path_every == 0:
                losses["path"] = self._path(z[: max(1, plan.batch // 2)], values, own)
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        self.optimiser.step()
        self.average.step(model.parameters())
        if adversarial:
            losses |= self._judge(real, imagined.detach(), own)
        return {name: float(value.detach()) for name, value in losses.items()}

    def _locality(self, person: Tensor, own: torch.Generator) -> Tensor:
        """How far what lies beside the pivots is drawn otherwise than before the tuning."""
        assert self.before is not None
        generator = self.model.generator
        with torch.no_grad():
            z = torch.randn(len(person), generator.config.style_dim, generator=own).to(self.device)
            there = self.before.wplus(self.before.mapping(z))
            beside = torch.lerp(generator.wplus(self.model.people[person]), there, _BESIDE)
            wanted = self.before(beside)
        return picture_loss(generator(beside), wanted)

    def _path(self, z: Tensor, values: Tensor, own: torch.Generator) -> Tensor:
        plan, model = self.plan, self.model
        wplus = model.imagined(z, values[: len(z)])
        lengths = path_lengths(model.generator(wplus, self._noises(own)), wplus, own)
        self.path_mean = torch.lerp(self.path_mean, lengths.detach().mean(), _PATH_DECAY)
        return plan.path * plan.path_every * (lengths - self.path_mean).square().mean()

    def _judge(self, real: Tensor, imagined: Tensor, own: torch.Generator) -> dict[str, Tensor]:
        plan = self.plan
        shown = self._changed(real, own)
        penalise = self.step % plan.r1_every == 0
        if penalise:
            shown = shown.detach().requires_grad_(True)
        score = self.judge(shown)
        losses = {"discriminator": told_apart(score, self.judge(self._changed(imagined, own)))}
        total = losses["discriminator"]
        if penalise:
            losses["r1"] = plan.r1 / 2 * plan.r1_every * r1_penalty(score, shown)
            total = total + losses["r1"]
        self.judge_optimiser.zero_grad(set_to_none=True)
        total.backward()
        self.judge_optimiser.step()
        if plan.augment:
            self.augment.follow(score)
        return losses

    def _changed(self, pictures: Tensor, own: torch.Generator) -> Tensor:
        return self.augment(pictures, own) if self.plan.augment else pictures

    def _noises(self, own: torch.Generator) -> list[Tensor]:
        maps = self.model.generator.noises.maps()
        if self.plan.pivotal:  # the noise that it will be drawn with
            return maps
        return [torch.randn(m.shape, generator=own).to(self.device) for m in maps]

    def _pictures(self, pictures: np.ndarray) -> Tensor:
        moved = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))).to(self.device)
        return moved.float().div_(127.5).sub_(1)

    # --- looking ---

    @torch.no_grad()
    def look(self) -> Look:
        """How well unseen pictures are reconstructed with the averaged weights; writes `PICTURE`."""
        parameters = list(self.model.parameters())
        self.average.store(parameters)
        self.average.copy_to(parameters)
        try:
            drawn, imagined = self._looked()
        finally:
            self.average.restore(parameters)
        target = self._pictures(self.unseen.pictures[: len(drawn)])
        mouth = torch.from_numpy(layout.region("mouth", target.shape[-1]).copy())
        self._strip(target, drawn, imagined)
        return Look(self.step, self.seconds, decibel(drawn, target), decibel(drawn, target, mouth))

    def _looked(self) -> tuple[Tensor, Tensor]:
        """Unseen pictures reconstructed, and a few imagined ones."""
        model, part = self.model, self.unseen.part(slice(0, 48))
        values = torch.from_numpy(part.numbers).to(self.device)
        person = torch.from_numpy(part.person).to(self.device)
        codes = model.known(person, values)
        drawn = torch.cat([model.generator(codes[i : i + 8]) for i in range(0, len(codes), 8)])
        own = torch.Generator().manual_seed(7)
        z = torch.randn(_SHOWN, model.generator.config.style_dim, generator=own).to(self.device)
        return drawn, model.generator(model.imagined(z, values[:1].expand(_SHOWN, -1)))

    def _strip(self, target: Tensor, drawn: Tensor, imagined: Tensor) -> None:
        """Rows: unseen pictures, the same reconstructed, imagined people."""
        from PIL import Image

        rows = [torch.cat(list(p[:_SHOWN].cpu()), 2) for p in (target, drawn, imagined)]
        width = min(r.shape[2] for r in rows)
        sheet = torch.cat([r[..., :width] for r in rows], 1).clamp(-1, 1)
        Image.fromarray(((sheet + 1) * 127.5).permute(1, 2, 0).numpy().astype(np.uint8)).save(self.folder / PICTURE)

    def _log(self, look: Look) -> None:
        path = self.folder / LOG
        row: dict[str, float | str] = {"step": look.step, "seconds": round(look.seconds)}
        row |= {"psnr_db": round(look.psnr_db, 2), "mouth_db": round(look.mouth_db, 2)}
        row |= {"augment": round(self.augment.strength, 3)}
        for name in ("picture", "locality", "adversarial", "discriminator", "r1", "path"):
            row[name] = round(look.losses[name], 4) if name in look.losses else ""
        fresh = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, row.keys())
            if fresh:
                writer.writeheader()
            writer.writerow(row)
