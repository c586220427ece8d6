"""What was expensive, kept on disk by content hash: analyses, prepared actors, finished segments.

An entry is a file ``KIND/KEY.EXT``; writers get a temporary path that is renamed when it is complete, so a crash
leaves no half entry. The least recently used entries go when the cache outgrows its limit.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.core import folders
from engines.errors import ExportError

if TYPE_CHECKING:
    from engines.api import EngineInfo

LIMIT_BYTES: Final = 8 << 30
KEEP_FREE_BYTES: Final = 512 << 20
"""Nothing is cached when the disk would be left with less."""
_SHARED: Final = ("engines.latent", "engines.teaching", "engines.blendshape", "engines.rig", "engines.face")
"""What engines build on beside their own package."""


def content_key(*parts: Any) -> str:
    """Hash of values whose ``repr`` is stable: bytes, text, numbers, tuples, frozen dataclasses of those."""
    h = hashlib.blake2b(digest_size=16)
    for part in parts:
        h.update(part if isinstance(part, bytes) else repr(part).encode())
        h.update(b"\0")
    return h.hexdigest()


@cache
def code_digest(*packages: str) -> str:
    """Hash of the source of packages or modules, so that what another version computed is not taken for ours.

    Parameters
    ----------
    packages : dotted names; they are found without importing them
    """
    h = hashlib.blake2b(digest_size=8)
    root = Path(__file__).resolve().parents[2]
    for name in packages:
        base = root.joinpath(*name.split("."))
        for path in sorted(base.rglob("*.py")) or [base.with_suffix(".py")]:
            with contextlib.suppress(OSError):  # a bundle without sources has one version for all
                h.update(path.read_bytes())
    return h.hexdigest()


def engine_digest(info: EngineInfo) -> str:
    """Hash of the source of an engine and of what engines share."""
    package = info.entry.partition(":")[0].rpartition(".")[0]
    return code_digest(package, *_SHARED)


def file_digest(path: Path) -> str:
    """Hash of a file's content, wherever it lies and whenever it was written; empty when it cannot be read."""
    h = hashlib.blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 22):
                h.update(chunk)
    except OSError:
        return ""
    return h.hexdigest()


class DiskCache:
    """A size-limited folder of files by kind and key.

    Parameters
    ----------
    folder : default the user's cache folder
    limit_bytes : total size that is kept
    """

    def __init__(self, folder: Path | None = None, limit_bytes: int = LIMIT_BYTES) -> None:
        self.folder = folder or folders.cache()
        self.limit_bytes = limit_bytes

    def path(self, kind: str, key: str, suffix: str = "") -> Path:
        """Where the entry is or would be."""
        return self.folder / kind / f"{key}{suffix}"

    def get(self, kind: str, key: str, suffix: str = "") -> Path | None:
        """The file of an entry, or None; counts as a use."""
        path = self.path(kind, key, suffix)
        if not path.exists():
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return path

    def put(self, kind: str, key: str, write: Callable[[Path], object], suffix: str = "") -> Path | None:
        """Make an entry: ``write`` fills the temporary path it is given.

        Returns
        -------
        The entry, or None when the disk is too full to cache anything; the work then simply is not kept.
        """
        path = self.path(kind, key, suffix)
        part = path.with_name(f".{path.stem}.{os.getpid()}.part{suffix}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(path.parent).free < KEEP_FREE_BYTES:
                return None
            write(part)
            os.replace(part, path)
        except (OSError, ExportError):
            return None
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        self.trim(keep=path)
        return path

    def entries(self) -> list[tuple[Path, int, float]]:
        """(file, bytes, last use) of every entry."""
        found = []
        for path in self.folder.rglob("*"):
            with contextlib.suppress(OSError):
                if path.is_file():
                    stat = path.stat()
                    found.append((path, stat.st_size, stat.st_mtime))
        return found

    def size_bytes(self) -> int:
        return sum(size for _, size, _ in self.entries())

    def trim(self, keep: Path | None = None) -> None:
        """Remove the least recently used entries beyond the limit, never ``keep``."""
        entries = self.entries()
        surplus = sum(size for _, size, _ in entries) - self.limit_bytes
        for path, size, _ in sorted(entries, key=lambda e: e[2]):
            if surplus <= 0:
                return
            if path != keep:
                with contextlib.suppress(OSError):
                    path.unlink()
                    surplus -= size

    def clear(self) -> None:
        """Remove everything."""
        for path, _, _ in self.entries():
            with contextlib.suppress(OSError):
                path.unlink()
