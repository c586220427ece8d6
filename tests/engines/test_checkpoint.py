"""Reading checkpoints: good files in every form, and hostile or broken ones that end in a clear message."""

from __future__ import annotations

import argparse
import os
import pickle
import sys
import types
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engines import checkpoint
from engines.errors import WeightsMissing


class Hostile:
    """A pickle that would leave a file behind if anything in it ran."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def network() -> torch.nn.Sequential:
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))


def empty() -> torch.nn.Sequential:
    with torch.device("meta"):
        return network()


@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_every_form_loads_strictly(tmp_path: Path, form: str) -> None:
    model = network()
    path = tmp_path / "net.file"
    if form == "safetensors":
        save_file(model.state_dict(), path)
    else:
        content = {"gen": model.state_dict(), "args": argparse.Namespace(lr=0.002)}
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
    state = checkpoint.part(checkpoint.read(path), path, "gen")
    loaded = checkpoint.load_strict(empty(), state, path, "the network")
    assert not loaded.training
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value)
        assert loaded.state_dict()[key].dtype == value.dtype


def test_data_parallel_prefix_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.save({f"module.{key}": value for key, value in network().state_dict().items()}, path)
    state = checkpoint.part(checkpoint.read(path), path)
    checkpoint.load_strict(empty(), state, path, "the network")


def test_half_precision_is_widened(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.save({key: v.half() if v.is_floating_point() else v for key, v in network().state_dict().items()}, path)
    loaded = checkpoint.load_strict(empty(), checkpoint.part(checkpoint.read(path), path), path, "the network")
    assert loaded[0].weight.dtype == torch.float32


@pytest.mark.parametrize("form", ["zip", "legacy", "pickle"])
def test_a_hostile_file_runs_nothing(tmp_path: Path, form: str) -> None:
    trace, path = tmp_path / "ran", tmp_path / "net.pt"
    content = {"gen": network().state_dict(), "extra": Hostile(trace)}
    if form == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(WeightsMissing, match="nothing was run"):
        checkpoint.read(path)
    assert not trace.exists()


def test_lightning_leftovers_are_inert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("pytorch_lightning.callbacks")
    callback = type("ModelCheckpoint", (), {"__module__": module.__name__})
    module.ModelCheckpoint = callback
    monkeypatch.setitem(sys.modules, "pytorch_lightning", types.ModuleType("pytorch_lightning"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    path = tmp_path / "last.ckpt"
    torch.save({"state_dict": network().state_dict(), "callbacks": {callback: {"best": callback()}}}, path)
    state = checkpoint.part(checkpoint.read(path), path, "state_dict")
    assert set(state) == set(network().state_dict())


@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_a_truncated_file_is_named(tmp_path: Path, form: str) -> None:
    path = tmp_path / "net.file"
    state = {"weight": torch.randn(1000)}
    if form == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=form == "zip")
    path.write_bytes(path.read_bytes()[:-1500])
    with pytest.raises(WeightsMissing, match=r"net\.file is damaged or truncated"):
        checkpoint.read(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>Google Drive can't scan this file", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS pointer"),
        (b"hello", "neither safetensors nor a PyTorch file"),
    ],
)
def test_what_failed_downloads_leave(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "net.pt"
    path.write_bytes(content)
    with pytest.raises(WeightsMissing, match=said):
        checkpoint.read(path)


def test_absent_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="There is no file"):
        checkpoint.read(tmp_path / "absent.pt")
    with pytest.raises(WeightsMissing, match="is a folder"):
        checkpoint.read(tmp_path)


def test_wrong_contents_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    state = network().state_dict()
    with pytest.raises(WeightsMissing, match="holds no 'gen', only: lr"):
        checkpoint.part({"lr": 1}, path, "gen")
    with pytest.raises(WeightsMissing, match=r"1 of 7 tensors are missing, first '0\.bias'"):
        checkpoint.load_strict(empty(), {k: v for k, v in state.items() if k != "0.bias"}, path, "the network")
    with pytest.raises(WeightsMissing, match=r"first '0\.weight' with \(4, 3\) instead of \(2, 3\)"):
        checkpoint.load_strict(empty(), state | {"0.weight": torch.zeros(4, 3)}, path, "the network")
    with pytest.raises(WeightsMissing, match="1 are not expected, first 'extra'"):
        checkpoint.load_strict(empty(), state | {"extra": torch.zeros(1)}, path, "the network")
    with pytest.raises(WeightsMissing, match="none of its 1 tensors has an expected name"):
        checkpoint.load_strict(empty(), {"other": torch.zeros(1)}, path, "the network")


def test_numbers_that_are_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    state = network().state_dict()
    state["0.weight"] = torch.full((2, 3), 1e6).half()
    with pytest.raises(WeightsMissing, match=r"'0\.weight'.*half precision"):
        checkpoint.load_strict(empty(), state, path, "the network")
    state["0.weight"] = torch.full((2, 3), float("nan"))
    with pytest.raises(WeightsMissing, match=r"not finite in 1 of 7 tensors.*Download it again"):
        checkpoint.load_strict(empty(), state, path, "the network")


def test_too_little_memory_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    path.write_bytes(b"x")
    error = checkpoint.as_weights_error(path, RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"))
    assert "too little memory" in str(error)
