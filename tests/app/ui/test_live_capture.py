"""Acting before a camera in the window; a video stands in for the camera."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.core.live_take import Moment
from app.export import read_curves
from engines import arkit
from engines.capture import live
from tests.engines.capture.conftest import KnownTake, demo_actor, known  # noqa: F401 - fixtures


@pytest.fixture
def panel(filled: Any) -> Any:
    """The panel of a window with portrait and voice."""
    filled.actions_by_id["tools.live"].trigger()
    assert filled.docks["live"].isVisible()
    return filled.live.panel


def test_a_take_moves_the_face(panel: Any, filled: Any, qtbot: Any, known: KnownTake, tmp_path: Path) -> None:  # noqa: F811
    filled.session.path = tmp_path / "shot.soliloquy"
    moments: list[Moment] = []
    panel.acted.connect(moments.append)
    panel.source.setEditText(str(known.path))
    panel.toggle()
    assert panel.running
    assert not panel.source.isEnabled()
    qtbot.waitUntil(lambda: panel.record.isEnabled(), timeout=15000)
    panel.record.setChecked(True)
    assert panel.recording
    assert not panel.again.isEnabled()
    with qtbot.waitSignal(panel.took, timeout=15000) as taken:  # the file ends, and with it the take
        pass
    qtbot.waitUntil(lambda: not panel.running, timeout=5000)
    assert panel.view._image is None
    assert panel.switch.text() == "Start camera"
    assert len(moments) > 5
    assert max(m.frame.weights[arkit.INDEX["jawOpen"]] for m in moments) > 0.15
    path = Path(filled.session.project.performance)
    assert path.parent == tmp_path / "takes"
    assert read_curves(path) == taken.args[0]
    assert filled.session.history.undo_name == "Live take"
    filled.actions_by_id["edit.undo"].trigger()
    assert filled.session.project.performance == ""


def test_the_view_shows_what_is_seen(panel: Any, qtbot: Any, known: KnownTake) -> None:  # noqa: F811
    panel.start(str(known.path))
    with qtbot.waitSignal(panel.acted, timeout=15000) as acted:
        pass
    assert acted.args[0].points.shape == (478, 3)
    assert panel.view._image.width() == known.frames[0].shape[1]
    panel.grab()
    panel.again.click()
    qtbot.waitUntil(lambda: "Hold still" in panel.note.text(), timeout=5000)
    assert not panel.record.isEnabled()
    panel.toggle()
    assert not panel.running
    assert panel.note.text() == "The camera is closed."


def test_no_camera_is_said(panel: Any, qtbot: Any, tmp_path: Path, capfd: Any) -> None:
    panel.source.setEditText("97")
    panel.toggle()
    qtbot.waitUntil(lambda: not panel.running, timeout=10000)
    assert "The camera 97 cannot be opened" in panel.note.text()
    assert panel.note.objectName() == "danger"
    panel.source.setEditText("")
    panel.toggle()
    assert not panel.running
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    panel.start(str(broken))
    qtbot.waitUntil(lambda: not panel.running, timeout=10000)
    assert "broken.mp4" in panel.note.text()
    capfd.readouterr()  # OpenCV grumbles


def test_no_face_leaves_nothing_to_keep(panel: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    blank = np.full((120, 160, 3), 90, np.uint8)
    monkeypatch.setattr(live, "camera", lambda *_, **__: ((k / 25, blank) for k in range(60)))
    panel.start("0")
    panel._take.record()
    panel.record.blockSignals(True)
    panel.record.setChecked(True)
    panel.record.blockSignals(False)
    with qtbot.assertNotEmitted(panel.took):
        qtbot.waitUntil(lambda: not panel.running, timeout=15000)


def test_closing_the_window_closes_the_camera(panel: Any, filled: Any, qtbot: Any, known: KnownTake) -> None:  # noqa: F811
    panel.start(str(known.path))
    qtbot.waitUntil(lambda: panel.view._image is not None, timeout=15000)
    filled.close()
    assert not panel.running
