"""Looking: zoom, overlays, comparison, theme; and the tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QMessageBox

from app.ui import icons, overlays, theme, widgets
from app.ui.command_palette import CommandPalette
from app.ui.emotion_model import Part
from app.ui.shortcuts import ShortcutsDialog
from app.ui.weights_dialog import WeightsDialog

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


class ViewController(QObject):
    """Handlers of the menus View and Tools."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window, self.session, self.viewer = window, window.session, window.viewer
        self.session.frame_ready.connect(self._on_frame)
        self.session.playhead_changed.connect(self._on_playhead)
        self.session.motion_changed.connect(self._on_playhead)
        self.session.media_changed.connect(self._on_media)
        self.session.auditioned.connect(self._on_audition)
        panel = window.presets
        panel.hovered.connect(self._on_hover)
        panel.blended.connect(self._on_blend)
        panel.pad.finished.connect(self._on_blend_end)

    def handlers(self) -> dict[str, Callable[..., object]]:
        viewer, timeline = self.viewer, self.window.timeline.view
        return {
            "view.fit": viewer.fit, "view.actual": viewer.actual, "view.zoom_in": self.zoom_in,
            "view.zoom_out": self.zoom_out, "view.handles": self.overlay, "view.wipe": self.wipe,
            "view.store_a": self.store_a, "view.landmarks": self.overlay, "view.mesh": self.overlay,
            "view.safe": self.overlay, "view.onion": self.overlay, "view.head": self.window.show_head,
            "view.timeline_in": self.timeline_in, "view.timeline_out": self.timeline_out,
            "view.timeline_fit": timeline.zoom_to_fit, "view.spectrogram": self.window.timeline.set_spectrogram,
            "view.theme": self.set_light, "view.reset": self.window.reset_layout, "tools.palette": self.palette,
            "tools.queue": self.window.show_queue, "tools.judge": self.window.show_judge,
            "tools.shortcuts": self.shortcuts, "tools.weights": self.weights,
            "tools.clear_cache": self.clear_cache, "tools.about": self.about,
        }  # fmt: skip

    # --- picture ---

    def _on_frame(self, frame: int) -> None:
        image = self.session.image(frame)
        if image is not None and (frame == self.session.playhead):
            self.window.show_image(image)
            self.viewer.set_other(self.session.other_image(frame))

    def _on_playhead(self, *_: object) -> None:
        self.refresh_overlays()

    def _on_media(self) -> None:
        viewer, session = self.viewer, self.session
        viewer.set_still(session.portrait)
        if session.actor is None:
            viewer.set_frame(None)
        self.refresh_overlays()

    def refresh_overlays(self) -> None:
        """Compute the overlays that are switched on, for the frame under the playhead."""
        viewer, session, actions = self.viewer, self.session, self.window.actions_by_id
        head = overlays.fitted(session.actor)
        row = overlays.frame_of(session.performance, session.playhead)
        wanted = actions["view.mesh"].isChecked() or actions["view.landmarks"].isChecked()
        posing = viewer.show_handles and not session.playing
        if session.portrait is None or not (wanted or posing):
            viewer.face = viewer.mesh = viewer.landmarks = None
        else:
            size = (session.portrait.shape[1], session.portrait.shape[0])
            viewer.face = viewer.mesh = viewer.landmarks = None
            if head is not None:
                viewer.face = overlays.face(head, row, size) if posing else None
                if actions["view.mesh"].isChecked():
                    viewer.mesh = overlays.wire(head.mesh, overlays.project(head, row, size))
                if actions["view.landmarks"].isChecked():
                    viewer.landmarks = overlays.landmarks(head, row, size)
            elif posing:
                viewer.face = overlays.own_face(session.actor, row, size)
        viewer.update()
        if self.window.head_view is not None and self.window.head_view.isVisible():
            self.window.head_view.show_frame(session.actor, row)

    def overlay(self, _: bool) -> None:
        actions, viewer = self.window.actions_by_id, self.viewer
        viewer.show_handles = actions["view.handles"].isChecked()
        viewer.show_safe = actions["view.safe"].isChecked()
        viewer.show_onion = actions["view.onion"].isChecked()
        self.refresh_overlays()

    def zoom_in(self) -> None:
        self.viewer.zoom(1.25)

    def zoom_out(self) -> None:
        self.viewer.zoom(0.8)

    def timeline_in(self) -> None:
        self.window.timeline.view.zoom(1.5)

    def timeline_out(self) -> None:
        self.window.timeline.view.zoom(1 / 1.5)

    def store_a(self) -> None:
        """Keep the take as it is now, to compare later ones with."""
        if not self.session.ready:
            self.session.told.emit(self.tr("There is no take to keep yet."), "error")
            return
        self.session.keep_a()
        self.window.actions_by_id["view.wipe"].setChecked(True)
        self.wipe(True)
        self.session.told.emit(self.tr("Kept as A. Change anything and drag the line to compare."), "info")

    def wipe(self, on: bool) -> None:
        if on and not self.session.has_a and self.session.ready:
            self.session.keep_a()
        self.session.compare = on
        self.viewer.show_wipe = on
        self.viewer.captions = (self.session.name_a, self.session.name_b)
        self.session.draw()
        self.viewer.update()

    # --- trying presets ---

    def _on_hover(self, kind: str, name: str) -> None:
        if kind in ("emotions", "styles", "poses"):
            self.session.audition(kind, (Part(name, 0.85),))
        else:
            self.session.audition("", ())

    def _on_blend(self, parts: tuple[Part, ...]) -> None:
        if self.window.presets.pad.underMouse() or self.window.presets.pad.hasFocus():
            self.session.audition("emotions", parts)

    def _on_blend_end(self) -> None:
        self.session.audition("", ())

    def _on_audition(self, image: np.ndarray | None) -> None:
        if image is not None:
            self.window.show_image(image)
        else:
            self.session.draw()

    # --- theme and tools ---

    def set_light(self, light: bool) -> None:
        name = "light" if light else "dark"
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, name)
        self.window.preferences.theme = name
        for action in self.window.actions_by_id.values():
            icon = action.property("icon_name")
            if icon:
                action.setIcon(icons.icon(icon))
        widgets.renew_icons(self.window)
        self.window.presets.reload()
        self.window.timeline.view.refresh()
        self.window.update()

    def palette(self) -> None:
        widgets.run_dialog(CommandPalette(self.window.actions_by_id, self.window))

    def shortcuts(self) -> None:
        if widgets.run_dialog(ShortcutsDialog(self.window.shortcuts, self.window)):
            self.window.apply_shortcuts()

    def weights(self) -> None:
        widgets.run_dialog(WeightsDialog(self.session, self.window))

    def clear_cache(self) -> None:
        self.session.studio.cache.clear()
        self.session.frames.clear()
        self.session.told.emit(self.tr("The cache is empty."), "info")

    def about(self) -> None:
        QMessageBox.about(
            self.window,
            self.tr("About Soliloquy"),
            self.tr(
                "<h3>Soliloquy</h3><p>A studio for talking heads: a portrait and a voice become a directed performance."
                "</p><p>Show people only with their consent. Videos carry a provenance record that says they were made "
                "with Soliloquy.</p><p>Apache License 2.0</p>"
            ),
        )
