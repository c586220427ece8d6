"""Live Link Face CSV, as Apple's ARKit is recorded by Epic's iPhone app, and the plain CSV tables of other tools.

The layout was read off recordings of the app: PascalCase names in the order below (left and right are swapped
against the UDP order in two pairs), ten decimals, radians, and a timecode counted at 60 a second with fractional
frames, whatever the rate of the rows. Signs: head yaw to the subject's left, head pitch up and head roll
anticlockwise for the viewer are positive, as here. The eyes are the other way round: in the recordings a positive
eye yaw goes with looking to the subject's *right*, a positive eye pitch with looking down (r = 0.999 and 0.996
against the eyeLook units), and eyes that look straight ahead stand at `EYE_REST_YAW_RAD` outwards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from app.export.files import MAX_FRAMES, read_text, write_bytes
from app.export.options import ExportOptions
from app.export.take import Take
from engines import arkit
from engines.api import CancelToken, Performance, Progress
from engines.errors import InputError
from engines.timebase import RATES

_SWAPPED = {"jawLeft": "jawRight", "jawRight": "jawLeft", "mouthLeft": "mouthRight", "mouthRight": "mouthLeft"}
UNITS: Final = tuple(_SWAPPED.get(name, name) for name in arkit.NAMES)
"""The ARKit units in the order of the file."""
ROTATIONS: Final = tuple(
    f"{part}{axis}" for part in ("Head", "LeftEye", "RightEye") for axis in ("Yaw", "Pitch", "Roll")
)
COLUMNS: Final = tuple(name[0].upper() + name[1:] for name in UNITS) + ROTATIONS
"""The 61 values of a row by their names in the file."""
EYE_REST_YAW_RAD: Final = 0.064
"""Outward turn of each eye in recordings while no eyeLook unit acts (0.0646 left, 0.0636 right)."""
_COUNTED_AT = 60
_TIMECODE = re.compile(r"(\d{1,3}):(\d{2}):(\d{2}):(\d{2,3}(?:\.\d{1,9})?)")


@dataclass(frozen=True, eq=False)
class Recording:
    """The rows of a file as they stand.

    Attributes
    ----------
    timecodes : text of the first column
    values : float32 (T, 61) in the order of `COLUMNS`
    """

    timecodes: tuple[str, ...]
    values: np.ndarray


def timecode_60(t_s: Fraction) -> str:
    """Timecode of a time as the app writes it: ``HH:MM:SS:FF.fff`` with 60 frames a second."""
    thousandths = round(t_s * _COUNTED_AT * 1000)
    seconds, rest = divmod(thousandths, _COUNTED_AT * 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def timecode_seconds(text: str) -> float:
    """Seconds of a timecode counted at 60.

    Raises
    ------
    InputError
        If the text is no timecode.
    """
    match = _TIMECODE.fullmatch(text.strip())
    if match is None:
        raise InputError(f"'{text[:40]}' is no timecode such as 01:02:03:04.567")
    hours, minutes, seconds, frames = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(frames) / _COUNTED_AT


def dump(recording: Recording) -> str:
    """The text of a file, byte for byte as the app writes the same values."""
    lines = [",".join(("Timecode", "BlendShapeCount", *COLUMNS))]
    for code, row in zip(recording.timecodes, recording.values, strict=True):
        lines.append(f"{code},{len(COLUMNS)}," + ",".join([f"{v:.10f}" for v in row.tolist()]))
    return "\n".join(lines) + "\n"


def load(text: str) -> Recording:
    """The rows of a Live Link Face file; its columns are found by name, so their order does not matter.

    Raises
    ------
    InputError
        If a column is missing or a row is damaged; the message says which.
    """
    lines = text.splitlines()
    header = [name.strip() for name in lines[0].split(",")] if lines else []
    lower = {name.lower(): i for i, name in enumerate(header)}
    missing = [name for name in ("Timecode", *COLUMNS[: arkit.COUNT]) if name.lower() not in lower]
    if missing:
        more = ", ..." if len(missing) > 4 else ""
        raise InputError(f"the columns {', '.join(missing[:4])}{more} are missing")
    rows = [line.split(",") for line in lines[1:] if line.strip()]
    if len(rows) > MAX_FRAMES:
        raise InputError(f"it has {len(rows)} rows; at most {MAX_FRAMES} can be read")
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise InputError(f"line {number} has {len(row)} values, expected {len(header)}")
    values = np.zeros((len(rows), len(COLUMNS)), np.float32)
    for i, name in enumerate(COLUMNS):
        place = lower.get(name.lower())
        if place is not None:
            values[:, i] = [float(row[place]) for row in rows]
    return Recording(tuple(row[lower["timecode"]] for row in rows), values)


def to_values(motion: Performance) -> np.ndarray:
    """Rows of the file : float32 (T, 61)."""
    values = np.zeros((len(motion), len(COLUMNS)), np.float32)
    values[:, : arkit.COUNT] = motion.weights[:, list(arkit.indices(*UNITS))]
    pitch, yaw, roll = motion.head[:, :3].T
    values[:, 52:55] = np.stack([yaw, pitch, roll], -1)
    left_yaw, left_pitch, right_yaw, right_pitch = motion.gaze.T
    values[:, 55:57] = np.stack([-left_yaw - EYE_REST_YAW_RAD, -left_pitch], -1)
    values[:, 58:60] = np.stack([-right_yaw + EYE_REST_YAW_RAD, -right_pitch], -1)
    return values


def from_values(values: np.ndarray, rate: Fraction) -> Performance:
    """The performance of rows (T, 61)."""
    count = len(values)
    weights = np.zeros((count, arkit.COUNT), np.float32)
    weights[:, list(arkit.indices(*UNITS))] = values[:, : arkit.COUNT]
    head = np.zeros((count, 6), np.float32)
    head[:, :3] = values[:, [53, 52, 54]]
    gaze = np.zeros((count, 4), np.float32)
    if values[:, 55:].any():  # older versions of the app leave the rotations out
        gaze[:] = -values[:, [55, 56, 58, 59]] - np.array([1, 0, -1, 0], np.float32) * EYE_REST_YAW_RAD
    return Performance(rate, weights, head, gaze, np.zeros(count))


def row_rate(t_s: np.ndarray) -> Fraction:
    """The frame rate that rows at times ``t_s`` (T,) were recorded at: the usual step, dropped rows apart."""
    steps = np.diff(t_s)
    steps = steps[steps > 0]
    if not len(steps):
        return Fraction(30)
    usual = float(np.median(steps))
    usual = float(np.mean(steps[np.abs(steps - usual) < 0.25 * usual]))
    nearest = min(RATES.values(), key=lambda rate: abs(float(rate) * usual - 1))
    if abs(float(nearest) * usual - 1) < 0.005:
        return nearest
    rate = Fraction(1 / usual).limit_denominator(1001)
    if not 1 <= rate <= 240:
        raise InputError(f"its rows come {1 / usual:.3g} times a second; 1 to 240 are possible")
    return rate


def on_grid(values: np.ndarray, t_s: np.ndarray, rate: Fraction) -> np.ndarray:
    """Rows at uneven times brought onto an even grid; rows that already lie on it stay bit for bit.

    Parameters
    ----------
    values : (T, C)
    t_s : (T,) rising
    """
    position = (t_s - t_s[0]) * float(rate)
    if np.abs(position - np.arange(len(position))).max() < 0.05:
        return values
    if (np.diff(position) <= 0).any():
        raise InputError("its timecode does not rise from row to row")
    if position[-1] > MAX_FRAMES:
        raise InputError("its timecode spans too long a time")
    grid = np.arange(round(position[-1]) + 1)
    return np.stack([np.interp(grid, position, column) for column in values.T], -1)


def write(take: Take, path: Path, options: ExportOptions, progress: Progress, cancel: CancelToken) -> list[Path]:
    """Write the take as the app would have recorded it; head translation and tongue have no place there."""
    motion = take.motion
    codes = tuple(timecode_60((take.start + i) / motion.rate) for i in range(len(motion)))
    return write_bytes(path, dump(Recording(codes, to_values(motion))).encode())


def parse(text: str, path: Path) -> Performance:
    """The performance of a recording's text; dropped rows are filled by linear interpolation."""
    recording = load(text)
    if not recording.timecodes:
        raise InputError(f"{path} holds no row of curves.")
    t_s = np.array([timecode_seconds(code) for code in recording.timecodes])
    t_s = np.unwrap(t_s, period=86400)
    rate = row_rate(t_s)
    return from_values(on_grid(recording.values, t_s, rate), rate)


def read_start(path: Path, options: ExportOptions) -> int:
    """Number of the first row, from its timecode (0 for a table without one)."""
    text = read_text(path)
    if "timecode" not in text[:4096].lower():
        return 0
    recording = load(text)
    t_s = np.unwrap([timecode_seconds(code) for code in recording.timecodes], period=86400)
    return round(t_s[0] * float(row_rate(t_s)))


def read_curves(path: Path, options: ExportOptions) -> Performance:
    """The performance of a Live Link Face recording, or of another table of curves."""
    text = read_text(path)
    if "timecode" in text[:4096].lower():
        return parse(text, path)
    from app.export.tables import read_csv

    return read_csv(path, options)
