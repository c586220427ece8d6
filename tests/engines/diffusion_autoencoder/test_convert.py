"""DiffAE checkpoints: the averaged network is found among the rest of a training file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engines.diffusion_autoencoder import net
from engines.diffusion_autoencoder.convert import load, load_latents, network_state
from engines.errors import WeightsMissing
from tests.engines.diffusion_autoencoder.test_net import TINY, TINY_DUB, tiny


@pytest.fixture(autouse=True)
def _small_official(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(net, "OFFICIAL", {"tiny": TINY, "dub": TINY_DUB})


@pytest.mark.parametrize("config", [TINY, TINY_DUB])
def test_training_file(tmp_path: Path, config: net.Config) -> None:
    model = tiny(config)
    state = {f"ema_model.{k}": v for k, v in model.state_dict().items()}
    state |= {f"model.{k}": v + 1 for k, v in model.state_dict().items()}
    state |= {"x_T": torch.zeros(2, 3, 16, 16), "ema_model.latent_net.layer": torch.zeros(3)}
    state |= {"conds_mean": torch.full((1, 24), 2.0), "conds_std": torch.ones(1, 24)}
    path = tmp_path / "last.ckpt"
    torch.save({"state_dict": state, "global_step": 5, "hyper_parameters": {}}, path)
    loaded = load(path)
    assert loaded.model.config == config
    assert all(torch.equal(v, model.state_dict()[k]) for k, v in loaded.model.state_dict().items())
    assert loaded.noise is not None
    assert loaded.noise.shape == (2, 3, 16, 16)
    assert loaded.latents is not None
    assert loaded.latents.mean.shape == (24,)


def test_bare_state_dict() -> None:
    state = tiny().state_dict()
    assert network_state(state).keys() == state.keys()


def test_other_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    torch.save({"state_dict": {"classifier.weight": torch.zeros(40, 512)}}, path)
    with pytest.raises(WeightsMissing, match=r"no DiffAE autoencoder: it starts with 'classifier\.weight'"):
        load(path)
    with pytest.raises(WeightsMissing, match="holds no 'conds_mean'"):
        load_latents(path)


def test_latent_file(tmp_path: Path) -> None:
    path = tmp_path / "latent.pkl"
    torch.save({"conds": torch.zeros(3, 24), "conds_mean": torch.ones(24), "conds_std": torch.ones(24)}, path)
    codes, norm = load_latents(path)
    assert codes is not None
    assert codes.shape == (3, 24)
    torch.testing.assert_close(norm.normalise(torch.ones(24)), torch.zeros(24))
