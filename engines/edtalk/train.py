"""Training of EDTalk's network, from nothing or from official weights, in steps that survive being killed.

One loss after the published ones: the picture (multi-scale L1, with VGG19 where it is at hand), a discriminator if
wanted, and the agreement of each bank's motion between a driver and the target. Stages teach mouth and pose first and
the expression after, with the rest frozen, or everything at once where the rig says what each driver gives.
"""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from diffusers.training_utils import EMAModel
from torch import Tensor

from engines import checkpoint
from engines.api import CancelToken
from engines.disentangled.net import Config, EDTalk
from engines.edtalk.material import Material
from engines.edtalk.net_losses import (
    Discriminator,
    Perceptual,
    agreement,
    fooled,
    picture_loss,
    told_apart,
)
from engines.errors import InputError, WeightsMissing

STATE: Final = "training.pt"
LOG: Final = "log.csv"
PICTURE: Final = "progress.png"
NETWORK: Final = "EDTalk.safetensors"
CARD: Final = "card.json"
Stage = Literal["all", "mouth-pose", "expression"]
_EXPRESSION: Final = ("direction_exp.", "exp_fc.", "dec.fineadainresblock.")
_SHOWN: Final = 4
_BETA2: Final = 0.99**0.8


@dataclass(frozen=True)
class Plan:
    """How a network is taught.

    Attributes
    ----------
    steps, batch : samples are drawn anew for each step
    rate : of Adam; the published 2e-3 times 0.8, falling over the last 40 %
    stage : what learns
    decoder_only : keep encoder, heads and directions, as is advised for one person and official weights
    perceptual, adversarial, agreement : weights of the losses; the published ones are 10, 1 and 1
    average : share of the past in the average of the weights
    check_every : steps between two looks at unseen samples
    mixed_precision : bfloat16 where the device is a GPU
    seed : of everything random
    """

    steps: int = 20000
    batch: int = 4
    rate: float = 1.6e-3
    stage: Stage = "all"
    decoder_only: bool = False
    perceptual: float = 10.0
    adversarial: float = 0.0
    agreement: float = 1.0
    average: float = 0.998
    check_every: int = 200
    mixed_precision: bool = True
    seed: int = 1


@dataclass
class Look:
    """A look at unseen samples: steps done, PSNR of whole pictures and where the lips count, each loss."""

    step: int
    seconds: float
    psnr_db: float
    lips_db: float
    losses: dict[str, float] = field(default_factory=dict)


class Trainer:
    """Teaches one network in a folder, which it goes on in.

    Parameters
    ----------
    model : the network as it starts
    taught, unseen : samples to learn from, and to check with
    folder : of state, log and pictures
    perceptual : path of VGG19, or None

    Raises
    ------
    InputError
        If there are too few samples, or their size is not the network's.
    WeightsMissing
        If the folder holds the state of a network of another size.
    """

    def __init__(
        self,
        model: EDTalk,
        taught: Material,
        unseen: Material,
        folder: Path,
        plan: Plan,
        *,
        device: str = "cpu",
        perceptual: Path | None = None,
    ) -> None:
        if len(taught) < plan.batch or not len(unseen):
            raise InputError(f"{len(taught)} samples are too few to learn from. Ask for {4 * plan.batch} or more.")
        if taught.source.shape[1] != model.config.size:
            raise InputError(
                f"The samples are {taught.source.shape[1]} px wide, the network {model.config.size}. Choose one size."
            )
        self.model = model.to(device).train()
        self.device, self.plan, self.folder = torch.device(device), plan, folder
        self.taught, self.unseen = taught, unseen
        self.vgg = Perceptual(perceptual).to(device) if perceptual and plan.perceptual > 0 else None
        self._freeze()
        learning = [p for p in model.parameters() if p.requires_grad]
        self.optimiser = torch.optim.Adam(learning, lr=plan.rate, betas=(0.0, _BETA2))
        self.judge = Discriminator(model.config).to(device) if plan.adversarial > 0 else None
        self.judge_optimiser = (
            torch.optim.Adam(self.judge.parameters(), lr=plan.rate, betas=(0.0, _BETA2)) if self.judge else None
        )
        self.average = EMAModel(list(model.parameters()), decay=plan.average, min_decay=0.0)
        self.step, self.seconds = 0, 0.0
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / STATE).exists():
            self._resume(folder / STATE)

    def _freeze(self) -> None:
        """Let only what the stage teaches learn."""
        for name, parameter in self.model.named_parameters():
            expressive = name.startswith(_EXPRESSION)
            learns = {"all": True, "mouth-pose": not expressive, "expression": expressive}[self.plan.stage]
            if self.plan.decoder_only:
                learns = learns and name.startswith("dec.")
            parameter.requires_grad_(learns and not name.startswith("dec.to_rgb1"))

    # --- state on disk ---

    def _save(self) -> None:
        content = {
            "config": asdict(self.model.config),
            "gen": self.model.state_dict(),
            "average": list(self.average.shadow_params),
            "g_optim": self.optimiser.state_dict(),
            "dis": self.judge.state_dict() if self.judge else None,
            "d_optim": self.judge_optimiser.state_dict() if self.judge_optimiser else None,
            "step": self.step,
            "seconds": self.seconds,
        }
        partial = self.folder / f".{STATE}.part"
        torch.save(content, partial)
        partial.replace(self.folder / STATE)

    def _resume(self, path: Path) -> None:
        content: Any = checkpoint.read(path)
        try:
            if Config(**content["config"]) != self.model.config:
                raise WeightsMissing(f"{path} belongs to a network of another size. Choose another folder.")
            self.model.load_state_dict(content["gen"])
            self.average.shadow_params = [p.to(self.device) for p in content["average"]]
            if len(content["g_optim"]["state"]) <= sum(p.requires_grad for p in self.model.parameters()):
                self.optimiser.load_state_dict(content["g_optim"])
            if self.judge and self.judge_optimiser and content["dis"] is not None:
                self.judge.load_state_dict(content["dis"])
                self.judge_optimiser.load_state_dict(content["d_optim"])
            self.step, self.seconds = int(content["step"]), float(content["seconds"])
        except (KeyError, TypeError, RuntimeError, ValueError) as error:
            raise WeightsMissing(f"{path} is not what this version wrote. Delete it to begin anew.") from error

    def export(self, card: dict[str, Any]) -> Path:
        """Write the averaged network as `engines.disentangled.convert.load_own` reads it, and its card."""
        from safetensors.torch import save_file

        state = {k: v.detach().cpu().contiguous().clone() for k, v in self._averaged().items()}
        partial = self.folder / f".{NETWORK}.part"
        save_file(state, partial, metadata={"made by": "Soliloquy", "steps": str(self.step)})
        partial.replace(self.folder / NETWORK)
        text = json.dumps({**card, "steps": self.step, "seconds": round(self.seconds), **asdict(self.plan)}, indent=2)
        (self.folder / CARD).write_text(text + "\n", encoding="utf-8")
        return self.folder / NETWORK

    def _averaged(self) -> dict[str, Tensor]:
        own = [p.detach().clone() for p in self.model.parameters()]
        self.average.copy_to(self.model.parameters())
        state = {k: v.clone() for k, v in self.model.state_dict().items()}
        for parameter, value in zip(self.model.parameters(), own, strict=True):
            parameter.data.copy_(value)
        return state

    # --- teaching ---

    def run(
        self,
        *,
        tell: Callable[[float, Look], None] = lambda part, look: None,
        cancel: CancelToken | None = None,
        keep_every_s: float = 120.0,
    ) -> Look:
        """Teach to the end of the plan.

        Parameters
        ----------
        tell : called at every look with the part done

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
                losses = self._teach()
                self.step += 1
                self.seconds = before + time.monotonic() - began
                if self.step % self.plan.check_every == 0 or self.step == self.plan.steps:
                    look = replace(self.look(), losses=losses)
                    self._log(look)
                    tell(self.step / self.plan.steps, look)
                if time.monotonic() - kept > keep_every_s:
                    self._save()
                    kept = time.monotonic()
        finally:
            self._save()
        return look

    def _teach(self) -> dict[str, float]:
        plan = self.plan
        rng = np.random.default_rng((plan.seed, self.step))
        late = max(0.0, self.step / plan.steps - 0.6) / 0.4
        rate = plan.rate * min(1.0, (self.step + 1) / 20) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * late)))
        sample = self.taught.part(rng.choice(len(self.taught), plan.batch))
        for optimiser in (self.optimiser, self.judge_optimiser):
            for group in optimiser.param_groups if optimiser else ():
                group["lr"] = rate
        half = plan.mixed_precision and self.device.type == "cuda"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            drawn, losses = self._losses(sample)
            total = torch.stack(list(losses.values())).sum()
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_([p for p in self.model.parameters() if p.requires_grad], 5.0)
        self.optimiser.step()
        self.average.step(self.model.parameters())
        if self.judge is not None and self.judge_optimiser is not None:
            apart = told_apart(self.judge(self._pictures(sample.target)), self.judge(drawn.detach().float()))
            self.judge_optimiser.zero_grad(set_to_none=True)
            apart.backward()
            self.judge_optimiser.step()
            losses["discriminator"] = apart
        return {name: float(value.detach()) for name, value in losses.items()}

    def _losses(self, sample: Material) -> tuple[Tensor, dict[str, Tensor]]:
        """The drawn pictures (B, 3, S, S) and each weighted loss."""
        plan, model = self.plan, self.model
        target = self._pictures(sample.target)
        weight = torch.from_numpy(sample.weight).to(self.device)[:, None].float() / 16
        drawn, alpha = self._drawn(sample)
        basis = model.basis()
        wanted = model.coordinates(model.encode(target)[0])
        losses = {"picture": picture_loss(drawn.float(), target, weight)}
        if self.vgg is not None:
            losses["perceptual"] = plan.perceptual * self.vgg(drawn.float(), target)
        for bank, span in model.banks.items():
            if plan.stage == "mouth-pose" and bank == "expression":
                continue
            pair = (a[:, span] @ basis[:, span].T for a in (alpha, wanted))
            losses[f"agreement, {bank}"] = plan.agreement * agreement(*pair)
        if self.judge is not None:
            losses["adversarial"] = plan.adversarial * fooled(self.judge(drawn.float()))
        return drawn, losses

    def _drawn(self, sample: Material) -> tuple[Tensor, Tensor]:
        """Pictures at the coordinates that the drivers give, and those coordinates."""
        model = self.model
        code, features = model.encode(self._pictures(sample.source))
        given = {"mouth": sample.mouth, "pose": sample.pose, "expression": sample.expression}
        alpha = torch.cat(
            [model.coordinates(model.encode(self._pictures(given[b]))[0])[:, span] for b, span in model.banks.items()],
            1,
        )
        motion, expression = model.direction(alpha)
        if self.plan.stage == "mouth-pose":
            expression = None
        picture: Tensor = model.dec(features, code + motion, expression)
        return picture, alpha

    def _pictures(self, pictures: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))).to(self.device)
        return tensor.float().div_(127.5).sub_(1)

    # --- looking ---

    @torch.no_grad()
    def look(self) -> Look:
        """How well unseen samples are drawn with the averaged weights; writes `PICTURE`."""
        own = {k: v.clone() for k, v in self.model.state_dict().items()}
        self.model.load_state_dict(self._averaged())
        try:
            chosen = self.unseen.part(slice(0, 8))
            drawn = torch.cat([self._drawn(chosen.part(slice(i, i + 2)))[0] for i in range(0, len(chosen), 2)])
        finally:
            self.model.load_state_dict(own)
        target = self._pictures(chosen.target)
        apart = (drawn.clamp(-1, 1) - target).square().mean(1)
        lips = torch.from_numpy(chosen.weight > 48).to(self.device)
        whole, mouth = float(apart.mean()), float(apart[lips].mean()) if bool(lips.any()) else float(apart.mean())
        self._strip(chosen, drawn)
        whole_db, mouth_db = (float(10 * np.log10(4 / max(e, 1e-9))) for e in (whole, mouth))
        return Look(self.step, self.seconds, whole_db, mouth_db)

    def _strip(self, sample: Material, drawn: Tensor) -> None:
        """Rows of samples: source, drivers of mouth, pose and expression, target, drawn."""
        from PIL import Image

        ours = ((drawn.clamp(-1, 1) + 1) * 127.5).permute(0, 2, 3, 1).cpu().numpy().astype(np.uint8)
        columns = (sample.source, sample.mouth, sample.pose, sample.expression, sample.target, ours)
        rows = [np.concatenate([c[i] for c in columns], 1) for i in range(min(_SHOWN, len(ours)))]
        Image.fromarray(np.concatenate(rows)).save(self.folder / PICTURE)

    def _log(self, look: Look) -> None:
        path = self.folder / LOG
        row = {"step": look.step, "seconds": round(look.seconds), "psnr_db": round(look.psnr_db, 2)}
        row |= {"lips_db": round(look.lips_db, 2), **{k: round(v, 4) for k, v in look.losses.items()}}
        fresh = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, row.keys())
            if fresh:
                writer.writeheader()
            writer.writerow(row)
