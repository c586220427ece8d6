"""Files at the border: nothing half-written under a final name, and no damaged file that crashes a reader."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from engines.errors import ExportError, InputError, StudioError

MAX_FILE_BYTES: Final = 256 << 20
"""Largest curve or mesh file that a reader opens."""
MAX_FRAMES: Final = 500_000
"""Longest performance that a reader accepts (over two hours at 60 frames a second)."""


def explain(error: OSError, path: Path) -> str:
    """What a failed write means for the user."""
    if error.errno == errno.ENOSPC:
        return f"There is no space left for {path}. Free some space or choose another disk, then export again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{path} may not be written. Close programs that have it open, or choose another folder."
    return f"{path} could not be written: {error.strerror or error}. Choose another folder or check the disk."


def temporary_beside(path: Path) -> Path:
    """A hidden, unused name in the folder of ``path`` with its suffix (encoders choose by suffix)."""
    return path.with_name(f".{path.stem[:80]}.{uuid.uuid4().hex[:8]}.part{path.suffix}")


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary name to write to; it becomes ``path`` when the block ends well and vanishes otherwise.

    Raises
    ------
    ExportError
        If the folder or the file cannot be written; the message says why and what to do.
    """
    temporary = temporary_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise ExportError(explain(error, path)) from error
    finally:
        with suppress(OSError):  # its folder may be no folder
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside ``path``; its files move into the folder of ``path`` when the block ends well."""
    temporary = temporary_beside(path)
    try:
        temporary.mkdir(parents=True)
        yield temporary
        for made in sorted(temporary.iterdir()):
            os.replace(made, path.parent / made.name)
    except OSError as error:
        raise ExportError(explain(error, path)) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_bytes(path: Path, data: bytes) -> list[Path]:
    """Write a whole file at once."""
    with atomic(path) as temporary:
        temporary.write_bytes(data)
    return [path]


def read_bytes(path: Path, limit: int = MAX_FILE_BYTES) -> bytes:
    """The content of a file no larger than ``limit``.

    Raises
    ------
    InputError
        If it is absent, unreadable or too large.
    """
    try:
        size = path.stat().st_size
        if size > limit:
            raise InputError(f"{path} is {size >> 20} MB large; at most {limit >> 20} MB can be read.")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error


def read_text(path: Path, limit: int = MAX_FILE_BYTES) -> str:
    """The content of a UTF-8 text file (with or without a byte order mark)."""
    try:
        return read_bytes(path, limit).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no UTF-8 text: byte {error.start} is out of place.") from error


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turn whatever a parser raises on a damaged file into an `InputError` that names the file."""
    try:
        yield
    except InputError as error:
        if str(path) in str(error):
            raise
        raise InputError(f"{path} cannot be used: {str(error).removesuffix('.')}.") from error
    except StudioError:
        raise
    except Exception as error:  # a parser of foreign bytes may raise anything; all of it means "damaged file"
        detail = str(error) or type(error).__name__
        raise InputError(
            f"{path} is no usable {what} file: {detail[:200]}. Export it again from its program."
        ) from error
