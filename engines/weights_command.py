"""``soliloquy weights``: the weights store on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from engines import weights
from engines.api import CancelToken, Progress, no_progress
from engines.errors import InputError, WeightsMissing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands on the parser of ``soliloquy weights``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="what can be used, what is there, licences and sources (the default)")
    bring = actions.add_parser("import", help="check a downloaded checkpoint, or a folder of them, and keep it")
    bring.add_argument("path", type=Path, metavar="FILE")
    bring.add_argument("--as", dest="entry_id", metavar="ID", help="what the file is, if its name does not tell")
    fetch = actions.add_parser("fetch", help="download one file from the Hugging Face hub, then as import")
    fetch.add_argument("repository", metavar="OWNER/NAME")
    fetch.add_argument("file", metavar="FILE")
    fetch.add_argument("--as", dest="entry_id", metavar="ID", help="what the file is, if its name does not tell")
    verify = actions.add_parser("verify", help="compute the checksums anew")
    verify.add_argument("ids", nargs="*", metavar="ID")
    drop = actions.add_parser("remove", help="delete the store's copy")
    drop.add_argument("ids", nargs="+", metavar="ID")
    actions.add_parser("folder", help="print where the store is")


def run(
    options: argparse.Namespace,
    write: Callable[[str], None] = print,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> None:
    """Do what the options say and write its result line by line.

    Raises
    ------
    WeightsMissing
        If a file cannot be used, or `verify` finds a damaged one.
    InputError
        For an unknown id.
    """
    action = getattr(options, "action", None) or "list"
    if action == "list":
        for line in weights.table(weights.statuses()):
            write(line)
    elif action == "import":
        for line in weights.table(weights.import_path(options.path, options.entry_id, progress, cancel)):
            write(line)
    elif action == "fetch":
        found = weights.import_hub(options.repository, options.file, options.entry_id, progress, cancel)
        write(weights.table([found])[0])
    elif action == "verify":
        present = [s.entry.id for s in weights.statuses() if s.state != "missing"]
        checked = [weights.verify(entry_id, progress, cancel) for entry_id in options.ids or present]
        for line in weights.table(checked):
            write(line)
        if any(s.state == "damaged" for s in checked):
            raise WeightsMissing("Some weights are damaged. Import them again: soliloquy weights import FILE.")
    elif action == "remove":
        for entry_id in options.ids:
            weights.remove(entry_id)
            write(f"Removed {entry_id}.")
    elif action == "folder":
        write(str(weights.folder()))
    else:
        raise InputError(f"There is no action '{action}'. Choose list, import, fetch, verify, remove or folder.")
