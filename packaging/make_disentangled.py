"""Make the base that the engine ``oneshot`` ships: lessons from made people, training, weights with their card.

    python packaging/make_disentangled.py lessons people work/lessons
    python packaging/make_disentangled.py train work/lessons work/base painters --steps 3700
    python packaging/make_disentangled.py train work/lessons work/base reader --steps 1750
    python packaging/make_disentangled.py ship work/lessons work/base assets/disentangled

``people`` is a folder of portraits, drawn by `make_people`. The rig moves each of them; who has no face that the fit
accepts is left out. Drawing and training can be stopped, and go on when run again; people that were drawn meanwhile
are taken up.
"""

from __future__ import annotations

import argparse
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engines.disentangled.train_base import Part


def draw(people: Path, folder: Path) -> None:
    """Lessons of everyone who has none yet."""
    from engines.disentangled.base_lessons import draw_lessons
    from engines.errors import StudioError
    from engines.face.portrait import load_portrait

    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(people.glob("[0-9]*.png")):
        output, refused = folder / f"{path.stem}.npz", folder / f"{path.stem}.refused"
        if output.exists() or refused.exists():
            continue
        began = time.process_time()
        try:
            draw_lessons(load_portrait(path), int(path.stem)).save(output)
        except StudioError as error:
            refused.write_text(f"{error}\n", encoding="utf-8")
            print(f"{path.name}: left out: {error}", flush=True)
            continue
        print(f"{path.name}: {time.process_time() - began:.1f} s of processor time", flush=True)


def train(folder: Path, output: Path, part: Part, steps: int, threads: int) -> None:
    """One part from its start, or where it stopped, to the end."""
    import torch

    from engines.disentangled.train_base import BasePlan, BaseTrainer, files_in

    torch.set_num_threads(threads)
    plan = BasePlan(part, steps)
    BaseTrainer(files_in(folder), output, plan).run(tell=lambda look: print(look, flush=True))


def ship(folder: Path, output: Path, target: Path) -> None:
    """What was learnt, with its card, where the engine finds it."""
    from engines.disentangled.train_base import PARTS, BasePlan, BaseTrainer, export, files_in

    trainers = [BaseTrainer(files_in(folder), output, BasePlan(part)) for part in PARTS]
    card = {
        "what": "Soliloquy's own small base: it paints mouths and eyes that a portrait does not show, and reads the 36 "
        "coordinates of a picture. Not EDTalk's weights, and trained on no photograph of anyone.",
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
    own = commands.add_parser("lessons")
    own.add_argument("people", type=Path)
    own.add_argument("folder", type=Path)
    own = commands.add_parser("train")
    own.add_argument("folder", type=Path)
    own.add_argument("output", type=Path)
    own.add_argument("part", choices=("painters", "reader"))
    own.add_argument("--steps", type=int, required=True)
    own.add_argument("--threads", type=int, default=1)
    own = commands.add_parser("ship")
    own.add_argument("folder", type=Path)
    own.add_argument("output", type=Path)
    own.add_argument("target", type=Path)
    options = parser.parse_args()
    if options.command == "lessons":
        draw(options.people, options.folder)
    elif options.command == "train":
        train(options.folder, options.output, options.part, options.steps, options.threads)
    else:
        ship(options.folder, options.output, options.target)


if __name__ == "__main__":
    main()
