"""Acting before a camera in the window; a video stands in for the camera."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.core.live_take import LiveTake, Moment
from app.export import read_curves
from engines import arkit
from engines.capture import live
from engines.errors import InputError
from tests.engines.capture.conftest import KnownTake, demo_actor, known  # noqa: F401 - fixtures


@pytest.fixture
def panel(filled: Any) -> Any:
    """The panel of a window with portrait and voice."""
    filled.actions_by_id["tools.live"].trigger()
    assert filled.docks["live"].isVisible()
    return filled.live.panel


@pytest.fixture
def unplug(known: KnownTake, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:  # noqa: F811
    """A camera that shows the known take over and over, in its own time, until it is unplugged."""
    event = threading.Event()

    def camera(source: str, *, paced: bool = True) -> Iterator[tuple[float, np.ndarray]]:
        for number in itertools.count():
            if event.is_set():
                return
            yield number / 25, known.frames[number % len(known.frames)]

    monkeypatch.setattr(live, "camera", camera)
    yield event
    event.set()


@pytest.mark.parametrize("ending", ["button", "unplugged"])
def test_a_take_moves_the_face(
    panel: Any, filled: Any, qtbot: Any, unplug: threading.Event, tmp_path: Path, ending: str
) -> None:
    filled.session.path = tmp_path / "shot.soliloquy"
    moments: list[Moment] = []
    panel.acted.connect(moments.append)
    panel.toggle()
    assert panel.running
    assert not panel.source.isEnabled()
    qtbot.waitUntil(lambda: panel.record.isEnabled(), timeout=30000)
    panel.record.setChecked(True)
    assert panel.recording
    assert not panel.again.isEnabled()
    moments.clear()
    qtbot.waitUntil(lambda: len(moments) > 12, timeout=30000)
    with qtbot.waitSignal(panel.took, timeout=10000) as taken:
        if ending == "button":
            panel.record.setChecked(False)
        else:
            unplug.set()
    if ending == "button":
        assert panel.running
        panel.toggle()
    qtbot.waitUntil(lambda: not panel.running, timeout=10000)
    assert panel.view._image is None
    assert panel.switch.text() == "Start camera"
    assert max(m.frame.weights[arkit.INDEX["jawOpen"]] for m in moments) > 0.1
    path = Path(filled.session.project.performance)
    assert path.parent == tmp_path / "takes"
    assert read_curves(path) == taken.args[0]
    assert filled.session.history.undo_name == "Live take"
    filled.actions_by_id["edit.undo"].trigger()
    assert filled.session.project.performance == ""


def test_the_portrait_follows_the_actor_while_the_voice_plays(
    panel: Any, filled: Any, qtbot: Any, unplug: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.toggle()
    qtbot.waitUntil(lambda: panel.record.isEnabled(), timeout=30000)
    shown: list[int] = []
    monkeypatch.setattr(filled, "show_image", lambda image: shown.append(int(image[0, 0, 0])))
    panel.record.setChecked(True)
    qtbot.waitUntil(lambda: filled.session.playing and filled.session.playhead > 8, timeout=30000)
    shown.clear()
    qtbot.waitUntil(lambda: len(shown) > 3, timeout=30000)
    assert set(shown) == {0}  # the only frame of what is drawn live; the shot's own would show the playhead
    panel.record.setChecked(False)
    panel.toggle()


def test_the_view_shows_what_is_seen(panel: Any, qtbot: Any, unplug: threading.Event, known: KnownTake) -> None:  # noqa: F811
    panel.start("0")
    with qtbot.waitSignal(panel.acted, timeout=30000) as acted:
        pass
    assert acted.args[0].points.shape == (478, 3)
    assert panel.view._image.width() == known.frames[0].shape[1]
    panel.grab()
    panel.again.click()
    qtbot.waitUntil(lambda: "Hold still" in panel.note.text(), timeout=10000)
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
    monkeypatch.setattr(live, "camera", lambda *_, **__: ((k / 25, blank) for k in range(40)))
    panel.start("0")
    qtbot.waitUntil(lambda: not panel.running, timeout=30000)
    assert not panel.record.isEnabled()
    take = LiveTake("0", lambda *_: None, lambda *_: None)
    take.record()
    with pytest.raises(InputError, match="No face was seen"):
        take.keep(Fraction(25))


def test_closing_the_window_closes_the_camera(panel: Any, filled: Any, qtbot: Any, unplug: threading.Event) -> None:
    panel.start("0")
    qtbot.waitUntil(lambda: panel.view._image is not None, timeout=30000)
    filled.close()
    assert not panel.running
