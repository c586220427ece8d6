"""Fixtures of the window's tests: no display, no real engine where the window itself is what is tested."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from app.core.project import Project
from engines.api import Performance
from engines.errors import InputError
from engines.speech.analysis import SpeechAnalysis
from engines.speech.segment import Segment
from engines.timebase import frame_count, parse_rate


class QuickStudio:
    """Answers like `app.core.studio.Studio`, from plain arithmetic, so that tests of the window take milliseconds.

    Frames show the frame number in their red value and the yaw in their green one.
    """

    def __init__(self) -> None:
        from app.core.cache import DiskCache

        self.cache = DiskCache()
        self.calls: list[str] = []

    def portrait(self, project: Project) -> Any:
        from engines.face.portrait import load_portrait

        return load_portrait(Path(project.portrait), project.face)

    def portrait_digest(self, project: Project) -> str:
        return str(self.portrait(project).digest())

    def analyse(self, project: Project, *, progress: Any = None, cancel: Any = None) -> Any:
        self.calls.append("analyse")
        text = project.speech.text.split() or ["one", "two"]
        words = tuple(Segment(0.2 + 0.4 * i, 0.5 + 0.4 * i, w) for i, w in enumerate(text))
        phones = tuple(Segment(0.2 + 0.1 * i, 0.3 + 0.1 * i, p, 0.4) for i, p in enumerate(("W", "AH", "N", "T", "UW")))
        voice = soundfile.info(project.voice)
        count = max(1, round(voice.duration * 50))
        t = np.arange(count) / 50
        return SpeechAnalysis(
            samples=voice.frames,
            sample_rate=voice.samplerate,
            voice_digest=project.voice,
            text=" ".join(w.label for w in words),
            language="en",
            loudness_db=np.where(t < 1, -20, -30).astype(np.float32),
            pitch_hz=(200 * 2 ** (np.where(t < 1, 3, -3) / 12 + 0.2 * np.sin(8 * t))).astype(np.float32),
            speaking=np.ones(count, bool),
            mouth={},
            words=words,
            phones=phones,
        )

    def perform(self, project: Project, *, progress: Any = None, cancel: Any = None) -> Performance:
        self.calls.append("perform")
        try:
            info = soundfile.info(project.voice)
        except soundfile.LibsndfileError as error:
            raise InputError(f"{project.voice} cannot be read: {error}") from None
        rate = parse_rate(project.rate)
        count = frame_count(info.frames, info.samplerate, rate)
        performance = Performance.rest(count, rate)
        head = np.zeros((count, 6), np.float32)
        from app.core.controls import sample_controls

        for curve in sample_controls(project, count).curves:
            if curve.channel == "pose.yaw_deg":
                head[:, 1] = np.radians(curve.values)
        weights = performance.weights.copy()
        weights[:, 17] = np.linspace(0, 0.5, count) * (1 + len(project.emotions)) / 4
        return performance.with_(head=head, weights=weights)

    def prepare(self, project: Project, *, progress: Any = None, cancel: Any = None) -> Any:
        self.calls.append("prepare")
        return type("Actor", (), {"engine_id": project.engine, "digest": project.portrait})()

    def frames(
        self, project: Project, performance: Performance, start: int = 0, stop: int | None = None, options: Any = None,
        cancel: Any = None,
    ) -> Iterator[np.ndarray]:  # fmt: skip
        stop = len(performance) if stop is None else stop
        width, height = (options.size if options and options.size else None) or (64, 64)
        for frame in range(start, stop):
            image = np.zeros((height, width, 3), np.uint8)
            image[..., 0] = frame % 256
            image[..., 1] = round(float(np.degrees(performance.head[frame, 1]))) % 256
            yield image

    def frame_count(self, project: Project) -> int:
        return len(self.perform(project))

    def output_size(self, project: Project, wanted: Any = None) -> tuple[int, int]:
        return 64, 64

    def export(self, project: Project, outputs: list[Path], **_: Any) -> list[Path]:
        for path in outputs:
            path.write_bytes(b"exported")
        return outputs


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    path = tmp_path / "face.png"
    Image.fromarray(np.full((96, 64, 3), 128, np.uint8)).save(path)
    return path


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    path = tmp_path / "voice.wav"
    t = np.arange(32000) / 16000
    soundfile.write(
        path, (0.3 * np.sin(2 * np.pi * 220 * t) * (np.sin(2 * np.pi * 2 * t) > 0)).astype(np.float32), 16000
    )
    return path


@pytest.fixture
def session(qtbot: Any) -> Iterator[Any]:
    from app.ui.session import Session

    made = Session(studio=QuickStudio())  # type: ignore[arg-type]
    yield made
    made.close()


@pytest.fixture
def loaded(session: Any, qtbot: Any, portrait: Path, voice: Path) -> Any:
    """A session with a portrait and a voice, everything computed."""
    session.add_file(portrait)
    session.add_file(voice)
    qtbot.waitUntil(lambda: session.ready and session.speech is not None and session.image(0) is not None, timeout=8000)
    return session


@pytest.fixture
def window(qtbot: Any) -> Iterator[Any]:
    """The whole window on a quick studio."""
    from PySide6.QtWidgets import QApplication

    from app.ui import theme
    from app.ui.main_window import MainWindow
    from app.ui.session import Session

    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, "dark")
    made = MainWindow(asks=False, session=Session(studio=QuickStudio()))  # type: ignore[arg-type]
    made.player._want_sound = False
    qtbot.addWidget(made)
    made.resize(1500, 950)
    made.show()
    yield made
    made.close()


@pytest.fixture
def filled(window: Any, qtbot: Any, portrait: Path, voice: Path) -> Any:
    """The window with a portrait and a voice."""
    window.files.take([portrait, voice])
    session = window.session
    qtbot.waitUntil(lambda: session.ready and session.speech is not None and session.image(0) is not None, timeout=8000)
    return window
