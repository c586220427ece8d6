"""The curve editor: any channel's keys against time and value, with the list of channels and the tool bar."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.core import commands
from app.core.project import Key, Project
from app.ui.session import Session
from app.ui.timeline import curves_model as model
from app.ui.timeline import edits
from app.ui.timeline.curve_canvas import CurveCanvas
from app.ui.widgets import guard_wheel, icon_button


class CurveEditor(QWidget):
    """Channel list, tool bar and canvas."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._session = session
        self.canvas = CurveCanvas(session)
        self.canvas.edited.connect(self._on_edit)
        self.canvas.scrubbed.connect(self._on_scrub)
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search channels"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.tree = QTreeWidget()
        self.tree.setHeaderHidden(True)
        self.tree.setSelectionMode(QTreeWidget.SelectionMode.ExtendedSelection)
        self.tree.setAccessibleName(self.tr("Channels"))
        self.tree.setIndentation(12)
        self._items: dict[str, QTreeWidgetItem] = {}
        self._groups: dict[str, QTreeWidgetItem] = {}
        self._listed: object = None
        self.tree.itemSelectionChanged.connect(self._on_channels)
        left = QWidget()
        left.setObjectName("panel")
        column = QVBoxLayout(left)
        column.setContentsMargins(8, 6, 0, 6)
        column.addWidget(self.search)
        column.addWidget(self.tree, 1)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._make_bar())
        column.addWidget(self.canvas, 1)
        split = QSplitter()
        split.addWidget(left)
        split.addWidget(right)
        split.setSizes([210, 900])
        split.setStretchFactor(1, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(split)
        session.project_changed.connect(self.reload)
        session.motion_changed.connect(self.reload)
        session.selection_changed.connect(self.canvas.update)
        session.playhead_changed.connect(self._on_playhead)
        self.reload()

    def _list_channels(self) -> None:
        """Fill the list again if the engine or the project brings other channels."""
        groups = model.groups(self._session.project)
        if groups == self._listed:
            return
        first = self._listed is None
        opened = {name for name, top in self._groups.items() if top.isExpanded()}
        chosen, self._listed = self.channels, groups
        self.tree.blockSignals(True)
        self.tree.clear()
        self._items.clear()
        self._groups.clear()
        for group, channels in groups:
            top = QTreeWidgetItem(self.tree, [self.tr(group)])
            top.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self._groups[group] = top
            for channel in channels:
                item = QTreeWidgetItem(top, [model.channel_name(channel)])
                item.setData(0, Qt.ItemDataRole.UserRole, channel)
                item.setToolTip(0, channel)
                self._items[channel] = item
                item.setSelected(channel in chosen)
            top.setExpanded(group in opened or (first and top is self.tree.topLevelItem(0)))
        self.tree.blockSignals(False)
        if self.search.text():
            self._filter(self.search.text())

    def _make_bar(self) -> QWidget:
        bar = QWidget()
        bar.setObjectName("bar")
        row = QHBoxLayout(bar)
        row.setContentsMargins(8, 3, 8, 3)
        row.setSpacing(4)
        self.title = QLabel()
        row.addWidget(self.title)
        row.addStretch(1)
        self.value = QDoubleSpinBox()
        self.value.setKeyboardTracking(False)
        self.value.setToolTip(self.tr("Value at the playhead; changing it sets a key"))
        self.value.setAccessibleName(self.value.toolTip())
        guard_wheel(self.value)
        self.value.valueChanged.connect(self._on_value)
        self.value.editingFinished.connect(self._session.edit_ended)
        row.addWidget(self.value)
        self.mode = QComboBox()
        for mode, text in (("add", "Adds"), ("multiply", "Multiplies"), ("replace", "Replaces")):
            self.mode.addItem(self.tr(text), mode)
        self.mode.setToolTip(self.tr("How the curve meets the automatic motion"))
        self.mode.setAccessibleName(self.mode.toolTip())
        self.mode.activated.connect(self._on_mode)
        row.addWidget(self.mode)
        self.mute = icon_button("mute", self.tr("Mute"), checkable=True)
        self.mute.clicked.connect(self._on_mute)
        self.solo = icon_button("solo", self.tr("Solo"), checkable=True)
        self.solo.clicked.connect(self._on_solo)
        self.key = icon_button("key", self.tr("Key at the playhead"))
        self.key.clicked.connect(self._on_key)
        self.remove = icon_button("delete", self.tr("Delete the whole curve"))
        self.remove.clicked.connect(self._on_remove)
        fit = icon_button("fit", self.tr("Show everything"))
        fit.clicked.connect(self._on_fit)
        for button in (self.mute, self.solo, self.key, self.remove, fit):
            row.addWidget(button)
        return bar

    @property
    def channels(self) -> tuple[str, ...]:
        return self.canvas.channels

    def show_channels(self, channels: tuple[str, ...]) -> None:
        """Choose channels in the list."""
        self.tree.blockSignals(True)
        self.tree.clearSelection()
        for channel in channels:
            item = self._items.get(channel)
            if item is not None:
                item.setSelected(True)
                self.tree.scrollToItem(item)  # which also opens its group
        self.tree.blockSignals(False)
        self._show(channels)

    def _on_channels(self) -> None:
        chosen = [str(item.data(0, Qt.ItemDataRole.UserRole)) for item in self.tree.selectedItems()]
        self._show(tuple(chosen))

    def _show(self, channels: tuple[str, ...]) -> None:
        self.canvas.show_channels(channels)
        self.reload()

    def reload(self, *_: object) -> None:
        self._list_channels()
        curves = {curve.channel: curve for curve in self._session.project.curves}
        for channel, item in self._items.items():
            font = item.font(0)
            if font.bold() != (channel in curves):
                font.setBold(channel in curves)
                item.setFont(0, font)
        names = [model.channel_name(channel) for channel in self.channels]
        self.title.setText(", ".join(names[:4]) + ("…" if len(names) > 4 else ""))
        shown = [curves[channel] for channel in self.channels if channel in curves]
        for part in (self.mode, self.mute, self.solo, self.remove):
            part.setEnabled(bool(shown))
        self.key.setEnabled(bool(self.channels))
        if shown:
            self.mode.setCurrentIndex(max(0, self.mode.findData(shown[0].mode)))
        self.mute.setChecked(any(curve.mute for curve in shown))
        self.solo.setChecked(any(curve.solo for curve in shown))
        self._show_value()
        self.canvas.fit_values()

    def _show_value(self) -> None:
        """What the chosen curve says at the playhead."""
        channel = self.channels[0] if len(self.channels) == 1 else ""
        self.value.setVisible(bool(channel))
        if not channel or self.value.hasFocus():
            return
        low, high = model.limits(channel)
        self.value.blockSignals(True)
        self.value.setRange(low, high)
        self.value.setSingleStep((high - low) / 200)
        self.value.setDecimals(1 if high - low > 20 else 2)
        self.value.setSuffix(model.unit(channel))
        self.value.setValue(model.value_at(self._session.project, channel, self._session.playhead))
        self.value.blockSignals(False)

    def _on_value(self, value: float) -> None:
        if len(self.channels) == 1:
            session, channel = self._session, self.channels[0]
            keyed = commands.set_keys(session.project, channel, [Key(session.playhead, round(value, 4))])
            session.do(self.tr("Set key"), keyed, ("curve value", channel, session.playhead))

    def _filter(self, text: str) -> None:
        wanted = text.casefold()
        for item in self._items.values():
            item.setHidden(wanted not in item.text(0).casefold())
        for top in self._groups.values():
            hidden = all(item.isHidden() for item in self._items.values() if item.parent() is top)
            top.setHidden(hidden)
            if wanted and not hidden:
                top.setExpanded(True)

    def _change(self, name: str, **fields: object) -> None:
        project = self._session.project
        for channel in self.channels:
            if commands.curve(project, channel) is not None:
                project = commands.set_curve(project, channel, **fields)
        self._session.do(name, project)

    def _on_mode(self, _: int) -> None:
        self._change(self.tr("Curve mode"), mode=self.mode.currentData())

    def _on_mute(self, on: bool) -> None:
        self._change(self.tr("Mute curve"), mute=on)

    def _on_solo(self, on: bool) -> None:
        self._change(self.tr("Solo curve"), solo=on)

    def _on_key(self) -> None:
        project, frame = self._session.project, self._session.playhead
        for channel in self.channels:
            value = model.value_at(project, channel, frame)
            project = commands.set_keys(project, channel, [Key(frame, round(value, 4))])
        self._session.do(self.tr("Add key"), project)
        self._session.select(frozenset(edits.Item(channel, frame) for channel in self.channels))

    def _on_remove(self) -> None:
        project = self._session.project
        for channel in self.channels:
            project = commands.delete_curve(project, channel)
        self._session.do(self.tr("Delete curve"), project)

    def _on_fit(self) -> None:
        self.canvas.fit_time()
        self.canvas.fit_values()

    def _on_edit(self, name: str, project: Project, selection: edits.Selection, merge: object) -> None:
        self._session.do(name, project, merge)
        self._session.select(selection)

    def _on_scrub(self, frame: int) -> None:
        self._session.seek(frame, draft=True)

    def showEvent(self, event: QShowEvent) -> None:
        self._show_value()
        super().showEvent(event)

    def _on_playhead(self, _: int) -> None:
        if self.isVisible():
            self._show_value()
            self.canvas.update()
