"""The clip that moves the face: which parts, how strongly, counted from where, and whose voice."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QDoubleSpinBox, QHBoxLayout, QPushButton, QRadioButton

from app.core import commands
from app.core.jobs import Done, Event, Failed, Job, JobContext, Priority
from app.core.project import PUPPET_PARTS
from app.core.puppet import GROUPS, calmest_s, strengths
from app.ui.session import Session
from app.ui.widgets import Panel, ValueSlider, form_row, guard_wheel, heading, muted, reason, rule, set_reason
from engines.timebase import frame_to_seconds

_PART_TEXT = {"head": "Head", "gaze": "Gaze", "mouth": "Mouth", "eyes": "Lids", "brows": "Brows", "cheeks": "Cheeks"}
_GROUP_TEXT = {"all": "All", "pose": "Pose only", "expression": "Expression only"}


class ClipPage(Panel):
    """Sliders and switches of `Project.puppet`.

    Signals
    -------
    filled : whether there is a clip, and so anything to show
    voice_wanted : the artist wants to choose a new voice for the clip
    """

    filled = Signal(bool)
    voice_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._job: Job | None = None
        column = self.column
        column.addWidget(heading(self.tr("Motion from a clip")))
        self.name = muted("")
        column.addWidget(self.name)
        column.addWidget(rule())
        column.addWidget(heading(self.tr("Voice")))
        self.dub = QCheckBox(self.tr("The voice moves the mouth"))
        self.dub.setToolTip(
            self.tr("Dubbing: head, eyes and brows stay the clip's; the shot lasts as long as the voice")
        )
        self.dub.clicked.connect(self._on_dub)
        column.addWidget(self.dub)
        self.why = reason()
        column.addWidget(self.why)
        self.listen = ValueSlider(
            self.tr("Trust it"), 0, 1, 0.01, 100, " %", 0.0,
            self.tr("How far the clip's own voice corrects its mouth, most where the face is hard to see"),
        )  # fmt: skip
        self.listen.changed.connect(self._on_listen)
        self.listen.finished.connect(session.edit_ended)
        column.addWidget(self.listen)
        self.voice = QPushButton(self.tr("New voice…"))
        self.voice.clicked.connect(self.voice_wanted)
        column.addWidget(self.voice)
        column.addWidget(rule())
        column.addWidget(heading(self.tr("Counted from")))
        self.absolute = QRadioButton(self.tr("The clip's own rest"))
        self.absolute.setToolTip(self.tr("What the clip's face does is done by the portrait's"))
        self.relative = QRadioButton(self.tr("A moment of the clip"))
        self.relative.setToolTip(self.tr("At that moment the portrait looks as in its picture"))
        self._origin = QButtonGroup(self)
        for choice in (self.absolute, self.relative):
            self._origin.addButton(choice)
            column.addWidget(choice)
        self._origin.buttonClicked.connect(self._on_origin)
        self.moment = QDoubleSpinBox()
        self.moment.setRange(0, 36000)
        self.moment.setDecimals(2)
        self.moment.setSingleStep(0.04)
        self.moment.setSuffix(" s")
        self.moment.setKeyboardTracking(False)
        guard_wheel(self.moment)
        self.moment.valueChanged.connect(self._on_moment)
        self.here = QPushButton(self.tr("Here"))
        self.here.setToolTip(self.tr("The moment under the playhead"))
        self.here.clicked.connect(self._on_here)
        self.calmest = QPushButton(self.tr("Calmest"))
        self.calmest.setToolTip(self.tr("The moment at which the clip's face does least"))
        self.calmest.clicked.connect(self._on_calmest)
        column.addLayout(form_row(self.tr("Moment"), self.moment))
        moments = QHBoxLayout()
        moments.addWidget(self.here)
        moments.addWidget(self.calmest)
        column.addLayout(moments)
        column.addWidget(rule())
        column.addWidget(heading(self.tr("Parts")))
        column.addWidget(
            muted(
                self.tr("What the clip moves, and how strongly. At 0 a part moves by itself, the mouth by the voice.")
            )
        )
        row = QHBoxLayout()
        for group, text in _GROUP_TEXT.items():
            button = QPushButton(self.tr(text))
            button.setProperty("group", group)
            button.clicked.connect(self._on_group)
            row.addWidget(button)
        column.addLayout(row)
        self.parts: dict[str, ValueSlider] = {}
        for part in PUPPET_PARTS:
            slider = ValueSlider(self.tr(_PART_TEXT[part]), 0, 2, 0.01, 100, " %", 1.0)
            slider.setProperty("part", part)
            slider.changed.connect(self._on_part)
            slider.finished.connect(session.edit_ended)
            self.parts[part] = slider
            column.addWidget(slider)
        column.addStretch(1)
        session.project_changed.connect(self.reload)
        session.job_event.connect(self._on_event)
        self.reload()

    @property
    def shown(self) -> bool:
        return bool(self._session.project.performance)

    def reload(self, *_: object) -> None:
        project = self._session.project
        puppet = project.puppet
        self.name.setText(Path(project.performance).name)
        self.name.setToolTip(project.performance)
        own = project.voice == project.performance
        self.dub.setChecked(puppet.dub)
        self.listen.setEnabled(bool(project.voice) and not puppet.dub)
        self.listen.set_value(puppet.listen)
        self.dub.setEnabled(puppet.dub or (bool(project.voice) and not own))
        why = "" if project.voice else self.tr("There is no voice yet.")
        set_reason(self.why, self.tr("The voice is the clip's own sound; its mouth says it already.") if own else why)
        (self.relative if puppet.relative else self.absolute).setChecked(True)
        self.moment.blockSignals(True)
        self.moment.setValue(puppet.neutral_s)
        self.moment.blockSignals(False)
        for widget in (self.moment, self.here, self.calmest):
            widget.setEnabled(puppet.relative)
        for part, strength in strengths(puppet).items():
            self.parts[part].set_value(strength)
        self.filled.emit(self.shown)

    def _on_dub(self, checked: bool) -> None:
        self._session.attempt(self.tr("Dub"), commands.set_puppet, dub=checked)

    def _on_listen(self, value: float) -> None:
        changed = commands.set_puppet(self._session.project, listen=round(value, 3))
        self._session.do(self.tr("Trust the voice"), changed, ("puppet", "listen"))

    def _on_origin(self, _: object) -> None:
        self._session.attempt(self.tr("Origin of motion"), commands.set_puppet, relative=self.relative.isChecked())

    def _on_moment(self, value: float) -> None:
        self._session.attempt(self.tr("Moment of rest"), commands.set_puppet, neutral_s=round(value, 3))

    def _on_here(self) -> None:
        at = frame_to_seconds(self._session.playhead, self._session.rate)
        self._session.attempt(self.tr("Moment of rest"), commands.set_puppet, neutral_s=round(at, 3))

    def _on_calmest(self) -> None:
        project, studio = self._session.project, self._session.studio

        def work(context: JobContext) -> float | None:
            clip = studio.imported(project, progress=context.progress, cancel=context.cancel)
            return None if clip is None else calmest_s(clip)

        self._job = Job(
            self.tr("Looking for the calmest moment"), work, Priority.INTERACTIVE, key=("calmest", id(self))
        )
        self._session.worker.submit(self._job)

    def _on_event(self, event: Event) -> None:
        if event.job is not self._job or not isinstance(event, Done | Failed):
            return
        self._job = None
        if isinstance(event, Failed):
            self._session.told.emit(str(event.error), "error")
        elif event.result is not None:
            self._session.attempt(self.tr("Moment of rest"), commands.set_puppet, neutral_s=round(event.result, 3))

    def _on_part(self, value: float) -> None:
        part, session = str(self.sender().property("part")), self._session
        changed = commands.set_puppet_part(session.project, part, round(value, 3))
        session.do(self.tr("Strength of the clip"), changed, ("puppet", part))

    def _on_group(self) -> None:
        chosen = GROUPS[str(self.sender().property("group"))]
        project = self._session.project
        for part in PUPPET_PARTS:
            project = commands.set_puppet_part(project, part, 1.0 if part in chosen else 0.0)
        self._session.do(self.tr("Parts of the clip"), project)
