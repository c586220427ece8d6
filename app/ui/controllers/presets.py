"""Presets of one's own: saving from the timeline, renaming, copying, sharing, deleting."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QPoint, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QInputDialog, QMenu, QMessageBox, QWidget

from app.core import own_presets, presets
from app.ui import widgets
from app.ui.timeline import edits
from engines.errors import StudioError

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow

FILTER = "Presets (*.toml)"


class PresetController(QObject):
    """What the presets panel and the export dialog do with preset files."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window, self.session = window, window.session
        panel = window.presets
        panel.save_wanted.connect(self.save)
        panel.import_wanted.connect(self.import_file)
        panel.folder_wanted.connect(self.show_folder)
        panel.menu_wanted.connect(self.menu)

    # --- saving ---

    def save(self, place: QPoint) -> None:
        """Ask which of the things at hand is to be kept."""
        menu = QMenu(self.window)
        rows = edits.by_row(self.session.selection)
        keyed = any(curve.keys for curve in self.session.project.curves)
        for what, text, there in (
            ("emotions", self.tr("Selected emotions as one emotion…"), "emotions" in rows),
            ("face", self.tr("Face at the playhead as an emotion…"), self.session.performance is not None),
            ("styles", self.tr("Selected style…"), "styles" in rows),
            ("poses", self.tr("Pose at the playhead…"), keyed),
        ):
            action = menu.addAction(text)
            action.setData(what)
            action.setEnabled(there)
        chosen = widgets.run_menu(menu, place)
        if chosen is not None:
            self.save_as(str(chosen.data()))

    def save_as(self, what: str) -> None:
        """Ask for a name and keep ``what`` under it: ``emotions``, ``face``, ``styles`` or ``poses``."""
        name, ok = QInputDialog.getText(self.window, self.tr("Save preset"), self.tr("Name"))
        if not ok or not name.strip():
            return
        try:
            preset_id = presets.save(self._make(what, own_presets.free_name(_kind(what), name.strip())))
        except StudioError as error:
            self.session.told.emit(str(error), "error")
            return
        self._changed(self.tr("Saved the preset '%s'.") % preset_id)

    def _make(self, what: str, name: str) -> Any:
        session, project = self.session, self.session.project
        rows = edits.by_row(session.selection)
        if what == "emotions":
            return own_presets.emotion_of_clips(name, [project.emotions[i] for i in rows["emotions"]])
        if what == "styles":
            return own_presets.style_of_clip(name, project.styles[rows["styles"][0]], project)
        if what == "poses":
            channels = [row for row in rows if edits.is_curve(row)]
            return own_presets.pose_of_curves(name, project, session.playhead, channels)
        performance = session.performance
        assert performance is not None
        return own_presets.emotion_of_face(name, performance.weights[min(session.playhead, len(performance) - 1)])

    # --- one preset ---

    def menu(self, kind: str, preset_id: str, place: QPoint) -> None:
        """What can be done with a preset."""
        own = own_presets.is_own(kind, preset_id)
        menu = QMenu(self.window)
        for what, text, there in (
            ("use", self.tr("Use"), kind != "export"),
            ("rename", self.tr("Rename…"), own),
            ("duplicate", self.tr("Duplicate"), True),
            ("share", self.tr("Export to a file…"), True),
            ("folder", self.tr("Show in the file manager"), own),
            ("delete", self.tr("Delete…"), own),
        ):
            if what in ("rename", "delete"):
                menu.addSeparator()
            action = menu.addAction(text)
            action.setData(what)
            action.setEnabled(there)
        chosen = widgets.run_menu(menu, place)
        if chosen is not None:
            self.manage(str(chosen.data()), kind, preset_id)

    def manage(self, what: str, kind: str, preset_id: str, parent: QWidget | None = None) -> None:
        """Do one entry of the menu."""
        parent = parent or self.window
        try:
            if what == "use":
                self.window.editing.use_preset(kind, preset_id)
            elif what == "rename":
                self._rename(kind, preset_id, parent)
            elif what == "duplicate":
                self._changed(self.tr("Made the preset '%s'.") % own_presets.duplicate(kind, preset_id))
            elif what == "share":
                self._share(kind, preset_id)
            elif what == "folder":
                _open(presets.user_folder(kind))
            elif what == "delete":
                self._delete(kind, preset_id, parent)
        except StudioError as error:
            self.session.told.emit(str(error), "error")

    def _rename(self, kind: str, preset_id: str, parent: QWidget) -> None:
        old = presets.load(kind, preset_id).name
        name, ok = QInputDialog.getText(parent, self.tr("Rename preset"), self.tr("Name"), text=old)
        if ok and name.strip() and name.strip() != old:
            own_presets.rename(kind, preset_id, own_presets.free_name(kind, name.strip()))
            self._changed(self.tr("Renamed the preset to '%s'.") % name.strip())

    def _share(self, kind: str, preset_id: str) -> None:
        path = self.window.files.target("preset", self.tr("Export preset"), f"{preset_id}.toml", self.tr(FILTER))
        if path is not None:
            own_presets.export(kind, preset_id, path)
            self.session.told.emit(self.tr("Wrote %s.") % path.name, "info")

    def _delete(self, kind: str, preset_id: str, parent: QWidget) -> None:
        name = presets.load(kind, preset_id).name
        if self.window.asks:
            text = self.tr("Delete the preset '%s'? Its file is removed.") % name
            if QMessageBox.question(parent, self.tr("Delete preset"), text) != QMessageBox.StandardButton.Yes:
                return
        own_presets.delete(self.session.project, kind, preset_id)
        self._changed(self.tr("Deleted the preset '%s'.") % name)

    # --- files ---

    def import_file(self) -> None:
        path = self.window.files.choose("preset", self.tr("Import preset"), self.tr(FILTER))
        if path is not None:
            self.install(path)

    def install(self, path: Path) -> None:
        """Take over a file that somebody shared."""
        try:
            _, preset_id = own_presets.install(path)
        except StudioError as error:
            self.session.told.emit(str(error), "error")
            return
        self._changed(self.tr("Added the preset '%s'.") % preset_id)

    def show_folder(self) -> None:
        _open(presets.user_folder("emotions").parent)

    def refresh(self) -> None:
        """Show the presets that there are now."""
        self.window.presets.reload()
        self.window.timeline.set_names(self.window.presets.names())

    def _changed(self, message: str) -> None:
        self.refresh()
        self.session.told.emit(message, "info")


def _kind(what: str) -> str:
    return "emotions" if what == "face" else what


def _open(folder: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
