"""Random use: nothing may break, and the project must survive saving.

``SOLILOQUY_MONKEY`` sets the number of actions and ``SOLILOQUY_MONKEY_SEED`` the seed; the long run before a release is
``python -m tests.benchmarks.monkey``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.app.ui.monkey import Monkey, answer_questions, check_project, let_window_work

ACTIONS = int(os.environ.get("SOLILOQUY_MONKEY", "400"))
SEED = int(os.environ.get("SOLILOQUY_MONKEY_SEED", "1"))


def test_random_use_breaks_nothing(
    filled: Any, qtbot: Any, tmp_path: Path, portrait: Path, voice: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    answer_questions(monkeypatch, tmp_path, SEED)
    window = filled
    window.player._want_sound = False
    monkey = Monkey(window, tmp_path, [portrait, voice], SEED)
    for number in range(ACTIONS):
        monkey.step()
        if number % 3 == 0:
            let_window_work()
    window.player.stop()
    session = window.session
    session.worker.cancel_all()
    qtbot.waitUntil(lambda: not session.worker.busy, timeout=10_000)
    check_project(session, tmp_path / "after.soliloquy")
    caplog.clear()  # junk files may be logged
