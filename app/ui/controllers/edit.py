"""Editing and directing: everything that changes the project from the keyboard and the menus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QInputDialog, QMenu

from app.core import commands, own_presets, presets
from app.core.passes import heard
from app.core.project import CHANNELS_GAZE, CHANNELS_POSE, Key
from app.ui import emotion_model, viewer_model, widgets
from app.ui.timeline import edits
from app.ui.timeline.edits import Clipboard
from app.ui.timeline.headers import HEADER
from app.ui.timeline.layout import Item
from engines import arkit

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow

BLINK_S = 0.12


class EditController(QObject):
    """Handlers of the menus Edit and Direct."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window = window
        self.session = window.session
        self.clipboard = Clipboard()
        panel = window.presets
        panel.chosen.connect(self.use_preset)
        panel.placed.connect(self.place_blend)

    def handlers(self) -> dict[str, Callable[..., object]]:
        session = self.session
        return {
            "edit.undo": session.undo, "edit.redo": session.redo, "edit.cut": self.cut, "edit.copy": self.copy,
            "edit.paste": self.paste, "edit.duplicate": self.duplicate, "edit.delete": self.delete,
            "edit.ripple_delete": self.ripple_delete, "edit.select_all": self.select_all,
            "edit.select_none": self.select_none, "edit.split": self.split, "edit.split_all": self.split_all,
            "edit.snap": self.snap, "edit.ripple": self.ripple, "edit.smooth": self.smooth,
            "edit.trim_start": self.trim_start, "edit.trim_end": self.trim_end,
            "edit.nudge_left": self.nudge_left, "edit.nudge_right": self.nudge_right,
            "edit.select_previous": self.select_previous, "edit.select_next": self.select_next,
            "edit.another_take": self.another_take, "direct.emotion": self.add_emotion,
            "direct.style": self.add_style, "direct.key_pose": self.key_pose, "direct.key_gaze": self.key_gaze,
            "direct.blink": self.blink, "direct.nod": self.nod, "direct.shake": self.shake,
            "direct.curve": self.add_curve, "direct.bake_emotion": self.bake_emotion,
        }  # fmt: skip

    # --- Edit ---

    def cut(self) -> None:
        self.copy()
        self._delete(self.tr("Cut"), False)

    def copy(self) -> None:
        board = edits.copy(self.session.project, self.session.selection)
        if board:
            self.clipboard = board

    def paste(self) -> None:
        if self.clipboard:
            self._paste(self.tr("Paste"), self.clipboard, self.session.playhead)

    def _paste(self, name: str, board: Clipboard, frame: int) -> None:
        project, selection = edits.paste(self.session.project, board, frame)
        self.session.do(name, project)
        self.session.select(selection)

    def duplicate(self) -> None:
        """A copy of the selection right behind it."""
        session = self.session
        board = edits.copy(session.project, session.selection)
        if not board:
            return
        ends = [session.total if c.end is None else c.end for c in board.clips]
        ends += [key.frame + 1 for keys in board.keys.values() for key in keys]
        self._paste(self.tr("Duplicate"), board, max(ends))

    def delete(self) -> None:
        self._delete(self.tr("Delete"), False)

    def ripple_delete(self) -> None:
        self._delete(self.tr("Ripple delete"), True)

    def _delete(self, name: str, ripple: bool) -> None:
        session = self.session
        if not session.selection:
            return
        project = session.project
        if any(item.row in ("words", "phones") for item in session.selection):
            project = commands.adopt_speech(project, session.words(), session.phones())
        session.do(name, edits.delete(project, session.selection, ripple))
        session.select(edits.NONE)

    def select_all(self) -> None:
        self.session.select(edits.everything(self.session.project))

    def select_none(self) -> None:
        self.session.select(edits.NONE)

    def nudge_left(self) -> None:
        self._nudge(-1)

    def nudge_right(self) -> None:
        self._nudge(1)

    def _nudge(self, frames: int) -> None:
        session = self.session
        if session.selection:
            project, selection = edits.move(session.project, session.selection, frames)
            session.do(self.tr("Nudge"), project)
            session.select(selection)

    def select_previous(self) -> None:
        self._select_neighbour(-1)

    def select_next(self) -> None:
        self._select_neighbour(1)

    def _select_neighbour(self, step: int) -> None:
        """Walk through everything on the timeline in the order of time, so that no pointer is needed."""
        session = self.session
        item = edits.neighbour(self.window.timeline.view.picture.scene, session.selection, session.playhead, step)
        if item is not None:
            session.select(frozenset({item}))
            session.seek(edits.start_of(self.window.timeline.view.picture.scene, item))
            self.window.timeline.view.set_playhead(session.playhead, follow=True)

    def split(self) -> None:
        session = self.session
        if session.selection and all(item.row in ("words", "phones") for item in session.selection):
            project = commands.adopt_speech(session.project, session.words(), session.phones())
            at_s = session.playhead / float(session.rate)
            session.do(self.tr("Split"), edits.split_speech(project, at_s, session.selection))
            return
        session.do(self.tr("Split"), edits.split(session.project, session.playhead, session.selection))

    def split_all(self) -> None:
        session = self.session
        session.do(self.tr("Split all"), edits.split(session.project, session.playhead, edits.NONE, everywhere=True))

    def trim_start(self) -> None:
        self._trim("start")

    def trim_end(self) -> None:
        self._trim("end")

    def _trim(self, edge: str) -> None:
        session, ripple = self.session, self.window.timeline.view.ripple
        project = edits.trim(session.project, session.playhead, session.selection, edge, ripple)
        session.do(self.tr("Trim to playhead"), project)

    def snap(self, on: bool) -> None:
        self.window.timeline.view.snapping = on
        self.window.preferences.set_flag("snap", on)

    def ripple(self, on: bool) -> None:
        self.window.timeline.view.ripple = on

    def smooth(self) -> None:
        session = self.session
        session.do(self.tr("Smooth keys"), edits.smooth(session.project, session.selection))

    def another_take(self) -> None:
        self.session.attempt(self.tr("Another take"), commands.another_take)

    # --- Direct ---

    def add_emotion(self) -> None:
        """A menu of emotions at the playhead."""
        menu = QMenu(self.window)
        emotions = presets.load_all("emotions")
        for name in emotion_model.in_order(emotions):
            action = menu.addAction(emotions[name].name)
            action.setData(name)
        chosen = widgets.run_menu(menu, self._menu_place("emotions"))
        if chosen is not None:
            self.use_preset("emotions", str(chosen.data()))

    def add_style(self) -> None:
        menu = QMenu(self.window)
        for name, preset in presets.load_all("styles").items():
            menu.addAction(preset.name).setData(name)
        chosen = widgets.run_menu(menu, self._menu_place("styles"))
        if chosen is not None:
            self.use_preset("styles", str(chosen.data()))

    def _menu_place(self, kind: str) -> QPoint:
        """At the playhead in the track that gets the new clip."""
        view = self.window.timeline.view
        row = next((row for row in view.picture.scene.rows if row.kind == kind), None)
        x = min(max(view.scale.x(self.session.playhead), 0), view.track_width()) + HEADER
        return view.mapToGlobal(QPoint(int(x), 30 + (row.top if row else 0)))

    def use_preset(self, kind: str, name: str) -> None:
        """Put a preset to use: into the selected clips, else at the playhead; a character for the whole shot."""
        session = self.session
        if kind == "heads":
            session.attempt(self.tr("Head motion"), commands.set_auto, character=name)
            return
        if kind == "poses":
            session.attempt(self.tr("Use pose"), own_presets.use_pose, name, session.playhead)
            return
        field = "emotion" if kind == "emotions" else "style"
        chosen = edits.by_row(session.selection).get(kind, [])
        project = session.project
        if chosen:
            for index in chosen:
                project = commands.replace_clip(project, kind, index, **{field: name})  # type: ignore[arg-type]
            session.do(self.tr("Change %s") % field, project)
            return
        start, end = emotion_model.clip_span(session.playhead, session.total, float(session.rate))
        if kind == "emotions":
            ease = min(8, (end - start) // 3)
            project = commands.add_emotion(project, name, start, end, 0.8, ease_in=ease, ease_out=ease)
        elif not project.styles:
            project = commands.add_style(project, name, 0, None)
        else:
            project = commands.add_style(project, name, start, end)
        before = getattr(session.project, kind)
        session.do(self.tr("Add %s") % field, project)
        after = getattr(session.project, kind)
        new = [i for i, clip in enumerate(after) if clip not in before]
        if new:
            session.select(frozenset({Item(kind, new[0])}))

    def place_blend(self, parts: tuple[emotion_model.Part, ...]) -> None:
        session = self.session
        start, end = emotion_model.clip_span(session.playhead, session.total, float(session.rate))
        ease = min(8, (end - start) // 3)
        session.do(self.tr("Add emotion blend"), emotion_model.place(session.project, parts, start, end, ease))

    def bake_emotion(self) -> None:
        """What the voice tells becomes emotion clips, at the share it had or in full."""
        session, mood = self.session, self.session.mood
        if mood is None:
            session.told.emit(self.tr("There is no voice yet whose mood could be read."), "error")
            return
        project = heard.bake(session.project, mood, session.project.auto_emotion or 1.0, session.total)
        before = set(session.project.emotions)
        new = [index for index, clip in enumerate(project.emotions) if clip not in before]
        if not new:
            session.told.emit(self.tr("The voice shows no clear mood."), "info")
            return
        session.do(self.tr("Bake the voice's mood"), project)
        session.select(frozenset(Item("emotions", index) for index in new))

    def key_pose(self) -> None:
        channels = tuple(f"pose.{name}" for name in CHANNELS_POSE[:3])
        self.key(self.tr("Key head pose"), channels)

    def key_gaze(self) -> None:
        self.key(self.tr("Key gaze"), tuple(f"gaze.{name}" for name in CHANNELS_GAZE))

    def key(self, name: str, channels: tuple[str, ...]) -> None:
        session = self.session
        session.do(name, viewer_model.key_pose(session.project, session.playhead, channels))
        session.select(frozenset(Item(channel, session.playhead) for channel in channels))

    def blink(self) -> None:
        """Lids down and up again about the playhead."""
        session = self.session
        half = max(1, round(BLINK_S * float(session.rate)))
        frame = session.playhead
        keys = [Key(max(0, frame - half), 0.0), Key(frame, 1.0), Key(frame + round(1.6 * half), 0.0)]
        session.attempt(self.tr("Blink"), commands.set_keys, "blink", keys)

    def nod(self) -> None:
        self._gesture(self.tr("Nod"), "pose.pitch_deg", 9.0)

    def shake(self) -> None:
        self._gesture(self.tr("Shake head"), "pose.yaw_deg", 10.0)

    def _gesture(self, name: str, channel: str, size: float) -> None:
        session = self.session
        session.do(name, edits.nod(session.project, session.playhead, float(session.rate), channel, size))

    def add_curve(self) -> None:
        taken = {curve.channel for curve in self.session.project.curves}
        names = [name for name in arkit.NAMES if name not in taken]
        name, ok = QInputDialog.getItem(self.window, self.tr("Add curve"), self.tr("Channel"), names, 0, True)
        if ok and name:
            self.make_curve(name)

    def make_curve(self, channel: str) -> None:
        session = self.session
        if session.attempt(self.tr("Add curve"), commands.set_keys, channel, [Key(session.playhead, 0.0)]):
            session.select(frozenset({Item(channel, session.playhead)}))

    # --- range ---

    def set_range(self, first: int | None, last: int | None) -> None:
        """Set the in and out points; a point that would cross the other moves it away."""
        project = replace(self.session.project, in_frame=first, out_frame=last)
        if first is not None and last is not None and last < first:
            project = replace(project, out_frame=None)
        self.session.do(self.tr("Set range"), project)
