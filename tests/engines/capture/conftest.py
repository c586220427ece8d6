"""A take whose motion is known, drawn once."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from engines import arkit, registry
from engines.api import Performance, Portrait, RenderOptions

DEMO = Path(__file__).resolve().parents[3] / "assets" / "demo" / "portrait.jpg"


def encode(path: Path, frames: Iterable[np.ndarray], *arguments: str, rate: int = 25) -> Path:
    """Frames as a video."""
    from imageio_ffmpeg import get_ffmpeg_exe

    pictures = list(frames)
    height, width = pictures[0].shape[:2]
    command = [get_ffmpeg_exe(), "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{width}x{height}", "-r", str(rate), "-i", "-", *arguments, "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, input=b"".join(p.tobytes() for p in pictures), check=True)
    return path


def bump(count: int, middle: int, width: int) -> np.ndarray:
    """A smooth rise to 1 and back : (count,)."""
    return np.clip(1 - ((np.arange(count) - middle) / width) ** 2, 0, 1) ** 1.5


@dataclass(frozen=True)
class KnownTake:
    """A drawn take: its file, frames, and the motion that was asked for."""

    path: Path
    frames: list[np.ndarray]
    performance: Performance


@pytest.fixture(scope="session")
def demo_actor() -> object:
    """The demo portrait, 384 px, made ready by the rig."""
    import cv2

    rgb = cv2.resize(cv2.imread(str(DEMO))[..., ::-1], (384, 384), interpolation=cv2.INTER_AREA)
    return registry.load("blendshape").prepare(Portrait(np.ascontiguousarray(rgb)))


@pytest.fixture(scope="session")
def known(demo_actor: object, tmp_path_factory: pytest.TempPathFactory) -> KnownTake:
    """Three seconds: rest, then jaw, smile, pucker, brows and blinks while the head turns."""
    count = 75
    weights, head = np.zeros((count, arkit.COUNT)), np.zeros((count, 6))
    for middle in (33, 55, 70):
        weights[:, arkit.INDEX["jawOpen"]] += 0.45 * bump(count, middle, 5)
    for name, middle, width, most in (
        ("mouthSmile", 43, 9, 0.8), ("eyeBlink", 36, 3, 1.0), ("eyeBlink", 60, 3, 1.0), ("browOuterUp", 52, 8, 0.8),
    ):  # fmt: skip
        weights[:, list(arkit.indices(name))] += most * bump(count, middle, width)[:, None]
    weights[:, arkit.INDEX["browInnerUp"]] = 0.8 * bump(count, 52, 8)
    weights[:, arkit.INDEX["mouthPucker"]] = 0.8 * bump(count, 63, 6)
    moving = np.clip((np.arange(count) - 27) / 6, 0, 1)
    head[:, 1] = 0.14 * moving * np.sin(np.arange(count) / 7)
    head[:, 0] = 0.07 * moving * np.sin(np.arange(count) / 5)
    performance = Performance(Fraction(25), weights, head, np.zeros((count, 4)), np.zeros(count))
    engine = registry.load("blendshape")
    frames = [np.ascontiguousarray(f) for f in engine.render(demo_actor, performance, options=RenderOptions())]
    path = encode(tmp_path_factory.mktemp("known") / "take.mp4", frames, "-crf", "16")
    return KnownTake(path, frames, performance)
