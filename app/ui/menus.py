"""The window's commands as Qt actions, in its menus, with their keys; all made from `app.ui.actions`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

from app.ui import icons
from app.ui.actions import ACTIONS, MENUS
from app.ui.shortcuts_model import Shortcuts

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


def _tr(text: str) -> str:
    return QCoreApplication.translate("MainWindow", text)


def make_actions(window: MainWindow) -> dict[str, QAction]:
    """An action for each command, by id."""
    found = {}
    for spec in ACTIONS:
        action = QAction(_tr(spec.text), window)
        if spec.icon:
            action.setIcon(icons.icon(spec.icon))
            action.setProperty("icon_name", spec.icon)
        action.setProperty("action_id", spec.id)
        action.setCheckable(spec.checkable)
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        found[spec.id] = action
        window.addAction(action)
    found["file.quit"].setMenuRole(QAction.MenuRole.QuitRole)
    found["tools.about"].setMenuRole(QAction.MenuRole.AboutRole)
    return found


def fill_menus(window: MainWindow) -> tuple[QMenu, QMenu]:
    """Put the actions into the menu bar; returns the menus of recent projects and of earlier versions, still empty."""
    recent = QMenu(_tr("Open recent"), window)
    earlier = QMenu(_tr("Earlier versions"), window)
    for title in MENUS:
        menu = window.menuBar().addMenu(_tr(title))
        for spec in ACTIONS:
            if spec.menu != title:
                continue
            menu.addAction(window.actions_by_id[spec.id])
            if spec.id == "file.open":
                menu.addMenu(recent)
            if spec.id == "file.save_as":
                menu.addMenu(earlier)
            if spec.rule:
                menu.addSeparator()
        if title == "View":
            menu.addSeparator()
            for dock in window.docks.values():
                menu.addAction(dock.toggleViewAction())
    return recent, earlier


def apply_shortcuts(actions: Mapping[str, QAction], shortcuts: Shortcuts) -> None:
    """Give every action its keys and say them in its tool tip."""
    for spec in ACTIONS:
        action = actions[spec.id]
        keys = [QKeySequence(key) for key in shortcuts.keys(spec.id)]
        action.setShortcuts(keys)
        text = _tr(spec.tip) if spec.tip else _tr(spec.text).rstrip("…")
        if keys:
            text += f"  ({keys[0].toString(QKeySequence.SequenceFormat.NativeText)})"
        action.setToolTip(text)
