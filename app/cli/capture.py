"""The command capture: the motion of a filmed face, from a file or live from a camera."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.cli.report import Report
    from engines.api import CancelToken


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """What ``soliloquy capture`` understands."""
    command = commands.add_parser(
        "capture",
        help="take the motion of a filmed face, from a file or live",
        description="Turn footage of a face into curves (.npz .csv .fbx .glb .json ...): head, eyes and the 52 ARKit "
        "units, at rest where the person rests. With --live, pictures come from a camera; look into it calmly for a "
        "second, then act. Ctrl-C ends the take.",
    )
    command.add_argument("source", metavar="CLIP|CAMERA", help="a video; with --live, 0, /dev/video0, or a video")
    command.add_argument("-o", "--output", nargs="+", type=Path, default=[], metavar="OUT", help="curves to write")
    command.add_argument("--live", action="store_true", help="from a camera, as it happens")
    command.add_argument("--send", metavar="HOST[:PORT]", help="live: stream to Live Link (Unreal) there")
    command.add_argument("--seconds", type=float, metavar="N", help="live: stop after so long")
    command.add_argument("--face", type=int, default=1, metavar="N", help="which face, counted from the largest (1)")
    command.add_argument("--fps", metavar="RATE", help="frame rate; default the clip's own, 30 live")
    command.add_argument(
        "--landmarker", choices=("auto", "bundled", "task"), default="auto",
        help="auto takes face_landmarker.task where the weights store has it",
    )  # fmt: skip
    return command


def capture(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy capture``."""
    from app.cli.render import check_outputs
    from app.core import live_take
    from app.export import ExportOptions, format_of
    from engines.timebase import parse_rate

    check_outputs(options.output)
    for path in options.output:
        format_of(path, ExportOptions())
    if not options.output and not options.send:
        raise ValueError("say what to make of it: -o OUT for a file, or --live --send HOST for a stream")
    if not options.live and (options.send or options.seconds is not None):
        raise ValueError("--send and --seconds belong to --live")
    if options.face < 1:
        raise ValueError("--face counts from 1, the largest face")
    rate = parse_rate(options.fps) if options.fps else None
    if options.live:
        performance = live_take.perform_live(
            options.source,
            rate=rate or parse_rate("30"),
            send=options.send or "",
            seconds=options.seconds,
            face=options.face - 1,
            landmarker=options.landmarker,
            tell=report.note,
            cancel=cancel,
        )
        part = 0.0
    else:
        from engines.capture.capture import capture as captured

        found = captured(
            options.source, face=options.face - 1, rate=rate, landmarker=options.landmarker,
            progress=lambda done, what: report.progress(0.9 * done, what), cancel=cancel,
        )  # fmt: skip
        for note in found.notes:
            report.note(note)
        performance, part = found.performance, 0.9
    report.progress(part, "Writing")
    return live_take.write_curves(performance, options.output, Path(options.source).stem)
