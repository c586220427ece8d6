"""Takes and a small head for the export tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from app.export import Take
from engines import arkit
from engines.api import Performance

MakePerformance = Callable[..., Performance]


def random_performance(seed: int = 0, count: int = 24, rate: Fraction = Fraction(30)) -> Performance:
    """Smooth, lively curves in their allowed ranges."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, count)[:, None]

    def curves(width: int) -> np.ndarray:
        speed, phase = rng.uniform(2, 14, width), rng.uniform(0, 7, width)
        return np.sin(t * speed + phase)

    head = curves(6) * np.array([0.2, 0.3, 0.15, 1, 1, 2])
    return Performance(rate, (curves(arkit.COUNT) + 1) / 2, head, curves(4) * 0.3, (curves(1)[:, 0] + 1) / 2)


@pytest.fixture
def performance() -> Performance:
    return random_performance()


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """0.8 s of a soft hum at 16 kHz."""
    path = tmp_path / "voice.wav"
    t = np.arange(12_800) / 16_000
    sf.write(path, 0.1 * np.sin(2 * np.pi * 140 * t), 16_000)
    return path


def picture_take(performance: Performance, channels: int = 3, size: tuple[int, int] = (66, 48), **more: object) -> Take:
    """A take whose pictures brighten from frame to frame; with alpha, the right half is clear."""

    def frames() -> Iterator[np.ndarray]:
        for i in range(len(performance)):
            picture = np.full((size[1], size[0], channels), 40 + 5 * i, np.uint8)
            picture[..., 2] = 90
            if channels == 4:
                picture[..., 3] = 255
                picture[:, size[0] // 2 :, 3] = 0
            yield picture

    return Take(performance, performance.rate, frames, size, **more)  # type: ignore[arg-type]
