"""Teach the generator of mouths that the engine stylegan begins with, on people whom this repository draws itself.

``python packaging/make_people.py MAKEHUMAN PEOPLE --count 24`` draws the people; then

``python packaging/make_stylegan.py PEOPLE assets/stylegan/mouth.safetensors [--people 16] [--steps 1600]``

For each of them the portrait rig teaches the closed form and draws lessons that show what the closed form lacks around
the mouth; a StyleGAN2 generator of 64 pixels learns that from a latent for each person and the 32 channels of a frame,
by reconstruction and, in the last half, a discriminator. The last people are kept back, to say what it knows of
strangers.
Drawn lessons are kept beside the output until it is made, so that the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engines import registry
from engines.blendshape.actor import BlendshapeActor
from engines.blendshape.engine import BlendshapeEngine
from engines.face.portrait import load_portrait
from engines.stylegan.touch import SIDE, mouths_of
from engines.teaching.closed import teach

if TYPE_CHECKING:
    from engines.stylegan.net_touch import Mouths

STRANGERS = 2


def lessons_of(portrait: Path, count: int, person: int, kept: Path) -> Mouths:
    """What one portrait teaches, drawn once."""
    from engines.stylegan.net_touch import Mouths

    if kept.exists():
        with np.load(kept) as data:
            return Mouths(**{n: data[n] for n in ("pictures", "references", "numbers")}, person=np.full(count, person))
    rig = BlendshapeEngine(registry.info("blendshape")).prepare(load_portrait(portrait))
    assert isinstance(rig, BlendshapeActor)
    mouths = mouths_of(teach(rig), count, seed=300 + person, person=person)
    np.savez(kept, pictures=mouths.pictures, references=mouths.references, numbers=mouths.numbers)
    return mouths


def joined(parts: list[Mouths]) -> Mouths:
    from engines.stylegan.net_touch import Mouths

    names = ("pictures", "references", "numbers", "person")
    return Mouths(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})


def decibel(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, float(np.square(a.astype(np.float32) - b).mean()))))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--people", type=int, default=16, dest="count")
    parser.add_argument("--lessons", type=int, default=120)
    parser.add_argument("--steps", type=int, default=1600)
    parser.add_argument("--adversarial", type=float, default=0.01)
    parser.add_argument("--work", type=Path, help="folder for drawn lessons, default OUTPUT.work")
    args = parser.parse_args()
    import torch
    from safetensors.torch import save_file

    from engines.stylegan.net_touch import CONFIG, Mouths, Touch, drawn, learn

    torch.manual_seed(1)
    work = args.work or args.output.with_suffix(".work")
    work.mkdir(parents=True, exist_ok=True)
    found = sorted(args.people.glob("*.png"))[: args.count]
    parts = []
    for person, path in enumerate(found):
        parts.append(lessons_of(path, args.lessons, person, work / f"{path.stem}.npz"))
        print(f"{path.name}: {len(parts)} of {len(found)}", flush=True)
    taught = joined(parts[:-STRANGERS])
    unseen = np.arange(len(taught)) % 10 == 0
    check, taught = taught.part(unseen), taught.part(~unseen)
    model = Touch(len(found) - STRANGERS)
    began = time.process_time()

    def advance(step: int, loss: float) -> None:
        if step % 100 == 99:
            print(f"step {step + 1}: {loss:.4f}, {time.process_time() - began:.0f} s of CPU", flush=True)

    learn(model, taught, args.steps, adversarial=args.adversarial, advance=advance)
    strangers = joined(parts[-STRANGERS:])
    figures = {
        "closed_form_db": round(decibel(check.references, check.pictures), 2),
        "with_it_db": round(decibel(drawn(model, check), check.pictures), 2),
    }
    with torch.no_grad():
        known = model.people.clone()
        model.people.copy_(known.mean(0, keepdim=True).expand_as(known))
    blind = Mouths(strangers.pictures, strangers.references, strangers.numbers, 0 * strangers.person)
    figures |= {
        "strangers_closed_form_db": round(decibel(blind.references, blind.pictures), 2),
        "strangers_with_it_db": round(decibel(drawn(model, blind), blind.pictures), 2),
    }
    with torch.no_grad():
        model.people.copy_(known)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.detach().half().contiguous() for k, v in model.state_dict().items()}, args.output)
    card = {
        "what": "a StyleGAN2 generator of what a taught mouth lacks, from 32 channels and a latent of the person",
        "made_from": f"{len(found) - STRANGERS} people who do not exist, drawn by packaging/make_people.py and moved "
        f"by the portrait rig; {args.lessons} lessons each",
        "licence": "Apache-2.0",
        "command": f"python packaging/make_stylegan.py PEOPLE assets/stylegan/{args.output.name} --people {args.count} "
        f"--lessons {args.lessons} --steps {args.steps} --adversarial {args.adversarial}",
        "config": asdict(CONFIG) | {"square_px": SIDE},
        "cpu_minutes": round((time.process_time() - began) / 60, 1),
        "figures": figures,
    }
    args.output.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    print(figures)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
