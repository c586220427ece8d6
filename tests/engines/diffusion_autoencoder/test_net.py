"""DiffAE: official layouts, golden numbers of a tiny network, decoding and exact inversion."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engines.api import CancelToken
from engines.diffusion_autoencoder.net import AUTOENC64, FFHQ128, FFHQ256, Config, DiffusionAutoencoder
from engines.diffusion_autoencoder.net_sampling import Known, LatentNorm, Sampler, alphas_cumprod, kept_steps
from engines.errors import Cancelled, InputError
from tests.parity.fill import key_normal
from tests.parity.layout import layout_digest

TINY = Config(16, 16, (1, 2), (1, 2), style_dim=24, attention_size=8, groups=4)
TINY_DUB = Config(16, 16, (1, 2), (1, 2), style_dim=24, attention_size=8, groups=4, references=1)
GOLDEN_CODE = [-0.31826, 0.55096, 0.03308, 0.48756, -0.4931, -0.75685]
GOLDEN_PICTURE = [-3.902, 37.933, 25.474, -6.189, -13.21, -21.086, 26.606, -5.353, -3.917]


def tiny(config: Config = TINY) -> DiffusionAutoencoder:
    model = DiffusionAutoencoder(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            value = torch.from_numpy(key_normal(name, "", parameter.shape))
            if parameter.ndim > 1:
                parameter.copy_(value / parameter[0].numel() ** 0.5)
            else:
                parameter.copy_(value * 0.02 + (1 if name.endswith("weight") else 0))
    return model.eval().requires_grad_(False)


def numbers(name: str, *shape: int) -> torch.Tensor:
    return torch.from_numpy(key_normal(name, "", shape))


@pytest.mark.parametrize(
    ("config", "digest", "parameters"),
    [
        (AUTOENC64, "661b6a4049d9466c", 90_839_235),
        (FFHQ128, "3c5d48d1b28805ac", 128_545_155),
        (FFHQ256, "b2f1197bca1e1eb6", 168_492_291),
    ],
)
def test_layouts_are_official(config: Config, digest: str, parameters: int) -> None:
    with torch.device("meta"):
        model = DiffusionAutoencoder(config)
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert layout_digest((k, v.shape) for k, v in model.state_dict().items()) == digest


def test_tiny_network_keeps_its_numbers() -> None:
    """Guards the arithmetic; the values were recorded when the official fixtures were within tolerance."""
    model = tiny()
    picture = numbers("picture", 1, 3, 16, 16).clamp(-1, 1)
    z = model.encode(picture)
    np.testing.assert_allclose(z[0, ::4], GOLDEN_CODE, atol=1e-5)
    out = Sampler(4, clip=False).decode(model, numbers("noise", 1, 3, 16, 16), z)
    np.testing.assert_allclose(out[0, :, 3::6, 3::6].flatten()[::3], GOLDEN_PICTURE, rtol=2e-4, atol=2e-3)


def test_official_strides_and_other_counts() -> None:
    np.testing.assert_array_equal(kept_steps(5), [0, 200, 400, 600, 800])
    np.testing.assert_array_equal(kept_steps(36)[:3], [0, 28, 56])
    assert kept_steps(36)[-1] == 980
    for count in (1, 7, 37, 60, 150, 999, 1000):
        steps = kept_steps(count)
        assert len(steps) == count
        assert (np.diff(steps) > 0).all()
        assert steps[0] == 0
        assert steps[-1] < 1000
    with pytest.raises(InputError, match="1001 denoising steps"):
        kept_steps(1001)


@pytest.mark.parametrize("count", [3, 37])
def test_decode_follows_the_ddim_formula(count: int) -> None:
    """The scheduler's result against the update rule written out."""
    model = tiny()
    z, x = numbers("z", 2, 24), numbers("noise", 2, 3, 16, 16)
    got = Sampler(count).decode(model, x, z)
    steps, alphas = kept_steps(count), alphas_cumprod()
    for i in reversed(range(count)):
        a = alphas[steps[i]]
        before = alphas[steps[i - 1]] if i else 1.0
        eps = model(x, torch.full((2,), int(steps[i])), z)
        clean = ((x - (1 - a) ** 0.5 * eps) / a**0.5).clamp(-1, 1)
        eps = (x - a**0.5 * clean) / (1 - a) ** 0.5
        x = before**0.5 * clean + (1 - before) ** 0.5 * eps
    torch.testing.assert_close(got, x, atol=2e-4, rtol=1e-3)


def test_inversion_ends_in_the_predicted_noise() -> None:
    """The last state has no signal left: it is what the network says the noise is."""
    model = tiny()
    for parameter in model.out.parameters():
        parameter.zero_()
    model.out[2].bias.fill_(0.3)
    picture, z = numbers("picture", 1, 3, 16, 16) * 0.1, numbers("z", 1, 24)
    states = list(Sampler(12, clip=False).inversion(model, picture, z))
    assert len(states) == 12
    torch.testing.assert_close(states[-1], torch.full_like(picture, 0.3), atol=1e-4, rtol=0)


def test_codes_condition_only_through_styles() -> None:
    model = tiny()
    z, x, step = numbers("z", 2, 24), numbers("noise", 2, 3, 16, 16), torch.tensor([10, 900])
    torch.testing.assert_close(model(x, step, z), model(x, step, styles=model.styles(z)))
    assert (model(x, step, z) - model(x, step, z + 1)).abs().max() > 0.01


def test_dubbing_keeps_what_is_known() -> None:
    model = tiny(TINY_DUB)
    assert model.input_blocks[0][0].weight.shape[1] == 6
    picture, reference = numbers("picture", 1, 3, 16, 16).clamp(-1, 1), numbers("reference", 1, 3, 16, 16)
    mask = torch.ones(1, 1, 16, 16)
    mask[:, :, 8:, 4:12] = 0
    out = Sampler(3).decode(model, numbers("noise", 1, 3, 16, 16), numbers("z", 1, 24), reference, Known(picture, mask))
    torch.testing.assert_close(out * mask, picture * mask)
    assert ((out - picture) * (1 - mask)).abs().max() > 0.1


def test_cancel_stops_between_steps() -> None:
    cancel = CancelToken()
    states = Sampler(5).trajectory(tiny(), numbers("noise", 1, 3, 16, 16), numbers("z", 1, 24), cancel=cancel)
    next(states)
    cancel.cancel()
    with pytest.raises(Cancelled):
        next(states)


def test_latent_normalisation() -> None:
    codes = numbers("codes", 40, 24) * 3 + 1
    codes[:, 5] = 2
    norm = LatentNorm.of(codes)
    scaled = norm.normalise(codes)
    torch.testing.assert_close(norm.restore(scaled), codes)
    torch.testing.assert_close(scaled[:, 0].std(correction=0), torch.tensor(1.0))
    assert scaled[:, 5].abs().max() < 1e-5
