"""The studio window: viewer in the middle, media and presets left, inspector right, timeline and queue below."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QTabBar,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.core import folders, safety
from app.core.project import Project
from app.ui import icons, menus
from app.ui.controllers.actors import ActorController
from app.ui.controllers.edit import EditController
from app.ui.controllers.files import FileController
from app.ui.controllers.layers import LayerController
from app.ui.controllers.live_capture import LiveCaptureController
from app.ui.controllers.live_link import LiveLinkController
from app.ui.controllers.play import PlayController
from app.ui.controllers.presets import PresetController
from app.ui.controllers.references import ReferenceController
from app.ui.controllers.tracks import TrackController
from app.ui.controllers.view import ViewController
from app.ui.docked import DockedWindow, leave_space
from app.ui.emotion_pad import EmotionPad
from app.ui.head_view import HeadView
from app.ui.inspector import Inspector
from app.ui.judge_panel import JudgePanel
from app.ui.media_panel import MediaPanel
from app.ui.player import Player
from app.ui.preferences import Preferences
from app.ui.presets_panel import PresetsPanel
from app.ui.recovery import RecoveryDialog
from app.ui.render_queue import QueuePanel
from app.ui.session import Session
from app.ui.shortcuts_model import Shortcuts
from app.ui.status import StatusLine
from app.ui.timeline.curves import CurveEditor
from app.ui.timeline.panel import TimelinePanel
from app.ui.transcript_panel import TranscriptPanel
from app.ui.transport import Transport
from app.ui.viewer import Viewer
from app.ui.widgets import run_dialog
from engines import registry
from engines.errors import StudioError

log = logging.getLogger(__name__)
_PRESS_KEYS = {Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter}
_MOVE_KEYS = {
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End,
    Qt.Key.Key_PageUp, Qt.Key.Key_PageDown,
}  # fmt: skip
_PLAIN = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)


class MainWindow(DockedWindow):
    """Everything an artist sees.

    Parameters
    ----------
    asks : whether questions (unsaved changes) are asked; tests switch it off
    """

    def __init__(self, asks: bool = True, session: Session | None = None) -> None:
        super().__init__()
        self.asks = asks
        self.preferences = Preferences()
        self.shortcuts = Shortcuts(folders.config() / "shortcuts.json")
        self.session = session or Session(self)
        self.player = Player(self)
        self.actions_by_id = menus.make_actions(self)
        self.viewer = Viewer()
        self.transport = Transport(self.session, self.player, self.actions_by_id)
        self.media = MediaPanel(self.session)
        self.transcript = TranscriptPanel(self.session)
        self.presets = PresetsPanel()
        self.inspector = Inspector(self.session)
        self.timeline = TimelinePanel(self.session, self.actions_by_id)
        self.timeline.set_names(self.presets.names())
        self.curves = CurveEditor(self.session)
        self.queue = QueuePanel(self.session)
        self.judge = JudgePanel(self.session)
        self.head_view: HeadView | None = None
        self.editing = EditController(self)
        self.tracks = TrackController(self)
        self.playing = PlayController(self)
        self.files = FileController(self)
        self.viewing = ViewController(self)
        self.preset_files = PresetController(self)
        self.layers = LayerController(self)
        self.live_link = LiveLinkController(self)
        self.live = LiveCaptureController(self)
        self.references = ReferenceController(self)
        self.actors = ActorController(self)
        self._fill_window()
        self._bind()
        self.recent_menu, self.backups_menu = menus.fill_menus(self)
        self.backups_menu.aboutToShow.connect(self._fill_backups)
        self.fill_recent()
        self.apply_shortcuts()
        self.status = StatusLine(self.session, self)
        self.setStatusBar(self.status)
        self.setWindowIcon(icons.app_icon())
        self.setAcceptDrops(True)
        self.setMinimumSize(QSize(1000, 640))
        if not self.restore_layout(self.preferences):
            self.reset_layout()
        self.timeline.view.setFocus()
        self._connect()
        self.refresh_title()
        self._refresh_actions()

    # --- building ---

    def _fill_window(self) -> None:
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.viewer, 1)
        column.addWidget(self.transport)
        leave_space(middle)
        self.setCentralWidget(middle)
        self.left = QTabWidget()
        self.left.setDocumentMode(True)
        self.left.setMinimumWidth(262)
        self.left.addTab(self.media, self.tr("Media"))
        self.left.addTab(self.transcript, self.tr("Words"))
        self.left.addTab(self.presets, self.tr("Presets"))
        self.add_side("left", self.tr("Media and presets"), self.left, Qt.DockWidgetArea.LeftDockWidgetArea)
        self.add_side("inspector", self.tr("Inspector"), self.inspector, Qt.DockWidgetArea.RightDockWidgetArea)
        self.add_tab("timeline", self.tr("Timeline"), self.timeline)
        self.add_tab("curves", self.tr("Curves"), self.curves)
        self.add_tab("queue", self.tr("Render queue"), self.queue)
        self.add_tab("judge", self.tr("Judge"), self.judge)
        self.docks["timeline"].raise_()

    def _bind(self) -> None:
        """Tie every command to what it does."""
        handlers: dict[str, Callable[..., object]] = {}
        self._handlers = handlers
        for controller in (
            self.editing, self.playing, self.files, self.viewing, self.layers, self.live_link, self.live,
            self.references, self.actors,
        ):  # fmt: skip
            handlers.update(controller.handlers())
        for name, action in self.actions_by_id.items():
            if action.isCheckable():
                action.toggled.connect(handlers[name])
            else:
                action.triggered.connect(self._run_action)
        self.actions_by_id["view.handles"].setChecked(True)
        self.actions_by_id["edit.snap"].setChecked(self.preferences.flag("snap", True))
        self.actions_by_id["view.theme"].setChecked(self.preferences.theme == "light")

    def _run_action(self) -> None:
        """Run the handler of the action that was triggered, without the ``checked`` argument that Qt sends."""
        action = self.sender()
        self._handlers[str(action.property("action_id"))]()

    def apply_shortcuts(self) -> None:
        """Give every action the keys that the artist wants, and say them in its tool tip."""
        menus.apply_shortcuts(self.actions_by_id, self.shortcuts)

    def fill_recent(self) -> None:
        self.recent_menu.clear()
        for path in self.preferences.recent:
            action = self.recent_menu.addAction(path.stem)
            action.setToolTip(str(path))
            action.setData(str(path))
            action.triggered.connect(self._open_recent)
        self.recent_menu.setEnabled(bool(self.preferences.recent))

    def _fill_backups(self) -> None:
        self.files.fill_backups(self.backups_menu)

    def _open_recent(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.files.open_project(Path(str(action.data())))

    def _connect(self) -> None:
        session = self.session
        session.project_changed.connect(self._on_project)
        session.media_changed.connect(self._refresh_actions)
        session.motion_changed.connect(self._refresh_actions)
        session.selection_changed.connect(self._refresh_actions)
        session.working.connect(self._on_working)
        session.told.connect(self.status.tell)
        self.media.wanted.connect(self._on_wanted)
        self.transcript.import_words.clicked.connect(self.actions_by_id["file.captions"].trigger)
        self.transcript.export_words.clicked.connect(self.actions_by_id["file.export_words"].trigger)
        self.inspector.motion.bake.clicked.connect(self.actions_by_id["direct.bake_emotion"].trigger)
        self.viewer.clicked.connect(self.files.portrait)
        self.viewer.demo_wanted.connect(self.files.demo)
        self.viewer.zoomed.connect(self.transport.show_zoom)
        self.queue.notified.connect(self._on_notified)
        self.queue.count_changed.connect(self._on_queue)
        self.queue.judge_wanted.connect(self._on_judge)

    def event(self, event: QEvent) -> bool:
        """Space and arrows belong to a button or slider that was reached by Tab; elsewhere they play and step."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            focus = QApplication.focusWidget()
            pressing = isinstance(focus, QAbstractButton | QComboBox) and event.key() in _PRESS_KEYS
            moving = isinstance(focus, QAbstractSlider | QTabBar | EmotionPad) and event.key() in _MOVE_KEYS
            if (pressing or moving) and event.modifiers() in _PLAIN:
                event.accept()
                return True
        return super().event(event)

    # --- what follows from changes ---

    def _on_project(self, _: object) -> None:
        self.refresh_title()
        self._refresh_actions()
        project = self.session.project
        self.presets.show_character(project.auto.character)
        try:
            info = registry.info(project.engine)
        except StudioError:
            return
        self.presets.set_honours(info.honours, info.reasons)

    def refresh_title(self) -> None:
        name = self.session.project.name
        self.setWindowTitle(f"{name}[*] - Soliloquy")
        self.setWindowModified(self.session.history.dirty)

    def _refresh_actions(self, *_: object) -> None:
        history, actions, session = self.session.history, self.actions_by_id, self.session
        undo, redo = actions["edit.undo"], actions["edit.redo"]
        undo.setEnabled(history.can_undo)
        redo.setEnabled(history.can_redo)
        undo.setText(self.tr("Undo %s") % history.undo_name.lower() if history.can_undo else self.tr("Undo"))
        redo.setText(self.tr("Redo %s") % history.redo_name.lower() if history.can_redo else self.tr("Redo"))
        chosen = bool(session.selection)
        for name in ("edit.cut", "edit.copy", "edit.duplicate", "edit.delete", "edit.ripple_delete", "edit.smooth"):
            actions[name].setEnabled(chosen)
        sounding = session.ready or session.samples is not None
        for name in ("play.toggle", "play.forward", "play.reverse"):
            actions[name].setEnabled(sounding)

    def _on_working(self, what: str, part: float) -> None:
        self.viewer.note = what
        self.viewer.busy = part
        self.viewer.update()
        self.status.show_work(what, part)

    def _on_wanted(self, kind: str) -> None:
        self.actions_by_id[f"file.{kind}"].trigger()

    def _on_notified(self, title: str, message: str) -> None:
        self.status.tell(f"{title}: {message}", "info")
        if not self.isActiveWindow():
            self.status.notify(title, message)

    def _on_queue(self, count: int) -> None:
        text = self.tr("Render queue")
        self.docks["queue"].setWindowTitle(f"{text} ({count})" if count else text)

    def _on_judge(self, take: Path, project: Project) -> None:
        self.show_judge()
        self.judge.judge_video(take, project)

    # --- used by controllers ---

    def show_image(self, image: np.ndarray) -> None:
        self.viewer.set_frame(image)
        self.transport.show_zoom(self.viewer.view.scale)

    def show_curves(self, channels: tuple[str, ...]) -> None:
        """Open the curve editor on some channels."""
        self.curves.show_channels(channels)
        self.show_panel("curves")

    def show_queue(self) -> None:
        self.show_panel("queue")

    def show_judge(self) -> None:
        self.show_panel("judge")

    def show_head(self, on: bool) -> None:
        """Show or hide the 3D view, a dock that is made when it is first wanted."""
        if "head" not in self.docks:
            self.head_view = HeadView()
            self.add_below("head", self.tr("3D head"), self.head_view, "inspector")
            self.docks["head"].visibilityChanged.connect(self._on_head_visible)
        self.docks["head"].setVisible(on)
        self.viewing.refresh_overlays()

    def _on_head_visible(self, visible: bool) -> None:
        if not self.isVisible() or self.isMinimized():
            return
        self.actions_by_id["view.head"].setChecked(visible)

    # --- layout ---

    def reset_layout(self) -> None:
        """The layout of a new installation."""
        screen = self.screen().availableGeometry()
        self.resize(min(1600, screen.width()), min(1000, screen.height()))
        for name in ("left", "inspector", "timeline", "curves", "queue", "judge"):
            self.docks[name].show()
        self.timeline.view.setFocus()
        self.resizeDocks([self.docks["left"], self.docks["inspector"]], [292, 330], Qt.Orientation.Horizontal)
        # On a small screen the face gets the larger half.
        self.resizeDocks([self.docks["timeline"]], [min(430, round(0.43 * self.height()))], Qt.Orientation.Vertical)
        self.docks["timeline"].raise_()

    # --- files dropped anywhere ---

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        card = self.media.portrait
        on_portrait = card.isVisible() and card.rect().contains(card.mapFrom(self, event.position().toPoint()))
        # After the drop has returned, so that the file manager is not kept waiting by a question.
        self._dropped, self._dropped_kind = paths, "portrait" if on_portrait else ""
        QTimer.singleShot(0, self._take_dropped)

    def _take_dropped(self) -> None:
        self.files.take(self._dropped, self._dropped_kind)

    # --- end ---

    def offer_recovery(self) -> None:
        """Ask about work that a crash left, if there is any."""
        found = safety.recoveries()
        if not found:
            return
        dialog = RecoveryDialog(found, self)
        if run_dialog(dialog) and dialog.chosen is not None:
            self.files.recover(dialog.chosen)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.files.may_close():
            event.ignore()
            return
        self.keep_layout(self.preferences)
        self.preferences.sync()
        self.playing.hold.close()
        self.player.close()
        self.live_link.stop()
        self.live.close()
        self.actors.close()
        self.files.close()
        self.session.close()
        self.queue.close_queue()
        event.accept()
