"""Prepared actors on disk: trees of dataclasses and arrays as npz, without pickle, so that reading runs no code.

Only dataclasses of ``engines`` can be stored; an actor that holds anything else (tensors of a network) is not kept.
"""

from __future__ import annotations

import importlib
import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np


class Unstorable(TypeError):
    """The actor holds something that is neither a number, a text, an array nor a dataclass of ours."""


def save(actor: Any, path: Path) -> None:
    """Write an actor.

    Raises
    ------
    Unstorable
        If it holds something else than dataclasses, arrays and plain values.
    OSError
        If the file cannot be written.
    """
    arrays: list[np.ndarray] = []
    tree = json.dumps(_encode(actor, arrays))
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, tree=np.array(tree), **{f"a{i}": a for i, a in enumerate(arrays)})


def load(path: Path) -> Any:
    """The actor that `save` wrote.

    Raises
    ------
    ValueError, OSError, KeyError, TypeError, ImportError
        If the file is damaged or from another version.
    """
    with np.load(path, allow_pickle=False) as data:
        return _decode(json.loads(str(data["tree"])), data)


def _encode(value: Any, arrays: list[np.ndarray]) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return {"path": str(value)}
    if isinstance(value, tuple | list):
        return {"tuple" if isinstance(value, tuple) else "list": [_encode(part, arrays) for part in value]}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: _encode(part, arrays) for key, part in value.items()}}
    kind = type(value)
    if is_dataclass(value) and kind.__module__.split(".")[0] == "engines":
        parts = {f.name: _encode(getattr(value, f.name), arrays) for f in fields(value) if f.init}
        return {"class": f"{kind.__module__}:{kind.__qualname__}", "fields": parts}
    raise Unstorable(f"{kind.__module__}.{kind.__qualname__} cannot be kept on disk.")


def _decode(tree: Any, data: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    if "array" in tree:
        return data[f"a{tree['array']}"]
    if "path" in tree:
        return Path(tree["path"])
    if "tuple" in tree:
        return tuple(_decode(part, data) for part in tree["tuple"])
    if "list" in tree:
        return [_decode(part, data) for part in tree["list"]]
    if "dict" in tree:
        return {key: _decode(part, data) for key, part in tree["dict"].items()}
    module, _, name = tree["class"].partition(":")
    if module.split(".")[0] != "engines":
        raise ValueError(f"{tree['class']} is no part of an engine.")
    kind = getattr(importlib.import_module(module), name)
    if not isinstance(kind, type) or not is_dataclass(kind):
        raise ValueError(f"{tree['class']} is no dataclass.")
    make: Any = kind
    return make(**{key: _decode(part, data) for key, part in tree["fields"].items()})
