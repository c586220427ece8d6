"""Progress and results on the terminal: for people (rich) or for programs (JSON lines)."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Protocol


class Report(Protocol):
    """Where a command tells how far it is and what it made."""

    def __enter__(self) -> Any: ...
    def __exit__(self, *error: object) -> None: ...
    def progress(self, part: float, what: str) -> None: ...
    def note(self, message: str) -> None: ...
    def done(self, files: list[Path], seconds: float) -> None: ...
    def failed(self, message: str, code: int) -> None: ...


def make_report(kind: str) -> Report:
    """The report for ``bar``, ``json`` or ``none``."""
    if kind == "json":
        return JsonReport()
    if kind == "bar" and sys.stderr.isatty():
        return BarReport()
    return PlainReport()


class PlainReport:
    """Results only."""

    def __enter__(self) -> PlainReport:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def progress(self, part: float, what: str) -> None:
        pass

    def note(self, message: str) -> None:
        print(f"soliloquy: {message}", file=sys.stderr)

    def done(self, files: list[Path], seconds: float) -> None:
        for file in files:
            print(file)

    def failed(self, message: str, code: int) -> None:
        print(f"soliloquy: {message}", file=sys.stderr)


class BarReport(PlainReport):
    """A bar with the time left, on standard error."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._console = Console(stderr=True)
        columns = (TextColumn("{task.description:<34}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=self._console, transient=True)
        self._task = self._bar.add_task("Starting", total=1.0)

    def __enter__(self) -> BarReport:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def progress(self, part: float, what: str) -> None:
        self._bar.update(self._task, completed=part, description=what or None)

    def note(self, message: str) -> None:
        self._console.print(f"[yellow]{message}[/yellow]", highlight=False)

    def done(self, files: list[Path], seconds: float) -> None:
        self._bar.stop()
        for file in files:
            print(file)
        self._console.print(f"Finished in {seconds:.1f} s.", highlight=False)

    def failed(self, message: str, code: int) -> None:
        self._bar.stop()
        self._console.print(message, style="red", highlight=False, markup=False)


class JsonReport(PlainReport):
    """One JSON object a line on standard output: ``progress``, ``note``, ``done`` or ``error``."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._last = 0.0

    def progress(self, part: float, what: str) -> None:
        now = time.monotonic()
        if part < 1 and now - self._last < 0.1:
            return
        self._last = now
        elapsed = now - self._started
        left = round(elapsed * (1 - part) / part, 1) if part > 0.02 else None
        self._say("progress", part=round(part, 4), what=what, seconds_left=left)

    def note(self, message: str) -> None:
        self._say("note", message=message)

    def done(self, files: list[Path], seconds: float) -> None:
        self._say("done", files=[str(f) for f in files], seconds=round(seconds, 2))

    def failed(self, message: str, code: int) -> None:
        self._say("error", message=message, code=code)

    @staticmethod
    def _say(event: str, **facts: Any) -> None:
        print(json.dumps({"event": event, **facts}, ensure_ascii=False), flush=True)
