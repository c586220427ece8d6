"""Curves as plain JSON and plain CSV, for scripts and spreadsheets."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.export.files import MAX_FRAMES, read_text, write_bytes
from app.export.names import name_map, recognise
from app.export.options import ExportOptions
from app.export.take import Take
from engines import arkit
from engines.api import CancelToken, Performance, Progress
from engines.errors import InputError
from engines.timebase import frame_times, parse_rate, timecode

HEAD: Final = ("pitch_rad", "yaw_rad", "roll_rad", "x_cm", "y_cm", "z_cm")
GAZE: Final = ("left_yaw_rad", "left_pitch_rad", "right_yaw_rad", "right_pitch_rad")
_OTHERS: Final = (*(f"head_{n}" for n in HEAD), *(f"gaze_{n}" for n in GAZE), "tongue")
JSON_FORMAT: Final = "soliloquy-performance"
_DIGITS: Final = 7


def _numbers(array: np.ndarray) -> list[Any]:
    return np.round(array.astype(np.float64), _DIGITS).tolist()


def _chosen(options: ExportOptions) -> list[str]:
    return [n for n in arkit.NAMES if not options.channels or n in options.channels]


def write_json(take: Take, path: Path, options: ExportOptions, progress: Progress, cancel: CancelToken) -> list[Path]:
    """Write curves by name, with rate, timecode and provenance."""
    motion, names = take.motion, name_map(options.names)
    document = {
        "format": JSON_FORMAT,
        "version": 1,
        "take": take.name,
        "rate": f"{motion.rate.numerator}/{motion.rate.denominator}",
        "frames": len(motion),
        "start_frame": take.start,
        "timecode": timecode(take.start, motion.rate),
        "units": {"weights": "0 to 1", "head": list(HEAD), "gaze": list(GAZE), "tongue": "0 to 1"},
        "weights": {n: _numbers(motion.channel(unit)) for unit in _chosen(options) for n in names[unit]},
        "head": _numbers(motion.head),
        "gaze": _numbers(motion.gaze),
        "tongue": _numbers(motion.tongue),
        "provenance": dict(take.provenance),
    }
    return write_bytes(path, json.dumps(document, indent=1, ensure_ascii=False, default=str).encode())


def write_csv(take: Take, path: Path, options: ExportOptions, progress: Progress, cancel: CancelToken) -> list[Path]:
    """Write one row a frame: frame, time in seconds, the units, head, gaze and tongue."""
    motion, names = take.motion, name_map(options.names)
    chosen = _chosen(options)
    header = ["frame", "time_s", *(n for unit in chosen for n in names[unit]), *_OTHERS]
    columns = [motion.channel(unit) for unit in chosen for _ in names[unit]]
    values = np.column_stack([*columns, motion.head, motion.gaze, motion.tongue])
    times = frame_times(len(motion), motion.rate, take.start)
    lines = [",".join(header)]
    for i, (t, row) in enumerate(zip(times.tolist(), values.tolist(), strict=True)):
        lines.append(f"{take.start + i},{t:.6f}," + ",".join([f"{v:.{_DIGITS}f}" for v in row]))
    return write_bytes(path, ("\n".join(lines) + "\n").encode())


def _matrix(values: Any, count: int, width: int, what: str) -> np.ndarray:
    """A list of lists as float32 (count, width); absent means zero."""
    if values is None:
        return np.zeros((count, width), np.float32)
    array = np.asarray(values, np.float32)
    if array.shape != (count, width):
        raise InputError(f"its {what} have the shape {array.shape}, expected {(count, width)}")
    return array


def from_named(
    names: list[str], values: np.ndarray, rate: Fraction, choice: str, others: dict[str, Any] | None = None
) -> Performance:
    """A performance from named columns (T, N); columns that stand for no unit are left out.

    Raises
    ------
    InputError
        If no column stands for an ARKit unit.
    """
    units = recognise(names, choice)
    if not units:
        raise InputError(f"none of its columns ({', '.join(names[:4])}, ...) has an ARKit name. Give a name map (JSON)")
    weights, share = np.zeros((len(values), arkit.COUNT), np.float32), np.zeros(arkit.COUNT, np.float32)
    for i, name in enumerate(names):
        if name in units:
            weights[:, arkit.INDEX[units[name]]] += values[:, i]
            share[arkit.INDEX[units[name]]] += 1
    weights /= np.maximum(share, 1)
    rest = others or {}
    count = len(values)
    return Performance(
        rate,
        weights,
        _matrix(rest.get("head"), count, 6, "head"),
        _matrix(rest.get("gaze"), count, 4, "gaze"),
        _matrix([[v] for v in rest["tongue"]] if "tongue" in rest else None, count, 1, "tongue")[:, 0],
    )


def read_json(path: Path, options: ExportOptions) -> Performance:
    """Curves from our JSON, or from Audio2Face's (told apart by their fields)."""
    document = json.loads(read_text(path))
    if not isinstance(document, dict):
        raise InputError("its JSON is no object")
    if "weightMat" in document:
        from app.export.audio2face import from_document

        return from_document(document, options)
    columns = document.get("weights")
    if not isinstance(columns, dict) or not columns:
        raise InputError("it has neither 'weights' by name nor Audio2Face's 'weightMat'")
    lengths = {len(v) for v in columns.values()}
    if len(lengths) != 1 or max(lengths) > MAX_FRAMES or len(columns) > 4096:
        raise InputError("its curves have different lengths or are too long")
    values = np.asarray(list(columns.values()), np.float32).reshape(len(columns), -1).T
    rate = parse_rate(str(document.get("rate", "30")))
    others = {k: document[k] for k in ("head", "gaze", "tongue") if k in document}
    return from_named([str(k) for k in columns], values, rate, options.names, others)


def read_csv(path: Path, options: ExportOptions) -> Performance:
    """Curves from any table with named columns: Live Link Face, our plain one, or another with a time column."""
    from app.export import livelink

    text = read_text(path)
    lines = text.splitlines()
    header = [h.strip().strip('"') for h in lines[0].split(",")] if lines else []
    lower = [h.lower() for h in header]
    if "timecode" in lower:
        return livelink.parse(text, path)
    rows = [line.split(",") for line in lines[1:] if line.strip()]
    if not rows or len(rows) > MAX_FRAMES or len(header) > 4096:
        raise InputError(f"it has {len(rows)} rows of {len(header)} columns; rows or columns are missing or too many")
    if len(rows) * len(header) > 100_000_000:
        raise InputError("it is too large")
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise InputError(f"line {number} has {len(row)} values, expected {len(header)}")
    time = next((i for i, h in enumerate(lower) if h in ("time_s", "time", "seconds", "t")), None)
    units = recognise(header, options.names)
    if not units:
        raise InputError("the columns of ARKit units are missing. Give a name map (JSON) for the names it has")
    wanted = [i for i, h in enumerate(header) if h in units or h in _OTHERS]
    values = np.array([[float(row[i]) for i in wanted] for row in rows], np.float32)
    rate = Fraction(30)
    if time is not None:
        t_s = np.array([float(row[time]) for row in rows])
        rate = livelink.row_rate(t_s)
        values = livelink.on_grid(values, t_s, rate)
    names = [header[i] for i in wanted]
    others: dict[str, Any] = {}
    for key, parts in (("head", HEAD), ("gaze", GAZE)):
        if all(f"{key}_{p}" in names for p in parts):
            others[key] = values[:, [names.index(f"{key}_{p}") for p in parts]]
    if "tongue" in names:
        others["tongue"] = values[:, names.index("tongue")].tolist()
    return from_named(names, values, rate, options.names, others)


def read_json_start(path: Path, options: ExportOptions) -> int:
    """Number of the first frame (0 where the file does not tell)."""
    document = json.loads(read_text(path))
    return int(document.get("start_frame", 0)) if isinstance(document, dict) else 0


def read_csv_start(path: Path, options: ExportOptions) -> int:
    """Number of the first frame, from the ``frame`` column where there is one."""
    lines = read_text(path).splitlines()
    header = [h.strip().lower() for h in lines[0].split(",")] if lines else []
    if "frame" not in header or len(lines) < 2:
        return 0
    return int(lines[1].split(",")[header.index("frame")])
