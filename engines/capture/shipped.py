"""Numbers that ship with the program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from engines.errors import EngineError


@contextmanager
def shipped(path: Path) -> Iterator[np.lib.npyio.NpzFile]:
    """The arrays of an ``.npz`` of the program, to be taken out and looked at within.

    Raises
    ------
    EngineError
        When the file is missing or damaged, or what is done within fails on what it holds.
    """
    try:
        with np.load(path) as data:
            yield data
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise EngineError(f"The file {path} cannot be read: {error}. Install Soliloquy again.") from error
