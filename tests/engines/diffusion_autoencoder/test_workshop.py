"""Making actors: what lies in their folders, going on after a stop, and what cannot be made."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.diffusion_autoencoder import actor as actors
from engines.diffusion_autoencoder.actor import DiffusionActor
from engines.diffusion_autoencoder.bench import Order
from engines.diffusion_autoencoder.engine import DiffusionEngine
from engines.diffusion_autoencoder.workshop import News, make_actor, minutes
from engines.errors import InputError


def test_a_folder_holds_what_an_artist_can_look_into(folder: Path, order: Order) -> None:
    names = {path.name for path in folder.iterdir()}
    assert {actors.CARD, actors.PORTRAIT, actors.NETWORK, actors.CODES, actors.PREVIEW} <= names
    card = actors.read_card(folder)
    assert (card.name, card.command) == ("somebody", "a test")
    assert card.figures["pictures"] == order.pictures
    assert card.figures["frames_taught"] == order.lessons
    assert card.figures["drawn_db"] > 25
    with np.load(folder / actors.CODES) as codes:
        assert codes["codes"].shape == (order.lessons, 64)
        assert codes["poses"].shape == (order.lessons, 6)
        assert np.isfinite(codes["std"]).all()


def test_teaching_went_on_where_it_was_stopped(folder: Path, engine: DiffusionEngine, order: Order) -> None:
    told: list[News] = []
    card = make_actor(replace(order, pictures=order.pictures + 8), folder, engine.info, tell=told.append)
    assert card.figures["pictures"] == order.pictures + 8
    assert not any("lessons" in news.what for news in told)
    assert told[-1].part == 1
    assert told[-1].strip is not None


def test_an_actor_in_its_folder_is_found(actor: DiffusionActor) -> None:
    assert actor.taught == "trained: somebody"
    assert actor.speaker is None


def test_a_folder_begun_otherwise_is_refused(
    folder: Path, engine: DiffusionEngine, order: Order, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="begun with another size"):
        make_actor(replace(order, size=64), folder, engine.info)
    (tmp_path / actors.CARD).write_text(json.dumps({}))
    with pytest.raises(InputError, match="finished actor"):
        make_actor(order, tmp_path, engine.info)


def test_what_cannot_be_made_is_said(engine: DiffusionEngine, order: Order, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        make_actor(replace(order, source=tmp_path / "nobody.png"), tmp_path / "a", engine.info)
    with pytest.raises(InputError, match="window of 50 px"):
        make_actor(replace(order, size=50), tmp_path / "a", engine.info)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no footage"):
        make_actor(replace(order, source=tmp_path / "empty"), tmp_path / "a", engine.info)


def test_times_are_told_to_people() -> None:
    assert minutes(12.3) == "12 s"
    assert minutes(600) == "10 min"
