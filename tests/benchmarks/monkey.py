"""Ten thousand random actions in the studio window: does anything break, is a thread left, does it slow down or grow?

Run by hand: ``python -m tests.benchmarks.monkey --actions 10000 --seed 1 2 3``. The engine is the quick one of the
window's tests, so that the figures are the window's own. Ends with status 1 if anything broke.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
PARTS = 10


def run(actions: int, seed: int, folder: Path) -> int:
    """Do them; returns how many Python errors came up on the way, threads left behind included."""
    import numpy as np
    import pytest
    import soundfile
    from PIL import Image
    from PySide6.QtWidgets import QApplication

    from app.ui import theme
    from app.ui.main_window import MainWindow
    from app.ui.session import Session
    from tests.app.ui.conftest import QuickStudio
    from tests.app.ui.monkey import Monkey, answer_questions, check_project, let_window_work, running_threads

    portrait, voice = folder / "face.png", folder / "voice.wav"
    Image.fromarray(np.full((96, 64, 3), 128, np.uint8)).save(portrait)
    soundfile.write(voice, np.random.default_rng(seed).normal(0, 0.1, 32000).astype(np.float32), 16000)
    app = QApplication.instance() or QApplication(["monkey"])
    assert isinstance(app, QApplication)
    theme.apply(app, "dark")
    threads = running_threads()
    window = MainWindow(asks=False, session=Session(studio=QuickStudio()))  # type: ignore[arg-type]
    session, errors = window.session, []
    window.player._want_sound = False
    window.resize(1500, 950)
    window.show()
    window.files.take([portrait, voice])

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        errors.append(error)
        traceback.print_exception(kind, error, trace)

    def wait(until: Callable[[], bool]) -> None:
        ended = time.perf_counter() + 30
        while not until() and time.perf_counter() < ended:
            app.processEvents()
            time.sleep(0.001)

    sys.excepthook = report  # where PySide sends what is raised in a slot
    wait(lambda: session.ready and session.speech is not None)
    with pytest.MonkeyPatch.context() as patch:
        answer_questions(patch, folder, seed)
        monkey = Monkey(window, folder, [portrait, voice], seed)
        spent: dict[str, float] = defaultdict(float)
        first = began = time.perf_counter()
        part = max(1, actions // PARTS)
        for number in range(actions):
            start = time.perf_counter()
            name = monkey.step()
            spent[name] += time.perf_counter() - start
            if number % 3 == 0:
                start = time.perf_counter()
                let_window_work()
                spent["events"] += time.perf_counter() - start
            if (number + 1) % part == 0:
                now = time.perf_counter()
                most = ", ".join(f"{n} {s:.1f}" for n, s in sorted(spent.items(), key=lambda e: -e[1])[:4])
                print(
                    f"{number + 1:6} actions: {(now - began) / part * 1000:.1f} ms each, {memory_mb():.0f} MB, "
                    f"{len(app.allWidgets())} widgets, {len(session.worker.jobs)} jobs, "
                    f"{len(running_threads())} threads, "
                    f"{things(window)} clips and keys; seconds: {most}",
                    flush=True,
                )
                began = now
                spent.clear()
        window.player.stop()
        session.worker.cancel_all()
        wait(lambda: not session.worker.busy)
        check_project(session, folder / "after.soliloquy")
        window.close()
    wait(lambda: running_threads() <= threads)
    left = sorted(running_threads() - threads)
    sys.excepthook = sys.__excepthook__
    print(f"{actions} actions with seed {seed} in {time.perf_counter() - first:.0f} s: {len(errors)} errors, ", end="")
    print(f"threads left: {', '.join(left) or 'none'}, project saved and read back equal", flush=True)
    return len(errors) + len(left)


def things(window: MainWindow) -> int:
    """Clips and keys of the project."""
    project = window.session.project
    return len(project.emotions) + len(project.styles) + sum(len(curve.keys) for curve in project.curves)


def memory_mb() -> float:
    """Memory in use now, where the system says it (Linux), else 0."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--actions", type=int, default=10_000)
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    options = parser.parse_args()
    failures = 0
    for seed in options.seed:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["SOLILOQUY_HOME"] = folder
            failures += run(options.actions, seed, Path(folder))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
