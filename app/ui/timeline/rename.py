"""A line to type in, right on the timeline: for words, phones and markers."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRect, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

LEAST_PX = 96


class NameEdit(QLineEdit):
    """Shown over a name while it is changed; Return or leaving it takes the text, Escape leaves the old one.

    Signals
    -------
    named : the text, if it is another one
    """

    named = Signal(str)

    def __init__(self, parent: QWidget, place: QRect, text: str) -> None:
        super().__init__(text, parent)
        self._before = text
        width = max(LEAST_PX, place.width())
        left = min(max(0, place.center().x() - width // 2), max(0, parent.width() - width))
        self.setGeometry(left, place.y() - 2, width, max(26, place.height() + 4))
        self.setAccessibleName(self.tr("Name"))
        self.selectAll()
        self.installEventFilter(self)
        self.editingFinished.connect(self._finish)
        self.show()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Escape:
            self.setText(self._before)
            self._finish()
            return True
        return super().eventFilter(watched, event)

    def _finish(self) -> None:
        if self.isHidden():
            return
        self.hide()
        text = self.text().strip()
        if text and text != self._before:
            self.named.emit(text)
        parent = self.parentWidget()
        if parent is not None:
            parent.setFocus()
        self.deleteLater()
