"""Dialogs that lift a speaking style from a clip, an emotion from a pair, and training footage from clips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QPlainTextEdit, QSpinBox, QWidget

from app.core import presets
from app.core.jobs import JobContext
from app.ui import work
from app.ui.session import Session
from app.ui.task_dialog import PathField, TaskDialog
from app.ui.widgets import form_row, guard_wheel

if TYPE_CHECKING:
    from app.core.presets import Emotion, HeadCharacter, Style
    from engines.capture.footage import Footage


def _patterns(*kinds: frozenset[str]) -> str:
    return " ".join(f"*{suffix}" for suffix in sorted(frozenset().union(*kinds)))


class StyleDialog(TaskDialog):
    """A clip becomes a style preset.

    Signals
    -------
    made : presets were added
    """

    made = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            session,
            parent,
            self.tr("Style from a clip"),
            self.tr(
                "5 to 60 seconds in which one person talks: how far and how quickly jaw and lips move, brows, head, "
                "blinks and asymmetry become a speaking style for any voice."
            ),
            self.tr("Make style"),
        )
        videos = self.tr("Videos and curves (%s)") % _patterns(work.VIDEOS, work.CURVES)
        sounds = self.tr("Sounds (%s)") % _patterns(work.SOUNDS, work.VIDEOS)
        self.clip = PathField(self.tr("Clip"), self.tr("Choose the clip"), videos)
        self.voice = PathField(self.tr("Its sound"), self.tr("Choose the sound of a clip that has none"), sounds)
        self.voice.edit.setPlaceholderText(self.tr("only where the clip has none"))
        self.name = QLineEdit()
        self.head = QCheckBox(self.tr("Keep how head and brows move as a head motion of their own"))
        self.head.setChecked(True)
        for field in (self.clip, self.voice):
            self.form.addWidget(field)
        self.form.addLayout(form_row(self.tr("Name"), self.name))
        self.form.addWidget(self.head)
        self.clip.changed.connect(self._on_clip)
        self.start.setEnabled(False)

    def _on_clip(self) -> None:
        path = self.clip.path
        self.start.setEnabled(path is not None)
        self.name.setPlaceholderText("" if path is None else path.stem)

    def work(self) -> Callable[[JobContext], Any]:
        clip, voice, studio = self.clip.path, self.voice.path, self._session.studio
        assert clip is not None
        name, head = self.name.text().strip() or clip.stem, self.head.isChecked()

        def lift(context: JobContext) -> Any:
            from app.core.references import lift_style

            return lift_style(studio, clip, name, voice, head=head, progress=context.progress, cancel=context.cancel)

        return lift

    def finished_with(self, result: tuple[Style, HeadCharacter | None]) -> str:
        style, character = result
        presets.save(style)
        if character is not None:
            presets.save(character)
        self.made.emit()
        return self.tr("'{}' is among the speaking styles: jaw {:.0%}, lips {:.0%} of natural.").format(
            style.name, style.jaw, style.lips
        )


class EmotionDialog(TaskDialog):
    """Two clips or two voices become an emotion preset.

    Signals
    -------
    made : presets were added
    """

    made = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            session,
            parent,
            self.tr("Emotion from references"),
            self.tr(
                "An emotional and a neutral reference: two videos of one person, or two recordings of one voice. "
                "Videos show the face. Voices tell how aroused somebody is, but hardly whether it is pleasant: say so."
            ),
            self.tr("Make emotion"),
        )
        files = self.tr("Videos and sounds (%s)") % _patterns(work.VIDEOS, work.SOUNDS)
        self.emotional = PathField(self.tr("Emotional"), self.tr("Choose the emotional reference"), files)
        self.neutral = PathField(self.tr("Neutral"), self.tr("Choose the neutral reference"), files)
        self.name = QLineEdit()
        self.by_voice = QCheckBox(self.tr("Compare the sound of videos, not their faces"))
        self.mood = QComboBox()
        for text, value in (
            (self.tr("as far as the voice tells"), None),
            (self.tr("pleasant"), True),
            (self.tr("unpleasant"), False),
        ):
            self.mood.addItem(text, value)
        guard_wheel(self.mood)
        for field in (self.emotional, self.neutral):
            self.form.addWidget(field)
            field.changed.connect(self._on_files)
        self.form.addLayout(form_row(self.tr("Name"), self.name))
        self.form.addWidget(self.by_voice)
        self.form.addLayout(form_row(self.tr("The mood is"), self.mood))
        self.by_voice.toggled.connect(self._on_files)
        self._on_files()

    def _on_files(self, *_: object) -> None:
        both = (self.emotional.path, self.neutral.path)
        filmed = [path is not None and path.suffix.lower() in work.VIDEOS for path in both]
        self.by_voice.setEnabled(all(filmed))
        self.mood.setEnabled(not all(filmed) or self.by_voice.isChecked())
        self.start.setEnabled(None not in both)
        self.name.setPlaceholderText("" if both[0] is None else both[0].stem)

    def work(self) -> Callable[[JobContext], Any]:
        emotional, neutral, studio = self.emotional.path, self.neutral.path, self._session.studio
        assert emotional is not None
        assert neutral is not None
        name = self.name.text().strip() or emotional.stem
        by_voice, pleasant = self.by_voice.isEnabled() and self.by_voice.isChecked(), self.mood.currentData()

        def lift(context: JobContext) -> Any:
            from app.core.references import lift_emotion

            return lift_emotion(
                studio, emotional, neutral, name, by_voice=by_voice, pleasant=pleasant, progress=context.progress,
                cancel=context.cancel,
            )  # fmt: skip

        return lift

    def finished_with(self, result: Emotion) -> str:
        presets.save(result)
        self.made.emit()
        return self.tr("'{}' is among the emotions. {}.").format(result.name, result.summary)


class FootageDialog(TaskDialog):
    """Clips become footage that engines learn from."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            session,
            parent,
            self.tr("Footage for training"),
            self.tr(
                "Clips of one person are cut into aligned frames, sound and motion that engines learn from. What is "
                "dropped, and why, is told below and in manifest.json. A sound file of a clip's name is its sound."
            ),
            self.tr("Make footage"),
        )
        self.clips = PathField(self.tr("Clips"), self.tr("Choose the folder with the clips"), folder=True)
        self.folder = PathField(self.tr("Footage"), self.tr("Choose the folder of the footage"), folder=True)
        self.side = QSpinBox()
        self.side.setRange(32, 2048)
        self.side.setValue(256)
        self.side.setSuffix(" px")
        self.layout_box = QComboBox()
        self.layout_box.addItem(self.tr("Follow the head (StyleGAN, DiffAE)"), "ffhq")
        self.layout_box.addItem(self.tr("One square a clip (DAE-Talker, EDTalk)"), "fixed")
        self.shortest = QDoubleSpinBox()
        self.shortest.setRange(0.2, 60)
        self.shortest.setValue(1.0)
        self.shortest.setSuffix(" s")
        self.silent = QCheckBox(self.tr("Keep clips without sound, too"))
        for widget in (self.side, self.layout_box, self.shortest):
            guard_wheel(widget)
        for field in (self.clips, self.folder):
            self.form.addWidget(field)
            field.changed.connect(self._on_folders)
        self.form.addLayout(form_row(self.tr("Frames"), self.side))
        self.form.addLayout(form_row(self.tr("Cut"), self.layout_box))
        self.form.addLayout(form_row(self.tr("Shortest clip"), self.shortest))
        self.form.addWidget(self.silent)
        self.report = QPlainTextEdit()
        self.report.setReadOnly(True)
        self.report.setAccessibleName(self.tr("Report"))
        self.report.setMinimumHeight(120)
        self.report.hide()
        self.form.addWidget(self.report)
        self.start.setEnabled(False)

    def _on_folders(self) -> None:
        self.start.setEnabled(self.clips.path is not None and self.folder.path is not None)

    def work(self) -> Callable[[JobContext], Any]:
        clips, folder = self.clips.path, self.folder.path
        assert clips is not None
        assert folder is not None
        size, layout, shortest = self.side.value(), self.layout_box.currentData(), self.shortest.value()
        silent, rate = self.silent.isChecked(), self._session.rate

        def make(context: JobContext) -> Any:
            from engines.capture.footage_make import Wanted, find_sources, make_footage

            wanted = Wanted(size, rate, layout, silent, shortest)
            return make_footage(
                find_sources([Path(clips)]), folder, wanted, progress=context.progress, cancel=context.cancel
            )

        return make

    def finished_with(self, result: Footage) -> str:
        from engines.capture.footage_survey import summary

        lines = summary(result)
        self.report.setPlainText("\n".join(lines[1:]) or self.tr("Nothing was dropped."))
        self.report.show()
        return lines[0]
