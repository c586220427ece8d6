"""How good is a take: rendered videos judged beside real footage, and beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QSplitter,
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
from engines.timebase import parse_rate

if TYPE_CHECKING:
    from app.core.evaluate import Evaluation
    from app.ui.judge_plot import JudgePlot

REPORTS = "Page (*.html);;JSON (*.json)"

LONGEST_COLUMN = 190


class JudgePanel(QWidget):
    """A dock beside the render queue."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._job: Job | None = None
        self._judging: Project = session.project
        self._projects: dict[Path, Project] = {}
        """What each take was held against."""
        self.plot: JudgePlot | None = None
        self.shown: Evaluation | None = None
        """The take whose curves are drawn."""
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
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(self.table)
        column.addWidget(self.split, 1)
        session.job_event.connect(self._on_event)
        session.playhead_changed.connect(self._on_playhead)
        session.project_changed.connect(self._on_playhead)
        self.table.selectionModel().currentChanged.connect(self._on_cell)
        self._refresh()
        self.note.setText(self.tr("Sync, blinks, tremble, flicker, identity and more, beside values of real footage."))

    def judge_video(self, path: Path, project: Project | None = None) -> None:
        """Judge a video on the worker thread, against the portrait and the words of a project (default: the open one).

        Nothing happens while another video is being judged.
        """
        if self._job is not None:
            return
        from app.core.evaluate import Against, evaluate

        self._judging = project = project or self._session.project
        studio = self._session.studio
        portrait = Path(project.portrait) if project.portrait else None
        against = Against(portrait=portrait, text=project.speech.text, language=project.speech.language)

        def work(context: JobContext) -> Evaluation:
            return evaluate(path, against, studio=studio, progress=context.progress, cancel=context.cancel)

        self._job = Job(self.tr("Judging %s") % path.name, work, Priority.BACKGROUND, key=("judge", id(self)))
        self.bar.setValue(0)
        self.note.setText(self._job.name)
        self._refresh()
        self._session.worker.submit(self._job)

    def add(self, evaluation: Evaluation, project: Project) -> None:
        """Show a judged take of a project."""
        self._projects[evaluation.take] = project
        self.model.add(evaluation)
        self._fit_columns()
        self.show_curves(evaluation)

    def show_curves(self, evaluation: Evaluation) -> None:
        """Draw what was measured along a take."""
        from app.ui.judge_plot import JudgePlot
        from app.ui.judge_tracks import tracks

        if self.plot is None:
            self.plot = JudgePlot()
            self.plot.clicked.connect(self._on_plot)
            self.split.addWidget(self.plot)
            self.split.setSizes([2 * self.width() // 5, 3 * self.width() // 5])
        self.shown = evaluation
        self.plot.show()
        self.plot.show_tracks(tracks(evaluation.verdict.evidence))
        self._on_playhead()

    def _begin_s(self) -> float | None:
        """Where in the shot the drawn take begins, seconds; None if it shows another portrait, voice or length."""
        if self.shown is None:
            return None
        of, now, take = self._projects[self.shown.take], self._session.project, self.shown.verdict.evidence.take
        start, stop = of.in_frame or 0, self._session.total if of.out_frame is None else of.out_frame + 1
        rate = float(parse_rate(of.rate))
        as_long = abs((stop - start) / rate - len(take) / float(take.rate)) < 0.1
        same = (of.portrait, of.voice, of.rate) == (now.portrait, now.voice, now.rate)
        return start / rate if same and as_long else None

    def _on_playhead(self, *_: object) -> None:
        if self.plot is None or self.shown is None:
            return
        begin, end = (
            self._begin_s(),
            len(self.shown.verdict.evidence.take) / float(self.shown.verdict.evidence.take.rate),
        )
        second = None if begin is None else self._session.playhead / float(self._session.rate) - begin
        self.plot.set_playhead(second if second is not None and 0 <= second <= end else None)

    def _on_plot(self, second: float) -> None:
        begin = self._begin_s()
        if begin is not None:
            self._session.seek(round((begin + second) * float(self._session.rate)))

    def _on_cell(self, index: QModelIndex) -> None:
        number = index.column() - 1
        if 0 <= number < len(self.model.takes) and self.model.takes[number] is not self.shown:
            self.show_curves(self.model.takes[number])

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
            self.add(event.result, self._judging)
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
        header.setMaximumSectionSize(LONGEST_COLUMN)
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
        self._projects.clear()
        self.shown = None
        if self.plot is not None:
            self.plot.hide()
            self.plot.show_tracks(())
        self.note.setText("")
        self._refresh()
