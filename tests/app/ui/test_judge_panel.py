from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt

from app.core import evaluate
from app.ui.judge_model import JudgeModel
from app.ui.judge_panel import JudgePanel
from app.ui.render_queue import ExportRequest
from engines.errors import InputError
from tests.app.core.test_evaluate import judged


def test_takes_stand_side_by_side_newest_first() -> None:
    model = JudgeModel()
    model.add(judged("first"))
    model.add(judged("second", 1.0))
    assert [model.headerData(c, Qt.Orientation.Horizontal) for c in range(4)] == [
        "Metric", "second", "first", "Real footage"
    ]  # fmt: skip
    assert model.rowCount() == len({m.id for m in model.rows}) > 10
    row = next(i for i, m in enumerate(model.rows) if m.id == "landmark_jitter")
    role = Qt.ItemDataRole
    shaky, calm = (model.data(model.index(row, c), role.ForegroundRole).color() for c in (1, 2))
    assert (shaky, calm) == (model.bad, model.good)
    assert "Real footage" in model.data(model.index(row, 0), role.ToolTipRole)
    model.add(judged("first"))
    assert model.columnCount() == 4, "judged again, a take stays one column"
    model.clear()
    assert model.rowCount() == 0


def test_a_video_is_judged_and_its_report_saved(
    qtbot: Any, session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = JudgePanel(session)
    qtbot.addWidget(panel)
    monkeypatch.setattr(evaluate, "evaluate", lambda path, *_, **__: judged(path.stem))
    panel.judge_video(tmp_path / "take.mp4")
    assert not panel.judge.isEnabled()
    qtbot.waitUntil(lambda: panel.model.rowCount() > 0, timeout=5000)
    assert panel.judge.isEnabled()
    assert panel.save.isEnabled()
    panel.save_report(tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size > 5000
    panel.save_report(tmp_path / "report.doc")
    assert ".doc" in panel.note.text()


def test_what_is_wrong_is_said(qtbot: Any, session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise InputError("There is no video.")

    panel = JudgePanel(session)
    qtbot.addWidget(panel)
    monkeypatch.setattr(evaluate, "evaluate", refuse)
    panel.judge_video(tmp_path / "take.mp4")
    qtbot.waitUntil(lambda: panel.judge.isEnabled(), timeout=5000)
    assert panel.note.text() == "There is no video."
    assert not panel.save.isEnabled()


def test_a_finished_render_is_judged_from_its_card(
    filled: Any, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, project = filled, filled.session.project
    entries = [
        window.queue.add(ExportRequest(project, (tmp_path / name,))) for name in ("take.mp4", "curves.csv")
    ]  # fmt: skip
    window.queue.queue.start()
    qtbot.waitUntil(lambda: all(entry.state == "done" for entry in window.queue.queue.entries), timeout=8000)
    video, curves = (window.queue._cards[entry.id].buttons["judge"] for entry in entries)
    qtbot.waitUntil(lambda: not video.isHidden(), timeout=2000)
    assert curves.isHidden(), "curves have no picture to judge"
    asked = []
    monkeypatch.setattr(evaluate, "evaluate", lambda path, *_, **__: asked.append(path) or judged(path.stem))
    video.click()
    qtbot.waitUntil(lambda: window.judge.model.rowCount() > 0, timeout=5000)
    assert asked == [tmp_path / "take.mp4"]
    assert window.docks["judge"].isVisible()
    window.docks["judge"].close()
    window.actions_by_id["tools.judge"].trigger()
    assert window.docks["judge"].isVisible()
