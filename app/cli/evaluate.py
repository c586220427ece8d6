"""The command evaluate: how good is a take, and which of several is best."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.errors import InputError

if TYPE_CHECKING:
    from app.cli.report import Report
    from app.core.evaluate import Against, Evaluation
    from engines.api import CancelToken


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """What ``soliloquy evaluate`` understands."""
    parser = commands.add_parser(
        "evaluate",
        help="say how good a take is, or which of the takes in a folder is best",
        description="Judge a video beside real footage: lip sync, blinks, tremble, flicker, identity and more. "
        "A folder, or several videos, gives a leaderboard. Files beside a take with its name belong to it: NAME.wav, "
        "NAME.png (portrait), NAME.npz (curves), NAME.reference.mp4.",
    )
    parser.add_argument("takes", nargs="+", type=Path, metavar="TAKE", help="video, or folder of videos")
    parser.add_argument("-o", "--output", nargs="+", type=Path, default=[], metavar="OUT", help="reports: .html .json")
    parser.add_argument("--portrait", type=Path, metavar="PICTURE", help="the person whom it should show")
    parser.add_argument("--voice", type=Path, metavar="SOUND", help="the sound, where the take has none")
    parser.add_argument("--reference", type=Path, metavar="VIDEO", help="footage of the same performance")
    parser.add_argument("--performance", type=Path, metavar="CURVES", help="the motion that was drawn (.npz .csv .fbx)")
    parser.add_argument("--text", default="", metavar="TEXT", help="what is said, if known")
    parser.add_argument("--language", default="en", metavar="CODE", help="language of the voice, default en")
    parser.add_argument("--emotion", default="", metavar="NAME", help="the emotion it should show")
    parser.add_argument(
        "--joins", default="", metavar="FRAMES", help="frames at which pieces meet: 250,500 or every:250"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def evaluate(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy evaluate``."""
    from app.core import evaluate as judge

    for path in options.output:
        if path.suffix.lower() not in (".html", ".htm", ".json"):
            raise InputError(f"A report cannot be written as '{path.suffix}'. Use an ending of .html or .json.")
    found: list[Evaluation] = []
    against = _against(options)
    for number, take in enumerate(options.takes):
        part = _part(report, number, len(options.takes))
        if take.is_dir():
            evaluations, failed = judge.evaluate_folder(take, against, progress=part, cancel=cancel)
            found += evaluations
            for message in failed:
                report.note(message)
        else:
            found.append(judge.evaluate(take, against, progress=part, cancel=cancel))
    for evaluation in found:
        for note in evaluation.notes:
            report.note(f"{evaluation.name}: {note}")
    for path in options.output:
        judge.save(path, found)
    if options.json:
        single = judge.facts(found[0]) if len(found) == 1 else judge.leaderboard(found)
        print(json.dumps(single, indent=2, ensure_ascii=False))
    elif not options.output or options.progress == "bar":
        _print(found, judge.leaderboard(found))
    return list(options.output)


def _against(options: argparse.Namespace) -> Against:
    from app.core.evaluate import Against

    return Against(
        portrait=options.portrait, voice=options.voice, reference=options.reference, performance=options.performance,
        text=options.text, language=options.language, emotion=options.emotion, joins=_joins(options.joins),
    )  # fmt: skip


def _joins(text: str) -> tuple[int, ...]:
    if not text:
        return ()
    try:
        if text.startswith("every:"):
            step = int(text[6:])
            return tuple(range(step, 1_000_000, step)) if step > 0 else ()
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"--joins {text}: give frame numbers such as 250,500, or every:250") from None


def _part(report: Report, number: int, count: int) -> Any:
    return lambda part, what: report.progress((number + part) / count, what)


def _print(found: list[Evaluation], board: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if len(found) > 1:
        table = Table("take", "mean rank", "as real", title="Leaderboard", title_justify="left")
        for row in board:
            table.add_row(row["name"], f"{row['rank']:.2f}", "-" if row["as_real"] is None else f"{row['as_real']:.0%}")
        console.print(table)
    for evaluation in found:
        table = Table("metric", "this take", "real footage", "", title=evaluation.name, title_justify="left")
        table.columns[1].justify = table.columns[2].justify = "right"
        for measure in evaluation.verdict.measures:
            metric = measure.metric
            if measure.value is None:
                continue
            fair = metric.as_real(measure.value)
            mark = {True: "[green]as real[/green]", False: "[red]not as real[/red]", None: ""}[fair]
            table.add_row(metric.name, metric.format(measure.value), metric.format(metric.yardstick), mark)
        console.print(table)
        missing = [m for m in evaluation.verdict.measures if m.value is None]
        for reason in dict.fromkeys(m.reason for m in missing):
            names = ", ".join(m.metric.name for m in missing if m.reason == reason)
            console.print(f"not measured: {names}: {reason}", style="dim", highlight=False, markup=False)
