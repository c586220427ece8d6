"""The editor of keyboard shortcuts."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.ui.actions import ACTIONS, BY_ID, MENUS
from app.ui.shortcuts_model import Shortcuts


class ShortcutsDialog(QDialog):
    """All commands with their keys; press new keys for the chosen one."""

    def __init__(self, shortcuts: Shortcuts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keyboard shortcuts"))
        self.resize(620, 600)
        self._shortcuts = shortcuts
        column = QVBoxLayout(self)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(self.tr("Search commands or keys"))
        self.filter.textChanged.connect(self._show_fitting)
        column.addWidget(self.filter)
        self.tree = QTreeWidget()
        self.tree.setColumnCount(2)
        self.tree.setHeaderLabels([self.tr("Command"), self.tr("Keys")])
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.setAccessibleName(self.tr("Commands and keys"))
        self.tree.currentItemChanged.connect(self._on_current)
        column.addWidget(self.tree, 1)
        row = QHBoxLayout()
        self.edit = QKeySequenceEdit()
        self.edit.setMaximumSequenceLength(1)
        self.edit.setAccessibleName(self.tr("New keys"))
        self.edit.keySequenceChanged.connect(self._on_keys)
        self.set_button = QPushButton(self.tr("Assign"))
        self.set_button.clicked.connect(self._assign)
        self.clear_button = QPushButton(self.tr("Remove keys"))
        self.clear_button.clicked.connect(self._clear)
        self.reset_button = QPushButton(self.tr("Default"))
        self.reset_button.clicked.connect(self._reset)
        row.addWidget(self.edit, 1)
        for button in (self.set_button, self.clear_button, self.reset_button):
            row.addWidget(button)
        column.addLayout(row)
        self.note = QLabel(" ")
        self.note.setObjectName("muted")
        column.addWidget(self.note)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok
            | QDialogButtonBox.StandardButton.Cancel
            | QDialogButtonBox.StandardButton.RestoreDefaults
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        restore = buttons.button(QDialogButtonBox.StandardButton.RestoreDefaults)
        restore.clicked.connect(self._reset_all)
        column.addWidget(buttons)
        self._before = dict(shortcuts.all())
        self._items: dict[str, QTreeWidgetItem] = {}
        for menu in MENUS:
            top = QTreeWidgetItem(self.tree, [menu])
            top.setFlags(Qt.ItemFlag.ItemIsEnabled)
            top.setExpanded(True)
            for action in ACTIONS:
                if action.menu == menu:
                    item = QTreeWidgetItem(top, [action.text.rstrip("…"), ""])
                    item.setData(0, Qt.ItemDataRole.UserRole, action.id)
                    self._items[action.id] = item
        self._fill()
        self.tree.setCurrentItem(self._items[ACTIONS[0].id])

    def _fill(self) -> None:
        native = QKeySequence.SequenceFormat.NativeText
        for name, item in self._items.items():
            keys = self._shortcuts.keys(name)
            item.setText(1, ", ".join(QKeySequence(key).toString(native) for key in keys))
            font = item.font(1)
            font.setBold(keys != BY_ID[name].keys)
            item.setFont(1, font)

    def current(self) -> str:
        """Id of the chosen command, or nothing."""
        item = self.tree.currentItem()
        return "" if item is None else str(item.data(0, Qt.ItemDataRole.UserRole) or "")

    def _on_current(self, *_: object) -> None:
        self.edit.clear()
        for part in (self.edit, self.set_button, self.clear_button, self.reset_button):
            part.setEnabled(bool(self.current()))

    def _on_keys(self, sequence: QKeySequence) -> None:
        key = sequence.toString(QKeySequence.SequenceFormat.PortableText)
        other = self._shortcuts.conflict(key, self.current()) if key else None
        taken = self.tr("These keys now run '%s', which would lose them.")
        self.note.setText(taken % BY_ID[other].text.rstrip("…") if other else " ")

    def _assign(self) -> None:
        key = self.edit.keySequence().toString(QKeySequence.SequenceFormat.PortableText)
        if self.current() and key:
            self._shortcuts.set(self.current(), (key,))
            self.edit.clear()
            self._fill()

    def _clear(self) -> None:
        if self.current():
            self._shortcuts.set(self.current(), ())
            self._fill()

    def _reset(self) -> None:
        if self.current():
            self._shortcuts.reset(self.current())
            self._fill()

    def _reset_all(self) -> None:
        self._shortcuts.reset()
        self._fill()

    def _show_fitting(self, text: str) -> None:
        wanted = text.casefold()
        for item in self._items.values():
            item.setHidden(wanted not in f"{item.text(0)} {item.text(1)}".casefold())

    def accept(self) -> None:
        self._shortcuts.save()
        super().accept()

    def reject(self) -> None:
        """Forget what was changed here."""
        self._shortcuts.reset()
        for name, keys in self._before.items():
            if keys != BY_ID[name].keys:
                self._shortcuts.set(name, keys)
        super().reject()
