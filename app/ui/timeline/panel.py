"""The timeline with its tool bar, tied to the session."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.core import commands
from app.core.project import Project
from app.ui.session import Session
from app.ui.theme import SPACE
from app.ui.timeline.edits import Selection
from app.ui.timeline.layout import Scene
from app.ui.timeline.picture import Picture
from app.ui.timeline.scale import TimeScale
from app.ui.timeline.view import TimelineView

TOOLS = (
    "direct.emotion", "direct.style", "direct.curve", "play.marker", "",
    "edit.split", "edit.delete", "edit.ripple_delete", "", "edit.snap", "edit.ripple",
)  # fmt: skip
ZOOMS = ("view.timeline_out", "view.timeline_in", "view.timeline_fit")


class TimelinePanel(QWidget):
    """Tool bar above, tracks below.

    Signals
    -------
    hinted : a word about what the pointer is on, for the status line
    """

    hinted = Signal(str)

    def __init__(self, session: Session, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._session = session
        scene = Scene(session.project, session.total, float(session.rate))
        self.view = TimelineView(Picture(scene, TimeScale(), session.rate), self)
        bar = QWidget()
        bar.setObjectName("bar")
        row = QHBoxLayout(bar)
        row.setContentsMargins(SPACE, 3, SPACE, 3)
        row.setSpacing(2)
        for name in TOOLS:
            if not name:
                row.addSpacing(SPACE * 2)
                continue
            row.addWidget(_tool(actions[name], wide=name.startswith("direct")))
        row.addStretch(1)
        self.counts = QLabel()
        self.counts.setObjectName("muted")
        row.addWidget(self.counts)
        row.addSpacing(SPACE)
        for name in ZOOMS:
            row.addWidget(_tool(actions[name]))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(bar)
        column.addWidget(self.view, 1)
        view = self.view
        view.scrubbed.connect(self._on_scrub)
        view.scrub_ended.connect(self._on_scrub_ended)
        view.selected.connect(session.select)
        view.edited.connect(self._on_edit)
        view.edit_ended.connect(session.edit_ended)
        view.share_moved.connect(self._on_share)
        session.project_changed.connect(self.reload)
        session.speech_changed.connect(self.reload)
        session.motion_changed.connect(self.reload)
        session.media_changed.connect(self.reload)
        session.working.connect(self._on_working)
        session.selection_changed.connect(self._on_selection)
        session.playhead_changed.connect(view.set_playhead)

    def reload(self, *_: object) -> None:
        """Show the session as it is now."""
        session, picture = self._session, self.view.picture
        picture.performance, picture.peaks, picture.spectrogram = session.performance, session.peaks, session.spectrum
        mood = session.mood
        picture.mood = None if mood is None else mood.at_frames(session.total, session.rate)
        scene = Scene(session.project, session.total, float(session.rate), session.words(), session.phones())
        self.view.set_scene(scene, session.rate)

    def set_names(self, names: Mapping[str, str]) -> None:
        """Names of presets by id."""
        self.view.picture.names = names
        self.view.refresh()

    def set_spectrogram(self, on: bool) -> None:
        self.view.picture.show_spectrogram = on
        if on:
            self._session.want_spectrum()
        self.view.refresh()

    def _on_scrub(self, frame: int) -> None:
        self._session.seek(frame, draft=True)

    def _on_scrub_ended(self) -> None:
        self._session.seek(self._session.playhead)

    def _on_edit(self, name: str, project: Project, selection: Selection, merge: Hashable) -> None:
        self._session.do(name, project, merge)
        self._session.select(selection)

    def _on_share(self, share: float) -> None:
        session = self._session
        changed = commands.set_field(session.project, auto_emotion=round(share, 2))
        session.do(self.tr("Emotion from the voice"), changed, "share")

    def _on_selection(self) -> None:
        if self.view.picture.selection != self._session.selection:
            self.view.picture.selection = self._session.selection
            self.view.refresh()
        count = len(self._session.selection)
        self.counts.setText(self.tr("%n selected", "", count) if count else "")

    def _on_working(self, what: str, part: float) -> None:
        busy = f"{what}  {part:.0%}" if what and part > 0 else what
        if busy != self.view.picture.busy:
            self.view.picture.busy = busy
            if not self.view.picture.scene.words:
                self.view.refresh()


def _tool(action: QAction, wide: bool = False) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if wide:
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        # The tool button would follow the action's long text whenever that changes, so it gets the short one for good.
        action.setIconText(action.text().removeprefix("Add ").removesuffix("…").split(" ")[0].capitalize())
    return button
