"""The engine's own numbers (`EngineInfo.coordinates`): a slider for each, keyed at the playhead."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QPushButton

from app.core import commands
from app.core.project import Key
from app.ui.inspector_selection import value_range
from app.ui.session import Session
from app.ui.timeline.curves_model import coordinate, value_at
from app.ui.widgets import Panel, ValueSlider, clear_layout, heading, muted
from engines import registry
from engines.api import Coordinate

LABEL_PX = 112
"""Room for the name of a number; a longer one is cut and told in full by its tool tip."""


class EnginePage(Panel):
    """Sliders that show what the curves ``ENGINE_ID.NAME`` say at the playhead; moving one sets a key there.

    Signals
    -------
    filled : the engine changed; whether there is anything to show
    """

    filled = Signal(bool)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.sliders: dict[str, ValueSlider] = {}
        self._engine = ""
        self._offered: tuple[tuple[Coordinate, ...], str] = ((), "")
        session.project_changed.connect(self.reload)
        session.playhead_changed.connect(self._on_playhead)
        self.reload()

    @property
    def shown(self) -> bool:
        return bool(self.sliders)

    def reload(self, *_: object) -> None:
        if self._session.project.engine != self._engine:
            self._engine = self._session.project.engine
            self._offered = self._look()
            self._build()
            self.filled.emit(self.shown)
        self._show_values()

    def _look(self) -> tuple[tuple[Coordinate, ...], str]:
        """What the engine has beside its manifest now; weights may have come or gone since the last look."""
        info = registry.engines().get(self._engine)
        return ((), "") if info is None else registry.more(info)

    def _build(self) -> None:
        clear_layout(self.column)
        self.sliders = {}
        info = registry.engines().get(self._engine)
        if info is None or not info.coordinates:
            return
        self.column.addWidget(heading(info.name))
        self.column.addWidget(
            muted(
                self.tr(
                    "The engine's own numbers, on top of what your direction asks of them. Moving a slider sets a key "
                    "at the playhead; the curve editor says whether a curve adds, multiplies or replaces."
                )
            )
        )
        more, word = self._offered
        if word:
            self.column.addWidget(muted(word))
        group = ""
        for own in (*more, *info.coordinates):  # what the user brought is what the artist looks for
            if own.group and own.group != group:
                group = own.group
                self.column.addWidget(heading(group))
            channel = f"{info.id}.{own.name}"
            low, high, step, suffix = value_range(channel)
            neutral = min(max(0.0, low), high)
            tip = f"{own.label}\n{channel}"
            slider = ValueSlider(own.label, low, high, step, 1, suffix, neutral, tip, LABEL_PX)
            short = slider.label.fontMetrics().elidedText(own.label, Qt.TextElideMode.ElideRight, LABEL_PX)
            slider.label.setText(short)
            slider.setProperty("channel", channel)
            slider.changed.connect(self._on_slider)
            slider.finished.connect(self._session.edit_ended)
            self.sliders[channel] = slider
            self.column.addWidget(slider)
        clear = QPushButton(self.tr("Remove all these keys"))
        clear.clicked.connect(self._on_clear)
        self.column.addWidget(clear)
        self.column.addStretch(1)

    def _show_values(self) -> None:
        keyed = {curve.channel for curve in self._session.project.curves}
        for channel, slider in self.sliders.items():
            slider.set_value(value_at(self._session.project, channel, self._session.playhead))
            font = slider.label.font()
            font.setBold(channel in keyed)
            slider.label.setFont(font)

    def look_again(self) -> None:
        """Show what the engine offers by now."""
        if (offered := self._look()) != self._offered:
            self._offered = offered
            self._build()
        self._show_values()

    def showEvent(self, event: QShowEvent) -> None:
        self.look_again()
        super().showEvent(event)

    def _on_playhead(self, _: int) -> None:
        if self.isVisible():
            self._show_values()

    def _on_slider(self, value: float) -> None:
        channel, session = str(self.sender().property("channel")), self._session
        own = coordinate(channel)
        keyed = commands.set_keys(session.project, channel, [Key(session.playhead, round(value, 4))])
        name = self.tr("Set %s") % (own.label if own is not None else channel)
        session.do(name, keyed, ("coordinate", channel, session.playhead))

    def _on_clear(self) -> None:
        project = self._session.project
        for channel in self.sliders:
            project = commands.delete_curve(project, channel)
        self._session.do(self.tr("Remove engine keys"), project)
