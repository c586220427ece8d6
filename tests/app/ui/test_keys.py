"""Keys of the window: K with J and L, and keys that the artist mapped elsewhere."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest

from app.ui.actions import ACTIONS
from app.ui.controllers.hold import HOLD_MS, SLOW

J, K, L = Qt.Key.Key_J, Qt.Key.Key_K, Qt.Key.Key_L


def ready(window: Any) -> Any:
    window.session.seek(10)
    window.activateWindow()
    view = window.timeline.view
    view.setFocus()
    return view


def test_tapping_l_or_j_while_k_is_held_steps_one_frame(filled: Any) -> None:
    view, session = ready(filled), filled.session
    QTest.keyPress(view, K)
    for key, frame in ((L, 11), (L, 12), (J, 11)):
        QTest.keyClick(view, key)
        assert session.playhead == frame
        assert not filled.player.playing
    QTest.keyRelease(view, K)


def test_holding_both_plays_slowly_until_one_is_let_go(filled: Any, qtbot: Any) -> None:
    view = ready(filled)
    QTest.keyPress(view, K)
    QTest.keyPress(view, L)
    qtbot.waitUntil(lambda: filled.player.playing, timeout=HOLD_MS + 4000)
    assert filled.player.speed == SLOW
    QTest.keyRelease(view, L)
    assert not filled.player.playing
    QTest.keyRelease(view, K)


def test_after_k_is_let_go_l_shuttles_again(filled: Any) -> None:
    view = ready(filled)
    QTest.keyClick(view, K)
    QTest.keyClick(view, L)
    assert filled.player.playing
    assert filled.player.speed == 1.0
    filled.player.stop()


def test_another_key_for_pause_is_held_as_well(filled: Any) -> None:
    view, session = ready(filled), filled.session
    filled.shortcuts.set("play.stop", ("U",))
    filled.apply_shortcuts()
    QTest.keyPress(view, Qt.Key.Key_U)
    QTest.keyClick(view, L)
    assert session.playhead == 11
    QTest.keyRelease(view, Qt.Key.Key_U)


def test_every_command_can_have_another_key(window: Any) -> None:
    for spec in ACTIONS:
        window.shortcuts.set(spec.id, ("Ctrl+Alt+Shift+F9",))
        window.apply_shortcuts()
        assert window.actions_by_id[spec.id].shortcuts() == [QKeySequence("Ctrl+Alt+Shift+F9")]
