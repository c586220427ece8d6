"""Acting before a camera: the picture and what is read from it, a take recorded into the shot."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.core.live_take import STATES, LiveTake, Moment
from app.qtbridge import Relay
from app.ui import work
from app.ui.live_view import FaceView, Meters
from app.ui.theme import SPACE
from app.ui.widgets import form_row, guard_wheel, icon_button, muted
from engines.errors import StudioError

CAMERAS: Final = 3
"""Cameras offered by number; any other is typed."""


class LivePanel(QWidget):
    """A dock beside the judge.

    Signals
    -------
    acted : a `Moment` in which the face is followed, at most 20 a second
    took : a recorded take (`engines.api.Performance`)
    record_began : the recording runs
    ended : the camera is closed
    """

    acted = Signal(object)
    took = Signal(object)
    record_began = Signal()
    ended = Signal()

    def __init__(self, rate: Fraction) -> None:
        super().__init__()
        self.rate = rate
        """Frames a second of recorded takes."""
        self._take: LiveTake | None = None
        self._relay = Relay(self)
        self._relay.arrived.connect(self._on_arrived)
        self.view = FaceView()
        self.meters = Meters()
        self.source = QComboBox()
        self.source.setEditable(True)
        self.source.addItems([str(number) for number in range(CAMERAS)])
        self.source.setToolTip(self.tr("Number or device of a camera, or a video that stands in for one"))
        guard_wheel(self.source)
        self.choose = icon_button("open", self.tr("Choose a video that stands in for a camera"))
        self.choose.clicked.connect(self._choose)
        self.switch = QPushButton(self.tr("Start camera"))
        self.switch.setObjectName("primary")
        self.switch.clicked.connect(self.toggle)
        self.again = QPushButton(self.tr("Calibrate"))
        self.again.setToolTip(self.tr("Look calmly ahead for a second: that is your rest from then on"))
        self.again.clicked.connect(self._on_calibrate)
        self.record = QPushButton(self.tr("Record"))
        self.record.setCheckable(True)
        self.record.setToolTip(self.tr("The take becomes the motion of the shot"))
        self.record.toggled.connect(self._on_record)
        self.on_portrait = QCheckBox(self.tr("Move the portrait while I act"))
        self.on_portrait.setChecked(True)
        self.with_voice = QCheckBox(self.tr("Play the shot's voice while recording"))
        self.with_voice.setChecked(True)
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._build()
        self._refresh()
        self._tell(self.tr("Start the camera, look into it calmly for a second, then act."))

    def _build(self) -> None:
        controls = QVBoxLayout()
        controls.setSpacing(SPACE)
        row = form_row(self.tr("Camera"), self.source, label_width=60)
        row.addWidget(self.choose)
        controls.addLayout(row)
        controls.addWidget(self.switch)
        buttons = QHBoxLayout()
        buttons.addWidget(self.again)
        buttons.addWidget(self.record)
        controls.addLayout(buttons)
        controls.addWidget(self.on_portrait)
        controls.addWidget(self.with_voice)
        controls.addWidget(self.note)
        controls.addStretch(1)
        controls.addWidget(muted(self.tr("Pictures stay in memory; only the motion of a recorded take is kept.")))
        side = QWidget()
        side.setLayout(controls)
        side.setFixedWidth(290)
        middle = QVBoxLayout()
        middle.addWidget(self.meters)
        middle.addStretch(1)
        line = QHBoxLayout(self)
        line.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        line.setSpacing(2 * SPACE)
        line.addWidget(self.view, 3)
        line.addLayout(middle, 2)
        line.addWidget(side)

    @property
    def running(self) -> bool:
        return self._take is not None

    @property
    def recording(self) -> bool:
        return self._take is not None and self._take.recording

    def toggle(self) -> None:
        """Open or close the camera."""
        if self.running:
            self.stop()
        else:
            self.start(self.source.currentText().strip())

    def start(self, source: str) -> None:
        """Open a camera, or a video in its place; what is wrong with it is told in the panel."""
        if self.running:
            return
        if not source:
            self._tell(self.tr("Say which camera: 0 is the first one."), bad=True)
            return
        self._tell(self.tr("Opening the camera..."))
        # Both only queue: the panel itself is touched in its own thread alone.
        self._take = LiveTake(source, self._put_moment, self._put_end)
        self._take.start()
        self._refresh()

    def stop(self) -> None:
        """Close the camera; what was being recorded is kept."""
        if self._take is None:
            return
        if self.record.isChecked():
            self.record.setChecked(False)
        self._take.stop()
        self._closed(None)

    def close_camera(self) -> None:
        """Close the camera for good, with the window; nothing more is told."""
        self._relay.close()
        if self._take is not None:
            self._take.stop()
            self._take = None

    def _put_moment(self, take: LiveTake, moment: Moment) -> None:
        self._relay.put((take, moment), "moment")

    def _put_end(self, take: LiveTake, problem: StudioError | None) -> None:
        self._relay.put((take, problem))

    def _on_arrived(self, value: tuple[LiveTake, Moment | StudioError | None]) -> None:
        take, news = value
        if self._take is None or take is not self._take:
            return  # of a camera that was closed meanwhile
        if not isinstance(news, Moment):
            if self.record.isChecked():
                self.record.setChecked(False)
            self._take.stop()
            self._closed(news)
            return
        self.view.show_moment(news)
        self.meters.show_moment(news)
        if news.recorded_s is not None:
            self._tell(self.tr("Recording: {:.1f} s").format(news.recorded_s))
        else:
            self._tell(self.tr(STATES[news.frame.state]))
        if news.frame.state in ("live", "lost"):
            self.acted.emit(news)
        self._refresh(news.frame.state)

    def _closed(self, problem: StudioError | None) -> None:
        self._take = None
        self.view.show_moment(None)
        self.meters.show_moment(None)
        if problem is not None:
            self._tell(str(problem), bad=True)
        elif not self.note.property("kept"):
            self._tell(self.tr("The camera is closed."))
        self._refresh()
        self.ended.emit()

    def _on_calibrate(self) -> None:
        if self._take is not None:
            self._take.calibrate()

    def _on_record(self, on: bool) -> None:
        if self._take is None:
            return
        if on:
            self._take.record()
            self.record_began.emit()
        else:
            try:
                performance = self._take.keep(self.rate)
            except StudioError as error:
                self._tell(str(error), bad=True)
            else:
                self._tell(self.tr("Kept {:.1f} s.").format(float(len(performance) / performance.rate)))
                self.note.setProperty("kept", True)
                self.took.emit(performance)
        self._refresh("live")

    def _refresh(self, state: str = "") -> None:
        self.switch.setText(self.tr("Stop camera") if self.running else self.tr("Start camera"))
        self.source.setEnabled(not self.running)
        self.choose.setEnabled(not self.running)
        self.again.setEnabled(self.running and not self.recording)
        self.record.setEnabled(self.running and (state in ("live", "lost") or self.recording))
        self.record.setText(self.tr("Stop recording") if self.recording else self.tr("Record"))

    def _tell(self, text: str, bad: bool = False) -> None:
        self.note.setProperty("kept", False)
        name = "danger" if bad else "muted"
        self.note.setText(text)
        if self.note.objectName() != name:
            self.note.setObjectName(name)
            self.note.style().polish(self.note)

    def _choose(self) -> None:
        patterns = " ".join(f"*{suffix}" for suffix in sorted(work.VIDEOS))
        name, _ = QFileDialog.getOpenFileName(
            self, self.tr("A video in place of a camera"), "", self.tr("Videos (%s)") % patterns
        )
        if name:
            self.source.setEditText(name)
