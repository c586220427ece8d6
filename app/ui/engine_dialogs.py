"""Dialogs in which engines learn: a portrait from footage of the person, and directions of a generator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QSpinBox, QWidget

from app.core import commands
from app.core.jobs import JobContext
from app.ui import work
from app.ui.session import Session
from app.ui.task_dialog import PathField, TaskDialog
from app.ui.widgets import form_row, guard_wheel
from engines.errors import StudioError
from engines.stylegan import edits
from engines.stylegan.generators import Chosen, choose

TAUGHT: Final = "disentangled"
"""Engine that learns from footage."""


class TeachDialog(TaskDialog):
    """Footage of a person becomes a portrait whose engine knows how that face moves."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            session,
            parent,
            self.tr("Teach from a video"),
            self.tr(
                "Some seconds in which one person talks and faces the camera. The calmest frame becomes the portrait; "
                "from the others the disentangled engine learns what this face shows when it moves: teeth, lids, "
                "folds, shade. Frames that were kept apart tell how well."
            ),
            self.tr("Teach"),
        )
        patterns = " ".join(f"*{suffix}" for suffix in sorted(work.VIDEOS))
        self.video = PathField(self.tr("Video"), self.tr("Choose a video"), self.tr("Videos (%s)") % patterns)
        self.folder = PathField(self.tr("Keep in"), self.tr("Choose a folder for what is learnt"), folder=True)
        self.use = QCheckBox(self.tr("Then use it in this project"))
        self.use.setChecked(True)
        for widget in (self.video, self.folder, self.use):
            self.form.addWidget(widget)
        self.video.changed.connect(self._on_paths)
        self.folder.changed.connect(self._on_paths)
        self.start.setEnabled(False)

    def _target(self) -> Path | None:
        video = self.video.path
        return self.folder.path or (None if video is None else video.with_name(f"{video.stem} taught"))

    def _on_paths(self) -> None:
        target = self._target() if self.folder.path is None else None
        self.folder.edit.setPlaceholderText("" if target is None else str(target))
        self.start.setEnabled(self.video.path is not None)

    def work(self) -> Callable[[JobContext], Any]:
        video, folder = self.video.path, self._target()
        assert video is not None
        assert folder is not None

        def teach(context: JobContext) -> Any:
            from engines import registry
            from engines.disentangled.workshop import teach_from

            info = registry.info(TAUGHT)
            return teach_from(video, folder, info, progress=context.progress, cancel=context.cancel)

        return teach

    def finished_with(self, result: tuple[list[Path], dict[str, float]]) -> str:
        files, told = result
        if self.use.isChecked():
            project = commands.set_portrait(self._session.project, str(files[0]))
            self._session.do(self.tr("Use a taught portrait"), commands.set_field(project, engine=TAUGHT))
        return self.tr(
            "Learnt in {}. Frames that it has not seen: face {:.1f} dB, {:.1f} without; lips {:.1f} dB, {:.1f} without."
        ).format(
            files[0].parent, told["face_taught_db"], told["face_rig_db"], told["lips_taught_db"], told["lips_rig_db"]
        )


class EditsDialog(TaskDialog):
    """Directions of the generator in the weights store: found in its pictures or weights, or taken from a file.

    Signals
    -------
    made : there are others than before
    """

    made = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            session,
            parent,
            self.tr("Edits of the generator"),
            self.tr(
                "Directions in the latent space of the StyleGAN generator, each a slider on the engine's page and a "
                "curve on the timeline. They belong to that generator and go with it."
            ),
            self.tr("Find"),
        )
        self.kind = QComboBox()
        for text, value in (
            (self.tr("What faces do: smile, mouth, eyes, brows, turn and nod"), "find"),
            (self.tr("What changes most, without a meaning of its own"), "axes"),
            (self.tr("From a published file"), "file"),
        ):
            self.kind.addItem(text, value)
        self.pictures = QSpinBox()
        self.pictures.setRange(50, 20000)
        self.pictures.setValue(300)
        self.axes = QSpinBox()
        self.axes.setRange(1, 64)
        self.axes.setValue(8)
        self.file = PathField(
            self.tr("File"),
            self.tr("Choose a file with directions"),
            self.tr("Directions (%s)") % " ".join(f"*{suffix}" for suffix in edits.SUFFIXES),
        )
        for box in (self.kind, self.pictures, self.axes):
            guard_wheel(box)
        self._rows = {"find": QWidget(), "axes": QWidget(), "file": self.file}
        for name, text, box in (("find", self.tr("Pictures"), self.pictures), ("axes", self.tr("Axes"), self.axes)):
            row = form_row(text, box)
            row.setContentsMargins(0, 0, 0, 0)
            self._rows[name].setLayout(row)
        self.form.addLayout(form_row(self.tr("Take"), self.kind))
        for widget in self._rows.values():
            self.form.addWidget(widget)
        self.kind.currentIndexChanged.connect(self._refresh)
        self.file.changed.connect(self._refresh)
        self._chosen = self._choose()
        self._refresh()

    def _choose(self) -> Chosen | None:
        try:
            chosen = choose()
        except StudioError as error:
            self._show(str(error), "danger")
            return None
        if chosen is None:
            self._show(edits.NO_GENERATOR, "muted")
        return chosen

    def _refresh(self, *_: object) -> None:
        kind = self.kind.currentData()
        for name, row in self._rows.items():
            row.setVisible(name == kind)
        self.start.setEnabled(self._chosen is not None and (kind != "file" or self.file.path is not None))

    def work(self) -> Callable[[JobContext], Any]:
        chosen, kind, file = self._chosen, self.kind.currentData(), self.file.path
        assert chosen is not None
        pictures, axes = self.pictures.value(), self.axes.value() if kind == "axes" else 0

        def find(context: JobContext) -> Any:
            from engines.stylegan.net_edits import find, take

            if kind == "file":
                assert file is not None
                return take(chosen, [file], progress=context.progress)
            return find(chosen, pictures, axes, progress=context.progress, cancel=context.cancel)

        return find

    def finished_with(self, result: list[Path]) -> str:
        self.made.emit()
        return self.tr("On the engine's page now: {}.").format(", ".join(path.stem for path in result))
