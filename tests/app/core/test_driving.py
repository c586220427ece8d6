"""A voice and a video reach an engine that reads them itself, and what it read is kept."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.core.cache import DiskCache
from app.core.project import Project
from app.core.studio import Studio
from engines import registry
from engines.api import Coordinate, EngineInfo, Performance

ASSETS = Path(__file__).resolve().parents[3] / "assets" / "demo"


class Reader:
    """Draws the level that it read from the voice and the video."""

    def __init__(self) -> None:
        self.info = EngineInfo(
            "reader", "Reader", "", "", "tests.app.core.test_driving:Reader", frozenset(),
            coordinates=(Coordinate("level"),), sources=("voice", "video"),
        )  # fmt: skip
        self.asked: list[tuple[str, str, int]] = []

    def prepare(self, portrait: Any, **_: Any) -> Any:
        return type("Actor", (), {"engine_id": "reader", "digest": portrait.digest()})()

    def sources(
        self, actor: Any, voice: Any, video: Path | None, rate: Fraction, count: int, **_: Any
    ) -> dict[str, np.ndarray]:
        self.asked.append((voice.digest if voice else "", video.name if video else "", count))
        return {"read": np.linspace(10, 200, count).astype(np.float32)}

    def render(self, actor: Any, performance: Performance, *, start: int = 0, stop: Any = None, **_: Any) -> Any:
        for value in performance.coordinate("read")[start:stop]:
            yield np.full((4, 4, 3), round(float(value)), np.uint8)

    def unload(self) -> None:
        """Nothing is held."""


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    engine = Reader()
    monkeypatch.setattr(registry, "load", lambda _: engine)
    monkeypatch.setattr(registry, "engines", lambda: {"reader": engine.info})
    return engine


@pytest.fixture
def project(tmp_path: Path) -> Project:
    path = tmp_path / "face.png"
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(path)
    return Project(portrait=str(path), engine="reader")


def levels(studio: Studio, project: Project, count: int = 5) -> list[int]:
    frames = studio.frames(project, Performance.rest(count, Fraction(25)))
    return [int(f[0, 0, 0]) for f in frames]


def test_the_voice_is_read_once_and_kept(reader: Reader, project: Project, tmp_path: Path) -> None:
    spoken = project.with_(voice=str(ASSETS / "voice.wav"))
    cache = DiskCache(tmp_path / "cache")
    studio = Studio(cache)
    assert levels(studio, spoken) == [10, 58, 105, 152, 200]
    levels(studio, spoken)
    levels(Studio(cache), spoken)
    assert [(bool(v), f, n) for v, f, n in reader.asked] == [(True, "", 5)]
    levels(studio, spoken, 6)
    assert len(reader.asked) == 2


def test_a_damaged_entry_is_read_again(reader: Reader, project: Project, tmp_path: Path) -> None:
    spoken = project.with_(voice=str(ASSETS / "voice.wav"))
    cache = DiskCache(tmp_path / "cache")
    levels(Studio(cache), spoken)
    for path, _, _ in cache.entries():
        path.write_bytes(b"PK\x03\x04 not whole")
    assert levels(Studio(cache), spoken)[-1] == 200
    assert len(reader.asked) == 2


def test_a_video_that_gives_the_motion_is_read(reader: Reader, project: Project, tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"video")
    levels(Studio(DiskCache(tmp_path / "cache")), project.with_(performance=str(video)))
    assert reader.asked == [("", "clip.mp4", 5)]


def test_without_voice_or_video_nothing_is_asked(reader: Reader, project: Project, tmp_path: Path) -> None:
    curves = project.with_(performance=str(tmp_path / "take.csv"))
    assert levels(Studio(DiskCache(tmp_path / "cache")), curves) == [0] * 5
    assert not reader.asked
