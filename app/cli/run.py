"""Running a parsed command: reports, cancel on Ctrl-C, exit codes."""

from __future__ import annotations

import argparse
import logging
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from app.cli.report import make_report
from engines.api import CancelToken
from engines.errors import Cancelled, StudioError

OK, FAILED, USAGE, CANCELLED = 0, 1, 2, 130


def run(options: argparse.Namespace) -> int:
    """Do what the command line asks for; returns the exit code."""
    if options.version:
        from importlib.metadata import version

        print(f"soliloquy {version('soliloquy')}")
        return OK
    logging.basicConfig(level=logging.INFO if options.verbose else logging.ERROR, format="%(name)s: %(message)s")
    if options.command == "open":
        from app.cli import _window

        return _window(options.files)
    from app.cli import capture, edits, evaluate, footage, information, references, render, teach, train

    commands: dict[str, Callable[..., list[Path]]] = {
        "render": render.render,
        "demo": render.demo,
        "preview": render.preview,
        "convert": render.convert,
        "init": render.init,
        "analyse": information.analyse,
        "inspect": information.inspect,
        "engines": information.engines,
        "presets": information.presets,
        "weights": information.weights,
        "evaluate": evaluate.evaluate,
        "capture": capture.capture,
        "footage": footage.footage,
        "style": references.style,
        "emotion": references.emotion,
        "teach": teach.teach,
        "train": train.train,
        "edits": edits.edits,
    }
    if options.command is None:
        from app.cli.arguments import parser

        parser().print_help()
        return USAGE
    token = CancelToken()
    started = time.monotonic()
    report = make_report(getattr(options, "progress", "none"))
    with report, cancelled_by_signals(token):
        try:
            files = commands[options.command](options, report, token)
            if files:
                report.done(files, time.monotonic() - started)
            return OK
        except ValueError as error:
            if isinstance(error, StudioError) or options.verbose:
                raise
            report.failed(f"{error}.", USAGE)
            return USAGE
        except (Cancelled, KeyboardInterrupt):
            report.failed("Cancelled; nothing was left half written. The same command goes on from here.", CANCELLED)
            return CANCELLED
        except StudioError as error:
            report.failed(str(error), FAILED)
            if options.verbose:
                traceback.print_exc()
            return FAILED
        except MemoryError:
            report.failed("The computer ran out of memory. Close other programs or choose a smaller --size.", FAILED)
            return FAILED
        except BrokenPipeError:  # whoever read what we print has gone
            return FAILED


@contextmanager
def cancelled_by_signals(token: CancelToken) -> Iterator[None]:
    """Ctrl-C and a polite kill cancel the work; a second Ctrl-C does so at once."""

    def cancel(number: int, frame: FrameType | None) -> None:
        if token.cancelled and number == signal.SIGINT:
            raise KeyboardInterrupt
        token.cancel()

    previous = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            previous[number] = signal.signal(number, cancel)
        except ValueError:  # not in the main thread: whoever runs us there has a way of its own
            break
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
