"""A taught actor of the demo portrait, shared by the tests: teaching takes some seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engines import registry
from engines.api import Portrait
from engines.disentangled.actor import TaughtActor
from engines.disentangled.engine import DisentangledEngine

DEMO = Path(__file__).resolve().parents[3] / "assets" / "demo" / "portrait.jpg"


def demo(size: int) -> Portrait:
    """The demo portrait, ``size`` pixels wide or high."""
    image = Image.open(DEMO).convert("RGB")
    image.thumbnail((size, size), Image.Resampling.LANCZOS)
    return Portrait(np.array(image))


@pytest.fixture(scope="session")
def engine() -> DisentangledEngine:
    return DisentangledEngine(registry.info("disentangled"))


@pytest.fixture(scope="session")
def actor(engine: DisentangledEngine) -> TaughtActor:
    return engine.prepare(demo(400))
