"""The stream to Unreal follows the playhead."""

from __future__ import annotations

import socket
from fractions import Fraction

import numpy as np

from app.export.stream import parse
from engines.api import Performance


def test_the_frame_under_the_playhead_is_streamed(window):
    weights = np.zeros((10, 52), np.float32)
    weights[:, 17] = np.arange(10) / 10
    action = window.actions_by_id["tools.live_link"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unreal:
        unreal.bind(("127.0.0.1", 0))
        unreal.settimeout(5)
        window.preferences.live_link = f"127.0.0.1:{unreal.getsockname()[1]}"
        action.setChecked(True)
        assert window.live_link.streaming
        window.session.performance = Performance.rest(10, Fraction(25)).with_(weights=weights)
        for frame in (3, 7):
            window.session.playhead = frame
            window.session.playhead_changed.emit(frame)
        got = [parse(unreal.recv(2048)) for _ in range(2)]
    assert [(subject, frame) for subject, frame, _ in got] == [("Soliloquy", 3), ("Soliloquy", 7)]
    np.testing.assert_allclose([values[17] for _, _, values in got], [0.3, 0.7], atol=1e-6)
    action.setChecked(False)
    assert not window.live_link.streaming


def test_an_address_that_is_not_possible_is_told(window, qtbot):
    window.preferences.live_link = "127.0.0.1:99999999"
    with qtbot.waitSignal(window.session.told) as told:
        window.actions_by_id["tools.live_link"].setChecked(True)
    assert "port 99999999 is not possible" in told.args[0]
    assert not window.live_link.streaming
    assert not window.actions_by_id["tools.live_link"].isChecked()
