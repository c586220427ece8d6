"""The dialog that says what actor is to be trained."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.core import own_head
from app.ui import work
from app.ui.actors_model import EFFORTS, SIZES, Trainings, Wish, in_words, minutes_on_a_core
from app.ui.devices import devices
from app.ui.session import Session
from app.ui.task_dialog import PathField
from app.ui.widgets import form_row, guard_wheel, muted
from engines.errors import StudioError


class TrainDialog(QDialog):
    """Source, size and effort; accepting it starts a training.

    ``folder`` is that of the actor, once it is begun.
    """

    def __init__(self, session: Session, trainings: Trainings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Train an actor"))
        self.setMinimumWidth(560)
        self._session, self._trainings = session, trainings
        self.folder: Path | None = None
        self.kind = QComboBox()
        for text, value in (
            (self.tr("The portrait of this project"), "portrait"),
            (self.tr("A video of one person"), "video"),
            (self.tr("A folder of footage for training"), "footage"),
        ):
            self.kind.addItem(text, value)
        patterns = " ".join(f"*{suffix}" for suffix in sorted(work.VIDEOS))
        self.video = PathField(self.tr("Video"), self.tr("Choose a video"), self.tr("Videos (%s)") % patterns)
        self.footage = PathField(self.tr("Footage"), self.tr("Choose a folder of footage"), folder=True)
        self.name = QLineEdit()
        self.side = QComboBox()
        for size in SIZES:
            self.side.addItem(self.tr("%d px around the face") % size, size)
        self.side.setCurrentIndex(SIZES.index(96))
        self.effort = QComboBox()
        for effort in EFFORTS:
            self.effort.addItem(self.tr("%s (%s pictures)") % (effort.name, f"{effort.pictures:,}"), effort)
        self.effort.setCurrentIndex(1)
        for box in (self.kind, self.side, self.effort):
            guard_wheel(box)
            box.currentIndexChanged.connect(self._refresh)
        self.lesson = muted("")
        self.cost = muted("")
        self.problem = QLabel()
        self.problem.setObjectName("danger")
        self.problem.setWordWrap(True)
        self.start = QPushButton(self.tr("Train"))
        self.start.setObjectName("primary")
        self.start.clicked.connect(self._begin)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton(self.start, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addLayout(form_row(self.tr("Learn from"), self.kind))
        column.addWidget(self.video)
        column.addWidget(self.footage)
        column.addWidget(self.lesson)
        column.addLayout(form_row(self.tr("Name"), self.name))
        column.addLayout(form_row(self.tr("Size"), self.side))
        column.addLayout(form_row(self.tr("Effort"), self.effort))
        column.addWidget(self.cost)
        column.addWidget(self.problem)
        column.addStretch(1)
        column.addWidget(buttons)
        self.video.changed.connect(self._refresh)
        self.footage.changed.connect(self._refresh)
        if not self._portrait():
            self.kind.setCurrentIndex(1)
        self._refresh()
        self.adjustSize()

    def _portrait(self) -> str:
        path = self._session.project.portrait
        return "" if own_head.is_head(path) else path

    def _source(self) -> str:
        kind = self.kind.currentData()
        if kind == "portrait":
            return self._portrait()
        path = self.video.path if kind == "video" else self.footage.path
        return "" if path is None else str(path.absolute())

    def wish(self) -> Wish:
        """What is chosen."""
        effort, source = self.effort.currentData(), self._source()
        name = self.name.text().strip() or (Path(source).stem if source else "")
        return Wish(source, name, self.side.currentData(), effort.lessons, effort.pictures, self._session.device)

    def _refresh(self, *_: object) -> None:
        kind, wish = self.kind.currentData(), self.wish()
        self.video.setVisible(kind == "video")
        self.footage.setVisible(kind == "footage")
        self.lesson.setText({
            "portrait": self.tr("The rig draws the lessons: mouth and lids get sharper, the motion stays its own."),
            "video": self.tr("One person who faces the camera, lit evenly, 4 seconds at least and better minutes. "
                             "With a voice, it is learnt how the person speaks, too."),
            "footage": self.tr("What Tools > Footage for training has made of clips of one person."),
        }[kind])  # fmt: skip
        self.name.setPlaceholderText(wish.name)
        minutes = minutes_on_a_core(wish.size, wish.pictures)
        text = self.tr("About %s on this computer's processor, when little else runs.") % in_words(minutes)
        card = next(device for device in devices() if device.id == "cuda")
        text += " " + (
            self.tr("A graphics card was not found; with one, larger sizes become practical.")
            if card.reason
            else self.tr("Its graphics card takes far less.")
        )
        if wish.size != 96:
            text += " " + self.tr("Only 96 px begins with what Soliloquy brings along; other sizes begin from nothing.")
        self.cost.setText(text)
        missing = self.tr("This project has no portrait picture yet.") if kind == "portrait" else ""
        self.problem.setText("" if wish.source else missing)
        self.problem.setVisible(bool(self.problem.text()))
        self.start.setEnabled(bool(wish.source))

    def _begin(self) -> None:
        try:
            self.folder = self._trainings.begin(self.wish())
        except StudioError as error:
            self.problem.setText(str(error))
            self.problem.show()
            return
        self.accept()
