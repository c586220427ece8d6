"""What the command line understands. Nothing heavy is imported here, so ``soliloquy --help`` is immediate."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from app.cli import capture, edits, evaluate, footage, references, teach, train

COMMANDS: Final = (
    "render", "preview", "convert", "init", "analyse", "inspect", "engines", "presets", "weights", "demo", "open",
    "evaluate", "capture", "footage", "style", "emotion", "teach", "train", "edits",
)  # fmt: skip

_DIRECTION = """direction:
  emotions and styles are NAME:AMOUNT@START-END in seconds, parted by commas
    --emotion happy:0.7@0-3.5,sad:1@3.5-     --style mumbled:0.8@2-5
  pose and gaze are CHANNEL:VALUE in degrees (x, y, z in cm), all the time, at a moment or over a span
    --pose yaw:10@2-4,pitch:-5@6             --gaze yaw:15@1-2
"""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """What ``soliloquy ARGUMENTS`` asks for; ends the program with 2 and a message where that is not understood.

    A voice may come after options that follow the portrait: argparse itself takes all positionals from one place.
    """
    top = parser()
    options, rest = top.parse_known_args(arguments)
    if rest and not rest[0].startswith("-") and getattr(options, "voice", "") is None:
        options.voice = Path(rest.pop(0))
    if rest:
        top.error(f"unrecognized arguments: {' '.join(rest)}; 'soliloquy {options.command} --help' tells what there is")
    return options


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="soliloquy",
        description="A portrait and a recorded voice become a talking head. Without a command the window opens.",
    )
    top.add_argument("--version", action="store_true", help="print the version")
    top.add_argument("--verbose", action="store_true", help="tell more, and show tracebacks of errors")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    _render(commands)
    _preview(commands)
    _convert(commands)
    _init(commands)
    _analyse(commands)
    _reporting(evaluate.add_parser(commands))
    _reporting(capture.add_parser(commands))
    _reporting(footage.add_parser(commands))
    for lifting in references.add_parsers(commands):
        _reporting(lifting)
    _reporting(teach.add_parser(commands))
    for learning in train.add_parsers(commands):
        _reporting(learning)
    for editing in edits.add_parser(commands):
        _reporting(editing)
    inspect = commands.add_parser("inspect", help="say what is in a portrait, voice, project or curve file")
    inspect.add_argument("files", nargs="+", type=Path, metavar="FILE")
    inspect.add_argument("--json", action="store_true", help="as JSON")
    engines = commands.add_parser("engines", help="list the engines and what they honour")
    engines.add_argument("--json", action="store_true", help="as JSON")
    presets = commands.add_parser("presets", help="list presets, or show one")
    presets.add_argument("kind", nargs="?", choices=("emotions", "styles", "heads", "export"))
    presets.add_argument("id", nargs="?", help="show this preset as TOML")
    presets.add_argument("--install", type=Path, metavar="FILE", help="add a preset that somebody shared")
    weights = commands.add_parser("weights", help="list, import, verify or remove checkpoints of engines")
    what = weights.add_subparsers(dest="action", metavar="ACTION")
    what.add_parser("list", help="what is there and what is missing (the default)")
    imported = what.add_parser("import", help="check a file or folder and copy it into the store")
    imported.add_argument("path", metavar="FILE|FOLDER|hub:OWNER/NAME/FILE", help="hub: fetches from Hugging Face")
    imported.add_argument("--as", dest="entry", metavar="ID", help="what the file is, if its name does not say")
    _reporting(imported)
    verified = what.add_parser("verify", help="compute the checksums anew")
    verified.add_argument("entry", nargs="?", metavar="ID", help="default: all")
    _reporting(verified)
    removed = what.add_parser("remove", help="delete the store's copy")
    removed.add_argument("entry", metavar="ID")
    demo = commands.add_parser("demo", help="render the demo that Soliloquy brings along")
    demo.add_argument("-o", "--output", nargs="+", type=Path, metavar="OUT", help="default: demo.mp4 demo.fbx demo.csv")
    _drawing(demo)
    _reporting(demo)
    window = commands.add_parser("open", help="open the window with files")
    window.add_argument("files", nargs="*", metavar="FILE")
    return top


def _render(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    render = commands.add_parser(
        "render",
        help="make a video or curves from a portrait and a voice",
        epilog=_DIRECTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _inputs(render)
    render.add_argument(
        "-o", "--output", nargs="+", required=True, type=Path, metavar="OUT",
        help="files to write; the endings choose the formats (.mp4 .webm .mov .png .csv .fbx .glb .npz ...)",
    )  # fmt: skip
    _direction(render)
    _drawing(render)
    render.add_argument("--range", metavar="START-END", help="part of the shot in seconds, or frames as in 50f-120f")
    render.add_argument("--preset", metavar="ID", help="export preset (soliloquy presets export)")
    render.add_argument("--quality", type=int, metavar="0-100", help="of videos, default 80")
    render.add_argument("--codec", choices=("h264", "hevc"), help="of MP4")
    render.add_argument("--alpha", action="store_true", help="draw the head alone, for formats with alpha")
    render.add_argument("--no-sign", action="store_true", help="leave the provenance manifest out of videos")
    _export(render)
    render.add_argument(
        "--consent", metavar="WHO: SCOPE", help="who is shown and on what ground: myself, has agreed, "
        "licensed picture, not a real person, or your own words; kept in the project and in the provenance manifest",
    )  # fmt: skip
    render.add_argument("--consent-evidence", type=Path, metavar="FILE", help="what proves it, such as a release")
    render.add_argument("--save-project", type=Path, metavar="FILE", help="keep the shot as a project")
    _reporting(render)


def _export(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--option", action="append", metavar="NAME=VALUE",
        help="further choices about the files, such as mesh=minimal, channels=jawOpen,mouthClose, crop=0,0,512,512, "
        "texture=file, hardware=yes, certificate=cert.pem; may be given several times",
    )  # fmt: skip


def _preview(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    preview = commands.add_parser("preview", help="draw single frames, quickly", epilog=_DIRECTION,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    _inputs(preview)
    preview.add_argument("-o", "--output", required=True, type=Path, metavar="PNG")
    preview.add_argument("--at", default="0", metavar="SECONDS", help="one or more times, parted by commas")
    preview.add_argument("--strip", type=int, metavar="N", help="a film strip of N frames over the whole shot instead")
    _direction(preview)
    _drawing(preview)
    _reporting(preview)


def _convert(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    convert = commands.add_parser("convert", help="turn curves, or a video of a face, into curves")
    convert.add_argument("input", type=Path, metavar="IN", help="curves, or a video whose face is followed")
    convert.add_argument("-o", "--output", nargs="+", required=True, type=Path, metavar="OUT")
    convert.add_argument("--fps", metavar="RATE", help="another frame rate, such as 30, 29.97 or 30000/1001")
    convert.add_argument(
        "--names", default="arkit", metavar="MAP", help="arkit, livelink, metahuman, vrm or a JSON file"
    )
    _export(convert)
    _reporting(convert)


def _init(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    init = commands.add_parser("init", help="make a project file", epilog=_DIRECTION,
                               formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    init.add_argument("file", type=Path, metavar="PROJECT", help="ends in .soliloquy")
    init.add_argument("portrait", nargs="?", type=Path, metavar="PORTRAIT")
    init.add_argument("voice", nargs="?", type=Path, metavar="VOICE")
    init.add_argument("--force", action="store_true", help="replace a file that is there (a backup is kept)")
    _direction(init)
    _drawing(init)


def _analyse(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    analyse = commands.add_parser("analyse", help="words, phones, pauses and stress of a voice")
    analyse.add_argument("voice", type=Path, metavar="VOICE")
    analyse.add_argument("--text", default="", metavar="TEXT|@FILE", help="what is said, if known")
    analyse.add_argument("--language", default="en", metavar="CODE")
    analyse.add_argument("-o", "--output", type=Path, metavar="JSON", help="default: a table on the terminal")
    _reporting(analyse)


def _inputs(command: argparse.ArgumentParser) -> None:
    command.add_argument("portrait", nargs="?", type=Path, metavar="PORTRAIT", help="picture of a face")
    command.add_argument(
        "voice", nargs="?", type=Path, metavar="VOICE", help="recording, or curves to play (.csv .npz .fbx .glb)"
    )
    command.add_argument("--drive", type=Path, metavar="FILE", help="motion from a video or curves, not from the voice")
    command.add_argument("--project", type=Path, metavar="FILE", help="start from this project")
    command.add_argument("--face", type=int, metavar="N", help="which face, counted from the largest (1)")
    command.add_argument(
        "--unit-names", type=Path, metavar="JSON", help="what your own head and curves call the ARKit units"
    )


def _direction(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("direction")
    group.add_argument("--text", metavar="TEXT|@FILE", help="what is said, if known")
    group.add_argument("--language", metavar="CODE", help="language of the voice, default en")
    group.add_argument("--emotion", metavar="SPEC", help="emotions over time")
    group.add_argument("--auto-emotion", type=float, metavar="0-1", help="share of the emotion heard in the voice")
    group.add_argument("--style", metavar="SPEC", help="speaking styles over time")
    group.add_argument("--pose", metavar="SPEC", help="head pose over time, added to automatic motion")
    group.add_argument("--gaze", metavar="SPEC", help="gaze over time, added to automatic motion")
    group.add_argument("--auto", metavar="SPEC", help="automatic motion: head:0.5,blink:0,lively")
    group.add_argument("--seed", type=int, metavar="N", help="of automatic motion: another number, another take")
    group.add_argument(
        "--drive-parts", metavar="SPEC", help="what the clip of --drive moves: head, gaze, mouth, eyes, brows, cheeks, "
        "or pose, expression, all, each with a strength, as in pose,eyes:0.5; the rest moves by itself, the mouth by "
        "the voice",
    )  # fmt: skip
    group.add_argument(
        "--drive-relative", type=float, nargs="?", const=0.0, metavar="S", help="motion counts from this moment of the "
        "clip, at which the portrait looks as in its picture (default: its start)",
    )  # fmt: skip
    group.add_argument(
        "--drive-voice", type=float, nargs="?", const=1.0, default=0.0, metavar="0-1", help="the voice is the clip's "
        "own and corrects its mouth where it speaks, most where the face is hard to see",
    )  # fmt: skip
    group.add_argument("--dub", action="store_true", help="the voice moves the mouth, the clip of --drive the rest")


def _drawing(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("picture")
    group.add_argument("--fps", metavar="RATE", help="frame rate, such as 25 (default), 29.97 or 30000/1001")
    group.add_argument("--size", metavar="WxH", help="of the output; xH or Wx keeps the portrait's shape")
    group.add_argument("--engine", metavar="ID", help="see: soliloquy engines")
    group.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")


def _reporting(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--progress", choices=("bar", "json", "none"), default="bar", help="json: one object a line on standard output"
    )
