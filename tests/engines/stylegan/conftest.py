"""A small generator with made-up weights in a weights store, and actors prepared with and without it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engines import registry
from engines.api import Portrait
from engines.stylegan import bridge, net_invert, touch
from engines.stylegan.actor import StyleGANActor
from engines.stylegan.engine import StyleGANEngine
from engines.stylegan.net import Config, Generator
from engines.stylegan.net_invert import Effort
from engines.stylegan.taught import TaughtActor
from tests.engines.edtalk.conftest import store

DEMO = Path(__file__).resolve().parents[3] / "assets" / "demo"
SMALL = Config(32, 64, 4, 0.0625, 64)
ENTRY, FILE = "stylegan2-256", "550000.pt"


def made_up(config: Config = SMALL) -> Generator:
    """A generator whose pictures are blobs."""
    torch.manual_seed(0)
    generator = Generator(config)
    for noise in generator.noises.maps():
        noise.mul_(0.1)
    return generator.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stylegan")
    store(folder, ENTRY, FILE, {"g_ema": made_up().state_dict(), "latent_avg": torch.zeros(64)})
    return folder


@pytest.fixture
def stored(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The store for one test."""
    monkeypatch.setenv("SOLILOQUY_HOME", str(home))
    return home


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little work: made-up weights learn nothing anyway."""
    less(monkeypatch)


def less(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bridge, "LESSONS", {"mouth": 6, "pose": 5, "expression": 5})
    patch.setattr(bridge, "EXAMS", 3)
    patch.setattr(bridge, "refinement", lambda size, device: 2)
    patch.setattr(net_invert.Effort, "of", staticmethod(lambda size, device: Effort(12, 6)))


@pytest.fixture(scope="session")
def portrait() -> Portrait:
    image = Image.open(DEMO / "portrait.jpg").convert("RGB")
    image.thumbnail((320, 320), Image.Resampling.LANCZOS)
    return Portrait(np.array(image))


@pytest.fixture(scope="session")
def engine() -> StyleGANEngine:
    return StyleGANEngine(registry.info("stylegan"))


@pytest.fixture(scope="session")
def generated(engine: StyleGANEngine, portrait: Portrait, home: Path) -> StyleGANActor:
    """The demo's portrait in the made-up generator."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOLILOQUY_HOME", str(home))
        less(patch)
        actor = engine.prepare(portrait)
    assert isinstance(actor, StyleGANActor)
    return actor


@pytest.fixture(scope="session")
def taught(engine: StyleGANEngine, portrait: Portrait, tmp_path_factory: pytest.TempPathFactory) -> TaughtActor:
    """The demo's portrait, taught by the rig."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOLILOQUY_HOME", str(tmp_path_factory.mktemp("nothing")))
        patch.setattr(touch, "_LESSONS", 16)
        patch.setattr(touch, "_UNSEEN", 6)
        patch.setattr(touch, "_STEPS", 2)
        actor = engine.prepare(portrait)
    assert isinstance(actor, TaughtActor)
    return actor
