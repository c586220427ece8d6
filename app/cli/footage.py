"""The command footage: clips become frames, sound and performances that engines learn from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.cli.report import Report
    from engines.api import CancelToken


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """What ``soliloquy footage`` understands."""
    parser = commands.add_parser(
        "footage",
        help="turn clips of one person into footage that engines learn from",
        description="Cut clips into aligned frames, their sound and the motion in them, and say what was dropped and "
        "why. A sound file beside a clip with its name (NAME.wav) is its sound. A folder with footage gets more.",
    )
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP", help="videos, or folders of them")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="FOLDER")
    parser.add_argument("--size", type=int, default=256, metavar="PX", help="side of the frames, default 256")
    parser.add_argument("--fps", default="25", metavar="RATE", help="frame rate, default 25")
    parser.add_argument(
        "--layout", choices=("ffhq", "fixed"), default="ffhq",
        help="ffhq follows the head (StyleGAN, DiffAE), fixed is one square a clip (DAE-Talker, EDTalk)",
    )  # fmt: skip
    parser.add_argument("--silent", action="store_true", help="keep clips without sound, too")
    parser.add_argument("--shortest", type=float, default=1.0, metavar="S", help="shortest clip in seconds, default 1")
    return parser


def footage(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy footage``."""
    from engines.capture.footage import MANIFEST
    from engines.capture.footage_make import Wanted, find_sources, make_footage
    from engines.capture.footage_survey import summary
    from engines.timebase import parse_rate

    if not 32 <= options.size <= 2048:
        raise ValueError(f"A size of {options.size} is outside 32 to 2048 pixels")
    if not options.shortest > 0:
        raise ValueError("The shortest clip must be longer than 0 seconds")
    wanted = Wanted(options.size, parse_rate(options.fps), options.layout, options.silent, options.shortest)
    made = make_footage(find_sources(options.clips), options.output, wanted, progress=report.progress, cancel=cancel)
    for line in summary(made):
        report.note(line)
    return [made.folder / MANIFEST]
