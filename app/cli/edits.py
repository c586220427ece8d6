"""The command edits: named directions of the generator that the engine stylegan draws with."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from engines.errors import InputError

if TYPE_CHECKING:
    from app.cli.report import Report
    from engines.api import CancelToken


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> list[argparse.ArgumentParser]:
    """What ``soliloquy edits`` understands; returns its parsers, for options that all commands have."""
    top = commands.add_parser(
        "edits",
        help="named directions of the StyleGAN generator, such as age or smile",
        description="Directions in the latent space of the generator in the weights store. Each is a slider in the "
        "window and a curve stylegan.edit_NAME on the timeline. They belong to that generator and go with it.",
    )
    what = top.add_subparsers(dest="action", metavar="ACTION")
    what.add_parser("list", help="what there is (the default)")
    found = what.add_parser(
        "find",
        help="find directions in the generator",
        description="Looks at pictures that the generator draws and finds what smiles, opens mouth and eyes, raises "
        "the brows, turns and nods. With --axes, the directions that change most, by SeFa's closed form: without a "
        "meaning of their own, but without a picture too.",
    )
    found.add_argument("--pictures", type=int, default=300, metavar="N", help="to look at, default 300")
    found.add_argument("--axes", type=int, default=0, metavar="N", help="the N strongest axes instead")
    imported = what.add_parser("import", help="take published directions: .npy, .npz or .pt with W or W+ codes")
    imported.add_argument("files", nargs="+", type=Path, metavar="FILE")
    imported.add_argument("--name", default="", help="of the edit, default that of the file")
    removed = what.add_parser("remove", help="forget one")
    removed.add_argument("name", metavar="NAME")
    return [found, imported]


def edits(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy edits``."""
    from engines.stylegan import edits as store
    from engines.stylegan.generators import choose

    chosen = choose()
    if chosen is None:
        raise InputError(store.NO_GENERATOR)
    if options.action == "remove":
        store.remove(chosen, options.name)
    elif options.action == "import":
        from engines.stylegan.net_edits import take

        return take(chosen, options.files, options.name, progress=report.progress)
    elif options.action == "find":
        from engines.stylegan.net_edits import find

        return find(chosen, options.pictures, options.axes, progress=report.progress, cancel=cancel)
    found = store.kept(chosen)
    for edit in found:
        print(f"{edit.name:<20} {'W+' if len(edit.rows) > 1 else 'W':<3} {edit.source}")
    if not found:
        print(f"{chosen.entry} has no edits yet: soliloquy edits find, or soliloquy edits import FILE")
    return []
