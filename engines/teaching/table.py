"""Rows of arrays that belong together, such as pictures with what they show: cut, joined, written and read as one."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

import numpy as np

from engines.errors import InputError


class Table:
    """Base of frozen dataclasses whose fields are all arrays of the same length N."""

    def __len__(self) -> int:
        return len(getattr(self, self._names()[-1]))

    def part(self, where: slice | np.ndarray) -> Self:
        """Some of the rows."""
        return type(self)(*(getattr(self, name)[where] for name in self._names()))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several tables as one."""
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in cls._names()))

    def save(self, path: Path) -> None:
        """Write the rows under the final name only when the file is whole."""
        partial = path.with_name(f".{path.name}.part")
        with partial.open("wb") as file:
            np.savez(file, **{name: getattr(self, name) for name in self._names()})
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """What `save` wrote.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
                return cls(*(data[name] for name in cls._names()))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"{path} cannot be read ({error}). Delete it: it is drawn again.") from error

    @classmethod
    def _names(cls: Any) -> list[str]:
        return [f.name for f in fields(cls)]
