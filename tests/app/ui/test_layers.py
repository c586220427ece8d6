"""Curve files laid over the performance from the menu."""

from __future__ import annotations

from fractions import Fraction

from PySide6.QtWidgets import QFileDialog

from app.export import Take, write
from tests.app.export.conftest import random_performance


def test_a_curve_file_becomes_keys_and_can_be_undone(window, tmp_path, monkeypatch):
    motion = random_performance(1, 12, Fraction(25))
    write(Take(motion, motion.rate, start=7), tmp_path / "take.csv")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "take.csv"), ""))
    before = window.session.project
    window.session.playhead = 3
    window.actions_by_id["file.curves_layer"].trigger()
    curves = {c.channel: c for c in window.session.project.curves}
    assert {"jawOpen", "pose.yaw_deg", "gaze.pitch_deg"} <= set(curves)
    assert curves["jawOpen"].mode == "replace"
    assert curves["jawOpen"].keys[0].frame in (3, 7)  # its own place inside the shot, else the playhead
    window.session.history.undo()
    assert window.session.project == before


def test_a_damaged_file_is_told(window, tmp_path, qtbot):
    (tmp_path / "bad.csv").write_text("no curves")
    with qtbot.waitSignal(window.session.told) as told:
        window.layers.lay(tmp_path / "bad.csv")
    assert "bad.csv" in told.args[0]
    assert window.session.project.curves == ()
