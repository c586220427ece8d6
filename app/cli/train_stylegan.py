"""The command train stylegan: a StyleGAN2 generator learns faces."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.cli.report import Report
    from engines.api import CancelToken
    from engines.stylegan.train import Look


def add_parser(engines: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """What ``soliloquy train stylegan`` understands."""
    own = engines.add_parser(
        "stylegan",
        help="a StyleGAN2 generator: from portraits that the rig moves, or from footage",
        description="Train a StyleGAN2 generator with path length and R1 regularisation, adaptive augmentation and an "
        "average of its weights. From portraits the rig draws the faces; folders that 'soliloquy footage' made give "
        "real ones. Beside the adversarial aim it reconstructs what it is shown, from a latent for each person and the "
        "35 numbers of a frame. Stop it when you like: the same command goes on. FOLDER holds progress.png, log.csv, "
        "training.pt and generator.safetensors, which 'soliloquy weights import --as stylegan-own' takes for the "
        "engine stylegan. Expect hours on a GPU from 128 px on; a processor is for 64 px.",
    )
    own.add_argument(
        "sources", type=Path, nargs="+", metavar="PORTRAIT|FOLDER", help="pictures, folders of them, footage"
    )
    own.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    own.add_argument(
        "--start", default="", metavar="WEIGHTS",
        help="tune this generator of the weights store, such as stylegan2-256, to the faces (an actor): size and "
        "channels are its own, there is no discriminator, and its licence holds on",
    )  # fmt: skip
    own.add_argument("--size", type=int, default=64, metavar="PX", help="32, 64 ... 1024; default 64")
    own.add_argument("--channels", type=int, default=32, metavar="N", help="of the finest resolution, default 32")
    own.add_argument("--pictures", type=int, default=3000, metavar="N", help="faces of all sources together")
    own.add_argument("--steps", type=int, metavar="N", help="default 20000, with --start 2000")
    own.add_argument("--batch", type=int, default=8, metavar="N")
    own.add_argument(
        "--reconstruct", type=float, default=5.0, metavar="W", help="weight of it, default 5; 0: a plain GAN"
    )
    own.add_argument("--adversarial", type=float, default=1.0, metavar="W", help="weight of it, default 1")
    own.add_argument(
        "--adversarial-from", type=int, default=0, metavar="N", help="step at which the discriminator comes in"
    )
    own.add_argument("--no-augment", action="store_true", help="show the discriminator the pictures as they are")
    own.add_argument("--check-every", type=int, default=200, metavar="N", help="steps between two looks")
    own.add_argument("--seed", type=int, default=1, metavar="N")
    own.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    return own


def train(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy train stylegan``."""
    from engines.stylegan.train import Plan
    from engines.stylegan.workshop import Order, make_generator

    def tell(part: float, look: Look) -> None:
        report.progress(part, f"step {look.step}, {look.psnr_db:.1f} dB, mouth {look.mouth_db:.1f} dB")

    pivotal = bool(options.start)
    plan = Plan(
        options.steps or (2000 if pivotal else 20000), options.batch, reconstruct=options.reconstruct,
        adversarial=0.0 if pivotal else options.adversarial, adversarial_from=options.adversarial_from,
        augment=not options.no_augment, check_every=options.check_every, seed=options.seed, pivotal=pivotal,
    )  # fmt: skip
    order = Order(tuple(options.sources), options.pictures, options.size, options.channels, options.start)
    command = shlex.join(["soliloquy", *sys.argv[1:]])
    return make_generator(
        order, plan, options.output, device=options.device, command=command, tell=tell, progress=report.progress,
        cancel=cancel,
    )  # fmt: skip
