"""The command train disentangled: EDTalk's network learns from portraits or footage."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.cli.report import Report
    from engines.api import CancelToken
    from engines.edtalk.train import Look


def add_parser(engines: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """What ``soliloquy train disentangled`` understands."""
    own = engines.add_parser(
        "disentangled",
        help="EDTalk's network: from portraits that the rig moves, or from footage",
        description="Train EDTalk's network with its published losses. From portraits the rig draws the lessons; "
        "folders that 'soliloquy footage' made give real ones. Stop it when you like: the same command goes on. FOLDER "
        "holds progress.png, log.csv, training.pt and EDTalk.safetensors, which 'soliloquy weights import' takes for "
        "the engine edtalk. Expect hours on a GPU; a processor is for trying out.",
    )
    own.add_argument(
        "sources", type=Path, nargs="+", metavar="PORTRAIT|FOLDER", help="pictures, folders of them, footage"
    )
    own.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    own.add_argument("--start", metavar="WEIGHTS", help="begin with these weights of the store, e.g. edtalk")
    own.add_argument("--size", type=int, default=128, metavar="PX", help="64, 128 or 256; default 128")
    own.add_argument("--width", type=float, default=0.25, help="channels beside the official network's, default 0.25")
    own.add_argument("--stage", choices=("all", "mouth-pose", "expression"), default="all", help="what learns")
    own.add_argument(
        "--decoder-only", action="store_true", help="keep encoder and banks (one person, official weights)"
    )
    own.add_argument("--perceptual", type=Path, metavar="FILE", help="torchvision's VGG19, for the perceptual loss")
    own.add_argument(
        "--adversarial", type=float, default=0.0, metavar="W", help="weight of the discriminator, default 0"
    )
    own.add_argument("--samples", type=int, default=1200, metavar="N", help="lessons of all sources together")
    own.add_argument("--steps", type=int, default=20000, metavar="N")
    own.add_argument("--batch", type=int, default=4, metavar="N")
    own.add_argument("--check-every", type=int, default=200, metavar="N", help="steps between two looks")
    own.add_argument("--seed", type=int, default=1, metavar="N")
    own.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    return own


def train(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy train disentangled``."""
    from engines.edtalk.train import Plan
    from engines.edtalk.workshop import Order, make_network

    def tell(part: float, look: Look) -> None:
        report.progress(part, f"step {look.step}, {look.psnr_db:.1f} dB, lips {look.lips_db:.1f} dB")

    plan = Plan(
        options.steps, options.batch, stage=options.stage, decoder_only=options.decoder_only,
        adversarial=options.adversarial, check_every=options.check_every, seed=options.seed,
    )  # fmt: skip
    order = Order(
        tuple(options.sources), options.samples, options.size, options.width, options.start or "", options.perceptual
    )
    command = shlex.join(["soliloquy", *sys.argv[1:]])
    return make_network(
        order, plan, options.output, device=options.device, command=command, tell=tell, progress=report.progress,
        cancel=cancel,
    )  # fmt: skip
