"""Project files: plain, indented, versioned JSON that a person can read and ``git diff`` can follow.

Paths are written relative to the file where that is possible, with forward slashes, so a project folder can move to
another machine. Reading upgrades older versions step by step (`UPGRADES`).
"""

from __future__ import annotations

import json
import os
import shutil
import types
import typing
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Final

from app.core import own_presets
from app.core.folders import read_json, write_atomic
from app.core.project import SCHEMA_VERSION, Project
from engines.errors import ProjectError

SUFFIX: Final = ".soliloquy"
PATH_FIELDS: Final = ("portrait", "voice", "performance")
LINE: Final = 110

UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Version -> function that turns the data of that version into those of the next."""


# --- plain data ---


def to_data(project: Project) -> dict[str, Any]:
    """The project as JSON data, with ``schema``; everything that differs from a new project, nothing else."""
    return {"schema": SCHEMA_VERSION, **_encode(project)}


def _encode(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        found = {}
        for item in fields(value):
            part = getattr(value, item.name)
            if item.default is MISSING or part != item.default:
                found[item.name] = _encode(part)
        return found
    if isinstance(value, tuple):
        return [_encode(part) for part in value]
    if not isinstance(value, str | int | float) and hasattr(value, "item"):
        return value.item()  # a number of numpy's
    return value


def from_data(data: Any, source: str = "the project") -> Project:
    """The project that `to_data` wrote, in this or an older version.

    Raises
    ------
    ProjectError
        If it is damaged or comes from a newer Soliloquy; ``source`` and the field are in the message.
    """
    if not isinstance(data, dict) or not isinstance(data.get("schema"), int):
        raise ProjectError(f"{source} is not a Soliloquy project.")
    if data["schema"] > SCHEMA_VERSION:
        raise ProjectError(f"{source} was made by a newer Soliloquy (project version {data['schema']}). Update first.")
    while data["schema"] < SCHEMA_VERSION:
        version = data["schema"]
        if version not in UPGRADES:
            raise ProjectError(f"{source} has the unknown project version {version}.")
        data = {**UPGRADES[version](data), "schema": version + 1}
    content = {key: value for key, value in data.items() if key != "schema"}
    return typing.cast(Project, _decode(Project, content, source, "project"))


def _decode(kind: Any, value: Any, source: str, where: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if is_dataclass(kind):
        if not isinstance(value, dict):
            raise ProjectError(f"{source}: '{where}' should hold named fields, not {value!r}.")
        hints = typing.get_type_hints(kind)
        unknown = set(value) - set(hints)
        if unknown:
            raise ProjectError(f"{source}: '{where}' has the unknown field '{min(unknown)}'.")
        parts = {k: _decode(hints[k], v, source, f"{where}.{k}") for k, v in value.items()}
        try:
            return typing.cast(Any, kind)(**parts)
        except TypeError as error:
            raise ProjectError(f"{source}: '{where}' is incomplete ({error}).") from None
    if origin is tuple:
        if not isinstance(value, list):
            raise ProjectError(f"{source}: '{where}' should be a list, not {value!r}.")
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_decode(arguments[0], part, source, f"{where}[{i}]") for i, part in enumerate(value))
        if len(arguments) != len(value):
            raise ProjectError(f"{source}: '{where}' should have {len(arguments)} parts, not {len(value)}.")
        return tuple(_decode(a, part, source, where) for a, part in zip(arguments, value, strict=True))
    if origin is typing.Literal:
        if value in arguments:
            return value
        raise ProjectError(f"{source}: '{where}' is {value!r}; it should be one of {', '.join(map(str, arguments))}.")
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        return _decode(next(a for a in arguments if a is not type(None)), value, source, where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise ProjectError(f"{source}: '{where}' should be {kind.__name__}, not {value!r}.")


def dumps(data: Any) -> str:
    """JSON with one clip, key or phone a line: what fits in a line and is flat stays on it."""

    def write(value: Any, indent: str) -> str:
        flat = json.dumps(value, ensure_ascii=False)
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        nested = any(isinstance(part, dict | list) and part for part in parts)
        if not isinstance(value, dict | list) or not value or (not nested and len(indent) + len(flat) <= LINE):
            return flat
        inner = indent + "  "
        if isinstance(value, dict):
            lines = [f"{inner}{json.dumps(k, ensure_ascii=False)}: {write(v, inner)}" for k, v in value.items()]
            return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
        return "[\n" + ",\n".join(inner + write(v, inner) for v in value) + f"\n{indent}]"

    return write(data, "") + "\n"


# --- files ---


def _relative(path: str, folder: Path) -> str:
    if not path:
        return ""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return Path(path).as_posix()


def _with_evidence(project: Project, place: Callable[[str], str]) -> Project:
    """The project with the files that prove consent at other paths."""
    consents = (replace(c, evidence=place(c.evidence)) if c.evidence else c for c in project.consents)
    return project.with_(consents=tuple(consents))


def save(project: Project, path: Path) -> None:
    """Write ``project`` to ``path`` in one step; a failure leaves the old file unharmed.

    Raises
    ------
    ProjectError
        If the file cannot be written.
    """
    folder = path.resolve().parent
    relative = {name: _relative(getattr(project, name), folder) for name in PATH_FIELDS}
    proven = _with_evidence(project, lambda evidence: _relative(evidence, folder))
    write_atomic(path, dumps(to_data(proven.with_(**relative))))


def load(path: Path) -> Project:
    """The project in ``path``, with absolute media paths. Media may be missing (`missing_media`).

    Raises
    ------
    ProjectError
        If it cannot be read, is damaged, or comes from a newer Soliloquy.
    """
    project = from_data(read_json(path), path.name)
    folder = path.resolve().parent
    project = _with_evidence(project, lambda evidence: os.path.normpath(folder / evidence))
    return project.with_(
        **{name: os.path.normpath(folder / getattr(project, name)) for name in PATH_FIELDS if getattr(project, name)}
    )


def missing_media(project: Project) -> dict[str, Path]:
    """Media that are not where the project expects them, by field."""
    paths = {name: Path(getattr(project, name)) for name in PATH_FIELDS if getattr(project, name)}
    return {name: path for name, path in paths.items() if not path.exists()}


def relink(project: Project, folder: Path) -> Project:
    """The project with missing media found by name below ``folder``; what is not there stays missing."""
    missing = missing_media(project)
    wanted = {path.name: name for name, path in missing.items()}
    found: dict[str, str] = {}
    for root, _, names in os.walk(folder):
        for name in wanted.keys() & set(names):
            found.setdefault(wanted[name], str(Path(root) / name))
        if len(found) == len(missing):
            break
    return project.with_(**found)


def collect(project: Project, folder: Path) -> Path:
    """Copy the project, its media and its presets that are the user's own into ``folder``, ready to take elsewhere.

    Returns
    -------
    the new project file

    Raises
    ------
    ProjectError
        If media are missing or cannot be copied.
    """
    missing = missing_media(project)
    if missing:
        raise ProjectError(f"{next(iter(missing.values()))} is missing. Relink it before collecting files.")
    media = folder / "media"
    changes: dict[str, str] = {}
    taken: set[str] = set()

    def copied(source: str, name: str) -> str:
        target = media / Path(source).name
        while target.name in taken:
            target = media / f"{name}-{target.name}"
        taken.add(target.name)
        shutil.copy2(source, target)
        return str(target.resolve())

    try:
        media.mkdir(parents=True, exist_ok=True)
        for name in PATH_FIELDS:
            if source := getattr(project, name):
                changes[name] = copied(source, name)
        project = _with_evidence(project, lambda e: copied(e, "consent") if Path(e).is_file() else e)
        own_presets.collect(project, folder)
    except OSError as error:
        raise ProjectError(f"{folder} cannot take the project's files: {error.strerror or error}.") from error
    path = folder / f"{project.name or 'Untitled'}{SUFFIX}"
    save(project.with_(**changes), path)
    return path
