"""The shot's settings: engine with what it honours, frame rate, size."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QLineEdit, QPushButton, QSpinBox

from app.core import commands
from app.ui.devices import devices
from app.ui.session import Session
from app.ui.widgets import Panel, form_row, guard_wheel, heading, muted, reason, rule, set_reason
from engines import registry
from engines.timebase import RATES

CONTROLS = {
    "emotion": "Emotion", "pose": "Head pose", "gaze": "Gaze", "blink": "Blinks", "style": "Speaking style",
    "curves": "Curves", "phones": "Phones",
}  # fmt: skip


class ShotPage(Panel):
    """Engine, frame rate and size of the project."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        column = self.column
        column.addWidget(heading(self.tr("Project")))
        self.name = QLineEdit()
        self.name.editingFinished.connect(self._on_name)
        column.addLayout(form_row(self.tr("Name"), self.name))
        self.rate = QComboBox()
        self.rate.addItems(list(RATES))
        guard_wheel(self.rate)
        self.rate.textActivated.connect(self._on_rate)
        column.addLayout(form_row(self.tr("Frame rate"), self.rate))
        self.width_box, self.height_box = QSpinBox(), QSpinBox()
        for box in (self.width_box, self.height_box):
            box.setRange(0, 8192)
            box.setSpecialValueText(self.tr("as portrait"))
            box.setKeyboardTracking(False)
            box.setSuffix(" px")
            guard_wheel(box)
            box.editingFinished.connect(self._on_size)
        column.addLayout(form_row(self.tr("Size"), self.width_box, self.height_box))
        own = QPushButton(self.tr("Use the portrait's own size"))
        own.clicked.connect(self._own_size)
        column.addWidget(own)
        column.addWidget(rule())
        column.addWidget(heading(self.tr("Engine")))
        self.engine = QComboBox()
        for info in registry.engines().values():
            self.engine.addItem(info.name, info.id)
        guard_wheel(self.engine)
        self.engine.activated.connect(self._on_engine)
        column.addLayout(form_row(self.tr("Engine"), self.engine))
        self.device = QComboBox()
        for device in devices():
            self.device.addItem(device.name, device.id)
            if device.reason:
                item = self.device.model().item(self.device.count() - 1)  # type: ignore[attr-defined]
                item.setEnabled(False)
                item.setText(f"{device.name} ({device.reason})")
        guard_wheel(self.device)
        self.device.activated.connect(self._on_device)
        column.addLayout(form_row(self.tr("Device"), self.device))
        self.summary = muted("")
        column.addWidget(self.summary)
        self.problem = reason()
        self.problem.setObjectName("danger")
        column.addWidget(self.problem)
        column.addWidget(heading(self.tr("What it honours")))
        self.honours = {name: reason(" ") for name in CONTROLS}
        for label in self.honours.values():
            column.addWidget(label)
        self.licence = muted("")
        column.addWidget(self.licence)
        column.addStretch(1)
        session.project_changed.connect(self.reload)
        session.media_changed.connect(self.reload)
        self.reload()

    def reload(self, *_: object) -> None:
        project = self._session.project
        if not self.name.hasFocus():
            self.name.setText(project.name)
        if self.rate.findText(project.rate) < 0:
            self.rate.addItem(project.rate)
        self.rate.setCurrentText(project.rate)
        size = project.size or (0, 0)
        for box, value in ((self.width_box, size[0]), (self.height_box, size[1])):
            if not box.hasFocus():
                box.setValue(value)
        infos = registry.engines()
        info = infos.get(project.engine)
        if info is None:
            set_reason(self.problem, self.tr("The engine '%s' is not installed.") % project.engine)
            return
        self.engine.setCurrentIndex(max(0, self.engine.findData(project.engine)))
        self.device.setCurrentIndex(max(0, self.device.findData(self._session.device)))
        self.summary.setText(info.summary)
        set_reason(self.problem, self._session.problems.get("prepare", ""))
        for name, label in self.honours.items():
            usable = name in info.honours
            why = "" if usable else ": " + info.reasons.get(name, self.tr("not honoured by this engine"))
            set_reason(label, f"{'✓' if usable else '✕'}  {self.tr(CONTROLS[name])}{why}")
            label.setEnabled(usable)
        largest = self.tr("no limit") if not info.max_size else f"{info.max_size} px"
        needs = ", ".join(need.removeprefix("weights:") for need in info.needs) or self.tr("nothing more")
        self.licence.setText(self.tr("Licence: %s\nLargest side: %s\nNeeds: %s") % (info.licence, largest, needs))

    def _on_name(self) -> None:
        self._session.attempt(
            self.tr("Rename project"), commands.set_field, name=self.name.text().strip() or "Untitled"
        )

    def _on_rate(self, rate: str) -> None:
        self._session.attempt(self.tr("Frame rate"), commands.set_rate, rate)

    def _on_size(self) -> None:
        width, height = self.width_box.value(), self.height_box.value()
        portrait = self._session.portrait
        if portrait is not None and bool(width) != bool(height):  # one given: the other follows the portrait's shape
            ratio = portrait.shape[1] / portrait.shape[0]
            width, height = width or round(height * ratio / 2) * 2, height or round(width / ratio / 2) * 2
        size = (width, height) if width and height else None
        self._session.attempt(self.tr("Size"), commands.set_field, size=size)

    def _own_size(self) -> None:
        self._session.attempt(self.tr("Size"), commands.set_field, size=None)

    def _on_device(self, _: int) -> None:
        self._session.set_device(str(self.device.currentData()))

    def _on_engine(self, _: int) -> None:
        self._session.attempt(self.tr("Change engine"), commands.set_field, engine=str(self.engine.currentData()))
