from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from app.core import commands, evaluate
from app.ui import theme
from app.ui.judge_model import JudgeModel
from app.ui.judge_panel import JudgePanel
from app.ui.judge_plot import JudgePlot
from app.ui.judge_tracks import tracks
from app.ui.render_queue import ExportRequest
from engines.errors import InputError
from engines.judge.evidence import Evidence
from tests.app.core.test_evaluate import judged
from tests.engines.judge.made import take


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


def test_curves_of_the_take_are_drawn_and_lead_the_playhead(filled: Any, qtbot: Any) -> None:
    window, session = filled, filled.session
    panel, project = window.judge, session.project
    assert panel.plot is None, "pyqtgraph is not loaded before there is something to draw"
    window.show_judge()
    of_shot, other = judged("shot"), judged("other", 0.5, 0.2)
    seen = of_shot.verdict.evidence.take
    out = round(len(seen) * 25 / float(seen.rate)) - 1
    panel.add(other, commands.set_field(project, portrait="else.png"))
    panel.add(of_shot, commands.set_field(project, in_frame=0, out_frame=out))
    plot = panel.plot
    assert [track.name for track in plot.tracks] == ["Mouth", "Eyes", "Leaps"]
    assert [line.role for line in plot.tracks[0].lines] == ["heard", "seen"]
    plot.clicked.emit(0.8)
    assert session.playhead == 20
    assert [line.value() for line in plot.playheads] == [0.8] * 3
    assert all(line.isVisible() for line in plot.playheads)
    panel.table.setCurrentIndex(panel.model.index(0, 2))
    assert panel.shown is other
    assert not any(line.isVisible() for line in plot.playheads), "the other take shows another face"
    plot.clicked.emit(0.4)
    assert session.playhead == 20
    window.actions_by_id["view.theme"].trigger()
    light = theme.LIGHT.accent
    qtbot.waitUntil(lambda: plot.rows[0].listDataItems()[1].opts["pen"].color().name() == light, timeout=2000)
    window.actions_by_id["view.theme"].trigger()
    panel._clear()
    assert plot.isHidden()
    assert plot.rows == []


@pytest.mark.qt_log_ignore("not accepted by receiving widget")  # the plot hears of clicks from its scene
def test_a_click_in_the_plot_says_its_second(qtbot: Any) -> None:
    plot = JudgePlot()
    qtbot.addWidget(plot)
    plot.resize(600, 400)
    plot.show_tracks(tracks(judged("take").verdict.evidence))
    plot.show()
    qtbot.waitExposed(plot)
    view = plot.rows[1].vb
    place = plot.mapFromScene(view.mapViewToScene(QPointF(4.0, 1.0)))
    with qtbot.waitSignal(plot.clicked, timeout=2000) as told:
        qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert told.args[0] == pytest.approx(4.0, abs=0.05)


def test_blinks_are_marked_and_what_is_missing_is_left_out() -> None:
    lids = np.full((200, 2), 0.3, np.float32)
    lids[98:103] = [[0.2], [0.1], [0.05], [0.1], [0.2]]
    found = tracks(Evidence(take(lids=lids), None))
    assert [track.name for track in found] == ["Mouth", "Eyes", "Leaps"]
    assert len(found[0].lines) == 1, "there is no voice"
    assert found[1].marks_s == (4.0,)
    assert tracks(Evidence(take(eyes_px=np.full(200, np.nan, np.float32)), None)) == []
