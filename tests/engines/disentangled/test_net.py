"""EDTalk and LIA: official layouts, golden numbers of a tiny network, and the fast path against the plain one."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import pytest
import torch

from engines.disentangled.net import LIA, LIP_POSE, Config, EDTalk
from engines.disentangled.net_audio import Audio2Lip, smooth
from engines.disentangled.net_fast import Animator, fold_heads
from tests.parity.fill import key_normal
from tests.parity.layout import layout_digest

TINY = Config(size=32, style_dim=16, mouth=4, pose=3, expression=2, width=1 / 128, max_channels=12)
TINY_LIA = Config(size=32, style_dim=16, mouth=0, pose=5, expression=0, width=1 / 128, max_channels=12)
GOLDEN = [2.53771, 2.95124, 2.69328, 0.28728, -0.12234, -0.11723, -1.12521, -1.19586, -1.2052]
GOLDEN_AUDIO = [-0.648515, -0.311307, -0.353695, -0.862165, -0.059436, -0.430929, -1.106398, 0.201634, -0.129287]
Net = TypeVar("Net", bound=torch.nn.Module)


def filled(model: Net) -> Net:
    """Seeded weights that do not depend on torch's generator."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(key_normal(name, "", parameter.shape)) * 0.5)
    return model.eval().requires_grad_(False)


def picture(seed: int, count: int = 1) -> torch.Tensor:
    return torch.from_numpy(key_normal(f"picture {seed}", "", (count, 3, 32, 32))).clamp(-1, 1)


def numbers(name: str, *shape: int) -> torch.Tensor:
    return torch.from_numpy(key_normal(name, "", shape))


@pytest.mark.parametrize(
    ("build", "digest", "parameters"),
    [
        (EDTalk, "5b8a5fbdbc9f05ae", 64_228_397),
        (lambda: EDTalk(LIP_POSE), "0e73363963fa1d27", 46_173_091),
        (LIA, "2fac54316340eb41", 45_116_317),
        (Audio2Lip, "ae7522b7208112a7", 2_822_932),
    ],
)
def test_layout_is_official(build, digest, parameters) -> None:
    with torch.device("meta"):
        model = build()
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert layout_digest((k, v.shape) for k, v in model.state_dict().items()) == digest


def test_tiny_network_keeps_its_numbers() -> None:
    """Guards the arithmetic; the values were recorded when the official fixtures were within tolerance."""
    model = filled(EDTalk(TINY))
    out = model(picture(1), numbers("alpha", 1, 9))
    assert out.shape == (1, 3, 32, 32)
    np.testing.assert_allclose(out[0, :, 5::10, 5::10].flatten()[::3], GOLDEN, atol=2e-4)


@pytest.mark.parametrize("config", [TINY, Config(size=32, style_dim=16, mouth=4, pose=3, expression=0, width=1 / 128)])
@pytest.mark.parametrize("batch", [1, 3])
def test_fast_path_draws_the_same_pictures(config: Config, batch: int) -> None:
    model = filled(EDTalk(config))
    alpha = numbers("alpha", batch, config.mouth + config.pose + config.expression)
    expected = model(picture(1).expand(batch, -1, -1, -1), alpha)
    animator = Animator(model)
    source = animator.source(picture(1))
    torch.testing.assert_close(animator.frames(source, alpha), expected, atol=2e-4, rtol=1e-3)
    if config.expression:  # one emotion held over frames that differ otherwise takes the other branch
        alpha[:, -2:] = alpha[:1, -2:]
        expected = model(picture(1).expand(batch, -1, -1, -1), alpha)
        torch.testing.assert_close(animator.frames(source, alpha), expected, atol=2e-4, rtol=1e-3)


def test_lia_draws_the_same_pictures() -> None:
    model = filled(LIA(TINY_LIA))
    alpha = numbers("alpha", 2, 5)
    expected = model(picture(1).expand(2, -1, -1, -1), alpha)
    animator = Animator(model)
    torch.testing.assert_close(animator.frames(animator.source(picture(1)), alpha), expected, atol=2e-4, rtol=1e-3)


def test_folded_heads_and_basis() -> None:
    model = filled(EDTalk(TINY))
    code = numbers("code", 4, 16)
    weight, bias = fold_heads(model)
    torch.testing.assert_close(code @ weight.T + bias, model.coordinates(code), atol=1e-5, rtol=1e-5)
    basis = model.basis()
    torch.testing.assert_close(basis.T @ basis, torch.eye(9), atol=1e-5, rtol=0)
    np.testing.assert_allclose(basis, np.linalg.qr(model.directions().numpy() + 1e-8)[0], atol=1e-5)


@pytest.mark.parametrize("bank", ["mouth", "pose", "expression"])
def test_moving_one_bank_leaves_the_codes_of_the_others(bank: str) -> None:
    """What holds whatever the weights: the banks are orthogonal, so what the latent tells of each can be read again.

    Whether the *encoder* reads the same from the drawn picture is learnt, not built in: weights that were made up give
    anything there (`tests.benchmarks.disentangled_leakage` measures it).
    """
    config = Config(size=32, style_dim=512, width=1 / 128, max_channels=12)  # the official latent and banks
    model = filled(EDTalk(config))
    basis, span = model.basis(), model.banks[bank]
    before = numbers("alpha", 3, 36)
    after = before.clone()
    after[:, span] += numbers("offset", 3, span.stop - span.start)
    (motion, expression), (moved, moved_expression) = model.direction(before), model.direction(after)
    read = (numbers("identity", 1, 512) + moved) @ basis - (numbers("identity", 1, 512) + motion) @ basis
    torch.testing.assert_close(read[:, span], (after - before)[:, span], atol=2e-5, rtol=0)
    others = [i for i in range(36) if not span.start <= i < span.stop]
    assert read[:, others].abs().max() < 2e-5
    assert expression is not None
    assert moved_expression is not None
    assert torch.equal(expression, moved_expression) == (bank != "expression")  # what the expression modules are told


def test_drivers_and_sources_share_the_encoder() -> None:
    model = filled(EDTalk(TINY))
    expected = model.coordinates(model.encode(picture(2, 2))[0])
    torch.testing.assert_close(Animator(model).drive(picture(2, 2)), expected, atol=1e-4, rtol=1e-4)


def test_network_learns() -> None:
    """Gradients reach every weight that acts, through the orthogonalisation too."""
    model = EDTalk(TINY)
    alpha = model.coordinates(model.encode(picture(3))[0])
    model(picture(1), alpha).square().mean().backward()
    silent = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0}
    assert not {n for n in silent if not n.startswith(("dec.to_rgb1", "dec.fine")) and "noise" not in n}
    assert not any(".conv2." in n or ".norm2.mlp_gamma" in n for n in silent if n.startswith("dec.fine"))


def test_audio_to_lip() -> None:
    model = Audio2Lip()
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.dtype.is_floating_point:
                value = torch.from_numpy(key_normal(name, "", tensor.shape)) * (0.05 if tensor.ndim > 1 else 0.02)
                one = name.endswith(("running_var", "conv_block.1.weight"))
                tensor.copy_(value.abs() + 1 if one else value)
        alpha = model.eval()(numbers("mel", 3, 80, 16))
    assert alpha.shape == (3, 20)
    np.testing.assert_allclose(alpha[:, :3].flatten(), GOLDEN_AUDIO, atol=1e-5)


def test_smoothing_damps_the_ends() -> None:
    flat = smooth(torch.ones(5, 20))
    np.testing.assert_allclose(flat[:, 0], [0.72593138, 1, 1, 1, 0.72593138], atol=1e-6)
