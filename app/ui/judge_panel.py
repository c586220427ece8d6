"""How good is a take: rendered videos judged beside real footage, and beside each other."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.core.jobs import Done, Event, Failed, Job, JobContext, Priority, Progress
from app.core.project import Project
from app.ui.judge_model import JudgeModel
from app.ui.session import Session
from app.ui.theme import SPACE
from app.ui.widgets import muted

REPORTS = "Page (*.html);;JSON (*.json)"


class JudgePanel(QWidget):
    """A dock beside the render queue."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._job: Job | None = None
        self.model = JudgeModel()
        self.judge = QPushButton(self.tr("Judge a video..."))
        self.judge.clicked.connect(self._choose)
        self.stop = QPushButton(self.tr("Stop"))
        self.stop.clicked.connect(self._cancel)
        self.save = QPushButton(self.tr("Save report..."))
        self.save.clicked.connect(self._choose_report)
        self.forget = QPushButton(self.tr("Clear"))
        self.forget.clicked.connect(self._clear)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setMaximumWidth(160)
        self.bar.setAccessibleName(self.tr("Judging"))
        self.note = muted("", wrap=False)
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setAccessibleName(self.tr("Metrics"))
        self.table.setShowGrid(False)
        self.table.setAlternatingRowColors(True)
        self.table.verticalHeader().hide()
        self.table.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QTableView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        for widget in (self.judge, self.stop, self.save, self.forget, self.bar):
            row.addWidget(widget)
        row.addWidget(self.note, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE, SPACE, SPACE, 0)
        column.addLayout(row)
        column.addWidget(self.table, 1)
        session.job_event.connect(self._on_event)
        self._refresh()
        self.note.setText(self.tr("Sync, blinks, tremble, flicker, identity and more, beside values of real footage."))

    def judge_video(self, path: Path, project: Project | None = None) -> None:
        """Judge a video on the worker thread, against the portrait and the words of a project (default: the open one).

        Nothing happens while another video is being judged.
        """
        if self._job is not None:
            return
        from app.core.evaluate import Against, Evaluation, evaluate

        project, studio = project or self._session.project, self._session.studio
        portrait = Path(project.portrait) if project.portrait else None
        against = Against(portrait=portrait, text=project.speech.text, language=project.speech.language)

        def work(context: JobContext) -> Evaluation:
            return evaluate(path, against, studio=studio, progress=context.progress, cancel=context.cancel)

        self._job = Job(self.tr("Judging %s") % path.name, work, Priority.BACKGROUND, key=("judge", id(self)))
        self.bar.setValue(0)
        self.note.setText(self._job.name)
        self._refresh()
        self._session.worker.submit(self._job)

    def save_report(self, path: Path) -> None:
        """Write a page or JSON of all takes shown."""
        from app.core.evaluate import save
        from engines.errors import StudioError

        try:
            save(path, self.model.takes)
            self.note.setText(self.tr("Saved %s") % path.name)
        except StudioError as error:
            self.note.setText(str(error))

    def _on_event(self, event: Event) -> None:
        if event.job is not self._job:
            return
        if isinstance(event, Progress):
            self.bar.setValue(round(event.part * 1000))
            self.note.setText(event.what or event.job.name)
            return
        if isinstance(event, Done):
            self.model.add(event.result)
            self._fit_columns()
            self.note.setText(" ".join(event.result.notes) or self.tr("Judged %s") % event.result.name)
        elif isinstance(event, Failed):
            self.note.setText(self.tr("Stopped.") if event.cancelled else str(event.error))
        else:
            return
        self._job = None
        self._refresh()

    def _fit_columns(self) -> None:
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def _refresh(self) -> None:
        busy = self._job is not None
        self.bar.setVisible(busy)
        self.stop.setVisible(busy)
        self.judge.setEnabled(not busy)
        for button in (self.save, self.forget):
            button.setEnabled(bool(self.model.takes) and not busy)

    def _choose(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, self.tr("Judge a video"), "", self.tr("Videos (*.mp4 *.mov *.webm *.mkv *.m4v *.avi)")
        )
        if name:
            self.judge_video(Path(name))

    def _choose_report(self) -> None:
        name, chosen = QFileDialog.getSaveFileName(self, self.tr("Save report"), "report.html", REPORTS)
        if name:
            path = Path(name)
            self.save_report(path if path.suffix else path.with_suffix(".json" if "json" in chosen else ".html"))

    def _cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def _clear(self) -> None:
        self.model.clear()
        self.note.setText("")
        self._refresh()
