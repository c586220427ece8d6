"""Which metrics there are, read from ``metrics.toml`` files without importing what computes them.

The metrics of this repository stand in ``engines/judge/metrics.toml``. A third party adds some by the entry point
group ``soliloquy.metrics``, whose value names a package that holds a ``metrics.toml``.
"""

from __future__ import annotations

import importlib
import importlib.util
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final, Literal

from engines.errors import EngineError, InputError

GROUPS: Final = ("sync", "mouth", "eyes", "motion", "picture", "person", "sound", "performance", "reference")


class NotMeasured(Exception):
    """A metric has nothing to measure in this take; the message says what is missing and what to do."""


@dataclass(frozen=True)
class Metric:
    """One number about a take.

    Attributes
    ----------
    id, name : for files and for people
    group : one of `GROUPS`; reports are ordered by it
    definition : how it is computed, in words
    unit : of the value, ``1`` for a bare number
    good : ``low``, ``high``, or ``near``: the nearer to the yardstick the better
    source : the paper or practice it comes from
    entry : ``package.module:function``; the function takes an `Evidence` and returns a number or raises `NotMeasured`
    yardstick : its value on real footage of talking people (median of the clips it was measured on), or None
    real : lowest and highest value on those clips
    digits : decimals worth printing
    """

    id: str
    name: str
    group: str
    definition: str
    unit: str
    good: Literal["low", "high", "near"]
    source: str
    entry: str
    yardstick: float | None = None
    real: tuple[float, float] | None = None
    digits: int = 2

    def load(self) -> Callable[[Any], float]:
        """The function that computes it."""
        module, _, name = self.entry.partition(":")
        function: Callable[[Any], float] = getattr(importlib.import_module(module), name)
        return function

    def format(self, value: float | None) -> str:
        """The value with its unit, for people."""
        if value is None:
            return "-"
        unit = "" if self.unit == "1" else f" {self.unit}"
        return f"{round(value, self.digits) + 0.0:.{self.digits}f}{unit}"  # no minus before a zero

    def badness(self, value: float) -> float:
        """A number that falls as the take gets better, comparable between takes."""
        if self.good == "near":
            return abs(value - (self.yardstick or 0.0))
        return value if self.good == "low" else -value

    def as_real(self, value: float) -> bool | None:
        """Whether the value is as good as on real footage; None where there is no yardstick."""
        if self.real is None:
            return None
        low, high = self.real
        slack = 0.1 * max(abs(low), abs(high))
        if self.good == "near":
            return low - slack <= value <= high + slack
        return value <= high + slack if self.good == "low" else value >= low - slack


@dataclass(frozen=True)
class Measure:
    """What came out for one metric.

    Attributes
    ----------
    value : None where it was not measured
    reason : why it was not measured, and what to do
    """

    metric: Metric
    value: float | None
    reason: str = field(default="")


def read(path: Path) -> list[Metric]:
    """The metrics of a manifest.

    Raises
    ------
    EngineError
        If a field is missing or of the wrong type; the message names the file.
    """
    try:
        found = []
        for item in tomllib.loads(path.read_text(encoding="utf-8"))["metrics"]:
            real = item.pop("real", None)
            found.append(Metric(real=tuple(real) if real else None, **item))
        for metric in found:
            if metric.group not in GROUPS or metric.good not in ("low", "high", "near"):
                raise ValueError(f"metric '{metric.id}': unknown group or direction")
        return found
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise EngineError(f"The metrics in {path} cannot be used: {error}. Correct or remove the file.") from error


@cache
def metrics() -> dict[str, Metric]:
    """All metrics by id, in the order of reports."""
    paths = [Path(__file__).with_name("metrics.toml")]
    for point in entry_points(group="soliloquy.metrics"):
        spec = importlib.util.find_spec(point.value)
        if spec is not None and spec.origin is not None:
            paths.append(Path(spec.origin).parent / "metrics.toml")
    found = [metric for path in paths for metric in read(path)]
    return {m.id: m for m in sorted(found, key=lambda m: GROUPS.index(m.group))}


def metric(metric_id: str) -> Metric:
    """One metric.

    Raises
    ------
    InputError
        If there is none of this id; the message lists those there are.
    """
    try:
        return metrics()[metric_id]
    except KeyError:
        raise InputError(f"There is no metric '{metric_id}'. Choose from: {', '.join(metrics())}.") from None
