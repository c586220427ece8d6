"""The artist's way through the real window with the real engine, from an empty window to files that others read.

Set ``SOLILOQUY_RECORD`` to a folder to keep a screenshot of each step.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.core import commands
from app.ui import theme
from app.ui.main_window import MainWindow
from app.ui.timeline.headers import HEADER
from app.ui.timeline.layout import RULER, Item

DEMO = Path(__file__).resolve().parents[3] / "assets" / "demo"
SECONDS = 2.4


@pytest.fixture
def real_window(qtbot: Any) -> Iterator[MainWindow]:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, "dark")
    window = MainWindow(asks=False)
    qtbot.addWidget(window)
    window.resize(1600, 1000)
    window.show()
    yield window
    window.close()


class Recorder:
    """Screenshots of the steps, numbered."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._folder = os.environ.get("SOLILOQUY_RECORD", "")
        self._number = 0

    def __call__(self, name: str) -> None:
        if self._folder:
            QApplication.processEvents()
            self._number += 1
            Path(self._folder).mkdir(parents=True, exist_ok=True)
            self._window.grab().save(f"{self._folder}/{self._number:02d}-{name}.png")


def drop(window: MainWindow, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    place, copy = QPointF(700, 300), Qt.DropAction.CopyAction
    window.dropEvent(QDropEvent(place, copy, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier))


def drag(widget: Any, start: QPoint, end: QPoint) -> None:
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 5):
        QTest.mouseMove(widget, start + (end - start) * (step / 4))
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=end)


@pytest.mark.slow
def test_from_an_empty_window_to_finished_files(real_window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    window, session, view = real_window, real_window.session, real_window.timeline.view
    record = Recorder(window)
    problems: list[str] = []
    session.told.connect(lambda message, level: problems.append(message) if level == "error" else None)
    record("empty")

    portrait = next(iter(sorted(DEMO.glob("portrait.*"))))
    voice = tmp_path / "voice.wav"
    samples, rate = soundfile.read(DEMO / "voice.wav", dtype="float32")
    soundfile.write(voice, samples[: round(SECONDS * rate)], rate)
    drop(window, portrait, voice)

    def talking() -> bool:
        return session.ready and session.speech is not None and session.image(0) is not None

    qtbot.waitUntil(lambda: bool(problems) or talking(), timeout=120_000)
    assert problems == []
    assert session.performance is not None
    assert float(np.ptp(session.performance.channel("jawOpen"))) > 0.02
    record("portrait-and-voice")

    def still(frame: int) -> np.ndarray:
        session.seek(frame)
        qtbot.waitUntil(
            lambda: (
                not session._refresh_timer.isActive()
                and "perform" not in session._running
                and session.image(frame) is not None
            ),
            timeout=30_000,
        )
        image = session.image(frame)
        assert image is not None
        return image

    plain = still(20).astype(np.int16)
    for emotion, start in (("happy", 5), ("surprised", 25)):
        session.select(frozenset())
        session.seek(start)
        window.editing.use_preset("emotions", emotion)
    first, second = session.project.emotions
    assert first.end is not None
    assert second.start < first.end
    happy = still(20).astype(np.int16)
    assert happy.shape == plain.shape
    assert np.abs(happy - plain).max() > 30
    record("two-emotions")

    session.seek(30)
    window.actions_by_id["direct.nod"].trigger()
    nod = commands.curve(session.project, "pose.pitch_deg")
    assert nod is not None
    still(34)
    record("nod")

    index = next(i for i, p in enumerate(session.phones()) if p.end_s - p.start_s > 0.08 and p.label != "SIL")
    before = session.phones()[index]
    row = next(r for r in view.picture.scene.rows if r.kind == "phones")
    edge = QPoint(HEADER + round(view.scale.x(before.end_s * float(session.rate))) - 2, RULER + row.top + 10)
    view.snapping = False
    drag(view, edge, edge + QPoint(20, 0))
    after = session.phones()[index]
    assert after.end_s > before.end_s
    assert session.selection == {Item("phones", index)}
    record("phone-moved")

    done = session.project
    while session.history.can_undo:
        session.undo()
    assert not session.project.portrait
    while session.history.can_redo:
        session.redo()
    assert session.project == done
    qtbot.waitUntil(lambda: session.ready and session.speech is not None, timeout=60_000)
    still(20)
    record("undone-and-redone")

    others = [window.inspector.shot.engine.itemData(i) for i in range(window.inspector.shot.engine.count())]
    assert "disentangled" in others  # which needs no weights and no training
    window.inspector.setCurrentWidget(window.inspector.shot)
    session.attempt("Change engine", commands.set_field, engine="disentangled")
    qtbot.waitUntil(lambda: session.actor is not None or "prepare" in session.problems, timeout=180_000)
    assert session.project.emotions == done.emotions
    record("another-engine")
    session.undo()
    qtbot.waitUntil(lambda: session.actor is not None, timeout=60_000)
    problems.clear()

    from app.ui.export_dialog import ExportDialog

    dialog = ExportDialog(session, window.preferences, window)
    dialog.path.setText(str(tmp_path / "shot.mp4"))
    dialog.width_box.setValue(0)
    dialog.height_box.setValue(240)
    dialog.also[".fbx"].setChecked(True)
    window.queue.add(dialog.request())
    dialog.deleteLater()
    window.show_queue()
    qtbot.waitUntil(lambda: window.queue.unfinished == 0, timeout=120_000)
    record("exported")
    assert [entry.message for entry in window.queue.queue.entries] == [""]
    check_video(tmp_path / "shot.mp4", session.total)
    check_scene(tmp_path / "shot.fbx")

    path = tmp_path / "shot.soliloquy"
    assert window.files._save(path)
    saved = session.project
    window.actions_by_id["file.new"].trigger()
    assert session.project.emotions == ()
    window.files.take([path])
    assert session.project == saved
    qtbot.waitUntil(lambda: session.ready and session.image(session.playhead) is not None, timeout=60_000)
    window.docks["timeline"].raise_()
    record("reopened")
    assert problems == []


def check_video(path: Path, frames: int) -> None:
    """ffprobe agrees about length, sound and size."""
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(path)]
    streams = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)["streams"]
    video = next(s for s in streams if s["codec_type"] == "video")
    assert int(video["nb_read_frames"]) == frames
    assert video["height"] == 240
    assert video["r_frame_rate"] == "25/1"
    assert any(s["codec_type"] == "audio" for s in streams)


def check_scene(path: Path) -> None:
    """ufbx, in a process of its own, reads the mesh, its blend shapes and the animation."""
    judge = Path(__file__).resolve().parents[1] / "export" / "judges" / "fbx.py"
    times = [f"{0.1 * step:.1f}" for step in range(24)]
    command = [sys.executable, str(judge), str(path), *times]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    scene = json.loads(result.stdout)
    moving = [name for name, values in scene["weights"].items() if max(values) - min(values) > 0.01]
    assert len(scene["weights"]) >= 52
    assert len(moving) > 10
