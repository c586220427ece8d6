"""What the window remembers between runs: layout, theme, recent projects, sound. Kept in an INI file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from app.core import folders

RECENT_LIMIT = 10


class Preferences:
    """Typed access to the window's settings."""

    def __init__(self) -> None:
        self._store = QSettings(str(folders.config() / "window.ini"), QSettings.Format.IniFormat)

    @property
    def theme(self) -> str:
        return str(self._store.value("theme", "dark"))

    @theme.setter
    def theme(self, name: str) -> None:
        self._store.setValue("theme", name)

    @property
    def live_link(self) -> str:
        """Address that Live Link was last streamed to."""
        return str(self._store.value("live_link", "127.0.0.1"))

    @live_link.setter
    def live_link(self, address: str) -> None:
        self._store.setValue("live_link", address)

    def flag(self, name: str, default: bool) -> bool:
        return str(self._store.value(f"flags/{name}", default)).lower() == "true"

    def set_flag(self, name: str, value: bool) -> None:
        self._store.setValue(f"flags/{name}", value)

    @property
    def recent(self) -> list[Path]:
        """Project files opened last, the newest first; those that are gone are left out."""
        stored = self._store.value("recent", [])
        names = [stored] if isinstance(stored, str) else list(stored or [])  # type: ignore[call-overload]
        return [Path(name) for name in names if Path(name).is_file()]

    def add_recent(self, path: Path) -> None:
        path = path.resolve()
        names = [str(path), *(str(p) for p in self.recent if p != path)]
        self._store.setValue("recent", names[:RECENT_LIMIT])

    def folder(self, kind: str) -> str:
        """Where files of a kind were last chosen."""
        return str(self._store.value(f"folders/{kind}", ""))

    def set_folder(self, kind: str, path: Path) -> None:
        self._store.setValue(f"folders/{kind}", str(path.parent if path.suffix else path))

    def layout(self) -> tuple[QByteArray | None, QByteArray | None]:
        """Geometry and docks of the main window, if they were saved."""
        geometry, state = self._store.value("window/geometry"), self._store.value("window/state")
        return (
            geometry if isinstance(geometry, QByteArray) else None,
            state if isinstance(state, QByteArray) else None,
        )

    def set_layout(self, geometry: QByteArray | None, state: QByteArray | None) -> None:
        if geometry is None or state is None:
            self._store.remove("window")
            return
        self._store.setValue("window/geometry", geometry)
        self._store.setValue("window/state", state)

    def sync(self) -> None:
        self._store.sync()
