"""Lessons, losses and training of EDTalk's network, at a toy size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engines import weights
from engines.api import CancelToken, Performance, Portrait
from engines.disentangled.convert import load_own
from engines.disentangled.net import Config, EDTalk
from engines.edtalk import workshop
from engines.edtalk.material import Material, from_portraits, mixed, with_mouth
from engines.edtalk.net_losses import Discriminator, Perceptual, agreement, fooled, picture_loss, told_apart
from engines.edtalk.train import Look, Plan, Trainer
from engines.edtalk.workshop import Order, make_network, network, started
from engines.errors import Cancelled, InputError, WeightsMissing
from engines.teaching.banks import motion
from engines.teaching.lessons import lessons

TOY = Config(size=32, style_dim=40, width=1 / 64, max_channels=12)


def material(count: int = 8) -> Material:
    rng = np.random.default_rng(3)
    pictures = rng.integers(0, 255, (5, count, 8, 8, 3), np.uint8).repeat(4, 2).repeat(4, 3)
    weight = np.full((count, 32, 32), 16, np.uint8)
    weight[:, 20:28, 8:24] = 96
    source, mouth, pose, expression, target = pictures
    return Material(source, mouth, pose, expression, target, weight, np.zeros(count, int))


def trainer(folder: Path, **changes: object) -> Trainer:
    torch.manual_seed(1)
    facts: dict[str, object] = {"steps": 4, "batch": 2, "check_every": 2}
    plan = Plan(**{**facts, **changes})  # type: ignore[arg-type]
    return Trainer(started(EDTalk(TOY)), material(), material(3), folder, plan)


def test_the_rig_mixes_the_groups_of_three_drivers() -> None:
    three = [lessons(6, seed) for seed in (1, 2, 3)]
    asked = motion(mixed(*three), np.zeros(52), np.zeros(3))
    mouth, pose, expression = (motion(m, np.zeros(52), np.zeros(3)) for m in three)
    np.testing.assert_allclose(asked.head, pose.head)
    np.testing.assert_allclose(asked.mouth[:, 0], mouth.mouth[:, 0], atol=1e-6)
    np.testing.assert_allclose(asked.face[:, 0], expression.face[:, 0], atol=1e-6)


def test_lessons_of_a_portrait(portrait: Portrait) -> None:
    found = from_portraits([portrait], 48, 4, 1)
    assert found.source.shape == (4, 48, 48, 3)
    assert found.weight.max() > 60  # the lips count more
    assert len({found.mouth[i].tobytes() for i in range(4)}) == 4
    assert np.abs(found.target.astype(int) - found.mouth).mean() > 1


def test_composites_carry_the_mouth_alone() -> None:
    points = np.zeros((478, 2), np.float32)
    angle = np.linspace(0, 2 * np.pi, 478, endpoint=False)
    points[:] = np.stack([32 + 8 * np.cos(angle), 40 + 4 * np.sin(angle)], 1)
    points[61], points[291] = (24, 40), (40, 40)
    ours, theirs = np.full((64, 64, 3), 50, np.uint8), np.full((64, 64, 3), 200, np.uint8)
    both = with_mouth(ours, points, theirs, points)
    assert (both[40, 32] > 195).all()
    assert np.array_equal(both[:20], ours[:20])


def test_losses_know_what_is_alike() -> None:
    a, b = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16)
    assert picture_loss(a, a) == 0
    assert picture_loss(a, b) > 0
    lips = torch.zeros(2, 1, 16, 16)
    assert picture_loss(a, b, lips) == 0
    assert agreement(a.flatten(1), a.flatten(1)) == pytest.approx(np.exp(-1), abs=1e-5)
    assert agreement(a.flatten(1), -a.flatten(1)) == pytest.approx(np.exp(1), abs=1e-4)
    judge = Discriminator(TOY)
    scores = judge(torch.rand(2, 3, 32, 32))
    assert scores.shape == (2, 1)
    assert fooled(scores) > 0
    assert told_apart(torch.full((2, 1), 9.0), torch.full((2, 1), -9.0)) < 1e-3


def test_a_perceptual_network_is_read_by_its_official_keys(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.pth"
    torch.save({"features.0.weight": torch.zeros(3)}, path)
    with pytest.raises(WeightsMissing, match="is not VGG19"):
        Perceptual(path)


@pytest.mark.parametrize("changes", [{}, {"adversarial": 1.0}, {"stage": "mouth-pose"}, {"decoder_only": True}])
def test_it_learns_and_logs(tmp_path: Path, changes: dict[str, object]) -> None:
    teaching = trainer(tmp_path, **changes)
    before = {k: v.clone() for k, v in teaching.model.state_dict().items()}
    looks: list[Look] = []
    teaching.run(tell=lambda part, look: looks.append(look))
    assert [look.step for look in looks] == [2, 4]
    assert all(np.isfinite(look.psnr_db) for look in looks)
    moved = {k for k, v in teaching.model.state_dict().items() if not torch.equal(v, before[k])}
    expressive = {k for k in moved if k.startswith(("direction_exp", "exp_fc", "dec.fine"))}
    if changes.get("stage") == "mouth-pose":
        assert not expressive
    elif changes.get("decoder_only"):
        assert all(k.startswith("dec.") for k in moved)
    else:
        assert expressive
        assert any(k.startswith("lip_fc") for k in moved)
    assert (tmp_path / "progress.png").exists()
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3
    assert ("adversarial" in looks[0].losses) == ("adversarial" in changes)


def test_expression_stage_keeps_the_rest(tmp_path: Path) -> None:
    teaching = trainer(tmp_path, stage="expression")
    learns = {n for n, p in teaching.model.named_parameters() if p.requires_grad}
    assert learns
    assert all(n.startswith(("direction_exp", "exp_fc", "dec.fine")) for n in learns)


def test_a_repeated_lesson_is_learnt(tmp_path: Path) -> None:
    torch.manual_seed(1)
    one = material(1).part(np.zeros(4, int))
    teaching = Trainer(started(EDTalk(TOY)), one, one, tmp_path, Plan(steps=30, batch=2, check_every=30, average=0.5))
    first = teaching._teach()["picture"]
    teaching.run()
    assert teaching._teach()["picture"] < 0.8 * first


def test_killed_training_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole")
    whole.run()
    token = CancelToken()
    broken = trainer(tmp_path / "broken")
    with pytest.raises(Cancelled):
        broken.run(tell=lambda part, look: token.cancel(), cancel=token)
    again = trainer(tmp_path / "broken")
    assert again.step == 2
    again.run()
    for (name, a), b in zip(whole.model.state_dict().items(), again.model.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, msg=name, atol=1e-5, rtol=1e-4)


def test_a_folder_of_another_size_is_refused(tmp_path: Path) -> None:
    trainer(tmp_path).run()
    other = Config(size=32, style_dim=48, width=1 / 64, max_channels=12)
    with pytest.raises(WeightsMissing, match="another size"):
        Trainer(EDTalk(other), material(), material(3), tmp_path, Plan(batch=2))


def test_what_is_made_can_be_imported_and_drawn_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLILOQUY_HOME", str(tmp_path / "home"))
    teaching = trainer(tmp_path / "made")
    teaching.run()
    path = teaching.export({"what": "test"})
    assert load_own(path).config == TOY
    [status] = weights.import_path(path)
    assert (status.entry.id, status.state) == ("edtalk-own", "ready")
    torch.save({"gen": EDTalk(TOY).state_dict()}, tmp_path / "EDTalk.pt")
    with pytest.raises(WeightsMissing, match="64,228,397 are expected"):
        weights.import_path(tmp_path / "EDTalk.pt")


def test_an_order_is_checked_and_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []

    def quick(portraits: list[Portrait], size: int, count: int, *_: object, **__: object) -> Material:
        drawn.append(count)
        return material(count)

    monkeypatch.setattr(workshop, "from_portraits", quick)
    monkeypatch.setattr(workshop, "found_in", lambda sources: (["someone"], []))
    monkeypatch.setattr(workshop, "network", lambda order: started(EDTalk(TOY)))
    order = Order((tmp_path / "face.jpg",), 10, 32, 0.25)
    plan = Plan(steps=2, batch=2, check_every=2)
    made = make_network(order, plan, tmp_path / "out", device="cpu")
    assert all(path.exists() for path in made)
    make_network(order, plan, tmp_path / "out", device="cpu")
    assert drawn == [10]  # lessons are drawn once
    with pytest.raises(InputError, match="begun with other samples"):
        make_network(Order((tmp_path / "face.jpg",), 12, 32, 0.25), plan, tmp_path / "out", device="cpu")


def test_orders_that_cannot_be_filled_say_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLILOQUY_HOME", str(tmp_path))
    with pytest.raises(InputError, match="100 px"):
        network(Order((), 4, 100, 0.25))
    with pytest.raises(WeightsMissing, match="weights import FILE"):
        network(Order((), 4, 64, 0.25, "edtalk"))
    with pytest.raises(InputError, match="too few"):
        Trainer(EDTalk(TOY), material(1), material(1), tmp_path / "few", Plan(batch=4))


def test_new_networks_start_from_a_still_picture() -> None:
    model = network(Order((), 4, 64, 0.25))
    assert model.config.size == 64
    picture = torch.rand(1, 3, 64, 64)
    alpha = torch.zeros(2, 36)
    alpha[1, :20] = 1
    a, b = model(picture.expand(2, -1, -1, -1), alpha).detach()
    assert (a - b).abs().mean() < 0.5 * a.std()


def test_lessons_survive_the_disk(tmp_path: Path) -> None:
    both = Material.joined([material(2), material(3)])
    both.save(tmp_path / "lessons.npz")
    assert np.array_equal(Material.load(tmp_path / "lessons.npz").target, both.target)
    (tmp_path / "lessons.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"lessons\.npz"):
        Material.load(tmp_path / "lessons.npz")


def test_drivers_are_real_performances() -> None:
    assert isinstance(mixed(*[lessons(2, s) for s in (1, 2, 3)]), Performance)
