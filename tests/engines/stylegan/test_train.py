"""Training a small generator: what it learns, that it survives being killed, and the file it leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engines import weights
from engines.api import CancelToken, Portrait
from engines.errors import Cancelled, InputError, WeightsMissing
from engines.stylegan import numbers, train
from engines.stylegan.convert import LoadedGenerator, load_own
from engines.stylegan.faces import Faces, from_portraits
from engines.stylegan.net import Config, Generator
from engines.stylegan.net_augment import Augment
from engines.stylegan.net_people import People
from engines.stylegan.train import CARD, LOG, PICTURE, STATE, Plan, Trainer
from engines.stylegan.workshop import Order, make_generator
from tests.engines.stylegan.conftest import DEMO

TINY = Config(32, 32, 2, 0.015625, 32)
SHORT = Plan(steps=4, batch=4, check_every=2, r1_every=2, path_every=2)


@pytest.fixture(scope="module")
def faces() -> Faces:
    """Discs whose size is a number, in two colours for two people."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, numbers.COUNT)).astype(np.float32)
    person = np.arange(40) % 2
    y, x = np.mgrid[:32, :32] - 15.5
    discs = np.hypot(x, y)[None] < 9 + 2 * values[:, 3, None, None]
    colour = np.array([[230, 120, 60], [60, 120, 230]])[person]
    return Faces(np.where(discs[..., None], colour[:, None, None], 30).astype(np.uint8), values, person)


def trainer(faces: Faces, folder: Path, plan: Plan = SHORT) -> Trainer:
    torch.manual_seed(1)
    return Trainer(People(TINY, 2), faces.part(slice(8, None)), faces.part(slice(8)), folder, plan)


def test_it_learns_to_draw_who_and_what(faces: Faces, tmp_path: Path) -> None:
    plan = replace(SHORT, steps=60, batch=8, adversarial=0, rate=4e-3, average=0.9, check_every=60)
    made = trainer(faces, tmp_path, plan)
    before = made.look().psnr_db
    assert made.run().psnr_db > before + 5
    assert (tmp_path / PICTURE).stat().st_size > 500
    assert len((tmp_path / LOG).read_text().splitlines()) == 2


def test_killed_training_goes_on_where_it_was(faces: Faces, tmp_path: Path) -> None:
    whole = trainer(faces, tmp_path / "whole")
    whole.run()
    cut = trainer(faces, tmp_path / "cut", replace(SHORT, check_every=2))
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        cut.run(tell=lambda part, look: cancel.cancel(), cancel=cancel)
    again = trainer(faces, tmp_path / "cut")
    assert again.step == 2
    again.run()
    for a, b in zip(whole.model.parameters(), again.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_every_regularisation_takes_part(faces: Faces, tmp_path: Path) -> None:
    losses = trainer(faces, tmp_path)._train()
    assert losses.keys() == {"picture", "adversarial", "path", "discriminator", "r1"}
    assert all(np.isfinite(list(losses.values())))


def test_state_of_another_network_is_refused(faces: Faces, tmp_path: Path) -> None:
    trainer(faces, tmp_path, replace(SHORT, steps=1)).run()
    with pytest.raises(WeightsMissing, match="another size"):
        Trainer(People(TINY, 3), faces, faces, tmp_path, SHORT)
    (tmp_path / STATE).write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(WeightsMissing, match="damaged"):
        trainer(faces, tmp_path)


def test_file_it_leaves_is_a_generator_of_the_store(faces: Faces, tmp_path: Path) -> None:
    made = trainer(faces, tmp_path, replace(SHORT, steps=1))
    made.run()
    path = made.export({"what": "discs"})
    loaded = load_own(path)
    assert loaded.generator.config == TINY
    assert loaded.moves is not None
    assert json.loads((tmp_path / CARD).read_text())["steps"] == 1
    assert weights.import_path(path)[0].entry.id == "stylegan-own"
    averaged = made._averaged()["generator.convs.0.conv.weight"]
    torch.testing.assert_close(loaded.generator.state_dict()["convs.0.conv.weight"], averaged, atol=2e-3, rtol=2e-3)


def test_foreign_generator_is_not_taken_for_an_own_one(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(People(TINY, 1).generator.state_dict(), tmp_path / "generator.safetensors")
    with pytest.raises(WeightsMissing, match="'moves', 'people' or 'latent_avg' is absent"):
        load_own(tmp_path / "generator.safetensors")


def test_augmentation_follows_the_discriminator() -> None:
    augment, own = Augment(), torch.Generator().manual_seed(1)
    pictures = torch.rand(4, 3, 16, 16)
    assert augment(pictures, own) is pictures
    augment.follow(torch.ones(2000))
    assert augment.strength == pytest.approx(0.02)
    augment.follow(-torch.ones(5000))
    assert augment.strength == 0
    augment.strength = 1.0
    changed = augment(pictures.requires_grad_(True), own)
    assert changed.shape == pictures.shape
    assert not torch.allclose(changed, pictures)
    changed.sum().backward()
    assert pictures.grad is not None


def test_rig_faces_come_with_their_numbers(portrait: Portrait) -> None:
    found = from_portraits([portrait], 32, 20, 1)
    assert found.pictures.shape == (20, 32, 32, 3)
    spans = (numbers.OF_HEAD, numbers.OF_MOUTH, slice(numbers.OF_FACE.start, numbers.OF_FACE.start + 10))
    moves = np.stack([np.abs(found.numbers[:, span]).max(1) > 0 for span in spans], 1)
    kinds = {tuple(map(bool, row)) for row in moves}  # head, mouth, face: together, and each alone
    assert kinds == {(True, True, True), (False, True, True), (False, True, False), (False, False, True),
                     (True, False, False)}  # fmt: skip


def test_workshop_makes_a_generator_and_remembers_its_order(tmp_path: Path) -> None:
    order = Order((DEMO / "portrait.jpg",), 12, 32, 8)
    plan = replace(SHORT, steps=2)
    made = make_generator(order, plan, tmp_path / "out", device="cpu")
    assert all(path.exists() for path in made)
    with pytest.raises(InputError, match="begun with other pictures"):
        make_generator(replace(order, pictures=13), plan, tmp_path / "out")
    with pytest.raises(InputError, match="not made"):
        replace(order, size=48).config()


# --- tuning a generator that is there ---


def test_pivotal_tuning_seeks_latents_first_then_tunes_and_stays_local(
    faces: Faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(3)
    begun = LoadedGenerator(Generator(TINY), None)
    plan = replace(SHORT, steps=120, batch=8, adversarial=0, average=0.9, check_every=120, pivotal=True)

    def tuned(folder: str, steps: int) -> Trainer:
        made = Trainer(People.of(begun, 2), faces.part(slice(8, None)), faces.part(slice(8)), tmp_path / folder, plan)
        while made.step < steps:
            made._train()
            made.step += 1
        return made

    def moved(made: Trainer) -> float:
        pairs = zip(made.model.generator.parameters(), begun.generator.parameters(), strict=True)
        return max(float((a - b).detach().abs().max()) for a, b in pairs)

    pivots = tuned("pivots", 20)
    assert moved(pivots) == 0
    assert float(pivots.model.moves.detach().abs().max()) > 0
    whole = tuned("whole", 120)
    assert moved(whole) > 0
    assert whole.look().psnr_db > pivots.look().psnr_db

    def strayed(made: Trainer) -> float:
        """How differently what lies between the pivots and other faces is drawn."""
        own = torch.Generator().manual_seed(5)
        with torch.no_grad():
            w = begun.generator.mapping(torch.randn(32, TINY.style_dim, generator=own))
            w = torch.lerp(made.model.people.repeat(16, 1), w, 0.3)
            before, after = (g(g.wplus(w)) for g in (begun.generator, made.model.generator))
            return float((after - before).abs().mean())

    monkeypatch.setattr(train, "_LOCALITY", 2.0)
    held = tuned("held", 120)
    assert moved(held) > 0
    assert strayed(held) < 0.9 * strayed(whole)


def test_actor_from_a_generator_of_the_store(faces: Faces, tmp_path: Path) -> None:
    made = trainer(faces, tmp_path / "first", replace(SHORT, steps=1))
    made.run()
    weights.import_path(made.export({}))
    order = Order((DEMO / "portrait.jpg",), 12, 64, 8, "stylegan-own")
    plan = replace(SHORT, steps=4, adversarial=0, pivotal=True)
    made_of = make_generator(order, plan, tmp_path / "actor", device="cpu")
    loaded = load_own(made_of[0])
    assert loaded.generator.config == TINY
    assert loaded.people is not None
    assert len(loaded.people) == 1
    card = json.loads((tmp_path / "actor" / CARD).read_text())
    assert "tuned to people" in card["what"]
    assert card["licence"] == "yours"
    with pytest.raises(InputError, match="is no generator"):
        make_generator(replace(order, start="edtalk"), plan, tmp_path / "other")
    with pytest.raises(WeightsMissing, match="not in the weights store"):
        make_generator(replace(order, start="stylegan2-256"), plan, tmp_path / "other")
