"""The small autoencoder: what it predicts, how it is sampled and inverted, and that teaching it works and resumes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engines.api import CancelToken
from engines.diffusion_autoencoder.actor import Network
from engines.diffusion_autoencoder.decode import Decoder
from engines.diffusion_autoencoder.net_losses import picture_loss
from engines.diffusion_autoencoder.net_student import Student, StudentConfig, shared_noise, student_steps
from engines.diffusion_autoencoder.pairs import Pairs
from engines.diffusion_autoencoder.teach import best_gain
from engines.diffusion_autoencoder.train import Plan, Told, Trainer, fill, half, pictures, tensor
from engines.errors import Cancelled, InputError, WeightsMissing
from engines.teaching import bridge

TINY = StudentConfig(32, 4, 8, (1, 2), (1, 2), groups=4, style_dim=16)


def stirred(seed: int = 0) -> Student:
    """A network that does not start at zero."""
    torch.manual_seed(seed)
    model = Student(TINY).eval()
    torch.nn.init.normal_(model.unet.out[2].weight, std=0.05)  # type: ignore[arg-type]
    return model


def some_pairs(count: int) -> Pairs:
    """Pictures whose brightness follows the first number of their code, which their reference does not show."""
    rng = np.random.default_rng(0)
    codes = np.zeros((count, bridge.COUNT), np.float32)
    codes[:, 0] = rng.uniform(-1, 1, count)
    references = rng.integers(90, 110, (count, 32, 32, 3)).astype(np.uint8)
    frames = (references + 60 * codes[:, :1, None, None]).clip(0, 255).astype(np.uint8)
    return Pairs(frames, references, codes)


def test_an_untaught_network_shows_its_reference() -> None:
    torch.manual_seed(0)
    network = Network(TINY.facts(), half(Student(TINY)))
    pairs = some_pairs(3)
    for steps in (1, 2, 5):
        drawn = Decoder(network).decode(pairs.codes, pairs.references, steps)
        assert np.abs(drawn - pairs.references).max() < 0.05


def test_steps_end_where_no_picture_is_left() -> None:
    assert list(student_steps(1)) == [999]
    assert list(student_steps(2)) == [499, 999]
    assert list(student_steps(4)) == [249, 499, 749, 999]
    assert len(set(student_steps(1000))) == 1000


def test_the_noise_it_predicts_belongs_to_the_picture_it_predicts() -> None:
    model = stirred()
    step = torch.tensor([300, 900])
    noisy, reference = torch.randn(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    code = torch.randn(2, TINY.code_dim)
    with torch.no_grad():
        noise, clean = (
            model(noisy, step, code, reference=reference),
            model.clean(noisy, step, model.styles(code), reference),
        )
    alpha = model.signal(step)[:, None, None, None]
    assert torch.allclose(alpha.sqrt() * clean + (1 - alpha).sqrt() * noise, noisy, atol=1e-5)


def test_frames_of_one_actor_share_their_noise() -> None:
    assert torch.equal(shared_noise(4, TINY), shared_noise(4, TINY))
    assert not torch.equal(shared_noise(4, TINY), shared_noise(5, TINY))


def test_pictures_survive_the_way_to_the_network_and_back() -> None:
    before = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    assert np.abs(pictures(tensor(before)) - before).max() < 1e-3


def test_teaching_gains_and_uses_the_code() -> None:
    torch.manual_seed(0)
    pairs = some_pairs(80)
    # The code is the light here, and reading it in any other light than the frame's own takes longer to learn.
    plan = Plan(pictures=8 * 100, batch=8, rate=3e-3, check_every=20, patience=0)
    trainer = Trainer(
        Student(TINY), pairs.part(slice(16, None)), pairs.part(slice(16)), np.ones((32, 32), np.float32), plan
    )
    told: list[Told] = []
    state = trainer.run(tell=told.append)
    assert [look.pictures for look in state.looks] == [160, 320, 480, 640, 800]
    last = state.looks[-1]
    assert last.drawn_db > last.reference_db + 3
    assert last.code_error < 0.1
    assert told[-1].strip is not None
    assert told[-1].strip.shape == (96, 128, 3)
    network = Network(TINY.facts(), trainer.averaged())
    dark, light = Decoder(network).decode(np.array([[-0.8], [0.8]], np.float32), pairs.references[[0, 0]])
    assert light.mean() > dark.mean() + 30


def test_teaching_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    pairs, weight = some_pairs(40), np.ones((32, 32), np.float32)
    plan = Plan(pictures=8 * 6, batch=8, check_every=3, patience=0)

    def trainer() -> Trainer:
        torch.manual_seed(0)
        return Trainer(Student(TINY), pairs.part(slice(8, None)), pairs.part(slice(8)), weight, plan)

    whole = trainer()
    whole.run()
    token = CancelToken()
    cut = trainer()
    with pytest.raises(Cancelled):
        cut.run(tell=lambda told: token.cancel() if told.look else None, cancel=token, keep=tmp_path / "state.pt")
    assert cut.state.step == 3
    again = trainer()
    again.resume(tmp_path / "state.pt")
    assert again.state.step == 3
    again.run()
    for name, value in whole.averaged().items():
        assert np.allclose(value, again.averaged()[name], atol=2e-3), name
    assert [look.pictures for look in again.state.looks] == [24, 48]


def test_a_state_of_another_network_is_refused(tmp_path: Path) -> None:
    pairs, weight = some_pairs(20), np.ones((32, 32), np.float32)
    plan = Plan(pictures=8)
    Trainer(Student(TINY), pairs, pairs, weight, plan).save(tmp_path / "state.pt")
    other = StudentConfig(32, 4, 16, (1, 2), (1, 2), groups=4, style_dim=16)
    with pytest.raises(WeightsMissing, match="another size"):
        Trainer(Student(other), pairs, pairs, weight, plan).resume(tmp_path / "state.pt")
    (tmp_path / "state.pt").write_bytes(b"nothing")
    with pytest.raises(WeightsMissing):
        Trainer(Student(TINY), pairs, pairs, weight, plan).resume(tmp_path / "state.pt")


def test_early_stop_ends_teaching_that_gains_no_more() -> None:
    pairs = some_pairs(20)
    plan = Plan(pictures=8 * 50, batch=8, rate=0.0, check_every=1, patience=3)
    trainer = Trainer(Student(TINY), pairs, pairs, np.ones((32, 32), np.float32), plan)
    assert trainer.run().step == 4


def test_too_few_frames_are_refused() -> None:
    pairs = some_pairs(3)
    with pytest.raises(InputError, match="too few"):
        Trainer(Student(TINY), pairs, pairs, np.ones((32, 32), np.float32), Plan())


def test_loss_counts_what_is_weighted() -> None:
    wanted = torch.zeros(1, 3, 16, 16)
    weight = torch.ones(1, 1, 16, 16)
    weight[..., :4, :4] = 6
    inside, outside = wanted.clone(), wanted.clone()
    inside[..., :4, :4], outside[..., 12:, 12:] = 1, 1
    assert picture_loss(inside, wanted, weight) > 3 * picture_loss(outside, wanted, weight)
    assert picture_loss(wanted, wanted, weight) == 0


def test_gain_is_the_share_that_helped() -> None:
    reference = np.full((2, 8, 8, 3), 100.0, np.float32)
    change = np.random.default_rng(0).normal(0, 10, reference.shape).astype(np.float32)
    frames = reference + 0.4 * change
    weight = np.ones((8, 8), np.float32)
    assert best_gain(reference + change, reference, frames, weight) == pytest.approx(0.4, abs=1e-3)
    assert best_gain(reference - change, reference, frames, weight) == 0
    assert best_gain(reference, reference, frames, weight) == 0


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(WeightsMissing, match="Teach it again"):
        fill(Student(TINY), {"nothing": np.zeros(1)})


def test_a_taught_network_survives_its_file(tmp_path: Path) -> None:
    """Teaching orders numbers by channel; files do not know that."""
    from safetensors.numpy import load_file, save_file

    model = stirred().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    save_file(half(model), tmp_path / "network.safetensors")
    back = load_file(tmp_path / "network.safetensors")
    for name, value in model.state_dict().items():
        assert np.allclose(back[name], value.numpy(), atol=1e-3), name


def test_step_counts_that_cannot_be_are_refused() -> None:
    network = Network(TINY.facts(), half(stirred()))
    pairs = some_pairs(1)
    with pytest.raises(InputError, match="denoising steps"):
        Decoder(network).decode(pairs.codes, pairs.references, 0)


def test_pairs_are_kept_whole(tmp_path: Path) -> None:
    pairs = some_pairs(3)
    pairs.save(tmp_path / "pairs.npz")
    back = Pairs.load(tmp_path / "pairs.npz")
    assert np.array_equal(back.frames, pairs.frames)
    assert np.array_equal(back.codes, pairs.codes)


@pytest.mark.parametrize("how", [{"mixed": True}, {"forgetful": True}])
def test_less_precision_and_less_memory_teach_alike(how: dict[str, bool]) -> None:
    pairs = some_pairs(16)
    changes = []
    for options in ({}, how):
        trainer = Trainer(stirred(), pairs, pairs, np.ones((32, 32), np.float32), Plan(pictures=8, batch=4, **options))
        trainer._loss(np.arange(16), np.random.default_rng(0), torch.Generator().manual_seed(0)).backward()
        gradient = torch.cat([p.grad.flatten() for p in trainer.model.parameters() if p.grad is not None])
        assert gradient.dtype == torch.float32
        changes.append(gradient)
    first, second = changes
    likeness = torch.nn.functional.cosine_similarity(first, second, dim=0)
    assert likeness > (0.98 if "mixed" in how else 0.99999)
