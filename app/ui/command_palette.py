"""Find and run any command by typing some of its letters."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QAction, QIcon, QKeyEvent, QKeySequence, QPixmap
from PySide6.QtWidgets import QDialog, QLabel, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.ui.actions import BY_ID
from app.ui.palette_model import rank


class CommandPalette(QDialog):
    """A line to type in and the commands that fit, best first."""

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Find a command"))
        self.setWindowFlag(Qt.WindowType.FramelessWindowHint)
        self._actions = actions
        blank = QPixmap(20, 20)
        blank.fill(Qt.GlobalColor.transparent)
        self._blank = QIcon(blank)  # keeps the names of commands without an icon in line with the others
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        self.line = QLineEdit()
        self.line.setPlaceholderText(self.tr("Type what you want to do"))
        self.line.setAccessibleName(self.tr("Command"))
        self.line.setMinimumHeight(30)
        self.line.installEventFilter(self)
        self.list = QListWidget()
        self.list.setIconSize(QSize(18, 18))
        self.list.setUniformItemSizes(True)
        self.list.setAccessibleName(self.tr("Commands"))
        self.list.itemActivated.connect(self._run)
        self.list.itemClicked.connect(self._run)
        column.addWidget(self.line)
        column.addWidget(self.list)
        hint = QLabel(self.tr("Enter runs it, Esc closes"))
        hint.setObjectName("reason")
        column.addWidget(hint)
        self.resize(520, 420)
        self.move(parent.geometry().center().x() - 260, parent.geometry().top() + 90)
        self.line.textChanged.connect(self._fill)
        self._fill("")

    def _fill(self, query: str) -> None:
        self.list.clear()
        names = {name: f"{BY_ID[name].menu}: {BY_ID[name].text.rstrip('…')}" for name in self._actions}
        for name in rank(query, names)[:60]:
            action = self._actions[name]
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            icon = self._blank if action.icon().isNull() else action.icon()
            item = QListWidgetItem(icon, names[name] + (f"    {keys}" if keys else ""))
            item.setData(Qt.ItemDataRole.UserRole, name)
            if not action.isEnabled():
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
            self.list.addItem(item)
        self.list.setCurrentRow(0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}.get(
                Qt.Key(event.key())
            )
            if step is not None:
                row = min(max(0, self.list.currentRow() + step), self.list.count() - 1)
                self.list.setCurrentRow(row)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run(self.list.currentItem())
                return True
        return super().eventFilter(watched, event)

    def _run(self, item: QListWidgetItem | None) -> None:
        if item is None or not item.flags() & Qt.ItemFlag.ItemIsEnabled:
            return
        action = self._actions[str(item.data(Qt.ItemDataRole.UserRole))]
        self.accept()
        action.trigger()
