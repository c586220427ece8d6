"""Small parts that the panels share."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QAction, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QDialog,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QMenu,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.ui import icons
from app.ui.theme import SPACE

LABEL_WIDTH = 92


class _WheelGuard(QObject):
    """Lets the wheel scroll the panel unless the slider or box under it has the focus."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QWheelEvent) and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False


def guard_wheel(widget: QWidget) -> None:
    """Stop the wheel from changing ``widget`` while the artist only scrolls past."""
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    widget.installEventFilter(_WheelGuard(widget))
    if isinstance(widget, QAbstractSpinBox):
        widget.lineEdit().setTextMargins(4, 0, 2, 0)  # a style sheet's padding does not reach the inner editor


class ValueSlider(QWidget):
    """A name, a slider and a number box for one value.

    Parameters
    ----------
    label : shown before it, and its accessible name
    low, high, step : in the unit of the value
    scale : the number box shows value times ``scale``, with ``suffix``
    neutral : a double click on the name returns to it

    Signals
    -------
    changed : the value, while it moves
    finished : the drag or typing is over
    """

    changed = Signal(float)
    finished = Signal()

    def __init__(
        self, label: str, low: float, high: float, step: float = 0.01, scale: float = 1.0, suffix: str = "",
        neutral: float | None = None, tip: str = "", label_width: int = LABEL_WIDTH,
    ) -> None:  # fmt: skip
        super().__init__()
        self._low, self._step = low, step
        self._neutral = neutral
        self._scale = scale
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE)
        self.label = QLabel(label)
        self.label.setFixedWidth(label_width)
        self.label.setToolTip(tip)
        if neutral is not None:
            self.label.setToolTip((tip + "\n" if tip else "") + self.tr("Double-click to reset"))
            self.label.installEventFilter(self)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, round((high - low) / step))
        self.slider.setPageStep(max(1, round((high - low) / step / 10)))
        self.slider.setAccessibleName(label)
        self.slider.setToolTip(tip)
        self.box = QDoubleSpinBox()
        self.box.setRange(low * scale, high * scale)
        self.box.setSingleStep(step * scale)
        self.box.setDecimals(max(0, len(f"{step * scale:g}".partition(".")[2])))
        self.box.setSuffix(suffix)
        self.box.setFixedWidth(66)
        self.box.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.box.setAccessibleName(label)
        self.box.setKeyboardTracking(False)
        for part in (self.slider, self.box):
            guard_wheel(part)
        # Dragging leaves the focus where it was, so that the arrow keys go on moving the playhead.
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        row.addWidget(self.label)
        row.addWidget(self.slider, 1)
        row.addWidget(self.box)
        self.slider.valueChanged.connect(self._on_slider)
        self.slider.sliderReleased.connect(self.finished)
        self.box.valueChanged.connect(self._on_box)
        self.box.editingFinished.connect(self.finished)

    def value(self) -> float:
        return self._low + self.slider.value() * self._step

    def set_value(self, value: float) -> None:
        """Show a value without telling anyone."""
        if self.slider.isSliderDown():
            return
        for part in (self.slider, self.box):
            part.blockSignals(True)
        self.slider.setValue(round((value - self._low) / self._step))
        self.box.setValue(value * self._scale)
        for part in (self.slider, self.box):
            part.blockSignals(False)

    def _on_slider(self, _: int) -> None:
        self.box.blockSignals(True)
        self.box.setValue(self.value() * self._scale)
        self.box.blockSignals(False)
        self.changed.emit(self.value())
        if not self.slider.isSliderDown():
            self.finished.emit()

    def _on_box(self, shown: float) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(round((shown / self._scale - self._low) / self._step))
        self.slider.blockSignals(False)
        self.changed.emit(shown / self._scale)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.label and event.type() == QEvent.Type.MouseButtonDblClick and self._neutral is not None:
            self.set_value(self._neutral)
            self.changed.emit(self._neutral)
            self.finished.emit()
            return True
        return super().eventFilter(watched, event)


def heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName("heading")
    label.setIndent(0)
    return label


def muted(text: str, wrap: bool = True) -> QLabel:
    label = QLabel(text)
    label.setObjectName("muted")
    label.setWordWrap(wrap)
    # A long file name must not make the panel wider than its dock.
    label.setSizePolicy(QSizePolicy.Policy.Ignored, label.sizePolicy().verticalPolicy())
    return label


def reason(text: str = "") -> QLabel:
    """A small line that says why something is greyed out; hidden while empty."""
    label = QLabel(text)
    label.setObjectName("reason")
    label.setWordWrap(True)
    label.setVisible(bool(text))
    return label


def set_reason(label: QLabel, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))


def rule() -> QFrame:
    line = QFrame()
    line.setObjectName("rule")
    line.setFixedHeight(1)
    return line


def icon_button(icon: str, tip: str, checkable: bool = False) -> QToolButton:
    """A flat button with an icon; the tip is also its accessible name."""
    button = QToolButton()
    show_icon(button, icon)
    button.setToolTip(tip)
    button.setAccessibleName(tip.split("\n")[0])
    button.setCheckable(checkable)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def show_icon(where: QAbstractButton | QAction, icon: str) -> None:
    """Give a button or an action an icon that is drawn again when the theme changes."""
    where.setProperty("icon_name", icon)
    where.setIcon(icons.icon(icon))


def renew_icons(root: QWidget) -> None:
    """Draw the icons of all buttons below ``root`` again, after the theme changed."""
    for button in root.findChildren(QAbstractButton):
        name = button.property("icon_name")
        if name:
            button.setIcon(icons.icon(name))


def form_row(label: str, *widgets: QWidget, label_width: int = LABEL_WIDTH) -> QHBoxLayout:
    """A name and widgets in one line, aligned with `ValueSlider`."""
    row = QHBoxLayout()
    row.setSpacing(SPACE)
    name = QLabel(label)
    name.setFixedWidth(label_width)
    row.addWidget(name)
    for widget in widgets:
        if not widget.accessibleName():
            widget.setAccessibleName(label)
        widget.setSizePolicy(QSizePolicy.Policy.Ignored, widget.sizePolicy().verticalPolicy())
        widget.setMinimumWidth(44)
        row.addWidget(widget, 1)
    return row


class Panel(QScrollArea):
    """A scrolling column of controls: ``self.column`` takes widgets and layouts."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        inner.setObjectName("panel")
        self.column = QVBoxLayout(inner)
        self.column.setContentsMargins(12, 10, 12, 14)
        self.column.setSpacing(SPACE)
        self.setWidget(inner)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)


def clear_layout(layout: QLayout) -> None:
    """Take everything out of a layout and delete it."""
    while layout.count():
        item = layout.takeAt(0)
        if item is None:
            continue
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif inner is not None:
            clear_layout(inner)


def run_menu(menu: QMenu, place: QPoint) -> QAction | None:
    """Show a menu at a place on the screen and wait for a choice; every menu goes this way, so tests can answer."""
    chosen = menu.exec(place)
    menu.deleteLater()
    return chosen


def run_dialog(dialog: QDialog) -> bool:
    """Show a dialog and wait; whether it was accepted. Every dialog goes this way, so tests can answer."""
    accepted = dialog.exec() == QDialog.DialogCode.Accepted
    dialog.deleteLater()
    return accepted
