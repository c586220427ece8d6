"""Which keys run which command: the defaults of `app.ui.actions` with the artist's changes over them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from app.ui.actions import ACTIONS, BY_ID


class Shortcuts:
    """Keys by command, with conflicts found and changes saved as JSON (only what differs from the defaults).

    Parameters
    ----------
    path : where changes are kept; it need not exist. A file that cannot be read counts as no changes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changes: dict[str, tuple[str, ...]] = {}
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            self._changes = {
                name: tuple(map(str, keys)) for name, keys in stored.items() if name in BY_ID and isinstance(keys, list)
            }
        except (OSError, ValueError, AttributeError):
            self._changes = {}

    def keys(self, action_id: str) -> tuple[str, ...]:
        """The keys of one command, portable names."""
        return self._changes.get(action_id, BY_ID[action_id].keys)

    def all(self) -> Mapping[str, tuple[str, ...]]:
        """Keys of every command by id."""
        return {action.id: self.keys(action.id) for action in ACTIONS}

    def conflict(self, key: str, action_id: str) -> str | None:
        """The other command that ``key`` already runs, if any."""
        for other, keys in self.all().items():
            if other != action_id and key.casefold() in map(str.casefold, keys):
                return other
        return None

    def set(self, action_id: str, keys: tuple[str, ...]) -> None:
        """Give a command new keys and take them away from whoever had them."""
        wanted = tuple(dict.fromkeys(key for key in keys if key))
        for key in wanted:
            loser = self.conflict(key, action_id)
            if loser is not None:
                self._store(loser, tuple(k for k in self.keys(loser) if k.casefold() != key.casefold()))
        self._store(action_id, wanted)

    def _store(self, action_id: str, keys: tuple[str, ...]) -> None:
        if keys == BY_ID[action_id].keys:
            self._changes.pop(action_id, None)
        else:
            self._changes[action_id] = keys

    def reset(self, action_id: str | None = None) -> None:
        """Back to the default keys, of one command or of all."""
        if action_id is None:
            self._changes.clear()
        else:
            self.set(action_id, BY_ID[action_id].keys)

    def save(self) -> None:
        """Write the changes."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".part")
        temporary.write_text(json.dumps(self._changes, indent=1, sort_keys=True), encoding="utf-8")
        temporary.replace(self._path)
