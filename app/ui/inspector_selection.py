"""The page of what is selected: clips, keys, words and phones, markers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QPushButton, QSpinBox

from app.core import commands, presets
from app.core.project import EmotionClip, Key, StyleClip
from app.ui.emotion_model import in_order
from app.ui.session import Session
from app.ui.theme import MARKER_COLORS
from app.ui.timeline import edits
from app.ui.timeline.curves_model import channel_name, limits, unit
from app.ui.widgets import Panel, ValueSlider, clear_layout, form_row, guard_wheel, heading, muted
from engines.timebase import timecode

ARPABET = (
    "SIL", "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH", "IY",
    "JH", "K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH",
)  # fmt: skip


class SelectionPage(Panel):
    """Fields of the selection; several clips are changed together."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._updates: list[Callable[[], None]] = []
        self._signature: object = None
        session.selection_changed.connect(self.reload)
        session.project_changed.connect(self.reload)
        session.speech_changed.connect(self.reload)
        self.reload()

    def reload(self, *_: object) -> None:
        """Show the selection; the fields stay while only values change, so that drags and typing go on."""
        session = self._session
        rows = edits.by_row(session.selection)
        modes = tuple((c.mode, c.mute, c.solo) for c in session.project.curves if c.channel in rows)
        signature = (tuple(sorted((row, len(items)) for row, items in rows.items())), modes)
        if signature != self._signature:
            self._signature = signature
            self._build(rows)
        for update in self._updates:
            update()

    def _build(self, rows: dict[str, list[int]]) -> None:
        clear_layout(self.column)
        self._updates = []
        if not rows:
            self.column.addWidget(heading(self.tr("Nothing selected")))
            self.column.addWidget(
                muted(
                    self.tr(
                        "Click a clip, key, word or marker on the timeline, or drag a box around several. "
                        "Press E to add an emotion at the playhead, or drag the face in the viewer to key a pose."
                    )
                )
            )
        elif set(rows) <= {"emotions"}:
            self._emotions()
        elif set(rows) <= {"styles"}:
            self._styles()
        elif len(rows) == 1 and next(iter(rows)) in ("words", "phones"):
            self._speech(next(iter(rows)))
        elif set(rows) == {"markers"} and len(rows["markers"]) == 1:
            self._marker()
        elif all(edits.is_curve(row) for row in rows):
            self._keys()
        else:
            self.column.addWidget(heading(self.tr("Several things selected")))
            self.column.addWidget(muted(self.tr("They can be moved, copied and deleted together.")))
        self.column.addStretch(1)

    # --- helpers ---

    def _first(self, row: str) -> Any:
        indices = edits.by_row(self._session.selection).get(row, [])
        values = getattr(self._session.project, row)
        return values[indices[0]] if indices and indices[0] < len(values) else None

    def _change(self, row: str, name: str, **fields: Any) -> None:
        """Set fields of every selected clip of a row, as one step for a whole drag."""
        session = self._session
        project = session.project
        indices = edits.by_row(session.selection).get(row, [])
        for index in indices:
            project = commands.replace_clip(project, row, index, **fields)  # type: ignore[arg-type]
        session.do(name, project, (row, tuple(indices), tuple(fields)))

    def _slider(self, slider: ValueSlider, read: Callable[[], float | None], write: Callable[[float], None]) -> None:
        def update() -> None:
            value = read()
            if value is not None:
                slider.set_value(value)

        slider.changed.connect(write)
        slider.finished.connect(self._session.edit_ended)
        self._updates.append(update)
        self.column.addWidget(slider)

    def _combo(
        self, label: str, entries: dict[str, str], read: Callable[[], str | None], write: Callable[[str], None]
    ) -> None:
        box = QComboBox()
        for key, text in entries.items():
            box.addItem(text, key)
        guard_wheel(box)

        def update() -> None:
            box.setCurrentIndex(max(0, box.findData(read())))

        def activated(index: int) -> None:
            write(str(box.itemData(index)))
            self._session.edit_ended()

        box.activated.connect(activated)
        self._updates.append(update)
        self.column.addLayout(form_row(label, box))

    def _number(self, label: str, read: Callable[[], int | None], write: Callable[[int], None]) -> QSpinBox:
        box = QSpinBox()
        box.setRange(0, 10_000_000)
        box.setKeyboardTracking(False)
        guard_wheel(box)

        def update() -> None:
            value = read()
            if value is not None and not box.hasFocus():
                box.blockSignals(True)
                box.setValue(value)
                box.blockSignals(False)

        box.valueChanged.connect(write)
        box.editingFinished.connect(self._session.edit_ended)
        self._updates.append(update)
        self.column.addLayout(form_row(label, box))
        return box

    def _span(self, row: str) -> None:
        session = self._session

        def field(name: str) -> int | None:
            clip = self._first(row)
            if clip is None:
                return None
            return clip.start if name == "start" else (session.total if clip.end is None else clip.end)

        def set_start(value: int) -> None:
            clip = self._first(row)
            if clip is not None and value < (session.total if clip.end is None else clip.end):
                self._change(row, self.tr("Trim clip"), start=value)

        def set_end(value: int) -> None:
            clip = self._first(row)
            if clip is not None and value > clip.start:
                self._change(row, self.tr("Trim clip"), end=value)

        if len(session.selection) == 1:
            self._number(self.tr("First frame"), lambda: field("start"), set_start)
            self._number(self.tr("End frame"), lambda: field("end"), set_end)

    # --- kinds ---

    def _emotions(self) -> None:
        count = len(self._session.selection)
        self.column.addWidget(heading(self.tr("Emotion") if count == 1 else self.tr("%n emotions", "", count)))
        emotions = presets.load_all("emotions")

        def get(name: str) -> Any:
            clip = self._first("emotions")
            return getattr(clip, name) if isinstance(clip, EmotionClip) else None

        self._combo(
            self.tr("Emotion"),
            {name: emotions[name].name for name in in_order(emotions)},
            lambda: get("emotion"),
            lambda value: self._change("emotions", self.tr("Change emotion"), emotion=value),
        )
        self._slider(
            ValueSlider(self.tr("Intensity"), 0, 1, 0.01, 100, " %", 0.7),
            lambda: get("intensity"),
            lambda value: self._change("emotions", self.tr("Intensity"), intensity=round(value, 3)),
        )
        for field, label in (("ease_in", self.tr("Ease in")), ("ease_out", self.tr("Ease out"))):
            self._ease(field, label, get)
        self._span("emotions")

    def _ease(self, field: str, label: str, get: Callable[[str], Any]) -> None:
        self._slider(
            ValueSlider(label, 0, 100, 1, 1, self.tr(" fr"), 8),
            lambda: get(field),
            lambda value: self._change("emotions", label, **{field: round(value)}),
        )

    def _styles(self) -> None:
        self.column.addWidget(heading(self.tr("Speaking style")))
        styles = presets.load_all("styles")

        def get(name: str) -> Any:
            clip = self._first("styles")
            return getattr(clip, name) if isinstance(clip, StyleClip) else None

        self._combo(
            self.tr("Style"),
            {name: preset.name for name, preset in styles.items()},
            lambda: get("style"),
            lambda value: self._change("styles", self.tr("Change style"), style=value),
        )
        self._slider(
            ValueSlider(self.tr("Amount"), 0, 1, 0.01, 100, " %", 1.0),
            lambda: get("amount"),
            lambda value: self._change("styles", self.tr("Amount"), amount=round(value, 3)),
        )
        self._span("styles")

    def _speech(self, row: str) -> None:
        session = self._session
        items = sorted(session.selection)
        self.column.addWidget(heading(self.tr("Word") if row == "words" else self.tr("Phone")))
        if len(items) > 1:
            self.column.addWidget(muted(self.tr("%n selected; choose one to change it.", "", len(items))))
            return

        def current() -> Any:
            index = edits.by_row(session.selection).get(row, [-1])[0]
            segments = session.words() if row == "words" else session.phones()
            return segments[index] if 0 <= index < len(segments) else None

        def relabel(text: str) -> None:
            index = edits.by_row(session.selection).get(row, [-1])[0]
            if index >= 0 and text and current() is not None and text != current().label:
                project = commands.adopt_speech(session.project, session.words(), session.phones())
                session.do(self.tr("Change %s") % row.removesuffix("s"), commands.set_label(project, row, index, text))  # type: ignore[arg-type]

        if row == "phones":
            names = {name: name if name != "SIL" else self.tr("SIL  silence") for name in ARPABET}
            self._combo(self.tr("Sound"), names, lambda: getattr(current(), "label", None), relabel)
        else:
            box = QLineEdit()
            box.editingFinished.connect(lambda: relabel(box.text().strip()))
            self._updates.append(lambda: None if box.hasFocus() else box.setText(getattr(current(), "label", "")))
            self.column.addLayout(form_row(self.tr("Word"), box))
        times = muted("")

        def show_times() -> None:
            segment = current()
            if segment is not None:
                times.setText(
                    self.tr("%.3f s to %.3f s (%d ms)\n%d %% sure")
                    % (
                        segment.start_s,
                        segment.end_s,
                        round((segment.end_s - segment.start_s) * 1000),
                        round(segment.confidence * 100),
                    )
                )

        self._updates.append(show_times)
        self.column.addWidget(times)
        self.column.addWidget(muted(self.tr("Drag its edges on the timeline to move them.")))

    def _marker(self) -> None:
        session = self._session
        self.column.addWidget(heading(self.tr("Marker")))
        name = QLineEdit()

        def index() -> int:
            return edits.by_row(session.selection).get("markers", [-1])[0]

        def rename() -> None:
            if 0 <= index() < len(session.project.markers):
                session.attempt(self.tr("Rename marker"), commands.replace_marker, index(), name=name.text())

        def recolor(color: str) -> None:
            session.attempt(self.tr("Marker colour"), commands.replace_marker, index(), color=color)

        name.editingFinished.connect(rename)
        self._updates.append(
            lambda: None if name.hasFocus() else name.setText(getattr(self._first("markers"), "name", ""))
        )
        self.column.addLayout(form_row(self.tr("Name"), name))
        self._combo(
            self.tr("Colour"),
            {color: color.capitalize() for color in MARKER_COLORS},
            lambda: getattr(self._first("markers"), "color", None),
            recolor,
        )
        at = muted("")
        self._updates.append(lambda: at.setText(timecode(getattr(self._first("markers"), "frame", 0), session.rate)))
        self.column.addWidget(at)

    def _keys(self) -> None:
        session = self._session
        count = len(session.selection)
        self.column.addWidget(heading(self.tr("Key") if count == 1 else self.tr("%n keys", "", count)))
        channels = sorted({item.row for item in session.selection})
        for channel in channels:
            self._value(channel, len(channels) > 1)
        self._combo(
            self.tr("Between keys"),
            {"bezier": self.tr("Smooth"), "linear": self.tr("Straight"), "step": self.tr("Step")},
            lambda: getattr(self._key(channels[0]), "interpolation", None),
            self._interpolate,
        )
        row = QHBoxLayout()
        for text, tip, value, time in (
            (self.tr("× 1.1"), self.tr("Make the selected keys stronger"), 1.1, 1.0),
            (self.tr("× 0.9"), self.tr("Make the selected keys weaker"), 0.9, 1.0),
            (self.tr("Slower"), self.tr("Draw the selected keys apart in time, from the first on"), 1.0, 1.25),
            (self.tr("Faster"), self.tr("Draw the selected keys together in time, from the first on"), 1.0, 0.8),
        ):
            button = QPushButton(text)
            button.setToolTip(tip)
            button.clicked.connect(lambda _=False, value=value, time=time: self._scale(value, time))
            row.addWidget(button)
        self.column.addLayout(row)
        row = QHBoxLayout()
        smooth = QPushButton(self.tr("Smooth"))
        smooth.clicked.connect(
            lambda: session.do(self.tr("Smooth keys"), edits.smooth(session.project, session.selection))
        )
        row.addWidget(smooth)
        self.column.addLayout(row)
        if len(channels) == 1:

            def set_mode(mode: str) -> None:
                session.attempt(self.tr("Curve mode"), commands.set_curve, channels[0], mode=mode)

            self._combo(
                self.tr("Curve"),
                {"add": self.tr("Adds"), "multiply": self.tr("Multiplies"), "replace": self.tr("Replaces")},
                lambda: getattr(commands.curve(session.project, channels[0]), "mode", None),
                set_mode,
            )
            self.column.addWidget(muted(self.tr("How the curve meets the automatic motion.")))

    def _key(self, channel: str) -> Key | None:
        frames = edits.by_row(self._session.selection).get(channel, [])
        curve = commands.curve(self._session.project, channel)
        if curve is None or not frames:
            return None
        return next((key for key in curve.keys if key.frame == frames[0]), None)

    def _value(self, channel: str, several: bool) -> None:
        low, high, step, suffix = value_range(channel)
        label = channel_name(channel) if several else self.tr("Value")
        if not several:
            self.column.addWidget(muted(channel_name(channel), wrap=False))
        self._slider(
            ValueSlider(label, low, high, step, 1, suffix, 0.0, channel),
            lambda: getattr(self._key(channel), "value", None),
            lambda value: self._set_value(channel, value),
        )

    def _set_value(self, channel: str, value: float) -> None:
        session = self._session
        frames = set(edits.by_row(session.selection).get(channel, []))
        curve = commands.curve(session.project, channel)
        if curve is None:
            return
        keys = [Key(k.frame, round(value, 4), k.interpolation) for k in curve.keys if k.frame in frames]
        changed = commands.set_keys(session.project, channel, keys)
        session.do(self.tr("Key value"), changed, ("value", channel, tuple(sorted(frames))))

    def _interpolate(self, interpolation: str) -> None:
        project = self._session.project
        for channel, frames in edits.by_row(self._session.selection).items():
            project = commands.set_interpolation(project, channel, frames, interpolation)
        self._session.do(self.tr("Interpolation"), project)

    def _scale(self, value: float, time: float) -> None:
        session = self._session
        project, selection = edits.scale(session.project, session.selection, value, time)
        session.do(self.tr("Scale keys"), project)
        session.select(selection)


def value_range(channel: str) -> tuple[float, float, float, str]:
    """(low, high, step, suffix) of a channel's values."""
    low, high = limits(channel)
    step = {"°": 0.1, "cm": 0.05}.get(unit(channel)) or 10.0 ** math.floor(math.log10((high - low) / 100))
    return low, high, step, f" {unit(channel)}".rstrip()
