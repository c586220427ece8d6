"""What the base's training made, as the file that is shipped, and its card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from torch import Tensor

from engines import checkpoint
from engines.disentangled.net_base import Base
from engines.disentangled.train_base import PARTS, BaseTrainer, Part, learning
from engines.errors import InputError

NETWORK: Final = "base.safetensors"
CARD: Final = "card.json"


def export(trainers: Sequence[BaseTrainer], folder: Path, card: dict[str, Any]) -> list[Path]:
    """Write the averaged networks in half precision, and their card.

    Parts that have no trainer stay as they are in the folder.

    Raises
    ------
    InputError
        If a part has neither a trainer nor is in the folder.
    """
    from safetensors.torch import save_file

    whole = Base()
    facts: dict[str, Any] = dict(card)
    taught = {trainer.plan.part: trainer for trainer in trainers}
    for part in PARTS:
        learns = learning(whole, part)
        if part not in taught:
            learns.load_state_dict(_kept(whole, part, folder / NETWORK))
            facts[part] = json.loads((folder / CARD).read_text(encoding="utf-8"))[part]
            continue
        trainer = taught[part]
        with trainer.averaged():
            learns.load_state_dict(trainer.learns.state_dict())
            look = trainer.look()
        facts[part] = {
            "steps": trainer.step,
            "seconds of processor time": round(trainer.seconds),
            "people": len(trainer.taught),
            "people kept apart": len(trainer.unseen),
            "figures on those": look.figures,
            "plan": {k: v for k, v in asdict(trainer.plan).items() if k not in ("part", "steps")},
        }
    state = {k: v.detach().half().contiguous().clone() for k, v in whole.state_dict().items()}
    partial = folder / f".{NETWORK}.part"
    save_file(state, partial, metadata={"made by": "Soliloquy"})
    partial.replace(folder / NETWORK)
    (folder / CARD).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return [folder / NETWORK, folder / CARD]


def _kept(whole: Base, part: Part, path: Path) -> dict[str, Tensor]:
    """A part's weights as they lie in a file."""
    if not path.exists():
        raise InputError(f"The {part} were neither taught nor are they in {path}. Teach them first.")
    state = checkpoint.read(path)
    own = learning(whole, part).state_dict()
    beside = "reader." if part == "reader" else ""
    return {name: state[beside + name].float() for name in own}
