"""The command line: the same use cases as the window, without one.

Exit codes: 0 done, 1 something was wrong with the input, an engine or the disk (the message says what), 2 wrong usage,
130 cancelled.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

__all__ = ["main", "program"]


def program() -> None:
    """``soliloquy`` as a process, which ends with its work.

    After a render it takes Python half a second to take the libraries apart again; a command has nothing in their
    keeping, and does not wait for it. The window has, and ends as usual.
    """
    code = main()
    if "PySide6.QtWidgets" in sys.modules:
        sys.exit(code)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # whoever read it is gone
            stream.flush()
    os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``soliloquy`` with arguments; without any, or with files alone, the window opens."""
    from app.cli.arguments import COMMANDS, parse

    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or (not arguments[0].startswith("-") and arguments[0] not in COMMANDS and _is_file(arguments[0])):
        return _window(arguments)
    options = parse(arguments)
    from app.cli.run import run

    return run(options)


def _is_file(argument: str) -> bool:
    from pathlib import Path

    return Path(argument).exists()


def _window(files: list[str]) -> int:
    try:
        from app.ui.application import main as open_window
    except ImportError as error:
        if error.name is None or not error.name.startswith(("PySide6", "pyqtgraph", "shiboken6")):
            raise
        print(f"soliloquy: the window needs {error.name}: pip install 'soliloquy[ui]'", file=sys.stderr)
        return 1
    return open_window([sys.argv[0], *files])
