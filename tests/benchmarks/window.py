"""How the studio window feels: start, slider to picture, playback, response during an export, a long timeline.

Run by hand: ``python -m tests.benchmarks.window [PORTRAIT VOICE]`` (default: the demo). Figures depend on what else
the machine does; the load average is printed with them.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "assets" / "demo"
START = """
import time
started = time.perf_counter()
from app.ui.application import create_window
app, window = create_window(["soliloquy"], asks=False)
app.processEvents()
import sys
print(time.perf_counter() - started, time.process_time(), "torch" in sys.modules)
window.close()
"""


def percentile(values: list[float], part: float) -> float:
    """The value below which ``part`` (0 to 1) of ``values`` lie."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def start_time(runs: int = 5) -> None:
    """Wall and processor time from the first import to a painted window, in fresh processes."""
    found = []
    for _ in range(runs):
        result = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True, cwd=ROOT)
        wall, processor, torch = result.stdout.split()
        assert torch == "False"
        found.append((float(wall), float(processor)))
    wall_s = statistics.median(w for w, _ in found)
    processor_s = statistics.median(p for _, p in found)
    print(f"start: {wall_s:.2f} s from the first import to the painted window ({processor_s:.2f} s of processor time)")


def pump(app: Any, until: Callable[[], bool], limit_s: float = 120.0) -> float:
    """Run the event loop until a condition holds; seconds that took."""
    started = time.perf_counter()
    while not until():
        app.processEvents()
        time.sleep(0.0005)
        if time.perf_counter() - started > limit_s:
            raise TimeoutError("the window did not get there in time")
    return time.perf_counter() - started


def slider_to_frame(app: Any, window: Any, runs: int = 60) -> None:
    """From an edit to the new picture of the playhead's frame, at 512 px."""
    from app.core import commands

    session = window.session
    times = []
    for run in range(runs):
        seen: list[float] = []

        old = session.take

        def on_frame(_: int, seen: list[float] = seen, old: Any = old) -> None:
            if session.take != old:
                seen.append(time.perf_counter())

        session.frame_ready.connect(on_frame)
        intensity = 0.3 + 0.6 * ((run * 7) % 11) / 11
        started = time.perf_counter()
        session.do("Intensity", commands.replace_clip(session.project, "emotions", 0, intensity=round(intensity, 3)))
        session.history.end_merge()
        pump(app, lambda seen=seen: bool(seen))
        times.append((seen[0] - started) * 1000)
        session.frame_ready.disconnect(on_frame)
    print(f"slider to picture: median {statistics.median(times):.0f} ms, p95 {percentile(times, 0.95):.0f} ms")


def playback(app: Any, window: Any, seconds: float = 8.0) -> None:
    """Frames that were due but not shown while playing once through."""
    window.player._want_sound = False
    window.session.seek(0)
    window.actions_by_id["play.toggle"].trigger()
    started = time.perf_counter()
    pump(app, lambda: not window.player.playing or time.perf_counter() - started > seconds)
    window.player.stop()
    shown, dropped = window.playing.shown, window.playing.dropped
    part = dropped / max(1, shown + dropped)
    print(f"playback: {shown} shown, {dropped} left out ({part:.1%}) at {window.session.project.rate} fps")


def event_waits(app: Any, window: Any, what: str, seconds: float = 6.0) -> None:
    """How long an event of the window waits: a timer asks every 5 ms to be called, and says how late it was."""
    from PySide6.QtCore import Qt, QTimer

    late: list[float] = []
    last = [time.perf_counter()]

    def tick() -> None:
        now = time.perf_counter()
        late.append(max(0.0, (now - last[0]) * 1000 - 5))
        last[0] = now

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start(5)
    ended = time.perf_counter() + seconds
    while time.perf_counter() < ended:
        app.processEvents()
        time.sleep(0.0002)
    timer.stop()
    p99 = percentile(late, 0.99)
    print(f"events {what}: p50 {statistics.median(late):.1f} ms, p99 {p99:.1f} ms, max {max(late):.1f} ms")


def long_timeline(app: Any) -> None:
    """Frames a second while an hour with 300 clips is scrolled and zoomed."""
    from fractions import Fraction

    import numpy as np
    from PySide6.QtWidgets import QApplication

    from app.core.project import EmotionClip, Phone, Project, StyleClip
    from app.ui.timeline.layout import Scene
    from app.ui.timeline.picture import Picture
    from app.ui.timeline.scale import TimeScale
    from app.ui.timeline.view import TimelineView
    from app.ui.timeline.waveform import Peaks
    from engines.api import Performance

    total = 90_000
    emotions = tuple(EmotionClip(i * 590, i * 590 + 700, ("happy", "sad", "angry")[i % 3]) for i in range(150))
    styles = tuple(StyleClip(i * 600, i * 600 + 500, "clear") for i in range(150))
    words = tuple(Phone(i * 0.36, i * 0.36 + 0.3, "word") for i in range(10_000))
    phones = tuple(Phone(i * 0.09, i * 0.09 + 0.08, "AH") for i in range(40_000))
    scene = Scene(Project(emotions=emotions, styles=styles), total, 25.0, words, phones)
    picture = Picture(scene, TimeScale(), Fraction(25))
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 3600 * 16000).astype(np.float32)
    picture.peaks = Peaks(sound, 16000)
    rng = np.random.default_rng(1)  # motion that is never still: the worst there is to draw
    picture.performance = Performance(
        Fraction(25),
        rng.uniform(0, 1, (total, 52)),
        rng.normal(0, 0.1, (total, 6)),
        rng.normal(0, 0.1, (total, 4)),
        np.zeros(total),
    )
    view = TimelineView(picture)
    view.resize(1600, 400)
    view.show()
    QApplication.processEvents()
    view.zoom_to_fit()
    times, spent = [], []
    for step in range(120):
        started, processor = time.perf_counter(), time.process_time()
        if step % 3 == 2:
            view.zoom(1.25 if step < 60 else 0.8, 700)
        else:
            view._horizontal.setValue(view._horizontal.value() + 400)
        view.repaint()
        times.append(time.perf_counter() - started)
        spent.append((time.process_time() - processor) * 1000)
    view.close()
    worst = percentile(times, 0.95)
    print(
        f"hour with 300 clips: median {1 / statistics.median(times):.0f} fps, slowest 5 % at {1 / worst:.0f} fps; ",
        end="",
    )
    print(f"processor time a frame: median {statistics.median(spent):.1f} ms, p95 {percentile(spent, 0.95):.1f} ms")


def main() -> None:
    paths = [Path(name) for name in sys.argv[1:3]] or [next(iter(DEMO.glob("portrait.*"))), DEMO / "voice.wav"]
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as home:
        os.environ["SOLILOQUY_HOME"] = home
        start_time()
        from app.core import commands
        from app.ui.application import create_window
        from app.ui.render_queue import ExportRequest
        from engines.api import RenderOptions

        began = time.perf_counter()
        app, window = create_window(["soliloquy", *map(str, paths)], asks=False)
        window.resize(1600, 1000)
        session = window.session
        pump(app, lambda: session.image(0) is not None and session.speech is not None)
        print(f"files to first talking frame: {time.perf_counter() - began:.1f} s, nothing cached")
        session.attempt("Size", commands.set_field, size=(512, 512))
        session.attempt("Add", commands.add_emotion, "happy", 0, None, 0.5)
        session.seek(30)
        pump(app, lambda: session.image(30) is not None and "perform" not in session._running)
        slider_to_frame(app, window)
        playback(app, window)
        event_waits(app, window, "while idle")
        request = ExportRequest(session.project, (Path(home) / "out.mp4",), {}, RenderOptions(size=(512, 512)))
        window.queue.add(request)
        event_waits(app, window, "during an export")
        still = [entry.state for entry in window.queue.queue.entries]
        print(f"  (the export was {still[0]} at the end of that)")
        long_timeline(app)
        window.close()
    print(f"load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
