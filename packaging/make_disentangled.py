"""Make the base that the engine ``oneshot`` ships: lessons from made people, training, weights with their card.

    python packaging/make_disentangled.py lessons people work painters
    python packaging/make_disentangled.py lessons people work reader
    python packaging/make_disentangled.py train work painters --steps 3700
    python packaging/make_disentangled.py train work reader --steps 1800
    python packaging/make_disentangled.py ship work assets/disentangled

``people`` is a folder of portraits, drawn by `make_people`. The rig moves each of them; who has no face that the fit
accepts is left out. Drawing and training can be stopped, and go on when run again; people that were drawn meanwhile
are taken up. A part that was not trained in ``work`` is shipped as it was.
"""

from __future__ import annotations

import argparse
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engines.disentangled.train_base import BaseTrainer, Part


def draw(people: Path, work: Path, part: Part) -> None:
    """Lessons of everyone who has none yet."""
    from engines.disentangled.train_base import KINDS
    from engines.errors import StudioError
    from engines.face.portrait import load_portrait

    folder = work / f"{part} lessons"
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(people.glob("[0-9]*.png")):
        output, refused = folder / f"{path.stem}.npz", folder / f"{path.stem}.refused"
        if output.exists() or refused.exists():
            continue
        began = time.process_time()
        try:
            KINDS[part].draw(load_portrait(path), int(path.stem)).save(output)
        except StudioError as error:
            refused.write_text(f"{error}\n", encoding="utf-8")
            print(f"{path.name}: left out: {error}", flush=True)
            continue
        print(f"{path.name}: {time.process_time() - began:.1f} s of processor time", flush=True)


def trainer_of(work: Path, part: Part, steps: int) -> BaseTrainer:
    """A part's trainer, where it stopped or at its start."""
    from engines.disentangled.train_base import BasePlan, BaseTrainer, files_in

    return BaseTrainer(files_in(work / f"{part} lessons"), work / "base", BasePlan(part, steps))


def train(work: Path, part: Part, steps: int, threads: int) -> None:
    """One part from its start, or where it stopped, to the end."""
    import torch

    torch.set_num_threads(threads)
    trainer_of(work, part, steps).run(tell=lambda look: print(look, flush=True))


def ship(work: Path, target: Path) -> None:
    """What was learnt, with its card, where the engine finds it."""
    from engines.disentangled.train_base import PARTS
    from engines.disentangled.train_ship import export

    trainers = [trainer_of(work, part, 0) for part in PARTS if (work / f"base/{part}.pt").exists()]
    card = {
        "what": "Soliloquy's own small base: it paints mouths and eyes that a portrait does not show, and reads the "
        "coordinates of mouth and expression from a head held still. Not EDTalk's weights, and trained on no "
        "photograph of anyone.",
        "data": "portraits of made people (packaging/make_people.py), moved by the portrait rig",
        "licence": "Apache-2.0; people from MakeHuman's CC0 mesh and targets",
        "hardware": f"one thread of an {platform.machine()} processor",
        "command": "packaging/make_disentangled.py, as it says at its head",
    }
    target.mkdir(parents=True, exist_ok=True)
    for path in export(trainers, target, card):
        print(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    parts = ("painters", "reader")
    own = commands.add_parser("lessons")
    own.add_argument("people", type=Path)
    own.add_argument("work", type=Path)
    own.add_argument("part", choices=parts)
    own = commands.add_parser("train")
    own.add_argument("work", type=Path)
    own.add_argument("part", choices=parts)
    own.add_argument("--steps", type=int, required=True)
    own.add_argument("--threads", type=int, default=1)
    own = commands.add_parser("ship")
    own.add_argument("work", type=Path)
    own.add_argument("target", type=Path)
    options = parser.parse_args()
    if options.command == "lessons":
        draw(options.people, options.work, options.part)
    elif options.command == "train":
        train(options.work, options.part, options.steps, options.threads)
    else:
        ship(options.work, options.target)


if __name__ == "__main__":
    main()
