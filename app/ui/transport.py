"""The bar under the picture: transport buttons, timecode, zoom and overlays."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from app.ui.player import Player
from app.ui.session import Session
from app.ui.theme import SPACE
from app.ui.widgets import show_icon
from engines.timebase import timecode

_LEFT = ("play.start", "play.previous_frame", "play.toggle", "play.next_frame", "play.end", "play.loop")
_RANGE = ("play.in", "play.out")
_RIGHT = ("view.handles", "view.wipe", "view.onion", "view.landmarks", "view.mesh", "view.safe", "view.head")


class Transport(QWidget):
    """Buttons of the viewer, one row."""

    def __init__(self, session: Session, player: Player, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._session, self._player = session, player
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 12, 4)
        row.setSpacing(2)
        self.timecode = QLabel()
        self.timecode.setObjectName("timecode")
        self.timecode.setAccessibleName(self.tr("Playhead"))
        self.timecode.setMinimumWidth(128)
        self.length = QLabel()
        self.length.setObjectName("muted")
        row.addWidget(self.timecode)
        row.addWidget(self.length)
        row.addStretch(1)
        for name in _LEFT:
            button = self._button(actions[name])
            if name == "play.toggle":
                button.setIconSize(QSize(24, 24))
                self._play = actions[name]
            row.addWidget(button)
        row.addSpacing(SPACE)
        for name in _RANGE:
            row.addWidget(self._button(actions[name]))
        row.addStretch(1)
        for name in _RIGHT:
            row.addWidget(self._button(actions[name]))
        self.zoom = QLabel()
        self.zoom.setObjectName("muted")
        self.zoom.setMinimumWidth(48)
        self.zoom.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.zoom)
        session.playhead_changed.connect(self.refresh)
        session.project_changed.connect(self.refresh)
        session.motion_changed.connect(self.refresh)
        session.media_changed.connect(self.refresh)
        player.playing_changed.connect(self._on_playing)
        self.refresh()

    def _button(self, action: QAction) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(action)
        button.setIconSize(QSize(18, 18))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.length.setVisible(self.width() > 820)
        self.zoom.setVisible(self.width() > 640)

    def refresh(self, *_: object) -> None:
        session = self._session
        self.timecode.setText(timecode(session.playhead, session.rate))
        last, rate = max(0, session.total - 1), session.project.rate
        self.length.setText(self.tr("%d / %d, %s fps") % (session.playhead, last, rate))
        self.length.setToolTip(self.tr("Frame %d; the last one is %d, at %s a second") % (session.playhead, last, rate))

    def show_zoom(self, scale: float) -> None:
        self.zoom.setText(f"{scale * 100:.0f} %")

    def _on_playing(self, playing: bool) -> None:
        show_icon(self._play, "pause" if playing else "play")
