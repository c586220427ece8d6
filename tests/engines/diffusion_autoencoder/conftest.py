"""An actor of the demo portrait, small and taught for seconds, shared by the tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from engines import registry
from engines.api import CancelToken, Portrait
from engines.diffusion_autoencoder import actor as actors
from engines.diffusion_autoencoder.actor import DiffusionActor
from engines.diffusion_autoencoder.bench import Order
from engines.diffusion_autoencoder.engine import DiffusionEngine
from engines.diffusion_autoencoder.workshop import News, make_actor
from engines.errors import Cancelled
from engines.face.portrait import load_portrait

DEMO = Path(__file__).resolve().parents[3] / "assets" / "demo" / "portrait.jpg"


@pytest.fixture(scope="session")
def engine() -> DiffusionEngine:
    return DiffusionEngine(registry.info("diffusion_autoencoder"))


@pytest.fixture(scope="session")
def order(tmp_path_factory: pytest.TempPathFactory) -> Order:
    image = Image.open(DEMO).convert("RGB")
    image.thumbnail((200, 200), Image.Resampling.LANCZOS)
    path = tmp_path_factory.mktemp("portrait") / "somebody.png"
    image.save(path)
    return Order(path, size=48, lessons=40, pictures=400, fresh=True)


@pytest.fixture(scope="session")
def folder(order: Order, engine: DiffusionEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An actor's folder; making it was cancelled once and went on."""
    place = tmp_path_factory.mktemp("actors") / "somebody"
    token = CancelToken()

    def stop(news: News) -> None:
        if news.figures:
            token.cancel()

    with pytest.raises(Cancelled):
        make_actor(order, place, engine.info, tell=stop, cancel=token, check_every=10)
    assert not actors.is_actor(place)
    make_actor(order, place, engine.info, command="a test")
    return place


@pytest.fixture(scope="session")
def portrait(folder: Path) -> Portrait:
    return load_portrait(folder / actors.PORTRAIT)


@pytest.fixture(scope="session")
def actor(engine: DiffusionEngine, portrait: Portrait) -> DiffusionActor:
    return engine.prepare(portrait)
