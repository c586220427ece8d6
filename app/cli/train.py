"""The command train: an engine learns an actor, or its network."""

from __future__ import annotations

import argparse
import errno
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli import train_disentangled, train_stylegan
from engines.errors import OutOfMemory, StudioError

if TYPE_CHECKING:
    from app.cli.report import Report
    from engines.api import CancelToken
    from engines.diffusion_autoencoder.workshop import News

_CHECK = ("pictures", "reference_db", "drawn_db", "reference_lips_db", "drawn_lips_db")


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> list[argparse.ArgumentParser]:
    """What ``soliloquy train`` understands; returns its parsers, for options that all commands have."""
    train = commands.add_parser("train", help="let an engine learn")
    engines = train.add_subparsers(dest="what", metavar="ENGINE", required=True)
    dae = engines.add_parser(
        "dae",
        help="the diffusion autoencoder: an actor from a portrait or from footage",
        description="Learn an actor. From a portrait the rig draws the lessons; from a video, or a folder that "
        "'soliloquy footage' made, the real frames are the lessons. Stop it when you like: the same command goes on. "
        "The newest pictures lie in FOLDER/work/progress.png. Without -o the actor goes to the user's actors, where "
        "the engine finds it for the same portrait; with -o, draw it by: "
        "soliloquy render FOLDER/portrait.png VOICE --engine diffusion_autoencoder -o OUT. On one processor core "
        "10,000 pictures of 96 px take about ten minutes when nothing else runs.",
    )
    dae.add_argument("source", type=Path, metavar="PORTRAIT|VIDEO|FOOTAGE")
    dae.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="of the actor")
    dae.add_argument("--name", default="", help="of the actor, default the folder's")
    dae.add_argument("--size", type=int, default=96, metavar="PX", help="side of the network's window, default 96")
    dae.add_argument("--lessons", type=int, default=1200, metavar="N", help="frames that the rig draws, default 1200")
    dae.add_argument("--pictures", type=int, default=24000, metavar="N", help="pictures to learn from, default 24000")
    dae.add_argument("--fresh", action="store_true", help="begin with an empty network, not with the shipped one")
    dae.add_argument("--seed", type=int, default=1, metavar="N", help="another number, another actor")
    dae.add_argument("--low-memory", action="store_true", help="take less memory and a third more time")
    dae.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    return [dae, train_disentangled.add_parser(engines), train_stylegan.add_parser(engines)]


def train(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy train``."""
    if options.what == "disentangled":
        return train_disentangled.train(options, report, cancel)
    if options.what == "stylegan":
        with _said_clearly(options.output):
            return train_stylegan.train(options, report, cancel)
    from engines import registry
    from engines.devices import device_of
    from engines.diffusion_autoencoder.actor import CARD, PREVIEW
    from engines.diffusion_autoencoder.bench import Order
    from engines.diffusion_autoencoder.engine import actors_folder
    from engines.diffusion_autoencoder.workshop import make_actor, minutes

    folder = options.output or actors_folder() / (options.name or options.source.stem)
    order = Order(options.source, options.size, options.lessons, options.pictures, options.fresh, options.seed)

    def tell(news: News) -> None:
        left = "" if news.left_s is None else f", {minutes(news.left_s)} left"
        report.progress(news.part, news.what + left)
        if news.figures:
            report.note(", ".join(f"{k} {news.figures[k]}" for k in _CHECK if k in news.figures))

    command = shlex.join(["soliloquy", *sys.argv[1:]])
    with _said_clearly(folder):
        card = make_actor(
            order, folder, registry.info("diffusion_autoencoder"), name=options.name, command=command,
            device=device_of(options.device), low_memory=options.low_memory, tell=tell, cancel=cancel,
        )  # fmt: skip
    for name, value in card.figures.items():
        report.note(f"{name}: {value}")
    return [folder / CARD, folder / PREVIEW]


@contextmanager
def _said_clearly(folder: Path) -> Iterator[None]:
    """What PyTorch and the system say about memory and disks, in words that help."""
    full = f"The disk is full: {folder} could not be written. Free some space; the same command goes on."
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StudioError(full) from error
        raise StudioError(f"{folder} cannot be used: {error}.") from error
    except RuntimeError as error:
        text = str(error).lower()
        if "out of memory" in text or "allocate memory" in text:
            raise OutOfMemory(
                "The device ran out of memory. Close other programs, choose --low-memory, a smaller --size or "
                "--device cpu; what was learnt up to the last minute is kept."
            ) from error
        if "pytorchstreamwriter" in text or "inline_container" in text:  # how torch.save says that a disk is full
            raise StudioError(full) from error
        raise
