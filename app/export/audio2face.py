"""Audio2Face's blend shape JSON: a matrix of frames by poses with a list of names."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from app.export.files import MAX_FRAMES, read_text, write_bytes
from app.export.options import ExportOptions
from app.export.rigging import shapes
from app.export.tables import from_named
from app.export.take import Take
from engines.api import CancelToken, Performance, Progress
from engines.errors import InputError
from engines.timebase import RATES, parse_rate


def write(take: Take, path: Path, options: ExportOptions, progress: Progress, cancel: CancelToken) -> list[Path]:
    """Write the weights; the head's motion has no place in this format."""
    wanted, motion = shapes(options), take.motion
    rate = motion.rate
    document = {
        "exportFps": int(rate) if rate.denominator == 1 else float(rate),
        "trackPath": os.fspath(take.voice) if take.voice is not None else "",
        "numPoses": len(wanted),
        "numFrames": len(motion),
        "facsNames": [shape.name for shape in wanted],
        "weightMat": np.round(motion.weights[:, [s.unit for s in wanted]].astype(np.float64), 7).tolist(),
    }
    return write_bytes(path, json.dumps(document).encode())


def from_document(document: dict[str, Any], options: ExportOptions) -> Performance:
    """The performance in a parsed file."""
    names, rows = document.get("facsNames"), document["weightMat"]
    if not isinstance(names, list) or not isinstance(rows, list) or not 0 < len(rows) <= MAX_FRAMES:
        raise InputError("its facsNames or weightMat are no lists")
    if len(names) > 4096 or any(not isinstance(r, list) or len(r) != len(names) for r in rows):
        raise InputError(f"a row of its weightMat has another number of values than the {len(names)} names")
    fps = float(document.get("exportFps", 30))
    rate = next((r for r in RATES.values() if abs(fps - float(r)) < 0.002), None) or parse_rate(
        Fraction(fps).limit_denominator(1001)
    )
    return from_named([str(n) for n in names], np.asarray(rows, np.float32), rate, options.names)


def read_curves(path: Path, options: ExportOptions) -> Performance:
    """The performance of a file."""
    document = json.loads(read_text(path))
    if not isinstance(document, dict) or "weightMat" not in document:
        raise InputError("it has no weightMat")
    return from_document(document, options)
