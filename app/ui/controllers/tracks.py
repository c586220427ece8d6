"""What clicks on the timeline's tracks and the handles on the face do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QMenu

from app.core import commands
from app.core.project import Phone
from app.ui import viewer_model, widgets
from app.ui.inspector_selection import ARPABET
from app.ui.timeline import edits
from app.ui.timeline.layout import Hit, Item, Row
from app.ui.timeline.rename import NameEdit
from engines import arkit

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow

NEW_WORD_S = 0.3


class TrackController(QObject):
    """Ties the timeline's and the viewer's signals to edits of the project."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window, self.session, self._editing = window, window.session, window.editing
        self._handle_start: object = None
        self._handle_serial = 0
        view = window.timeline.view
        view.header_used.connect(self._on_header)
        view.empty_activated.connect(self._on_empty)
        view.activated.connect(self._on_activated)
        view.menu_wanted.connect(self._on_menu)
        viewer = window.viewer
        viewer.handle_pressed.connect(self._on_handle_pressed)
        viewer.handle_moved.connect(self._on_handle)
        viewer.handle_released.connect(self.session.edit_ended)

    def _on_header(self, row: Row, what: str) -> None:
        session = self.session
        if what == "add":
            self._editing.add_emotion() if row.kind == "emotions" else self._editing.add_style()
            return
        if what == "bake":
            self._editing.bake_emotion()
            return
        channels = row.channels()
        if what == "curve":
            self.window.show_curves(channels)
            return
        project = session.project
        curves = [curve for curve in project.curves if curve.channel in channels]
        on = not any(getattr(curve, what) for curve in curves)
        for curve in curves:
            project = commands.set_curve(project, curve.channel, **{what: on})
        session.do(self.tr("Mute") if what == "mute" else self.tr("Solo"), project)

    def _on_empty(self, kind: str, frame: int) -> None:
        """A double click beside everything adds what the track holds."""
        self.session.seek(frame)
        if kind == "emotions":
            self._editing.add_emotion()
        elif kind == "styles":
            self._editing.add_style()
        elif kind == "pose":
            self._editing.key_pose()
        elif kind == "gaze":
            self._editing.key_gaze()
        elif kind == "blink":
            self._editing.blink()
        elif kind in ("words", "phones"):
            self._add_segment(kind)
        elif kind in arkit.INDEX or "." in kind:
            self._editing.key(self.tr("Add key"), (kind,))

    def _add_segment(self, row: str) -> None:
        """A new word or phone in the gap under the playhead, to be named in the inspector."""
        session = self.session
        if session.samples is None:
            return
        project = commands.adopt_speech(session.project, session.words(), session.phones())
        at_s = session.playhead / float(session.rate)
        segments = getattr(project.speech, row)
        low = max((s.end_s for s in segments if s.end_s <= at_s + 1e-6), default=0.0)
        high = min((s.start_s for s in segments if s.start_s > at_s), default=session.total / float(session.rate))
        start, end = max(low, at_s), min(high, at_s + NEW_WORD_S)
        if any(s.start_s < end and s.end_s > start for s in segments) or end - start < commands.MIN_PHONE_S:
            return
        label = self.tr("word") if row == "words" else "AH"
        project = commands.insert_speech(project, row, Phone(start, end, label))  # type: ignore[arg-type]
        session.do(self.tr("Add %s") % row.removesuffix("s"), project)
        index = next(i for i, s in enumerate(getattr(session.project.speech, row)) if s.start_s == start)
        session.select(frozenset({Item(row, index)}))

    def _on_activated(self, item: Item) -> None:
        """A double click on something goes there and shows it in the inspector."""
        self.window.inspector.setCurrentWidget(self.window.inspector.selection)
        if item.row in ("words", "phones", "markers"):
            self.retype(item)
        elif edits.is_curve(item.row):
            self.session.seek(item.index)
            self.window.show_curves((item.row,))

    def retype(self, item: Item) -> None:
        """Type another word, phone or name of a marker right where it stands."""
        session, view = self.session, self.window.timeline.view
        segments = {"words": session.words(), "phones": session.phones()}
        old = (
            session.project.markers[item.index].name if item.row == "markers" else segments[item.row][item.index].label
        )
        edit = NameEdit(view, view.place(item), old)
        edit.named.connect(partial(self._on_named, item))

    def _on_named(self, item: Item, name: str) -> None:
        session = self.session
        if item.row == "markers":
            session.attempt(self.tr("Rename marker"), commands.replace_marker, item.index, name=name)
        elif item.row == "phones" and name.upper() not in ARPABET:
            session.told.emit(self.tr("'%s' is no phone. Use one of: %s.") % (name, ", ".join(ARPABET)), "error")
        else:
            label = name.upper() if item.row == "phones" else name
            project = commands.adopt_speech(session.project, session.words(), session.phones())
            if item.index >= len(getattr(project.speech, item.row)):
                return  # the voice changed while the name was being typed
            text = self.tr("Change %s") % item.row.removesuffix("s")
            session.do(text, commands.set_label(project, item.row, item.index, label))  # type: ignore[arg-type]

    def _on_menu(self, place: QPoint, target: Hit, frame: int) -> None:
        menu = QMenu(self.window)
        actions = self.window.actions_by_id
        if target.item is None:
            self.session.seek(frame)
            names = ["direct.emotion", "direct.style", "direct.key_pose", "direct.key_gaze", "direct.blink",
                     "direct.nod", "", "play.marker", "play.in", "play.out", "", "edit.paste"]  # fmt: skip
        elif edits.is_curve(target.item.row):
            names = ["edit.copy", "edit.cut", "edit.delete", "edit.smooth"]
        else:
            names = ["edit.split", "edit.copy", "edit.cut", "edit.duplicate", "edit.delete", "edit.ripple_delete"]
        for name in names:
            menu.addAction(actions[name]) if name else menu.addSeparator()
        widgets.run_menu(menu, place)

    def _on_handle_pressed(self, handle: str) -> None:
        self._handle_start = self.session.project
        self._handle_serial += 1
        self.window.player.stop()

    def _on_handle(self, handle: str, dx: float, dy: float) -> None:
        if self._handle_start is None:
            return
        session = self.session
        project = viewer_model.key_drag(self._handle_start, session.playhead, handle, dx, dy)  # type: ignore[arg-type]
        session.do(self.tr("Pose %s") % handle, project, ("handle", self._handle_serial))
