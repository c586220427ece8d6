"""Teaching a small autoencoder: frames to codes and back, in pieces that survive being killed.

What was found to work on a processor: the picture itself as target, the moved portrait as reference, a
code that is known, one x_T for all frames (half of the time, so that the network still knows other noise), Huber's
loss at three scales and on gradients with lips and eyes counting more, and an average of the weights. (L1 itself does
not take off here: the change of most pixels is nought most of the time, and so is its median.)
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.training_utils import EMAModel
from torch import Tensor, nn

from engines import checkpoint
from engines.api import CancelToken
from engines.diffusion_autoencoder.net_losses import picture_loss
from engines.diffusion_autoencoder.net_sampling import TRAINING_STEPS
from engines.diffusion_autoencoder.net_student import Student, StudentConfig, shared_noise
from engines.diffusion_autoencoder.pairs import Pairs
from engines.errors import InputError, WeightsMissing
from engines.teaching import bridge

_WITHHELD: Final = 0.5
"""Share of the pictures whose own numbers are withheld, so that known motion alone draws well, too."""
_NOISE: Final = 0.05
"""Spread of the noise on known codes: an encoder is never exact."""
_LIGHT: Final = 0.12
"""Spread of the gain and of the offset (of 1) that the colours of pictures get from which only known codes are read."""
_TOLD_EVERY_S: Final = 1.5


@dataclass(frozen=True)
class Plan:
    """How an actor is taught.

    Attributes
    ----------
    pictures : how many the network sees, at most
    batch : pictures of a step; the encoder sees ``encoder_share`` times as many
    rate : of Adam, falling over the last 40 %
    average : share of the past in the average of the weights
    check_every : steps between two looks at pictures it has not seen
    patience : looks without gain before teaching ends; 0 never
    seed : of everything random, x_T among it
    mixed : compute in bfloat16 where that is safe (weights stay float32); twice as fast on recent GPUs, slow elsewhere
    forgetful : remember less, compute more (`engines.diffusion_autoencoder.net.DiffusionAutoencoder`)
    """

    pictures: int = 24000
    batch: int = 4
    encoder_share: int = 4
    rate: float = 6e-4
    average: float = 0.995
    check_every: int = 200
    patience: int = 10
    seed: int = 1
    mixed: bool = False
    forgetful: bool = False

    @property
    def steps(self) -> int:
        return max(1, self.pictures // self.batch)


@dataclass
class Look:
    """How well unseen pictures are drawn.

    Attributes
    ----------
    pictures : seen so far
    reference_db, drawn_db : PSNR of the closed form and of the network
    reference_lips_db, drawn_lips_db : the same where the lips count
    code_error : mean error of the encoder, in units of the bridge
    """

    pictures: int
    reference_db: float
    drawn_db: float
    reference_lips_db: float
    drawn_lips_db: float
    code_error: float


@dataclass
class Told:
    """What a trainer tells while it works: the part done, seconds left; at looks, figures and a strip of pictures."""

    part: float
    left_s: float
    look: Look | None = None
    strip: np.ndarray | None = None


@dataclass
class State:
    """Where a trainer stands."""

    step: int = 0
    best: float = float("-inf")
    waited: int = 0
    seconds: float = 0.0
    looks: list[Look] = field(default_factory=list)


class Trainer:
    """Teaches one actor.

    Parameters
    ----------
    model : the network to teach, as it starts
    taught, unseen : pictures to learn from, and to check with
    weight : float32 (S, S), how much each pixel counts
    plan : how
    device : of torch
    """

    def __init__(
        self, model: Student, taught: Pairs, unseen: Pairs, weight: np.ndarray, plan: Plan, device: str = "cpu"
    ) -> None:
        if len(taught) < plan.batch:
            raise InputError(f"{len(taught)} frames are too few to learn an actor from. Give at least {plan.batch}.")
        self.model, self.taught, self.unseen, self.plan = model.to(device), taught, unseen, plan
        self.device = torch.device(device)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.weight = torch.from_numpy(weight).to(self.device)[None, None]
        self.noise = shared_noise(plan.seed, model.config).to(self.device)
        model.unet.forgetful = plan.forgetful
        self.optimiser = torch.optim.Adam(model.parameters(), lr=plan.rate, betas=(0.5, 0.99))
        self.average = EMAModel(list(model.parameters()), decay=plan.average, min_decay=0.0)
        self.state = State()

    # --- state on disk ---

    def save(self, path: Path) -> None:
        """Write everything that is needed to go on, under the final name only when it is whole."""
        looks = [vars(look) for look in self.state.looks]
        content = {
            "config": self.model.config.facts(),
            "model": self.model.state_dict(),
            "average": list(self.average.shadow_params),
            "optimiser": self.optimiser.state_dict(),
            "state": {**vars(self.state), "looks": looks},
        }
        partial = path.with_suffix(".part")
        torch.save(content, partial)
        partial.replace(path)

    def resume(self, path: Path) -> None:
        """Go on where `save` wrote.

        Raises
        ------
        WeightsMissing
            If the file is damaged or of a network of another size.
        """
        content: Any = checkpoint.read(path)
        try:
            if StudentConfig.from_facts(content["config"]) != self.model.config:
                raise WeightsMissing(f"{path} belongs to a network of another size. Choose another folder.")
            self.model.load_state_dict(content["model"])
            self.average.shadow_params = [p.to(self.device) for p in content["average"]]
            self.optimiser.load_state_dict(content["optimiser"])
            state = dict(content["state"])
            self.state = State(**{**state, "looks": [Look(**look) for look in state["looks"]]})
        except (KeyError, TypeError, RuntimeError, ValueError) as error:
            raise WeightsMissing(f"{path} is not what this version wrote. Delete it to begin anew.") from error

    def averaged(self) -> dict[str, np.ndarray]:
        """The averaged weights by name, half precision, for an actor."""
        return self._with_average(lambda: half(self.model))

    # --- teaching ---

    def run(
        self,
        *,
        tell: Callable[[Told], None] = lambda told: None,
        cancel: CancelToken | None = None,
        keep: Path | None = None,
        keep_every_s: float = 60.0,
    ) -> State:
        """Teach to the end of the plan, or until unseen pictures gain no more.

        Parameters
        ----------
        tell : called at every look, and every second or two between looks
        keep : file that the state is written to, every ``keep_every_s`` seconds and at the end

        Raises
        ------
        Cancelled
            When the user cancelled; the state is written before.
        """
        cancel = cancel or CancelToken()
        plan, state = self.plan, self.state
        began, kept, before = time.monotonic(), time.monotonic(), state.seconds
        first, told = state.step, began

        def left() -> float:
            return (time.monotonic() - began) / (state.step - first) * (plan.steps - state.step)

        try:
            while state.step < plan.steps:
                cancel.check()
                self._step(state.step)
                state.step += 1
                state.seconds = before + time.monotonic() - began
                if state.step % plan.check_every == 0 or state.step == plan.steps:
                    look, strip = self.look()
                    state.looks.append(look)
                    gained = look.drawn_lips_db + look.drawn_db - look.code_error
                    state.waited = 0 if gained > state.best + 0.02 else state.waited + 1
                    state.best = max(state.best, gained)
                    tell(Told(state.step / plan.steps, left(), look, strip))
                    told = time.monotonic()
                    if plan.patience and state.waited >= plan.patience:
                        break
                elif time.monotonic() - told > _TOLD_EVERY_S:
                    tell(Told(state.step / plan.steps, left()))
                    told = time.monotonic()
                if keep is not None and time.monotonic() - kept > keep_every_s:
                    self.save(keep)
                    kept = time.monotonic()
        finally:
            if keep is not None:
                self.save(keep)
        return state

    def _step(self, number: int) -> None:
        plan = self.plan
        rng = np.random.default_rng((plan.seed, number))
        torch_rng = torch.Generator().manual_seed(plan.seed * 1_000_003 + number)
        last = max(0.0, number / plan.steps - 0.6) / 0.4
        fall = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * last))
        for group in self.optimiser.param_groups:
            group["lr"] = plan.rate * min(1.0, (number + 1) / 20) * fall
        chosen = rng.choice(len(self.taught), plan.batch * plan.encoder_share)
        loss = self._loss(chosen, rng, torch_rng)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.average.step(self.model.parameters())

    def _loss(self, chosen: np.ndarray, rng: np.random.Generator, torch_rng: torch.Generator) -> Tensor:
        """What is wrong with pictures and codes of the lessons ``chosen``; the first ones are drawn."""
        plan = self.plan
        frames = self._pictures(self.taught.frames[chosen])
        codes = torch.from_numpy(self.taught.codes[chosen]).to(self.device)
        with self._precision():
            read = self.model.encode(self._lit(frames, torch_rng) + 0.03 * self._random(frames.shape, torch_rng))
        read = read.float()
        code_loss = F.smooth_l1_loss(read[:, : bridge.COUNT], codes, beta=0.3)
        own = slice(plan.batch)
        picture = frames[own]
        reference = self._pictures(self.taught.references[chosen[own]])
        code = torch.cat(
            [codes[own] + _NOISE * self._random(codes[own].shape, torch_rng), read[own, bridge.COUNT :]], 1
        )
        light = torch.from_numpy(rng.random(plan.batch) > _WITHHELD).float().to(self.device)[:, None]
        code = torch.cat([code[:, : bridge.COUNT], code[:, bridge.COUNT :] * light], 1)
        noisy, step = self._noisy(picture, rng, torch_rng)
        with self._precision():
            clean = self.model.clean(noisy, step, self.model.styles(code), reference)
        return picture_loss(clean.float(), picture, self.weight) + 0.5 * code_loss

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.plan.mixed)

    def _noisy(self, picture: Tensor, rng: np.random.Generator, torch_rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Noisy pictures and their steps; half of them at the noisiest step, where nothing of the picture is left."""
        count = len(picture)
        noisiest = rng.random(count) < 0.5
        steps = np.where(noisiest, TRAINING_STEPS - 1, rng.integers(0, TRAINING_STEPS, count))
        step, some = (torch.from_numpy(a).to(self.device) for a in (steps, ~noisiest))
        alpha = (self.model.signal(step) * some)[:, None, None, None]
        shared = torch.from_numpy(rng.random(count) < 0.5).to(self.device)[:, None, None, None]
        noise = torch.where(shared, self.noise, self._random(picture.shape, torch_rng))
        return alpha.sqrt() * picture + (1 - alpha).sqrt() * noise, step

    def _lit(self, frames: Tensor, torch_rng: torch.Generator) -> Tensor:
        """The frames, those that are not drawn in other light: what the face does must not be read off that."""
        shape = torch.Size([len(frames), 3, 1, 1])
        gain, offset = (_LIGHT * self._random(shape, torch_rng) for _ in range(2))
        beside = (torch.arange(len(frames), device=self.device) >= self.plan.batch)[:, None, None, None]
        return frames + beside * (gain * frames + offset)

    def _random(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        return torch.randn(shape, generator=generator).to(self.device)

    def _pictures(self, array: np.ndarray) -> Tensor:
        return tensor(array, self.device)

    # --- looking ---

    def look(self) -> tuple[Look, np.ndarray]:
        """Draw unseen pictures with the averaged weights: how well, and what they look like.

        Returns
        -------
        the figures; uint8 (3 S, 4 S, 3): four frames, the closed form of each, what the network made of it
        """
        return self._with_average(self._look)

    @torch.no_grad()
    def _look(self) -> tuple[Look, np.ndarray]:
        pairs = self.unseen
        drawn, errors = [], []
        for at in range(0, len(pairs), 16):
            part = pairs.part(slice(at, at + 16))
            drawn.append(draw_once(self.model, part, self.noise))
            read = self.model.encode(self._pictures(part.frames))[:, : bridge.COUNT].cpu().numpy()
            errors.append(np.abs(read - part.codes).mean(1))
        ours, frames = np.concatenate(drawn), pairs.frames.astype(np.float32)
        references = pairs.references.astype(np.float32)
        weight = self.weight[0, 0].cpu().numpy()
        lips = weight > 0.6 * weight.max()
        look = Look(
            self.state.step * self.plan.batch,
            decibel(references, frames),
            decibel(ours, frames),
            decibel(references[:, lips], frames[:, lips]),
            decibel(ours[:, lips], frames[:, lips]),
            float(np.concatenate(errors).mean()),
        )
        chosen = np.linspace(0, len(pairs) - 1, 4).astype(int)
        rows = [np.concatenate(list(part[chosen]), 1) for part in (frames, references, ours)]
        return look, np.clip(np.concatenate(rows) + 0.5, 0, 255).astype(np.uint8)

    def _with_average(self, act: Callable[[], Any]) -> Any:
        parameters = list(self.model.parameters())
        self.average.store(parameters)
        self.average.copy_to(parameters)
        try:
            return act()
        finally:
            self.average.restore(parameters)


def tensor(pictures: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """uint8 or float32 (N, S, S, 3) of 0 to 255 as (N, 3, S, S) in [-1, 1]."""
    moved = torch.from_numpy(np.ascontiguousarray(pictures)).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
    return moved.contiguous(memory_format=torch.channels_last)


def pictures(tensors: Tensor) -> np.ndarray:
    """The inverse of `tensor` : float32 (N, S, S, 3), 0 to 255."""
    return np.asarray(((tensors.clamp(-1, 1) + 1) * 127.5).permute(0, 2, 3, 1).cpu().numpy(), np.float32)


@torch.no_grad()
def draw_once(model: Student, pairs: Pairs, noise: Tensor) -> np.ndarray:
    """What a network draws of known codes in a single step : float32 (N, S, S, 3), 0 to 255."""
    count = len(pairs)
    code = np.zeros((count, model.config.code_dim), np.float32)
    code[:, : pairs.codes.shape[1]] = pairs.codes
    step = torch.full((count,), TRAINING_STEPS - 1, device=noise.device)
    styles = model.styles(torch.from_numpy(code).to(noise.device))
    reference = tensor(pairs.references, noise.device)
    return pictures(model.clean(noise.expand(count, -1, -1, -1), step, styles, reference))


def decibel(a: np.ndarray, b: np.ndarray) -> float:
    """PSNR of pictures of 0 to 255."""
    return float(10 * np.log10(255**2 / max(1e-9, float(np.square(a.astype(np.float32) - b).mean()))))


def half(model: nn.Module) -> dict[str, np.ndarray]:
    """A network's numbers by name, half precision, rows first (files know no other order)."""
    return {n: np.ascontiguousarray(v.detach().cpu().half().numpy()) for n, v in model.state_dict().items()}


def fill(model: Student, weights: dict[str, np.ndarray]) -> Student:
    """The network with the numbers that `half` took.

    Raises
    ------
    WeightsMissing
        If names or shapes are those of another network.
    """
    try:
        model.load_state_dict(
            {name: torch.from_numpy(np.asarray(value, np.float32)) for name, value in weights.items()}
        )
    except RuntimeError as error:
        raise WeightsMissing("The actor's network is damaged or of another version. Teach it again.") from error
    return model
