"""Panels around the middle of a window: sides, tabs along the bottom, and where the artist left them."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QAbstractButton, QDockWidget, QMainWindow, QTabWidget, QWidget

from app.ui.preferences import Preferences

LAYOUT_VERSION = 1
_AREA = Qt.DockWidgetArea


class DockedWindow(QMainWindow):
    """A window whose panels are docks.

    Attributes
    ----------
    docks : by name, in the order in which they were added
    """

    def __init__(self) -> None:
        super().__init__()
        self.docks: dict[str, QDockWidget] = {}
        self._tabbed = ""
        self.setCorner(Qt.Corner.BottomLeftCorner, _AREA.BottomDockWidgetArea)
        self.setCorner(Qt.Corner.BottomRightCorner, _AREA.BottomDockWidgetArea)
        self.setTabPosition(_AREA.BottomDockWidgetArea, QTabWidget.TabPosition.North)

    def add_side(self, name: str, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> None:
        """Add a panel to a side, without a title bar."""
        dock = self._dock(name, title, widget, area)
        dock.setTitleBarWidget(QWidget(dock))

    def add_below(self, name: str, title: str, widget: QWidget, target: str) -> None:
        """Add a panel with a title bar under another."""
        dock = self._dock(name, title, widget, self.dockWidgetArea(self.docks[target]))
        self.splitDockWidget(self.docks[target], dock, Qt.Orientation.Vertical)

    def add_tab(self, name: str, title: str, widget: QWidget) -> None:
        """Add a panel along the bottom, as a tab after those that are there."""
        dock = self._dock(name, title, widget, _AREA.BottomDockWidgetArea)
        if self._tabbed:
            self.tabifyDockWidget(self.docks[self._tabbed], dock)
        self._tabbed = name
        # The tab above says the name; a title bar under it would say it twice.
        dock.setTitleBarWidget(QWidget(dock))

    def show_panel(self, name: str) -> None:
        """Bring a panel to the front."""
        self.docks[name].show()
        self.docks[name].raise_()

    def restore_layout(self, preferences: Preferences) -> bool:
        """Put everything where it was when the window was closed; whether that is known."""
        geometry, state = preferences.layout()
        if geometry is None or state is None:
            return False
        self.restoreGeometry(geometry)
        self.restoreState(state, LAYOUT_VERSION)
        return True

    def keep_layout(self, preferences: Preferences) -> None:
        """Remember where everything is."""
        preferences.set_layout(QByteArray(self.saveGeometry()), QByteArray(self.saveState(LAYOUT_VERSION)))

    def _dock(self, name: str, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(name)
        dock.setWidget(widget)
        self.addDockWidget(area, dock)
        self.docks[name] = dock
        leave_space(widget)
        return dock


def leave_space(widget: QWidget) -> None:
    """See that a click on a button does not take Space away from playback; Tab still reaches every button."""
    for button in widget.findChildren(QAbstractButton):
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
