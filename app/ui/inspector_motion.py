"""Automatic motion and regions: how much of everything, and another take."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QPushButton, QSpinBox

from app.core import commands, presets
from app.ui.session import Session
from app.ui.widgets import (
    Panel,
    ValueSlider,
    form_row,
    guard_wheel,
    heading,
    muted,
    reason,
    rule,
    set_reason,
    show_icon,
)
from engines import arkit, registry
from engines.errors import StudioError

_AUTO = (
    ("head", "Head", "pose"), ("blink", "Blinks", "blink"), ("gaze", "Eye motion", "gaze"),
    ("breath", "Breathing", "pose"), ("micro", "Micro motion", "emotion"),
)  # fmt: skip
_REGION_TEXT = {"lips": "Lips", "jaw": "Jaw", "tongue": "Tongue", "brows": "Brows", "eyes": "Eyes", "cheeks": "Cheeks"}


class MotionPage(Panel):
    """Sliders of `Project.auto`, `Project.auto_emotion` and `Project.regions`."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        column = self.column
        column.addWidget(heading(self.tr("Emotion from the voice")))
        self.share = ValueSlider(
            self.tr("Share"), 0, 1, 0.01, 100, " %", 0.0, self.tr("How much of the emotion is read from the voice")
        )
        self.share.changed.connect(self._on_share)
        self.share.finished.connect(session.edit_ended)
        column.addWidget(self.share)
        self.bake = QPushButton(self.tr("Bake into emotion clips"))
        self.bake.setToolTip(self.tr("Turn the emotion read from the voice into clips of your own"))
        show_icon(self.bake, "bake")
        column.addWidget(self.bake)
        column.addWidget(rule())
        column.addWidget(heading(self.tr("Automatic motion")))
        self.character = QComboBox()
        guard_wheel(self.character)
        self.character.activated.connect(self._on_character)
        column.addLayout(form_row(self.tr("Character"), self.character))
        self.auto: dict[str, ValueSlider] = {}
        for name, label, _ in _AUTO:
            slider = ValueSlider(self.tr(label), 0, 2, 0.01, 100, " %", 1.0)
            slider.setProperty("field", name)
            slider.changed.connect(self._on_auto)
            slider.finished.connect(session.edit_ended)
            self.auto[name] = slider
            column.addWidget(slider)
        self.seed = QSpinBox()
        self.seed.setRange(0, 999_999)
        self.seed.setToolTip(self.tr("The same number always gives the same motion"))
        self.seed.setKeyboardTracking(False)
        guard_wheel(self.seed)
        self.seed.valueChanged.connect(self._on_seed)
        take = QPushButton(self.tr("Another take"))
        show_icon(take, "dice")
        take.clicked.connect(self._on_take)
        column.addLayout(form_row(self.tr("Variation"), self.seed))
        column.addWidget(take)
        self.why = reason()
        column.addWidget(self.why)
        column.addWidget(rule())
        column.addWidget(heading(self.tr("Regions")))
        column.addWidget(muted(self.tr("Strength, and how much later (or earlier) a part of the face moves.")))
        self.strength: dict[str, ValueSlider] = {}
        self.offset: dict[str, ValueSlider] = {}
        for name in (*arkit.REGIONS, "head"):
            text = self.tr(_REGION_TEXT.get(name, "Head"))
            strength = ValueSlider(text, 0, 2, 0.01, 100, " %", 1.0)
            offset = ValueSlider(self.tr("later by"), -0.2, 0.2, 0.005, 1000, " ms", 0.0)
            offset.label.setObjectName("reason")
            for field, slider in (("strength", strength), ("offset_s", offset)):
                slider.setProperty("region", name)
                slider.setProperty("field", field)
                slider.changed.connect(self._on_region)
                slider.finished.connect(session.edit_ended)
                column.addWidget(slider)
            self.strength[name], self.offset[name] = strength, offset
        column.addStretch(1)
        session.project_changed.connect(self.reload)
        self.reload()

    def reload(self, *_: object) -> None:
        project = self._session.project
        self.share.set_value(project.auto_emotion)
        for name, slider in self.auto.items():
            slider.set_value(getattr(project.auto, name))
        characters = presets.load_all("heads")
        if [self.character.itemText(i) for i in range(self.character.count())] != [p.name for p in characters.values()]:
            self.character.clear()
            for name, preset in characters.items():
                self.character.addItem(preset.name, name)
        self.character.setCurrentIndex(max(0, self.character.findData(project.auto.character)))
        self.seed.blockSignals(True)
        self.seed.setValue(project.auto.seed)
        self.seed.blockSignals(False)
        for name in self.strength:
            region = project.region(name)
            self.strength[name].set_value(region.strength)
            self.offset[name].set_value(region.offset_s)
        self._grey_out()

    def _grey_out(self) -> None:
        """What the engine does not honour is greyed out, with the reason below."""
        try:
            info = registry.info(self._session.project.engine)
        except StudioError:
            return
        reasons: dict[str, None] = {}
        for name, _, needs in _AUTO:
            usable = needs in info.honours
            self.auto[name].setEnabled(usable)
            if not usable:
                reasons[info.reasons.get(needs, self.tr("%s does not honour %s.") % (info.name, needs))] = None
        self.share.setEnabled("emotion" in info.honours)
        self.character.setEnabled("pose" in info.honours)
        set_reason(self.why, "\n".join(reasons))

    def _on_share(self, value: float) -> None:
        session = self._session
        session.do(
            self.tr("Emotion from the voice"),
            commands.set_field(session.project, auto_emotion=round(value, 3)),
            "share",
        )

    def _on_auto(self, value: float) -> None:
        name = str(self.sender().property("field"))
        session = self._session
        changed = commands.set_auto(session.project, **{name: round(value, 3)})
        session.do(self.tr("Automatic motion"), changed, ("auto", name))

    def _on_character(self, _: int) -> None:
        self._session.attempt(self.tr("Head motion"), commands.set_auto, character=str(self.character.currentData()))

    def _on_seed(self, value: int) -> None:
        self._session.attempt(self.tr("Variation"), commands.set_auto, seed=value)

    def _on_take(self) -> None:
        self._session.attempt(self.tr("Another take"), commands.another_take)

    def _on_region(self, value: float) -> None:
        sender, session = self.sender(), self._session
        region, field = str(sender.property("region")), str(sender.property("field"))
        changed = commands.set_region(session.project, region, **{field: round(value, 4)})
        session.do(self.tr("Region"), changed, ("region", region, field))
