"""Rows of arrays that belong together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from engines.errors import InputError
from engines.teaching.table import Table


@dataclass(frozen=True, eq=False)
class Pairs(Table):
    picture: np.ndarray
    person: np.ndarray


def test_rows_are_cut_joined_and_come_back_from_disk(tmp_path: Path) -> None:
    rows = Pairs(np.arange(12, dtype=np.uint8).reshape(4, 3), np.array([0, 0, 1, 1]))
    both = Pairs.joined([rows.part(slice(0, 1)), rows.part(np.array([2, 3]))])
    assert len(both) == 3
    assert both.person.tolist() == [0, 1, 1]
    both.save(tmp_path / "rows.npz")
    back = Pairs.load(tmp_path / "rows.npz")
    assert isinstance(back, Pairs)
    np.testing.assert_array_equal(back.picture, both.picture)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.npz"
    Pairs(np.zeros((2, 1)), np.zeros(2)).save(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="cannot be read"):
        Pairs.load(path)
