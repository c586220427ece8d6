"""The demo sitter, prepared once."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engines import arkit, registry
from engines.api import Performance, Portrait
from engines.blendshape.actor import BlendshapeActor
from engines.blendshape.engine import BlendshapeEngine

DEMO = Path(__file__).resolve().parents[3] / "assets" / "demo" / "portrait.jpg"


@pytest.fixture(scope="session")
def engine() -> BlendshapeEngine:
    return registry.load("blendshape")


@pytest.fixture(scope="session")
def portrait() -> Portrait:
    image = Image.open(DEMO).convert("RGB")
    image.thumbnail((320, 320), Image.Resampling.LANCZOS)
    return Portrait(np.array(image))


@pytest.fixture(scope="session")
def actor(engine: BlendshapeEngine, portrait: Portrait) -> BlendshapeActor:
    return engine.prepare(portrait)


def still(
    head: tuple[float, ...] = (0,) * 6,
    gaze: tuple[float, ...] = (0,) * 4,
    tongue: float = 0.0,
    count: int = 1,
    **units: float,
) -> Performance:
    """A pose that lasts ``count`` frames."""
    weights = np.zeros((count, arkit.COUNT))
    for name, value in units.items():
        weights[:, list(arkit.indices(name))] = value
    return Performance(
        Fraction(25), weights, np.tile(head, (count, 1)), np.tile(gaze, (count, 1)), np.full(count, tongue)
    )


@pytest.fixture(scope="session")
def draw(engine: BlendshapeEngine, actor: BlendshapeActor) -> Callable[..., np.ndarray]:
    """Draw one pose, given as keywords of `still`."""

    def one(**pose: object) -> np.ndarray:
        return next(iter(engine.render(actor, still(**pose))))  # type: ignore[arg-type]

    return one


@pytest.fixture
def face_box(actor: BlendshapeActor) -> tuple[slice, slice]:
    left, top, right, bottom = (int(v) for v in actor.landmarks.box)
    return slice(top, bottom), slice(left, right)
