"""Making an actor from start to end: frames, autoencoder, codes, speech to latent; every stage is kept on disk.

A folder that was begun goes on where it stopped: killed training loses a minute at most. What is being made lies in
``FOLDER/work``; the actor itself appears in the folder once it can be used, and is replaced as it gets better.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from engines.api import CancelToken, EngineInfo, Progress
from engines.diffusion_autoencoder import actor as actors
from engines.diffusion_autoencoder.actor import Card
from engines.diffusion_autoencoder.bench import Bench, Order, lay_ready
from engines.diffusion_autoencoder.decode import Decoder
from engines.diffusion_autoencoder.speech import LEAST_SPOKEN, Heard, Speaker, learn
from engines.diffusion_autoencoder.teach import Material, network_of
from engines.errors import InputError
from engines.teaching import bridge

SETTINGS, LIVE = "settings.json", "progress.png"
"""In the work folder: the order, and the newest pictures."""
_STATE = "training.pt"


@dataclass(frozen=True)
class News:
    """What is told while an actor is made: the part done, seconds left if known, what goes on, figures, pictures."""

    part: float
    what: str
    left_s: float | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    strip: np.ndarray | None = None


Tell = Callable[[News], None]


def make_actor(
    order: Order,
    folder: Path,
    info: EngineInfo,
    *,
    name: str = "",
    command: str = "",
    device: str = "cpu",
    low_memory: bool = False,
    check_every: int = 200,
    tell: Tell = lambda news: None,
    cancel: CancelToken | None = None,
) -> Card:
    """Make an actor, or go on making it.

    Parameters
    ----------
    folder : of the actor
    info : of the engine, for messages
    name : of the actor, default the folder's
    command : for its card
    low_memory : take less memory and more time
    check_every : steps between two looks at unseen pictures

    Raises
    ------
    InputError
        When the source cannot be used, or the folder was begun with another order.
    Cancelled
        When the user cancelled; the same call goes on.
    """
    cancel = cancel or CancelToken()
    work = folder / "work"
    _begin(order, folder, work)

    def progress(first: float, last: float) -> Progress:
        return lambda part, what: tell(News(first + (last - first) * part, what))

    bench = lay_ready(order, folder, work, info, progress=progress(0.0, 0.15), cancel=cancel)
    trainer = _trainer(order, bench.material, work / _STATE, device, check_every, low_memory)

    def look(told: Any) -> None:
        if told.strip is not None:
            _replace_picture(work / LIVE, told.strip)
        seen = {} if told.look is None else asdict(told.look)
        figures = {k: round(v, 3) if isinstance(v, float) else v for k, v in seen.items()}
        tell(News(0.15 + 0.8 * told.part, "Teaching the network", told.left_s, figures, told.strip))

    state = trainer.run(tell=look, cancel=cancel, keep=work / _STATE)
    tell(News(0.95, "Reading codes"))
    network = network_of(trainer, bench.material)
    decoder = Decoder(network)
    last, strip = trainer.look()
    figures = {
        **{k: round(v, 3) if isinstance(v, float) else v for k, v in asdict(last).items()},
        "frames_taught": len(bench.material.taught),
        "frames_unseen": len(bench.material.unseen),
        "minutes": round(state.seconds / 60, 1),
        "gain": network.gain,
    }
    speaker = _speaker(bench, decoder, device, figures, progress(0.96, 1.0), cancel)
    facts = {
        "config": network.config,
        "seed": network.seed,
        "gain": network.gain,
        "digest": actors.digest_of(network),
    }
    card = Card(name or folder.name, bench.portrait.digest(), _made_from(order), bench.licence, command, facts, figures)
    actors.save_actor(folder, card, bench.portrait, network, _codes(decoder, bench), strip, speaker)
    tell(News(1.0, "Done", 0.0, figures, strip))
    return card


def _made_from(order: Order) -> str:
    if order.kind == "picture":
        return f"one portrait, taught by the rig ({order.lessons} lessons)"
    return f"footage {order.source.name}"


def _speaker(
    bench: Bench,
    decoder: Decoder,
    device: str,
    figures: dict[str, Any],
    progress: Progress,
    cancel: CancelToken,
) -> Speaker | None:
    """How the person speaks, where there is footage with a voice; its figures go to ``figures``."""
    if bench.footage is None or bench.chosen is None:
        return None
    from engines.diffusion_autoencoder.footage import speech_of
    from engines.diffusion_autoencoder.net_speech import SpeechConfig

    progress(0.0, "Listening to the footage")
    stretches = speech_of(bench.rig, bench.window, bench.footage, bench.chosen, decoder.encode, cancel)
    if sum(len(codes) for _, codes in stretches) < LEAST_SPOKEN:
        figures["speech"] = "not learnt: too little footage with a voice"
        return None
    together = np.concatenate([codes for _, codes in stretches])
    mean = together.mean(0)
    std = np.maximum(together.std(0), 0.05)
    heard = [Heard(sound, (codes - mean) / std, codes[:, bridge.HEAD]) for sound, codes in stretches]
    config = SpeechConfig(features=stretches[0][0].shape[1], code_dim=together.shape[1])
    weights, found = learn(heard, config, device=device, progress=progress, cancel=cancel)
    figures["speech"] = found
    return Speaker(config.facts(), weights, mean, std)


def _begin(order: Order, folder: Path, work: Path) -> None:
    """Make the folder, or check that it was begun with the same order."""
    if not order.source.exists():
        raise InputError(f"There is no file or folder {order.source}. Give a portrait, a video or a footage folder.")
    if not 32 <= order.size <= 512 or order.size % 16:
        raise InputError(f"A window of {order.size} px is not possible. Choose 64, 96, 128 ... up to 512.")
    facts = {**asdict(order), "source": str(order.source.resolve())}
    path = work / SETTINGS
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        changed = [k for k in facts if k != "pictures" and before.get(k) != facts[k]]
        if changed:
            raise InputError(
                f"{folder} was begun with another {', '.join(changed)}. Choose another folder, or delete {work}."
            )
    if actors.is_actor(folder) and not path.is_file():
        raise InputError(f"{folder} holds a finished actor without its work folder. Choose another folder.")
    work.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def _trainer(order: Order, material: Material, state: Path, device: str, check_every: int, low_memory: bool) -> Any:
    import torch

    from engines.diffusion_autoencoder.net_student import Student, StudentConfig
    from engines.diffusion_autoencoder.train import Plan, Trainer, fill

    torch.manual_seed(order.seed)
    config = replace(StudentConfig(), size=order.size)
    model = Student(config)
    if not order.fresh and actors.is_actor(actors.SHIPPED):
        base = actors.read_network(actors.SHIPPED)
        if StudentConfig.from_facts(base.config) == config:
            fill(model, base.weights)
    mixed = device.startswith("cuda") and torch.cuda.is_bf16_supported()
    plan = Plan(pictures=order.pictures, check_every=check_every, seed=order.seed, mixed=mixed, forgetful=low_memory)
    trainer = Trainer(model, material.taught, material.unseen, material.weight, plan, device)
    if state.is_file():
        trainer.resume(state)
    return trainer


def _codes(decoder: Decoder, bench: Bench) -> dict[str, np.ndarray]:
    """What the encoder reads off the frames: codes, their mean and spread, poses, and the motion that was known."""
    taught = bench.material.taught
    codes = np.concatenate([decoder.encode(taught.frames[i : i + 32]) for i in range(0, len(taught), 32)])
    spread = codes.std(0)
    return {
        "codes": codes.astype(np.float16),
        "mean": codes.mean(0),
        "std": np.where(spread > 1e-6, spread, 1).astype(np.float32),
        "poses": bench.heads.astype(np.float32),
        "motion": taught.codes.astype(np.float16),
    }


def _replace_picture(path: Path, picture: np.ndarray) -> None:
    partial = path.with_suffix(".part")
    Image.fromarray(picture).save(partial, "PNG")
    partial.replace(path)


def minutes(seconds: float) -> str:
    """A time for people."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
