"""The command teach: the engine disentangled learns a portrait from footage of the person."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.cli.report import Report
    from engines.api import CancelToken


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """What ``soliloquy teach`` understands."""
    parser = commands.add_parser(
        "teach",
        help="let the engine disentangled learn a portrait from footage of the person",
        description="Choose the calmest frame of a video, or of a folder that 'soliloquy footage --layout fixed' made, "
        "as the portrait, and learn from the other frames what this face shows when it moves: teeth, lids, folds, "
        "shade. Says how far frames that were kept apart are met, with and without. Afterwards: "
        "soliloquy render FOLDER/portrait.png VOICE --engine disentangled -o OUT.",
    )
    parser.add_argument("source", type=Path, metavar="VIDEO|FOOTAGE")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="FOLDER")
    return parser


def teach(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy teach``."""
    from engines import registry
    from engines.disentangled.workshop import teach_from

    info = registry.info("disentangled")
    files, told = teach_from(options.source, options.output, info, progress=report.progress, cancel=cancel)
    for name in ("face", "lips"):
        ours, rig = told[f"{name}_taught_db"], told[f"{name}_rig_db"]
        report.note(f"unseen frames, {name}: {ours:.1f} dB, {rig:.1f} as the rig taught it")
    return files
