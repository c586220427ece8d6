"""Playback and moving about."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.core import commands
from app.ui.controllers.hold import HoldKeys
from app.ui.timeline import edits

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


class PlayController(QObject):
    """Handlers of the menu Playback; keeps player, session and timeline in step."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window, self.session, self.player = window, window.session, window.player
        self.hold = HoldKeys(window)
        self.shown = self.dropped = 0
        """Frames shown and left out since playback began."""
        self._last = self._seen = -1
        self.player.frame_due.connect(self._on_frame)
        self.player.playing_changed.connect(self._on_playing)
        self.session.media_changed.connect(self._on_media)
        self.session.motion_changed.connect(self._on_range)
        self.session.project_changed.connect(self._on_range)
        self._voice: object = None

    def handlers(self) -> dict[str, Callable[..., object]]:
        return {
            "play.toggle": self.toggle, "play.reverse": self.reverse, "play.stop": self.stop,
            "play.forward": self.forward,
            "play.loop": self.loop, "play.previous_frame": self.previous_frame, "play.next_frame": self.next_frame,
            "play.back_second": partial(self.jump, -1), "play.forward_second": partial(self.jump, 1),
            "play.back_2": partial(self.jump, -2), "play.forward_2": partial(self.jump, 2),
            "play.back_5": partial(self.jump, -5), "play.forward_5": partial(self.jump, 5),
            "play.back_10": partial(self.jump, -10), "play.forward_10": partial(self.jump, 10),
            "play.previous_edit": self.previous_edit, "play.next_edit": self.next_edit, "play.start": self.start,
            "play.end": self.end, "play.in": self.set_in, "play.out": self.set_out,
            "play.clear_range": self.clear_range,
            "play.marker": self.marker, "play.previous_marker": self.previous_marker,
            "play.next_marker": self.next_marker, "play.mute": self.mute,
        }  # fmt: skip

    def toggle(self) -> None:
        if self.player.playing:
            self.player.stop()
        else:
            self._on_range()
            self.player.play(self.session.playhead)

    def stop(self) -> None:
        self.player.stop()

    def forward(self) -> None:
        if self.hold.step(1):
            return
        self._on_range()
        self.player.shuttle(self.session.playhead, True)

    def reverse(self) -> None:
        if self.hold.step(-1):
            return
        self._on_range()
        self.player.shuttle(self.session.playhead, False)

    def loop(self, on: bool) -> None:
        self.player.loop = on

    def mute(self, on: bool) -> None:
        self.player.muted = on
        if self.player.playing:
            self.player.play(self.session.playhead, self.player.speed)

    def _go(self, frame: int) -> None:
        self.player.stop()
        self.session.seek(frame)
        self.window.timeline.view.set_playhead(self.session.playhead, follow=True)

    def previous_frame(self) -> None:
        self._go(self.session.playhead - 1)

    def next_frame(self) -> None:
        self._go(self.session.playhead + 1)

    def jump(self, seconds: int) -> None:
        """Go a number of seconds on, or back."""
        self._go(self.session.playhead + round(seconds * self.session.rate))

    def start(self) -> None:
        self._go(self.session.range[0])

    def end(self) -> None:
        self._go(self.session.range[1] - 1)

    def previous_edit(self) -> None:
        points = edits.edit_points(self.session.project, self.session.total)
        self._go(max((p for p in points if p < self.session.playhead), default=0))

    def next_edit(self) -> None:
        points = edits.edit_points(self.session.project, self.session.total)
        self._go(min((p for p in points if p > self.session.playhead), default=self.session.total - 1))

    def previous_marker(self) -> None:
        frames = [m.frame for m in self.session.project.markers if m.frame < self.session.playhead]
        if frames:
            self._go(max(frames))

    def next_marker(self) -> None:
        frames = [m.frame for m in self.session.project.markers if m.frame > self.session.playhead]
        if frames:
            self._go(min(frames))

    def marker(self) -> None:
        project = self.session.project
        name = edits.default_marker(project)
        self.session.attempt(self.tr("Add marker"), commands.add_marker, self.session.playhead, name)

    def set_in(self) -> None:
        self.window.editing.set_range(self.session.playhead, self.session.project.out_frame)

    def set_out(self) -> None:
        first = self.session.project.in_frame
        if first is not None and first > self.session.playhead:
            first = None
        self.window.editing.set_range(first, self.session.playhead)

    def clear_range(self) -> None:
        self.window.editing.set_range(None, None)

    # --- keeping in step ---

    def _on_media(self) -> None:
        samples = self.session.samples
        if samples is not self._voice:
            self._voice = samples
            if samples is None:
                self.player.stop()
            else:
                self.player.set_voice(samples, self.session.sample_rate)
        self._on_range()

    def _on_range(self, *_: object) -> None:
        self.player.set_range(*self.session.range, self.session.rate)

    def _on_playing(self, playing: bool) -> None:
        self.session.playing = playing
        if playing:
            self.shown = self.dropped = 0
            self._last = self.session.playhead
            self.session.draw_ahead(self.session.playhead)
        else:
            self.session.seek(self.session.playhead)

    def _on_frame(self, frame: int) -> None:
        session = self.session
        session.playhead = frame
        session.playhead_changed.emit(frame)
        self.window.timeline.view.set_playhead(frame, follow=True)
        if self.window.live.leads:
            return
        steps = abs(frame - self._last)
        self._last = frame
        found = session.image_near(frame)
        if found is not None and found[0] != self._seen:
            self._seen = found[0]
            self.window.show_image(found[1])
            self.viewer_other(found[0])
            self.shown += 1
            self.dropped += max(0, steps - 1)
        else:
            self.dropped += steps
        session.draw_ahead(frame)

    def viewer_other(self, frame: int) -> None:
        """Take A follows while it is compared; it is drawn when playback stops."""
        other = self.session.other_image(frame)
        if other is not None:
            self.window.viewer.set_other(other)
