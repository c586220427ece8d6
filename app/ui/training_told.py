"""What a training process left behind: what it told last, and why it ended."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TAIL: Final = 16384
_KILLED: Final = -9
"""What Linux does to the hungriest process when memory runs out."""
_FULL_BYTES: Final = 4 << 20


@dataclass(frozen=True)
class Said:
    """What a training process told last.

    Attributes
    ----------
    part : done, 0 to 1
    what : goes on
    figures : of the newest look at pictures that it has not seen
    error : why it ended, for people
    code : that it ended with, where it said so
    """

    part: float = 0.0
    what: str = ""
    figures: str = ""
    error: str = ""
    code: int | None = None


def said_in(path: Path) -> Said:
    """What a training process told, from the end of its lines."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return Said()
    part, what, figures, error, code = 0.0, "", "", "", None
    for line in lines:
        try:
            event = json.loads(line)
            kind = event["event"]
        except (ValueError, KeyError, TypeError):
            continue  # the first line is cut, the last one may not be whole yet
        if kind == "progress":
            part, what = float(event["part"]), str(event["what"])
        elif kind == "note" and str(event["message"]).startswith("pictures "):
            figures = str(event["message"])
        elif kind == "error":
            error, code = str(event["message"]), int(event["code"])
        elif kind == "done":
            code = 0
    return Said(part, what, figures, error, code)


def why_it_died(code: int | None, errors: Path) -> str:
    """Why a process ended that could not say so itself."""
    try:
        text = errors.read_text(encoding="utf-8", errors="replace")[-_TAIL:]
    except OSError:
        text = ""
    if errors.parent.is_dir() and shutil.disk_usage(errors.parent).free < _FULL_BYTES:
        return f"The disk is full: {errors.parent} could not be written. Free some space, then resume."
    if code == _KILLED:
        return (
            "The computer ran out of memory. Close other programs and resume, or train a smaller size; "
            "what was learnt up to the last minute is kept."
        )
    lines = [line for line in text.splitlines() if line.strip()]
    last = f" Its last words: {lines[-1].strip()[:300]}." if lines else ""
    return f"The training process ended unexpectedly.{last} Resume goes on from the last minute; {errors} has it all."
