"""A small EDTalk with made-up weights in a weights store, and an actor prepared with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engines import registry
from engines.api import Portrait
from engines.disentangled.net import Config, EDTalk
from engines.disentangled.net_audio import Audio2Lip
from engines.disentangled.net_fast import Animator
from engines.edtalk.actor import EDTalkActor
from engines.edtalk.engine import EDTalkEngine
from engines.latent import bridge
from tests.engines.disentangled.test_net import filled

DEMO = Path(__file__).resolve().parents[3] / "assets" / "demo"
SMALL = Config(size=64, style_dim=48, width=1 / 16, max_channels=32)


def store(home: Path, entry: str, file: str, contents: Any) -> Path:
    """Put a checkpoint into the weights store below ``home`` as an import leaves it there."""
    folder = home / "weights" / entry
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(contents, folder / file)
    data = (folder / file).read_bytes()
    record = {"file": file, "size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "record.json").write_text(json.dumps(record))
    return folder / file


def steady(model: torch.nn.Module) -> torch.nn.Module:
    """Finite outputs from made-up batch normalisation."""
    torch.manual_seed(3)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("edtalk")
    store(folder, "edtalk", "EDTalk.pt", {"gen": filled(EDTalk(SMALL)).state_dict()})
    store(folder, "edtalk-audio2lip", "Audio2Lip.pt", {"audio2lip": steady(Audio2Lip()).state_dict()})
    return folder


@pytest.fixture
def stored(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The store for one test."""
    monkeypatch.setenv("SOLILOQUY_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def portrait() -> Portrait:
    image = Image.open(DEMO / "portrait.jpg").convert("RGB")
    image.thumbnail((320, 320), Image.Resampling.LANCZOS)
    return Portrait(np.array(image))


@pytest.fixture(scope="session")
def engine() -> EDTalkEngine:
    return EDTalkEngine(registry.info("edtalk"))


@pytest.fixture(scope="session")
def actor(engine: EDTalkEngine, portrait: Portrait, home: Path) -> Iterator[EDTalkActor]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOLILOQUY_HOME", str(home))
        patch.setattr(bridge, "LESSONS", {"mouth": 10, "pose": 8, "expression": 8})
        patch.setattr(bridge, "EXAMS", 3)
        yield engine.prepare(portrait)


@pytest.fixture(scope="session")
def animator() -> Animator:
    return Animator(filled(EDTalk(SMALL)))
