"""EDTalk and LIA checkpoints: they come back key for key, and mix-ups are named."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch

from engines.disentangled.convert import lia_to_edtalk, load_audio2lip, load_edtalk, load_lia
from engines.disentangled.net import LIA, EDTalk
from engines.disentangled.net_audio import Audio2Lip
from engines.errors import WeightsMissing
from tests.engines.disentangled.test_net import TINY, TINY_LIA, filled


def test_trainer_checkpoint_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "EDTalk.pt"
    state = filled(EDTalk(TINY)).state_dict()
    torch.save({"gen": state, "dis": {}, "args": argparse.Namespace(batch=4)}, path)
    back = load_edtalk(path, TINY).state_dict()
    assert list(back) == list(state)
    assert all(torch.equal(back[key], state[key]) for key in state)


def test_audio_checkpoint_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "Audio2Lip.pt"
    state = Audio2Lip().state_dict()
    torch.save({"audio2lip": state}, path)
    back = load_audio2lip(path).state_dict()
    assert all(torch.equal(back[key], state[key]) for key in state)


def test_lia_round_trip_and_start_of_edtalk(tmp_path: Path) -> None:
    path = tmp_path / "vox.pt"
    state = filled(LIA(TINY_LIA)).state_dict()
    torch.save({"gen": state}, path)
    assert load_lia(path, TINY_LIA).state_dict().keys() == state.keys()
    start = lia_to_edtalk(state)
    edtalk = EDTalk(TINY).state_dict()
    assert all(edtalk[key].shape == value.shape for key, value in start.items())
    assert "fc.3.weight" in start
    assert "fc.4.weight" not in start


def test_mixed_up_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "EDTalk.pt"
    torch.save({"gen": filled(LIA(TINY_LIA)).state_dict()}, path)
    with pytest.raises(WeightsMissing, match=r"EDTalk\.pt is not EDTalk without expression"):
        load_edtalk(path)
    torch.save({"audio2lip": Audio2Lip().state_dict()}, path)
    with pytest.raises(WeightsMissing, match="holds no 'gen', only: audio2lip"):
        load_edtalk(path)
