"""The commands style and emotion: presets lifted from references."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.cli.report import Report
    from engines.api import CancelToken


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> tuple[argparse.ArgumentParser, ...]:
    """What ``soliloquy style`` and ``soliloquy emotion`` understand."""
    style = commands.add_parser(
        "style",
        help="lift a speaking style from a clip",
        description="Make a style preset from 5 to 60 s in which one person talks: how far and how quickly jaw and "
        "lips move, how movements run into each other, brows, head, blinks, asymmetry. Use it with --style, or mix "
        "two: --style a:0.5,b:0.5.",
    )
    style.add_argument("clip", type=Path, metavar="CLIP", help="video of one person, or curves")
    style.add_argument("--voice", type=Path, metavar="SOUND", help="its sound, where the clip has none")
    style.add_argument("--head", action="store_true", help="keep how head and brows move as a head preset of their own")
    emotion = commands.add_parser(
        "emotion",
        help="lift an emotion from the difference of two clips or voices",
        description="Make an emotion preset from an emotional and a neutral reference: two videos of one person, or "
        "two recordings of one voice. Voices tell how aroused somebody is, but hardly whether it is pleasant: say so.",
    )
    emotion.add_argument("emotional", type=Path, metavar="EMOTIONAL", help="video or recording")
    emotion.add_argument("neutral", type=Path, metavar="NEUTRAL", help="the same person without emotion")
    emotion.add_argument("--by-voice", action="store_true", help="compare the sound of videos, not their faces")
    mood = emotion.add_mutually_exclusive_group()
    mood.add_argument("--pleasant", dest="pleasant", action="store_const", const=True, help="the mood is pleasant")
    mood.add_argument("--unpleasant", dest="pleasant", action="store_const", const=False, help="it is unpleasant")
    for command in (style, emotion):
        command.add_argument("--name", metavar="NAME", help="of the preset, default that of the file")
        command.add_argument("-o", "--output", type=Path, metavar="TOML", help="write it here, not among your presets")
    return style, emotion


def style(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy style``."""
    from app.core.references import lift_style
    from app.core.studio import Studio

    found, character = lift_style(
        Studio(),
        options.clip,
        _name(options, options.clip),
        options.voice,
        head=options.head,
        progress=report.progress,
        cancel=cancel,
    )
    written = [_keep(found, options.output, report)]
    if character is not None:
        beside = None if options.output is None else options.output.with_stem(f"{options.output.stem}-head")
        written.append(_keep(character, beside, report))
    return written


def emotion(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy emotion``."""
    from app.core.references import lift_emotion
    from app.core.studio import Studio

    found = lift_emotion(
        Studio(),
        options.emotional,
        options.neutral,
        _name(options, options.emotional),
        by_voice=options.by_voice,
        pleasant=options.pleasant,
        progress=report.progress,
        cancel=cancel,
    )
    return [_keep(found, options.output, report)]


def _name(options: argparse.Namespace, source: Path) -> str:
    return str(options.name or source.stem)


def _keep(preset: Any, path: Path | None, report: Report) -> Path:
    """Write a preset to a file, or among the user's own; returns where."""
    from app.core import presets
    from app.core.folders import write_atomic

    if path is not None:
        write_atomic(path, presets.dumps(preset))
        return path
    kind = next(k for k, cls in presets.KINDS.items() if isinstance(preset, cls))
    preset_id = presets.save(preset)
    report.note(f"{preset.name} is among the {kind} as '{preset_id}'. {preset.summary}.")
    return presets.paths(kind)[preset_id]
