"""Named directions of a generator's latent space, such as age or smile: kept beside it, moved by curves.

Published ones come as arrays: (512,), (1, 512) or (n, 512) in W, (layers, 512) in W+, in ``.npy``, ``.npz`` or ``.pt``.
They are read as numbers only; nothing in a file is run. `net_edits` finds directions in a generator.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines.api import Coordinate, Performance
from engines.errors import InputError, WeightsMissing
from engines.stylegan.generators import OWN, Chosen, choose

VIDEO: Final = "video"
"""Name of the coordinate that says how far the channels follow what was sought in a video's own frames."""
PREFIX: Final = "edit_"
"""Of the coordinates' names: a curve on ``stylegan.edit_age`` moves the direction ``age``."""
_CLIP: Final = Coordinate(VIDEO, "Sought in the clip", "Channels", 0.0, 1.0)
GROUP: Final = "Edits"
NO_GENERATOR: Final = (
    "Edits are directions of a generator, and the weights store holds none. Import one: soliloquy weights import FILE, "
    "or train one: soliloquy train stylegan."
)
MOST: Final = 4.0
MOST_OF_A_FILE: Final = 10
"""Directions of one file that are taken; files of principal axes hold the strongest first."""
SUFFIXES: Final = (".npy", ".npz", ".pt")
_LARGEST_BYTES: Final = 64 << 20
_NOT_DIRECTIONS: Final = ("mean", "std", "stdev", "lat_mean", "lat_std", "act_mean", "act_std", "var_ratio")
"""Arrays that lie beside directions in published files (GANSpace)."""


@dataclass(frozen=True, eq=False)
class Edit:
    """A direction.

    Attributes
    ----------
    name : letters, digits, _ and -
    rows : float32 (1, dim) in W or (layers, dim) in W+, as long as random faces spread along it
    source : where it comes from, for people
    """

    name: str
    rows: np.ndarray
    source: str


def folder(chosen: Chosen) -> Path:
    """Where a generator's directions lie; they go with it, for another one has another latent space."""
    return chosen.folder.parent / "edits"


def names(chosen: Chosen) -> tuple[str, ...]:
    """Names of a generator's directions, in order, without reading them."""
    try:
        return tuple(sorted(p.stem for p in folder(chosen).glob("*.npz") if not p.name.startswith(".")))
    except OSError:
        return ()


def kept(chosen: Chosen) -> list[Edit]:
    """A generator's directions.

    Raises
    ------
    WeightsMissing
        If one of them cannot be read; the message names the file.
    """
    return [_load(folder(chosen) / f"{name}.npz") for name in names(chosen)]


def stamp() -> str:
    """Changes whenever the directions of the generator in use do."""
    chosen = choose()
    if chosen is None:
        return ""
    found = [(n, (folder(chosen) / f"{n}.npz").stat().st_mtime_ns) for n in names(chosen)]
    return f"{chosen.sha256} {found}"


def amounts(performance: Performance, asked: Sequence[str]) -> np.ndarray:
    """What curves ask of directions : float32 (T, E)."""
    columns = [performance.coordinate(PREFIX + name) for name in asked]
    return np.stack(columns, 1) if columns else np.zeros((len(performance), 0), np.float32)


def keep(chosen: Chosen, edit: Edit) -> Path:
    """Keep a direction under its name, in place of another one of that name.

    Raises
    ------
    WeightsMissing
        If it cannot be written.
    """
    path = folder(chosen) / f"{edit.name}.npz"
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            np.savez(file, rows=edit.rows.astype(np.float32), source=np.array(edit.source))
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise WeightsMissing(
            f"{path} could not be written: {error.strerror or error}. Free some space there."
        ) from error
    return path


def remove(chosen: Chosen, name: str) -> None:
    """Forget a direction.

    Raises
    ------
    InputError
        If there is none of that name; the message lists those there are.
    """
    if name not in names(chosen):
        there = ", ".join(names(chosen)) or "none"
        raise InputError(f"The generator has no edit '{name}'. There are: {there}.")
    (folder(chosen) / f"{name}.npz").unlink(missing_ok=True)


def offered() -> tuple[tuple[Coordinate, ...], str]:
    """What curves can move with the generator in use beside the 35 numbers, and a word for the artist."""
    try:
        chosen = choose()
    except WeightsMissing as error:
        return (), str(error)
    if chosen is None:
        return (), (
            "Edits such as age or smile are directions in a generator's latent space. This portrait is taught by the "
            "rig and has none; import or train a generator to have them."
        )
    found = names(chosen)
    word = (
        "Directions in the generator's latent space; 1 is as far as faces usually differ."
        if found
        else "No edits yet. Tools > Edits of the generator (or 'soliloquy edits find') finds some in it, and takes "
        "published ones."
    )
    clip = () if chosen.entry == OWN else (_CLIP,)
    return (*(Coordinate(PREFIX + n, _label(n), GROUP, -MOST, MOST) for n in found), *clip), word


def read(path: Path, layers: int, dim: int, name: str = "") -> dict[str, np.ndarray]:
    """The directions in a published file, by name : float32 (1, dim) or (layers, dim), as long as they are there.

    Parameters
    ----------
    layers, dim : of the generator's W+
    name : of the direction, default the file's; several are numbered

    Raises
    ------
    InputError
        If the file is none that can be used, or belongs to another generator; nothing in it was run.
    """
    base = clean(name or path.stem)
    arrays = _arrays(path)
    single = len(arrays) == 1
    found: dict[str, np.ndarray] = {}
    for key, array in arrays.items():
        own = base if single or key in ("comp", "lat_comp") else clean(f"{base}_{key}")
        parts = _parts(array, layers, dim, path)
        found |= {own: parts[0]} if len(parts) == 1 else {f"{own}_{i + 1}": p for i, p in enumerate(parts)}
    return found


def clean(name: str) -> str:
    """A name that a coordinate may have.

    Raises
    ------
    InputError
        If nothing of it is left.
    """
    found = re.sub(r"[^A-Za-z0-9-]+", "_", name).strip("_-").lower()
    if not found:
        raise InputError(f"'{name}' is no name for an edit. Use letters, digits, _ and -.")
    return found


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _load(path: Path) -> Edit:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            rows = np.asarray(data["rows"], np.float32)
            source = str(data["source"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsMissing(
            f"The edit {path} cannot be read ({error}). Remove it: soliloquy edits remove {path.stem}"
        ) from error
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise WeightsMissing(f"The edit {path} is damaged. Remove it: soliloquy edits remove {path.stem}")
    return Edit(path.stem, rows, source)


def _parts(array: np.ndarray, layers: int, dim: int, path: Path) -> list[np.ndarray]:
    """The directions in one array."""
    flat = np.asarray(array, np.float32)
    shape = flat.shape
    if flat.ndim == 3 and 1 in shape[:2]:  # (1, layers, dim), or GANSpace's (n, 1, dim)
        flat = flat.reshape(-1, dim) if shape[-1] == dim else flat
    flat = flat[None] if flat.ndim == 1 else flat
    if flat.ndim != 2 or flat.shape[1] != dim or not len(flat):
        raise InputError(
            f"{path} holds an array of {' x '.join(map(str, shape))}; this generator's edits have {dim} numbers, or "
            f"{layers} x {dim} in W+. It belongs to another generator."
        )
    if not np.isfinite(flat).all():
        raise InputError(f"{path} holds values that are not numbers. Get it again from its source.")
    if not np.abs(flat).max(1).min() > 0:
        raise InputError(f"{path} holds a direction of nothing but zeros. Get it again from its source.")
    return [flat] if len(flat) == layers and layers > 1 else list(flat[:MOST_OF_A_FILE, None])


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Every array of numbers in a file, by name."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path} is no file of edits. Choose one of: {', '.join(SUFFIXES)}.")
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise InputError(
                f"{path} is too large for a file of edits. Import generators with: soliloquy weights import"
            )
        if suffix == ".pt":
            return _tensors(path)
        if suffix == ".npz":
            with zipfile.ZipFile(path) as file:
                if sum(item.file_size for item in file.infolist()) > _LARGEST_BYTES:
                    raise InputError(f"{path} is too large for a file of edits once it is unpacked.")
        loaded: Any = np.load(path, allow_pickle=False)
        found = {n: loaded[n] for n in loaded.files} if suffix == ".npz" else {"": loaded}
    except (OSError, ValueError, EOFError, MemoryError, AttributeError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} cannot be read as numbers ({error}); nothing in it was run. Get it again from its source."
        ) from error
    return _directions(found, path)


def _tensors(path: Path) -> dict[str, np.ndarray]:
    import torch

    from engines import checkpoint

    content = checkpoint.read(path)
    content = content if isinstance(content, Mapping) else {"": content}
    found = {
        str(key): (value.detach().float().numpy() if isinstance(value, torch.Tensor) else np.asarray(value))
        for key, value in content.items()
        if isinstance(value, torch.Tensor | np.ndarray)
    }
    return _directions(found, path)


def _directions(arrays: Mapping[str, np.ndarray], path: Path) -> dict[str, np.ndarray]:
    found = {n: a for n, a in arrays.items() if n not in _NOT_DIRECTIONS and a.dtype.kind in "fiu" and a.ndim}
    if not found:
        raise InputError(f"{path} holds no array of numbers. Get the file of edits from its source.")
    return found
