"""Nothing that the artist made is lost: autosave, recovery after a crash, lock files and thinned backups.

An open project has one recovery file in the state folder, named by a session; it is removed on a clean close. A file
whose process is gone is offered for recovery.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.core import folders, project_file
from app.core.folders import read_json, write_atomic
from app.core.project import Project
from engines.errors import ProjectError

AUTOSAVE_S: Final = 4.0
"""Seconds after a change within which it is on disk."""

BACKUP_WINDOWS: Final = ((3600.0, 20), (86400.0, 20), (7 * 86400.0, 20), (float("inf"), 20))
"""(age in seconds, copies kept up to that age)."""


def process_alive(pid: int) -> bool:
    """Whether a process of this machine still runs."""
    if pid <= 0:
        return False
    if os.name == "nt":  # os.kill would send Ctrl-C there
        import ctypes

        kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
        handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        code = ctypes.c_ulong()
        alive = bool(handle) and kernel.GetExitCodeProcess(handle, ctypes.byref(code)) and code.value == 259
        if handle:
            kernel.CloseHandle(handle)
        return bool(alive)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    except OSError:
        return False
    return True


# --- recovery ---


@dataclass(frozen=True)
class Recovery:
    """What a crashed session left.

    Attributes
    ----------
    file : the recovery file
    project : as it was
    path : the project file it belonged to, or None if it was never saved
    time : seconds since the epoch
    """

    file: Path
    project: Project
    path: Path | None
    time: float


def _recovery_folder() -> Path:
    folder = folders.state() / "recovery"
    folder.mkdir(exist_ok=True)
    return folder


class Autosave:
    """The recovery file of one open project."""

    def __init__(self) -> None:
        key = hashlib.blake2b(f"{os.getpid()} {time.time_ns()}".encode(), digest_size=6).hexdigest()
        self._file = _recovery_folder() / f"{key}.json"

    def save(self, project: Project, path: Path | None) -> None:
        """Write the state that a crash would return to. ``path``: the project's own file, if it has one."""
        data = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "time": time.time(),
            "path": None if path is None else str(path.resolve()),
            "project": project_file.to_data(project),
        }
        write_atomic(self._file, project_file.dumps(data))

    def discard(self) -> None:
        """The project was closed or saved: nothing to recover."""
        self._file.unlink(missing_ok=True)


def recoveries() -> list[Recovery]:
    """What crashed sessions of this machine left, newest first."""
    found = []
    for file in _recovery_folder().glob("*.json"):
        with contextlib.suppress(ProjectError, KeyError, TypeError):
            data = read_json(file)
            if data["host"] == socket.gethostname() and data["pid"] != os.getpid() and process_alive(data["pid"]):
                continue
            if data["pid"] == os.getpid():
                continue
            project = project_file.from_data(data["project"], file.name)
            found.append(Recovery(file, project, Path(data["path"]) if data["path"] else None, float(data["time"])))
    return sorted(found, key=lambda r: -r.time)


def forget(recovery: Recovery) -> None:
    """The artist has dealt with it."""
    recovery.file.unlink(missing_ok=True)


# --- lock ---


class Lock:
    """Says that a project file is open, so that a second window warns instead of overwriting.

    Parameters
    ----------
    path : the project file
    """

    def __init__(self, path: Path) -> None:
        self._file = path.with_name(f".{path.name}.lock")
        self._held = False

    def holder(self) -> str:
        """Who has the project open, as a phrase, or nothing; a lock whose process is gone does not count."""
        try:
            data: dict[str, Any] = read_json(self._file)
            pid, host = int(data["pid"]), str(data["host"])
        except (ProjectError, KeyError, TypeError, ValueError):
            return ""
        if host == socket.gethostname() and (pid == os.getpid() or not process_alive(pid)):
            return ""
        return f"another window on {host} (process {pid})"

    def acquire(self) -> str:
        """Take the lock; returns who holds it instead, or nothing on success."""
        holder = self.holder()
        if not holder:
            with contextlib.suppress(ProjectError):  # a read-only folder cannot be locked, and need not be
                write_atomic(self._file, project_file.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
                self._held = True
        return holder

    def release(self) -> None:
        if self._held:
            self._file.unlink(missing_ok=True)
            self._held = False


# --- backups ---


def _backup_folder(path: Path) -> Path:
    key = hashlib.blake2b(str(path.resolve()).encode(), digest_size=8).hexdigest()
    folder = folders.state() / "backups" / f"{path.stem}-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def back_up(path: Path, now: float | None = None) -> Path | None:
    """Keep a copy of the project file that is about to be overwritten; thins older copies. None if there is no file."""
    if not path.is_file():
        return None
    now = time.time() if now is None else now
    folder = _backup_folder(path)
    copy = folder / f"{now:017.3f}{project_file.SUFFIX}"
    try:
        shutil.copyfile(path, copy)
    except OSError as error:
        raise ProjectError(f"No backup of {path} could be made: {error.strerror or error}.") from error
    _thin(folder, now)
    return copy


def backups(path: Path) -> list[tuple[float, Path]]:
    """(time, file) of the copies kept of a project file, newest first."""
    found = [(float(file.stem), file) for file in _backup_folder(path).glob(f"*{project_file.SUFFIX}")]
    return sorted(found, reverse=True)


def _thin(folder: Path, now: float) -> None:
    files = sorted(folder.glob(f"*{project_file.SUFFIX}"), key=lambda f: -float(f.stem))
    young = 0.0
    for age, keep in BACKUP_WINDOWS:
        window = [f for f in files if young <= now - float(f.stem) < age or (young == 0.0 and float(f.stem) > now)]
        if len(window) > keep:  # evenly through the window, its newest and oldest always
            kept = {round(i * (len(window) - 1) / (keep - 1)) for i in range(keep)}
            for i, file in enumerate(window):
                if i not in kept:
                    file.unlink(missing_ok=True)
        young = age


def save_project(project: Project, path: Path) -> None:
    """Save with a backup of what was there."""
    back_up(path)
    project_file.save(project, path)
