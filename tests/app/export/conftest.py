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
from engines.rig.mesh import HeadMesh, effective_weights

MakePerformance = Callable[..., Performance]


def random_performance(seed: int = 0, count: int = 24, rate: Fraction = Fraction(30)) -> Performance:
    """Smooth, lively curves in their allowed ranges."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, count)[:, None]

    def curves(width: int) -> np.ndarray:
        speed, phase = rng.uniform(2, 14, width), rng.uniform(0, 7, width)
        return np.sin(t * speed + phase)

    weights = effective_weights((curves(arkit.COUNT) + 1) / 2)  # as every finished performance has them
    head = curves(6) * np.array([0.2, 0.3, 0.15, 1, 1, 2])
    return Performance(rate, weights, head, curves(4) * 0.3, (curves(1)[:, 0] + 1) / 2)


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


def _ball(centre: np.ndarray, radius: np.ndarray, rings: int, sides: int) -> tuple[np.ndarray, ...]:
    """A closed ball with a texture seam: vertices, triangles, uv, uv triangles."""
    polar = np.linspace(0, np.pi, rings + 1)[1:-1]
    around = np.arange(sides) / sides * 2 * np.pi
    ring = np.stack(np.broadcast_arrays(
        np.sin(polar)[:, None] * np.sin(around), np.cos(polar)[:, None], np.sin(polar)[:, None] * np.cos(around)
    ), -1).reshape(-1, 3)  # fmt: skip
    points = np.vstack([ring, [[0, 1, 0], [0, -1, 0]]]) * radius + centre
    uv = np.stack(np.meshgrid(np.arange(sides + 1) / sides, 1 - polar / np.pi), -1).reshape(-1, 2)
    uv = np.vstack([uv, [[0.5, 1], [0.5, 0]]])
    triangles, corners = [], []
    top, bottom = len(ring), len(ring) + 1
    for j in range(sides):
        k, u = (j + 1) % sides, j + 1
        for i in range(rings - 2):
            a, b, c, d = i * sides + j, i * sides + k, (i + 1) * sides + j, (i + 1) * sides + k
            p, q, r, s = (row * (sides + 1) + column for row in (i, i + 1) for column in (j, u))
            triangles += [(a, c, b), (b, c, d)]
            corners += [(p, r, q), (q, r, s)]
        low = (rings - 2) * sides
        triangles += [(top, j, k), (bottom, low + k, low + j)]
        row = (rings - 2) * (sides + 1)
        corners += [(len(uv) - 2, j, u), (len(uv) - 1, row + u, row + j)]
    return points, np.array(triangles), uv, np.array(corners)


_PLACES = {"eye": (3.1, 3, 8), "brow": (3, 5, 8), "jaw": (0, -7, 7), "mouth": (1.5, -4, 8), "cheek": (4, -2, 7),
           "nose": (1, 0, 9), "tongue": (0, -4, 8)}  # fmt: skip


def made_head() -> HeadMesh:
    """A small head: a ball for the skin with a local bulge for each unit, and two eyeballs."""
    skin = _ball(np.array([0, 0, 0.0]), np.array([7.5, 10, 9.0]), 14, 22)
    eyes = [_ball(np.array([x, 3, 7.0]), np.full(3, 1.2), 6, 8) for x in (3.1, -3.1)]
    pieces = [skin, *eyes]
    starts = np.cumsum([0, *(len(p[0]) for p in pieces)])
    uv_starts = np.cumsum([0, *(len(p[2]) for p in pieces)])
    vertices = np.concatenate([p[0] for p in pieces])
    units = np.zeros((arkit.COUNT, len(vertices), 3), np.float32)
    for i, name in enumerate(arkit.NAMES):
        stem = next(s for s in _PLACES if name.startswith(s))
        place = np.array(_PLACES[stem]) * ((-1, 1, 1) if name.endswith("Right") else (1, 1, 1))
        near = np.exp(-(((skin[0] - place) / 2.5) ** 2).sum(1))
        direction = np.random.default_rng(i).normal(size=3)
        units[i, : len(skin[0])] = (near * (near > 0.02))[:, None] * direction
    weights = np.zeros((len(vertices), 4), np.float32)
    up = np.clip((skin[0][:, 1] + 9) / 4, 0, 1)
    weights[: len(up), 0], weights[: len(up), 1] = 1 - up, up
    weights[starts[1] : starts[2], 2] = 1
    weights[starts[2] :, 3] = 1
    parts = np.repeat([0, 1, 2], [len(p[1]) for p in pieces]).astype(np.int8)
    texture = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    return HeadMesh(
        vertices.astype(np.float32),
        np.concatenate([p[1] + s for p, s in zip(pieces, starts, strict=False)]).astype(np.int32),
        np.concatenate([p[2] for p in pieces]).astype(np.float32),
        np.concatenate([p[3] + s for p, s in zip(pieces, uv_starts, strict=False)]).astype(np.int32),
        units,
        weights,
        np.array([[0, -9, -2], [0, -4, -1], [3.1, 3, 7], [-3.1, 3, 7]], np.float32),
        parts,
        texture,
    )


@pytest.fixture(scope="session")
def head() -> HeadMesh:
    return made_head()
