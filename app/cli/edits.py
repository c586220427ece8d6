"""The command edits: named directions of the generator that the engine stylegan draws with."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from engines.errors import InputError

if TYPE_CHECKING:
    from app.cli.report import Report
    from engines.api import CancelToken
    from engines.stylegan.generators import Chosen


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
        raise InputError(
            "Edits are directions of a generator, and the weights store holds none. Import one: soliloquy weights "
            "import FILE, or train one: soliloquy train stylegan."
        )
    if options.action == "remove":
        store.remove(chosen, options.name)
    elif options.action == "import":
        return _import(chosen, options, report)
    elif options.action == "find":
        return _find(chosen, options, report, cancel)
    found = store.kept(chosen)
    for edit in found:
        print(f"{edit.name:<20} {'W+' if len(edit.rows) > 1 else 'W':<3} {edit.source}")
    if not found:
        print(f"{chosen.entry} has no edits yet: soliloquy edits find, or soliloquy edits import FILE")
    return []


def _import(chosen: Chosen, options: argparse.Namespace, report: Report) -> list[Path]:
    from engines.stylegan import edits as store
    from engines.stylegan import generators
    from engines.stylegan.net_edits import scaled

    loaded = generators.load(chosen)[0]
    config = loaded.generator.config
    taken = {}
    for number, path in enumerate(options.files):
        report.progress(number / len(options.files), f"Reading {path.name}")
        for name, rows in store.read(path, config.layers, config.style_dim, options.name).items():
            taken[name] = store.Edit(name, scaled(loaded, rows), f"imported from {path.name}")
    return [store.keep(chosen, edit) for edit in taken.values()]


def _find(chosen: Chosen, options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    from engines.stylegan import edits as store
    from engines.stylegan import generators
    from engines.stylegan.net_edits import axes, fitted

    if not 0 <= options.axes <= 64 or not 50 <= options.pictures <= 20000:
        raise ValueError("ask for 1 to 64 axes, or for 50 to 20000 pictures")
    report.progress(0.0, "Loading the generator")
    loaded = generators.load(chosen)[0]
    loaded.generator.eval().requires_grad_(False)

    def advance(part: float) -> None:
        cancel.check()
        report.progress(part, "Looking at pictures of the generator")

    found = axes(loaded, options.axes) if options.axes else fitted(loaded, options.pictures, advance)
    return [store.keep(chosen, edit) for edit in found]
