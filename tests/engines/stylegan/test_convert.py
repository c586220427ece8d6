"""StyleGAN2 checkpoints in every published form, and hostile pickles."""

from __future__ import annotations

import os
import pickle
import sys
import types
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch

from engines.errors import WeightsMissing
from engines.stylegan.convert import load_encoder, load_generator, rosinality_to_nvidia
from engines.stylegan.net import Generator
from engines.stylegan.net_encoders import FaceEncoder
from engines.stylegan.unpickle import read_pickle
from tests.engines.stylegan.test_net import TINY, codes, tiny


class Persistent:
    """Pickles as NVIDIA's persistent classes do: a function, and a description with source code in it."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    def __reduce__(self):
        function = sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj
        meta = {"type": "class", "module_src": "raise SystemExit", "class_name": "Generator", "state": self.state}
        return function, (meta,)


@pytest.fixture
def _nvidia_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes names exist that the pickle refers to; its reader must not need them."""
    module = types.ModuleType("torch_utils.persistence")
    exec("def _reconstruct_persistent_obj(meta): raise SystemExit", module.__dict__)
    module._reconstruct_persistent_obj.__module__ = module.__name__
    monkeypatch.setitem(sys.modules, "torch_utils", types.ModuleType("torch_utils"))
    monkeypatch.setitem(sys.modules, module.__name__, module)


def persistent(state: dict[str, torch.Tensor]) -> Persistent:
    """Nested modules from a flat state dict."""
    own: dict[str, Any] = {"_parameters": OrderedDict(), "_buffers": OrderedDict(), "_modules": OrderedDict()}
    children: dict[str, dict[str, torch.Tensor]] = {}
    for key, value in state.items():
        head, _, rest = key.partition(".")
        if rest:
            children.setdefault(head, {})[rest] = value
        elif head.endswith(("noise_const", "filter", "w_avg")):
            own["_buffers"][head] = value
        else:
            own["_parameters"][head] = torch.nn.Parameter(value)
    own["_modules"].update((name, persistent(child)) for name, child in children.items())
    own["training"] = False
    return Persistent(own)


def assert_same(generator: Generator) -> None:
    assert generator.config == TINY
    torch.testing.assert_close(generator(codes(1)), tiny()(codes(1)))


def test_rosinality_file(tmp_path: Path) -> None:
    path = tmp_path / "g.pt"
    torch.save({"g_ema": tiny().state_dict(), "latent_avg": torch.arange(16.0)}, path)
    loaded = load_generator(path)
    assert_same(loaded.generator)
    assert loaded.average is not None
    assert loaded.average[3] == 3


@pytest.mark.usefixtures("_nvidia_modules")
def test_nvidia_pickle(tmp_path: Path) -> None:
    path = tmp_path / "ffhq.pkl"
    state = rosinality_to_nvidia(tiny().state_dict(), torch.arange(16.0))
    path.write_bytes(pickle.dumps({"G": None, "D": None, "G_ema": persistent(state), "training_set_kwargs": {}}))
    loaded = load_generator(path)
    assert_same(loaded.generator)
    assert loaded.average is not None
    assert loaded.average[3] == 3


@pytest.mark.usefixtures("_nvidia_modules")
def test_plain_modules_in_a_pickle_become_records(tmp_path: Path) -> None:
    path = tmp_path / "net.pkl"
    layer = torch.nn.Linear(3, 2)
    path.write_bytes(pickle.dumps({"G_ema": persistent({"w_avg": torch.zeros(2)}), "D": layer}))
    found = read_pickle(path)
    assert set(found["D"]) == {"weight", "bias"}
    assert torch.equal(found["D"]["weight"], layer.weight)


@pytest.mark.usefixtures("_nvidia_modules")
@pytest.mark.parametrize("where", ["beside", "inside"])
def test_hostile_pickle_runs_nothing(tmp_path: Path, where: str) -> None:
    trace = tmp_path / "ran"

    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(trace),)

    state = rosinality_to_nvidia(tiny().state_dict(), torch.zeros(16))
    network = persistent(state)
    content: dict[str, Any] = {"G_ema": network}
    if where == "beside":
        content["extra"] = Hostile()
    else:
        network.state["hook"] = Hostile()
    path = tmp_path / "ffhq.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(WeightsMissing, match=r"posix\.mkdir.*nothing was run"):
        load_generator(path)
    assert not trace.exists()


@pytest.mark.parametrize("name", ["builtins.eval", "torch.hub.load", "torch.storage.UntypedStorage", "sys.exit"])
def test_only_tensor_builders_are_resolved(tmp_path: Path, name: str) -> None:
    module, _, attribute = name.rpartition(".")
    path = tmp_path / "net.pkl"
    path.write_bytes(b"\x80\x02c" + module.encode() + b"\n" + attribute.encode() + b"\n.")
    with pytest.raises(WeightsMissing, match="nothing was run"):
        read_pickle(path)


def test_broken_pickles(tmp_path: Path) -> None:
    path = tmp_path / "net.pkl"
    path.write_bytes(pickle.dumps({"G_ema": list(range(1000))}))
    with pytest.raises(WeightsMissing, match="without networks"):
        read_pickle(path)
    path.write_bytes(path.read_bytes()[:-700])
    with pytest.raises(WeightsMissing, match="damaged or truncated"):
        read_pickle(path)
    path.write_bytes(b"\x80\x02cdnnlib.tflib.network\nNetwork\n.")
    with pytest.raises(WeightsMissing, match="TensorFlow pickle"):
        read_pickle(path)


def test_encoder_bundle_pieces_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "e4e.pt"
    decoder = {f"decoder.{k}": v for k, v in tiny().state_dict().items()}
    torch.save({"state_dict": decoder, "latent_avg": torch.zeros(8, 16), "opts": {}}, path)
    with pytest.raises(WeightsMissing, match="no e4e or pSp bundle"):
        load_encoder(path)
    with torch.device("meta"):
        whole = FaceEncoder().state_dict()
    some = {f"encoder.{k}": torch.zeros(1) for k in list(whole)[:5]}
    torch.save({"state_dict": decoder | some, "latent_avg": torch.zeros(8, 16), "opts": {}}, path)
    with pytest.raises(WeightsMissing, match="is not an e4e or pSp encoder"):
        load_encoder(path)


def test_not_a_generator(tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save({"weight": torch.zeros(2)}, path)
    with pytest.raises(WeightsMissing, match=r"other\.pt: The file holds no StyleGAN2 generator"):
        load_generator(path)
