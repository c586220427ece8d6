"""Asks once a portrait whether the person in it may be shown; either answer is recorded and the export goes on."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QDate, QLocale, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDateEdit,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.core import consent
from app.core.project import Consent, Project
from app.ui.recovery import picture
from app.ui.widgets import form_row, guard_wheel, heading, muted, reason, set_reason
from engines.errors import InputError

FACE = 96


class ConsentDialog(QDialog):
    """Who is shown, on what ground, since when, and what proves it.

    Parameters
    ----------
    digest : of the portrait that the record is for
    exporting : an export waits for the answer; else the record is only edited

    Attributes
    ----------
    answer : what to record, once the dialog was accepted
    """

    def __init__(self, project: Project, digest: str, exporting: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Consent"))
        self.setMinimumWidth(500)
        self._digest = digest
        self.answer: Consent | None = None
        outer = QVBoxLayout(self)
        outer.setSpacing(10)
        top = QHBoxLayout()
        top.setSpacing(14)
        face = QLabel()
        face.setObjectName("thumb")
        face.setFixedSize(FACE, FACE)
        pixmap = picture(Path(project.portrait), FACE)
        if not pixmap.isNull():
            mode = Qt.AspectRatioMode.KeepAspectRatioByExpanding
            large = pixmap.scaled(face.size(), mode, Qt.TransformationMode.SmoothTransformation)
            # A face is in the upper part of most portraits.
            face.setPixmap(large.copy((large.width() - FACE) // 2, (large.height() - FACE) // 3, FACE, FACE))
        top.addWidget(face)
        words = QVBoxLayout()
        words.addWidget(heading(self.tr("May this person be shown?")))
        words.addWidget(
            muted(
                self.tr(
                    "Soliloquy asks once for each portrait. Your answer is kept in the project and goes into the "
                    "provenance record of what you export."
                )
            )
        )
        words.addStretch(1)
        top.addLayout(words, 1)
        outer.addLayout(top)
        self._build_fields(outer)
        self.problem = reason()
        outer.addWidget(self.problem)
        foot = QHBoxLayout()
        foot.addStretch(1)
        self.skip = QPushButton(self.tr("Export without a record") if exporting else self.tr("Cancel"))
        self.skip.setAutoDefault(False)
        self.skip.clicked.connect(self._export_without if exporting else self.reject)
        self.record = QPushButton(self.tr("Record and export") if exporting else self.tr("Record"))
        self.record.setObjectName("primary")
        self.record.setDefault(True)
        self.record.clicked.connect(self._record)
        foot.addWidget(self.skip)
        foot.addWidget(self.record)
        outer.addLayout(foot)
        self._fill(consent.record_of(project, digest))
        self.who.textChanged.connect(self._check)
        self.scope.editTextChanged.connect(self._check)
        self._check()
        self.who.setFocus()

    def _build_fields(self, outer: QVBoxLayout) -> None:
        self.who = QLineEdit()
        outer.addLayout(form_row(self.tr("Who is shown"), self.who))
        self.scope = QComboBox()
        self.scope.setEditable(True)
        self.scope.addItems(list(consent.SCOPES))
        self.scope.setCurrentIndex(-1)
        guard_wheel(self.scope)
        editor = self.scope.lineEdit()
        assert editor is not None
        editor.setPlaceholderText(self.tr("Choose, or use your own words"))
        outer.addLayout(form_row(self.tr("Ground"), self.scope))
        self.date = QDateEdit(QDate.currentDate())
        self.date.setCalendarPopup(True)
        self.date.setDisplayFormat("d MMMM yyyy")
        guard_wheel(self.date)
        outer.addLayout(form_row(self.tr("Since"), self.date))
        self.evidence = QLineEdit()
        self.evidence.setPlaceholderText(self.tr("Optional: release, licence, e-mail"))
        self.evidence.textChanged.connect(self._check)
        browse = QPushButton(self.tr("Choose…"))
        browse.setAutoDefault(False)
        browse.clicked.connect(self._browse)
        row = form_row(self.tr("Evidence"), self.evidence)
        row.addWidget(browse)
        outer.addLayout(row)

    def _fill(self, known: Consent | None) -> None:
        if known is None:
            return
        self.who.setText(known.who)
        if known.granted:
            self.scope.setEditText(known.scope)
            day = QDate.fromString(known.date, Qt.DateFormat.ISODate)
            self.date.setDate(day if day.isValid() else QDate.currentDate())
            self.evidence.setText(known.evidence)

    def _browse(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Evidence of consent"), self.evidence.text())
        if name:
            self.evidence.setText(name)

    def _made(self) -> Consent:
        day = QLocale.c().toString(self.date.date(), "yyyy-MM-dd")
        return consent.granted(
            self._digest, self.who.text(), self.scope.currentText(), self.evidence.text().strip(), day
        )

    def _check(self, *_: object) -> None:
        if not hasattr(self, "record"):  # still being built
            return
        problem = ""
        scope = self.scope.currentText().strip()
        self.who.setPlaceholderText(consent.NOBODY if scope == consent.NOT_REAL else self.tr("Name"))
        if not scope or not (self.who.text().strip() or scope == consent.NOT_REAL):
            problem = self.tr("To record it, say who is shown and on what ground.")
        else:
            try:
                self._made()
            except InputError as error:
                problem = str(error)
        set_reason(self.problem, problem)
        self.record.setEnabled(not problem)

    def _record(self) -> None:
        self.answer = self._made()
        self.accept()

    def _export_without(self) -> None:
        self.answer = consent.declined(self._digest, self.who.text())
        self.accept()
