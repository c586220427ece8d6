"""Official EDTalk and LIA checkpoints, loaded key for key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engines import checkpoint
from engines.errors import WeightsMissing

if TYPE_CHECKING:
    from torch import Tensor

    from engines.disentangled.net import LIA, Config, EDTalk
    from engines.disentangled.net_audio import Audio2Lip


def load_edtalk(path: Path, config: Config | None = None) -> EDTalk:
    """``EDTalk.pt`` (with expression) or ``EDTalk_lip_pose.pt`` (without), told apart by their keys.

    Parameters
    ----------
    config : its size; default that of the file

    Raises
    ------
    WeightsMissing, OutOfMemory
        See `engines.checkpoint`.
    """
    import torch

    from engines.disentangled.net import LIP_POSE, Config, EDTalk

    state = checkpoint.part(checkpoint.read(path), path, "gen")
    if config is None:
        fallback = Config() if "direction_exp.weight" in state else LIP_POSE
        config = config_of(state, ("lip_fc.2", "pose_fc.2", "exp_fc.2"), fallback)
    with torch.device("meta"):
        model = EDTalk(config)
    what = "EDTalk" if config.expression else "EDTalk without expression (EDTalk_lip_pose.pt)"
    return checkpoint.load_strict(model, state, path, what)


def load_own(path: Path) -> EDTalk:
    """A network that ``soliloquy train disentangled`` made, of any size; errors as `load_edtalk`."""
    from safetensors import SafetensorError, safe_open

    if checkpoint.sniff(path) != "safetensors":
        raise WeightsMissing(f"{path} is no network of 'soliloquy train disentangled', which writes safetensors.")
    try:
        with safe_open(path, "pt") as file:
            made_by = (file.metadata() or {}).get("made by")
    except (SafetensorError, OSError) as error:
        raise WeightsMissing(f"{path} is damaged or truncated ({error}). Train or copy it again.") from error
    if made_by != "Soliloquy":
        raise WeightsMissing(f"{path} was not made by 'soliloquy train disentangled'. Import it under its own name.")
    return load_edtalk(path)


def load_lia(path: Path, config: Config | None = None) -> LIA:
    """A LIA checkpoint: ``vox.pt``, ``taichi.pt`` or ``ted.pt``; errors as `load_edtalk`."""
    import torch

    from engines.disentangled.net import LIA, LIA_CONFIG

    state = checkpoint.part(checkpoint.read(path), path, "gen")
    if config is None:
        config = config_of(state, ("", "enc.fc.4", ""), LIA_CONFIG)
    with torch.device("meta"):
        model = LIA(config)
    return checkpoint.load_strict(model, state, path, "LIA")


def config_of(state: dict[str, Tensor], heads: tuple[str, str, str], fallback: Config) -> Config:
    """The size of the network that a state dict fills.

    Parameters
    ----------
    heads : key of the last layer of the mouth's, the pose's and the expression's head; empty where there is none
    fallback : what a file should hold that does not even have the keys that tell
    """
    from engines.disentangled.net import Config

    prefix = "enc.net_app.convs."
    convs = {key.removeprefix(prefix).split(".")[0] for key in state if key.startswith(prefix)}
    last, first = f"{prefix}{len(convs) - 1}.weight", f"{prefix}0.0.weight"
    wanted = {first, last, *(f"{head}.weight" for head in heads[:2] if head)}
    if len(convs) < 4 or not wanted <= state.keys() or any(state[key].ndim < 2 for key in wanted):
        return fallback
    size = 4 << (len(convs) - 2)
    mouth, pose, expression = (len(state[f"{h}.weight"]) if f"{h}.weight" in state else 0 for h in heads)
    width = state[first].shape[0] / max(1, 16384 // size)
    return Config(size, state[last].shape[0], mouth, pose, expression, width, max_channels=state[last].shape[1])


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
