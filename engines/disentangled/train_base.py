"""Training of the shipped base on people drawn here, in steps that survive being killed.

Painters and reader share nothing and are taught one after the other, or side by side in two processes. Every step
takes some lessons of some people: the painters are compared with what the rig drew (L1 at three scales and of
gradients, what is the mouth's own counted most), the readers with the coordinates that the rig was given, and more so
where a reader's bank was held and another moved. Light, and for the readers the framing, is changed at random, the
same way in what is seen and what is wanted.
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from diffusers.training_utils import EMAModel
from torch import Tensor, nn
from torch.nn import functional

from engines import checkpoint
from engines.api import CancelToken
from engines.disentangled.base_lessons import Lessons, PainterLessons, ReaderLessons
from engines.disentangled.net_base import Base
from engines.edtalk.net_losses import picture_loss
from engines.errors import InputError, WeightsMissing
from engines.teaching.banks import EXPRESSION, MOUTH, POSE

PICTURE: Final = "progress.png"
_UNSEEN: Final = 12
"""Every so many people one is kept to check with."""
Part = Literal["painters", "reader"]
PARTS: Final[tuple[Part, ...]] = ("painters", "reader")
_MOST: Final = 2.5
"""Coordinates beyond this are too rare to be read."""
_HELD: Final = 3.0
"""How much more reading motion counts where there is none."""
BANKS: Final = {"mouth": MOUTH, "pose": POSE, "expression": EXPRESSION}
KINDS: Final[dict[Part, type[Lessons]]] = {"painters": PainterLessons, "reader": ReaderLessons}
"""What a part learns from."""


@dataclass(frozen=True)
class BasePlan:
    """How a part of the base is taught.

    Attributes
    ----------
    part : what learns
    steps : in all
    people, mouths, eyes, heads : of one step, the last three for each of the people
    rate : of Adam, falling along a cosine
    average : share of the past in the average of the weights
    check_every : steps between two looks at people kept apart
    seed : of everything random
    """

    part: Part = "painters"
    steps: int = 4500
    people: int = 4
    mouths: int = 2
    eyes: int = 4
    heads: int = 14
    rate: float = 1.2e-3
    average: float = 0.998
    check_every: int = 250
    seed: int = 1


@dataclass(frozen=True)
class BaseLook:
    """A look at people kept apart.

    Attributes
    ----------
    figures : by name; of the painters the PSNR in dB where the mouth's own colours show and of eyes, beside the moved
        patch alone (``moved``); of the reader the mean square error of a bank's
        coordinates as a part of their mean square (``unread``), and by how much it is seen to move while another does
        alone, as a part of what is seen when it moves itself (``POSE moves MOUTH``)
    """

    step: int
    seconds: float
    figures: dict[str, float]


class BaseTrainer:
    """Teaches the base in a folder, which it goes on in.

    Parameters
    ----------
    lessons : files of the part's `KINDS`
    folder : of state, log and pictures

    Raises
    ------
    InputError
        If there are too few lessons.
    WeightsMissing
        If the folder holds something else.
    """

    def __init__(self, lessons: list[Path], folder: Path, plan: BasePlan, device: str = "cpu") -> None:
        people = [KINDS[plan.part].load(path) for path in lessons]
        self.unseen = people[_UNSEEN // 2 :: _UNSEEN]
        self.taught = [p for i, p in enumerate(people) if i % _UNSEEN != _UNSEEN // 2]
        if len(self.taught) < plan.people or not self.unseen:
            raise InputError(f"{len(people)} people are too few: the base needs {_UNSEEN} or more.")
        self.folder, self.plan, self.device = folder, plan, torch.device(device)
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(plan.seed)
        self.model = Base().to(self.device)
        self.learns = learning(self.model, plan.part)
        self.optimiser = torch.optim.AdamW(self.learns.parameters(), plan.rate, (0.9, 0.99), weight_decay=1e-3)
        self.average = EMAModel(self.learns.parameters(), decay=plan.average, use_ema_warmup=True, power=0.75)
        self.step, self.seconds = 0, 0.0
        if self.state.exists():
            self._resume()

    @property
    def state(self) -> Path:
        """Where the state lies."""
        return self.folder / f"{self.plan.part}.pt"

    # --- state on disk ---

    def _save(self) -> None:
        content = {
            "weights": self.learns.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        partial = self.state.with_name(f".{self.state.name}")
        torch.save(content, partial)
        partial.replace(self.state)

    def _resume(self) -> None:
        content: Any = checkpoint.read(self.state)
        try:
            self.learns.load_state_dict(content["weights"])
            self.average.load_state_dict(content["average"])
            self.optimiser.load_state_dict(content["optimiser"])
            self.step, self.seconds = int(content["step"]), float(content["seconds"])
        except (KeyError, TypeError, RuntimeError, ValueError) as error:
            raise WeightsMissing(f"{self.state} is not what this version wrote. Delete it to begin anew.") from error

    def averaged(self) -> Swapped:
        """The averaged weights in place of the model's own, as a context."""
        return Swapped(self.average, self.learns)

    # --- teaching ---

    def run(
        self,
        *,
        tell: Callable[[BaseLook], None] = lambda look: None,
        cancel: CancelToken | None = None,
        keep_every_s: float = 120.0,
    ) -> None:
        """Teach to the end of the plan; the state is written every now and then, and at the end."""
        cancel = cancel or CancelToken()
        began, kept, before = time.process_time(), time.monotonic(), self.seconds
        try:
            while self.step < self.plan.steps:
                cancel.check()
                self._teach()
                self.step += 1
                self.seconds = before + time.process_time() - began
                if self.step % self.plan.check_every == 0 or self.step == self.plan.steps:
                    with self.averaged():
                        look = self.look()
                    self._log(look)
                    tell(look)
                if time.monotonic() - kept > keep_every_s:
                    self._save()
                    kept = time.monotonic()
        finally:
            self._save()

    def _teach(self) -> None:
        plan = self.plan
        rng = np.random.default_rng((plan.seed, self.step))
        rate = plan.rate * min(1.0, (self.step + 1) / 50)
        rate *= 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, self.step / plan.steps)))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        chosen = [self.taught[i] for i in rng.choice(len(self.taught), plan.people, replace=False)]
        self.model.train()
        if plan.part == "painters":
            mouth, _ = self._mouth(self._batch(chosen, "mouth", plan.mouths, rng), rng)
            eye, _ = self._eye(self._batch(chosen, "eye", plan.eyes, rng), rng)
            loss = mouth + 2 * eye
        else:
            seen, told = self._read(chosen, plan.heads, rng)
            loss = torch.stack([_misread(found, told[:, BANKS[name]]) for name, found in seen.items()]).sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.learns.parameters(), 5.0)
        self.optimiser.step()
        self.average.step(self.learns.parameters())
        self.model.eval()

    def _batch(
        self, people: Sequence[Lessons], what: str, count: int | None, rng: np.random.Generator | None
    ) -> dict[str, Tensor]:
        """Lessons of each of the people, ``count`` of them at random, or all."""
        parts: dict[str, list[np.ndarray]] = {}
        for person in people:
            whole = len(getattr(person, what))
            rows = np.arange(whole) if rng is None or count is None else rng.choice(whole, count, replace=False)
            for name, values in vars(person).items():
                if name.startswith(what):
                    parts.setdefault(name, []).append(values[rows])
        return {k: torch.from_numpy(np.concatenate(v)).to(self.device).float() for k, v in parts.items()}

    def _light(self, count: int, rng: np.random.Generator | None) -> Tensor:
        """What colours are multiplied by : (count, 3, 1, 1)."""
        if rng is None:
            return torch.ones(count, 3, 1, 1, device=self.device)
        gain = np.exp(rng.normal(0, 0.25, (count, 1)) + rng.normal(0, 0.07, (count, 3))).clip(0.4, 1.8)
        return torch.from_numpy(gain.astype(np.float32)).to(self.device)[..., None, None]

    def _mouth(self, batch: dict[str, Tensor], rng: np.random.Generator | None) -> tuple[Tensor, dict[str, Tensor]]:
        seen, light = batch["mouth"], self._light(len(batch["mouth"]), rng)
        colours = [((seen[:, k : k + 3] + 1) / 2 * light).clamp(0, 1) for k in (0, 3)]
        wanted = (batch["mouth_drawn"] / 255 * light).clamp(0, 1)
        inputs = torch.cat([2 * colours[0] - 1, 2 * colours[1] - 1, seen[:, 6:]], 1)
        inner, change = self.model.paint_mouth(inputs, batch["mouth_numbers"])
        opened, own = (seen[:, 6:7] + 1) / 2, batch["mouth_own"][:, None] / 255
        drawn = colours[0] + (1 - opened) * own * change
        drawn = drawn + opened * (inner - drawn)
        weight = 0.2 + own + 3 * opened
        loss = picture_loss(drawn, wanted, weight)
        return loss, {"drawn": drawn, "wanted": wanted, "moved": colours[0], "own": own}

    def _eye(self, batch: dict[str, Tensor], rng: np.random.Generator | None) -> tuple[Tensor, dict[str, Tensor]]:
        seen, light = batch["eye"], self._light(len(batch["eye"]), rng)
        moved, rest = (((seen[:, k : k + 3] + 1) / 2 * light).clamp(0, 1) for k in (0, 3))
        wanted = rest + batch["eye_change"] * light
        inputs = torch.cat([2 * moved - 1, 2 * rest - 1, seen[:, 6:]], 1)
        drawn = moved + self.model.paint_eye(inputs, batch["eye_numbers"])
        weight = 0.3 + 4 * batch["eye_change"].abs().amax(1, keepdim=True)
        return picture_loss(drawn, wanted, weight), {"drawn": drawn, "wanted": wanted, "moved": moved}

    def _read(
        self, people: Sequence[Lessons], count: int | None, rng: np.random.Generator | None
    ) -> tuple[dict[str, Tensor], Tensor]:
        """What each reader reads, (N, 20) and (N, 10), and what is true, (N, 36)."""
        read: dict[str, list[Tensor]] = {name: [] for name in self.model.reader}
        truth = []
        for person in people:
            assert isinstance(person, ReaderLessons)
            whole = len(person.told)
            rows = np.arange(whole) if rng is None or count is None else rng.choice(whole, count, replace=False)
            light = self._light(1, rng)
            for name, found in read.items():
                parts = getattr(person, f"photo_{name}")[None], getattr(person, f"seen_{name}")[rows]
                pictures = torch.from_numpy(np.concatenate(parts)).to(self.device).float() / 255
                pictures = 2 * (pictures * light).clamp(0, 1) - 1
                if rng is not None:
                    pictures = _framed(pictures, rng)
                    noise = torch.from_numpy(rng.normal(0, 0.02, pictures.shape).astype(np.float32))
                    pictures = pictures + noise.to(pictures)
                found.append(self.model.reader[name](pictures[1:], pictures[:1]))
            truth.append(torch.from_numpy(person.told[rows].astype(np.float32)).to(self.device).clamp(-_MOST, _MOST))
        return {name: torch.cat(found) for name, found in read.items()}, torch.cat(truth)

    # --- looking ---

    @torch.no_grad()
    def look(self) -> BaseLook:
        """How well the people kept apart are drawn or read; the painters write `PICTURE`."""
        self.model.eval()
        if self.plan.part == "reader":
            return BaseLook(self.step, round(self.seconds), self._tell_apart())
        _, mouth = self._mouth(self._batch(self.unseen, "mouth", None, None), None)
        _, eye = self._eye(self._batch(self.unseen, "eye", None, None), None)
        self._strip(mouth, eye)
        everywhere = torch.ones_like(eye["drawn"][:, :1])
        figures = {
            "mouth_db": _decibel(mouth["drawn"], mouth["wanted"], mouth["own"]),
            "mouth_db, moved": _decibel(mouth["moved"], mouth["wanted"], mouth["own"]),
            "eye_db": _decibel(eye["drawn"], eye["wanted"], everywhere),
            "eye_db, moved": _decibel(eye["moved"], eye["wanted"], everywhere),
        }
        return BaseLook(self.step, round(self.seconds), figures)

    def _tell_apart(self) -> dict[str, float]:
        """The readers' figures on the people kept apart."""
        seen, told = self._read(self.unseen, None, None)
        moves = torch.stack([told[:, span].any(1) for span in BANKS.values()])
        alone = {name: own & (moves.sum(0) == 1) for name, own in zip(BANKS, moves, strict=True)}
        figures = {}
        for name, found in seen.items():
            true = told[:, BANKS[name]]
            figures[f"unread, {name}"] = float((found - true).square().mean() / true.square().mean())
            sizes = {other: found[rows].square().mean().sqrt() for other, rows in alone.items()}
            for other in BANKS:
                if other != name:
                    figures[f"{other} moves {name}"] = float(sizes[other] / sizes[name])
        return {name: round(value, 3) for name, value in figures.items()}

    def _strip(self, *parts: dict[str, Tensor]) -> None:
        """Rows: the patch before, what is wanted, what is drawn; for mouths and for eyes."""
        from PIL import Image

        rows = []
        for part in parts:
            chosen = np.linspace(0, len(part["drawn"]) - 1, 16).astype(int)
            for name in ("moved", "wanted", "drawn"):
                picture = (part[name][chosen].clamp(0, 1) * 255).permute(0, 2, 3, 1).cpu().numpy().astype(np.uint8)
                rows.append(np.concatenate(list(picture), 1))
        width = max(r.shape[1] for r in rows)
        padded = [np.pad(r, ((0, 0), (0, width - r.shape[1]), (0, 0))) for r in rows]
        Image.fromarray(np.concatenate(padded)).save(self.folder / PICTURE)

    def _log(self, look: BaseLook) -> None:
        path = self.folder / f"{self.plan.part}.csv"
        row = {"step": look.step, "seconds": look.seconds, **look.figures}
        fresh = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, row.keys())
            if fresh:
                writer.writeheader()
            writer.writerow(row)


class Swapped:
    """The averaged weights in place of a model's own, for as long as it is entered."""

    def __init__(self, average: EMAModel, model: nn.Module) -> None:
        self._average, self._model = average, model

    def __enter__(self) -> None:
        self._average.store(self._model.parameters())
        self._average.copy_to(self._model.parameters())

    def __exit__(self, *_: object) -> None:
        self._average.restore(self._model.parameters())


def learning(base: Base, part: Part) -> nn.Module:
    """The part of the base that a plan teaches."""
    return base.reader if part == "reader" else nn.ModuleDict({"mouth": base.mouth, "eye": base.eye})


def files_in(folder: Path) -> list[Path]:
    """The lessons in a folder, in order."""
    return sorted(folder.glob("*.npz"))


def _misread(read: Tensor, told: Tensor) -> Tensor:
    """What is read wrong of a bank (N, K), as one number."""
    held = ~told.any(1)
    return ((read - told).square().mean(1) * (1 + (_HELD - 1) * held)).mean()


def _decibel(a: Tensor, b: Tensor, share: Tensor) -> float:
    """PSNR of colours from 0 to 1 where ``share`` counts."""
    error = ((a - b).square().mean(1, keepdim=True) * share).sum() / share.sum().clamp_min(1)
    return round(float(-10 * torch.log10(error.clamp_min(1e-9))), 2)


def _framed(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Pictures turned, scaled and shifted a little, all alike."""
    turn, scale = rng.normal(0, 0.05), np.exp(rng.normal(0, 0.06))
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    shift = rng.normal(0, 0.05, 2)
    matrix = torch.tensor([[cos, -sin, shift[0]], [sin, cos, shift[1]]], dtype=torch.float32).to(pictures)
    grid = functional.affine_grid(matrix[None], [1, *pictures.shape[1:]], align_corners=False)
    return functional.grid_sample(
        pictures, grid.expand(len(pictures), -1, -1, -1), padding_mode="border", align_corners=False
    )
