"""The window asks for consent once a portrait, never blocks, and lets the record be changed and undone."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog

from app.core import consent
from app.ui import widgets
from app.ui.consent_dialog import ConsentDialog
from app.ui.export_dialog import ExportDialog
from app.ui.render_queue import ExportRequest


class Answers:
    """Stands in for the person before the screen."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.choice = "record"
        self.asked: list[ConsentDialog] = []

    def __call__(self, dialog: QDialog) -> bool:
        if isinstance(dialog, ExportDialog):
            dialog.path.setText(str(self.target))
            dialog.accept()
        elif isinstance(dialog, ConsentDialog):
            self.asked.append(dialog)
            if self.choice == "record":
                dialog.who.setText("Ann Lee")
                dialog.scope.setCurrentText("has agreed")
                dialog.record.click()
            elif self.choice == "without":
                dialog.skip.click()
            else:
                dialog.reject()
        return dialog.result() == QDialog.DialogCode.Accepted


@pytest.fixture
def answers(filled, tmp_path, monkeypatch):
    filled.asks = True
    made = Answers(tmp_path / "out.mp4")
    monkeypatch.setattr(widgets, "run_dialog", made)
    monkeypatch.setattr(filled.files, "may_close", lambda: True)  # closing would ask whether to save
    return made


@pytest.fixture
def queued(filled, monkeypatch):
    requests: list[ExportRequest] = []
    monkeypatch.setattr(filled.queue, "add", requests.append)
    return requests


def test_a_record_is_asked_for_once_and_travels_with_the_export(filled, answers, queued):
    filled.files.export()
    filled.files.export()
    assert len(answers.asked) == 1
    records = filled.session.project.consents
    assert [(c.who, c.scope, c.granted) for c in records] == [("Ann Lee", "has agreed", True)]
    assert [request.project.consents for request in queued] == [records, records]
    assert filled.session.history.undo_name == "Record consent"
    filled.session.undo()
    assert filled.session.project.consents == ()


def test_without_a_record_the_export_goes_on_and_that_is_recorded(filled, answers, queued):
    answers.choice = "without"
    filled.files.export()
    filled.files.export()
    assert len(answers.asked) == 1
    assert len(queued) == 2
    (record,) = queued[0].project.consents
    assert (record.granted, record.scope) == (False, consent.NO_RECORD)


def test_going_back_exports_and_records_nothing(filled, answers, queued):
    answers.choice = "back"
    filled.files.export()
    assert (len(answers.asked), queued, filled.session.project.consents) == (1, [], ())


def test_curves_and_automatic_windows_are_not_asked_about(filled, answers, queued):
    answers.target = answers.target.with_name("out.csv")
    filled.files.export()
    answers.target = answers.target.with_name("out.mp4")
    filled.asks = False
    filled.files.export()
    assert answers.asked == []
    assert len(queued) == 2


def test_the_record_can_be_changed_later(filled, answers):
    answers.choice = "without"
    filled.files.export()
    answers.choice = "record"
    filled.actions_by_id["file.consent"].trigger()
    (record,) = filled.session.project.consents
    assert (record.who, record.granted) == ("Ann Lee", True)
    answers.choice = "back"
    filled.actions_by_id["file.consent"].trigger()
    shown = answers.asked[-1]
    assert (shown.who.text(), shown.scope.currentText(), shown.skip.text()) == ("Ann Lee", "has agreed", "Cancel")


def test_what_is_missing_is_said(filled, qtbot, tmp_path):
    dialog = ConsentDialog(filled.session.project, "d", True, filled)
    qtbot.addWidget(dialog)
    assert not dialog.record.isEnabled()
    dialog.scope.setCurrentText(consent.NOT_REAL)
    assert dialog.record.isEnabled()
    assert dialog.problem.isHidden()
    dialog.evidence.setText(str(tmp_path / "none.pdf"))
    assert not dialog.record.isEnabled()
    assert "no evidence" in dialog.problem.text()
    dialog.evidence.clear()
    dialog.record.click()
    assert dialog.answer is not None
    assert dialog.answer.who == consent.NOBODY


def test_the_demo_is_not_asked_about(window, monkeypatch):
    from app.core.studio import Studio

    monkeypatch.setattr(window.session, "open", lambda project, _: opened.append(project))
    opened: list = []
    window.files.demo()
    assert consent.unasked(Studio(), opened[0]) == ""
