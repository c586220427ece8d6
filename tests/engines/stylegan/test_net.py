"""StyleGAN2 and its encoders: official layouts, golden numbers of tiny networks, the fast path, both namings."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engines.errors import WeightsMissing
from engines.stylegan.convert import config_of, nvidia_to_rosinality, rosinality_to_nvidia
from engines.stylegan.net import Config, Generator, truncate
from engines.stylegan.net_encoders import EncoderConfig, FaceEncoder
from engines.stylegan.net_fast import Synthesizer
from tests.parity.fill import key_normal
from tests.parity.layout import layout_digest

TINY = Config(size=32, style_dim=16, mapping_layers=2, channel_multiplier=1 / 64, max_channels=12)
GOLDEN = [1.27475, 1.29369, 1.36227, -1.18853, -3.21426, -2.35327, 1.13332, 1.23634, -0.37855]


def tiny() -> Generator:
    generator = Generator(TINY)
    with torch.no_grad():
        for name, tensor in generator.state_dict().items():
            if not name.endswith("kernel"):
                scale = 100 if name.startswith("style.") and name.endswith("weight") else 0.7
                tensor.copy_(torch.from_numpy(key_normal(name, "", tensor.shape)) * scale)
    return generator.eval().requires_grad_(False)


def codes(count: int) -> torch.Tensor:
    return torch.from_numpy(key_normal("codes", "", (count, TINY.layers, 16)))


@pytest.mark.parametrize(
    ("size", "rosinality", "nvidia"),
    [
        (64, "317e223594ad9f02", "f1900999eafe26a3"),
        (256, "336a846cd82803b5", "38d492a8d8692512"),
        (512, "0a08bda342717837", None),
        (1024, "a5345a388c13725e", "f6d98392f2c7e335"),
    ],
)
def test_layouts_are_official(size: int, rosinality: str, nvidia: str | None) -> None:
    with torch.device("meta"):
        generator = Generator(Config(size=size))
        state = generator.state_dict()
        assert layout_digest((k, v.shape) for k, v in state.items()) == rosinality
        assert config_of(state) == generator.config
        converted = rosinality_to_nvidia(state, torch.zeros(512))
    if nvidia is not None:
        assert layout_digest((k, v.shape) for k, v in converted.items()) == nvidia


@pytest.mark.parametrize(("rows", "kind", "digest"), [(14, "e4e", "43fe80fa5b31d301"), (18, "psp", "4c588887e1d50b3f")])
def test_encoder_layouts_are_official(rows, kind, digest) -> None:
    with torch.device("meta"):
        encoder = FaceEncoder(EncoderConfig(rows, kind))
    assert layout_digest((k, v.shape) for k, v in encoder.state_dict().items()) == digest


def test_both_namings_convert_into_each_other() -> None:
    state = tiny().state_dict()
    average = torch.arange(16.0)
    back, back_average = nvidia_to_rosinality(rosinality_to_nvidia(state, average))
    assert back.keys() == state.keys()
    assert all(torch.equal(back[key], state[key]) for key in state)
    assert back_average is not None
    assert torch.equal(back_average, average)


def test_foreign_networks_are_named() -> None:
    with pytest.raises(WeightsMissing, match=r"mapping\.embed\.weight"):
        nvidia_to_rosinality({"mapping.embed.weight": torch.zeros(1)})
    with pytest.raises(WeightsMissing, match="no StyleGAN2 generator"):
        config_of({"layer.weight": torch.zeros(1)})


def test_tiny_generator_keeps_its_numbers() -> None:
    """Guards the arithmetic; the values were recorded when the official fixtures were within tolerance."""
    out = tiny()(codes(1))
    np.testing.assert_allclose(out[0, :, 5::10, 5::10].flatten()[::3], GOLDEN, atol=1e-4)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("noise", ["constants", "own", "none"])
def test_fast_path_draws_the_same_pictures(batch: int, noise: str) -> None:
    generator = tiny()
    styles = generator.styles(codes(batch))
    maps = generator.noises.maps()
    if noise == "own":
        maps = [torch.randn_like(m) for m in maps]
    elif noise == "none":
        maps = [torch.zeros_like(m) for m in maps]
    fast = Synthesizer(generator, {"constants": None, "own": maps, "none": False}[noise])
    torch.testing.assert_close(fast(styles), generator.synthesis(styles, maps), atol=1e-4, rtol=1e-4)


def test_style_space_edits_act_alone() -> None:
    generator = tiny()
    styles = generator.styles(codes(1))
    assert list(styles)[:5] == ["conv1", "to_rgb1", "convs.0", "convs.1", "to_rgbs.0"]
    before = generator.synthesis(styles)
    torch.testing.assert_close(before, generator(codes(1)))
    styles["to_rgbs.2"] = styles["to_rgbs.2"] + 1
    assert (generator.synthesis(styles) - before).abs().max() > 0.1


def test_truncation() -> None:
    w, centre = torch.randn(3, 16), torch.randn(1, 16)
    torch.testing.assert_close(truncate(w, centre, 1), w)
    torch.testing.assert_close(truncate(w, centre, 0), centre.expand(3, 16))
    torch.testing.assert_close(truncate(w, centre, 0.7), centre + 0.7 * (w - centre))


def test_encoder_rows() -> None:
    """How the progressive stages of e4e put rows together; the rows themselves are given."""
    with torch.device("meta"):
        encoder = FaceEncoder(EncoderConfig(9, "e4e"))
    rows = {i: torch.full((1, 512), float(i + 1)) for i in range(9)}
    encoder._rows = lambda image: (rows[i] for i in range(9))  # type: ignore[method-assign]
    image = torch.zeros(1, 3, 256, 256)
    np.testing.assert_array_equal(encoder(image)[0, :, 0], [1, 3, 4, 5, 6, 7, 8, 9, 10])
    np.testing.assert_array_equal(encoder(image, stage=0)[0, :, 0], [1] * 9)
    np.testing.assert_array_equal(encoder(image, stage=2)[0, :, 0], [1, 3, 4, 1, 1, 1, 1, 1, 1])
