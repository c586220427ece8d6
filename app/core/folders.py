"""Where Soliloquy keeps its own files: settings, state and cache of this user on this machine.

The environment variable ``SOLILOQUY_HOME`` puts all of them below one folder (tests, portable installs).
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import platformdirs

from engines.errors import ProjectError

NAME = "soliloquy"


def _folder(kind: str, default: str) -> Path:
    home = os.environ.get("SOLILOQUY_HOME")
    path = Path(home) / kind if home else Path(default)
    path.mkdir(parents=True, exist_ok=True)
    return path


def cache() -> Path:
    """What can be made again."""
    return _folder("cache", platformdirs.user_cache_dir(NAME, False))


def state() -> Path:
    """Render queue, recovery copies, backups: must survive a crash."""
    return _folder("state", platformdirs.user_state_dir(NAME, False))


def config() -> Path:
    """Settings and the user's own presets."""
    return _folder("config", platformdirs.user_config_dir(NAME, False))


def write_atomic(path: Path, text: str) -> None:
    """Write ``text`` so that a reader, a crash or a full disk leaves either the old file or the new one.

    Raises
    ------
    ProjectError
        If the file cannot be written; the old one is then unharmed.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise ProjectError(
            f"{path} could not be written: {error.strerror or error}. Free some space or choose another folder."
        ) from error


def read_json(path: Path) -> Any:
    """The JSON value in ``path``.

    Raises
    ------
    ProjectError
        If it cannot be read or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProjectError(f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ProjectError(f"{path} cannot be read: {error}.") from error
