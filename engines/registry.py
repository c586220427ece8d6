"""Which engines there are, read from their ``engine.toml`` files without importing any of them.

Engines of this repository lie in ``engines/*/engine.toml``. A third party adds one by the entry point group
``soliloquy.engines``, whose value names a package that holds an ``engine.toml``.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import tomllib
from dataclasses import replace
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from engines.api import Coordinate, Engine, EngineInfo
from engines.errors import EngineError, InputError

DEFAULT = "blendshape"


def read_info(path: Path) -> EngineInfo:
    """The manifest at ``path``.

    Raises
    ------
    EngineError
        If a field is missing or has the wrong type; the message names the file.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        data["honours"] = frozenset(data["honours"])
        data["needs"] = tuple(data.get("needs", ()))
        data["sources"] = tuple(data.get("sources", ()))
        data["coordinates"] = _coordinates(data.get("coordinates", []))
        return EngineInfo(**data)
    except (KeyError, TypeError, ValueError, tomllib.TOMLDecodeError, OSError) as error:
        raise EngineError(f"The engine manifest {path} cannot be used: {error}. Correct or remove it.") from error


def _coordinates(entries: list[dict[str, Any]]) -> tuple[Coordinate, ...]:
    """The ``[[coordinates]]`` of a manifest; ``count = N`` in an entry stands for NAME_1 to NAME_N."""
    found: list[Coordinate] = []
    for entry in entries:
        fields = dict(entry)
        count = fields.pop("count", 0)
        base = Coordinate(**fields)
        label = base.label or base.name.replace("_", " ").capitalize()
        numbers = [("", "")] if not count else [(f"_{i + 1}", f" {i + 1}") for i in range(count)]
        found += [replace(base, name=base.name + tail, label=label + number) for tail, number in numbers]
    names = [c.name for c in found]
    if wrong := [n for n in names if not re.fullmatch(r"[A-Za-z0-9_-]+", n) or names.count(n) > 1]:
        raise ValueError(f"coordinate '{wrong[0]}' is there twice or holds more than letters, digits, _ and -")
    if wrong := [c.name for c in found if not c.low < c.high]:
        raise ValueError(f"low of coordinate '{wrong[0]}' is not below its high")
    return tuple(found)


def _manifests() -> list[Path]:
    found = sorted(Path(__file__).parent.glob("*/engine.toml"))
    for point in entry_points(group="soliloquy.engines"):
        spec = importlib.util.find_spec(point.value)
        if spec is not None and spec.origin is not None:
            found.append(Path(spec.origin).parent / "engine.toml")
    return found


@cache
def engines() -> dict[str, EngineInfo]:
    """All engines by id, the default first."""
    infos = {info.id: info for info in map(read_info, _manifests())}
    return dict(sorted(infos.items(), key=lambda item: (item[0] != DEFAULT, item[0])))


def more(info: EngineInfo) -> tuple[tuple[Coordinate, ...], str]:
    """Coordinates that an engine has at the moment beside those of its manifest, and a word about them for the artist.

    They depend on what the user brought, such as weights.
    """
    if not info.more:
        return (), ""
    module, _, function = info.more.partition(":")
    found: tuple[tuple[Coordinate, ...], str] = getattr(importlib.import_module(module), function)()
    return found


def coordinates(info: EngineInfo) -> tuple[Coordinate, ...]:
    """All numbers of an engine that curves can move now."""
    return (*info.coordinates, *more(info)[0])


def info(engine_id: str) -> EngineInfo:
    """The manifest of one engine.

    Raises
    ------
    InputError
        If there is no such engine; the message lists those there are.
    """
    try:
        return engines()[engine_id]
    except KeyError:
        raise InputError(f"There is no engine '{engine_id}'. Choose one of: {', '.join(engines())}.") from None


@cache
def load(engine_id: str) -> Engine:
    """The engine itself; imports its package on first use."""
    module, _, name = info(engine_id).entry.partition(":")
    engine: Engine = getattr(importlib.import_module(module), name)(info(engine_id))
    return engine
