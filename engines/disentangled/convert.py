"""Official EDTalk and LIA checkpoints, loaded key for key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engines import checkpoint

if TYPE_CHECKING:
    from torch import Tensor

    from engines.disentangled.net import LIA, Config, EDTalk
    from engines.disentangled.net_audio import Audio2Lip


def load_edtalk(path: Path, config: Config | None = None) -> EDTalk:
    """``EDTalk.pt`` (with expression) or ``EDTalk_lip_pose.pt`` (without), told apart by their keys.

    Parameters
    ----------
    config : of networks that are not of the official size

    Raises
    ------
    WeightsMissing, OutOfMemory
        See `engines.checkpoint`.
    """
    import torch

    from engines.disentangled.net import LIP_POSE, Config, EDTalk

    state = checkpoint.part(checkpoint.read(path), path, "gen")
    if config is None:
        config = Config() if "direction_exp.weight" in state else LIP_POSE
    with torch.device("meta"):
        model = EDTalk(config)
    what = "EDTalk" if config.expression else "EDTalk without expression (EDTalk_lip_pose.pt)"
    return checkpoint.load_strict(model, state, path, what)


def load_lia(path: Path, config: Config | None = None) -> LIA:
    """A LIA checkpoint: ``vox.pt``, ``taichi.pt`` or ``ted.pt``; errors as `load_edtalk`."""
    import torch

    from engines.disentangled.net import LIA

    with torch.device("meta"):
        model = LIA(config)
    return checkpoint.load_strict(model, checkpoint.part(checkpoint.read(path), path, "gen"), path, "LIA")


def load_audio2lip(path: Path) -> Audio2Lip:
    """``Audio2Lip.pt``; errors as `load_edtalk`."""
    import torch

    from engines.disentangled.net_audio import Audio2Lip

    with torch.device("meta"):
        model = Audio2Lip()
    state = checkpoint.part(checkpoint.read(path), path, "audio2lip")
    return checkpoint.load_strict(model, state, path, "EDTalk's Audio2Lip")


def lia_to_edtalk(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The part of a LIA state dict that EDTalk starts its training from, under EDTalk's names."""
    out = {}
    for key, value in state.items():
        if key.startswith("enc.fc."):
            index, rest = key.removeprefix("enc.fc.").split(".", 1)
            if int(index) < 4:
                out[f"fc.{index}.{rest}"] = value
        elif not key.startswith("dec.direction."):
            out[key] = value
    return out
