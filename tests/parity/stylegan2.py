"""StyleGAN2 generators against the official ones, in both key namings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from engines.stylegan.convert import config_of, nvidia_to_rosinality, rosinality_to_nvidia
from engines.stylegan.net import Config, Generator, truncate
from engines.stylegan.net_fast import Synthesizer
from tests.parity.fill import fill, normal
from tests.parity.report import Report

LATENT, IMAGE = 1e-4, 1e-3


def weight_rule(entry: dict[str, Any], w: np.ndarray) -> np.ndarray | None:
    key: str = entry["key"]
    parts = key.split(".")
    if parts[-1] == "kernel":
        return None
    if parts[0] == "noises":
        return np.zeros_like(w)
    if parts[0] == "style":
        return np.float32(100 if parts[-1] == "weight" else 2) * w
    if key.endswith("modulation.bias"):
        return 1 + np.float32(0.1) * w
    if key.endswith("noise.weight"):
        return np.float32(0.1) * np.abs(w)
    if key == "input.input" or (parts[-1] == "weight" and w.ndim >= 2):
        return w
    return np.float32(0.1) * w


def run(folder: Path, manifest: dict[str, Any], report: Report) -> None:
    for name, case in manifest["cases"].items():
        layout = manifest["configs"][f"size{case['size']}"]
        config = Config(
            case["size"], layout["style_dim"], layout["n_mlp"], channel_multiplier=layout["channel_multiplier"]
        )
        generator = Generator(config)
        digest = fill(generator, layout["state"], case["salt"], weight_rule)
        report.equal(name, "state_sha256", digest == case["state_sha256"])
        _case(name, case, generator, np.load(folder / f"{name}.npz"), report)
        _naming(name, generator, manifest["configs"].get(f"nvidia_ada_size{case['size']}"), report)


def _case(name: str, case: dict[str, Any], generator: Generator, z: Any, report: Report) -> None:
    rows, sub = generator.config.layers, case["subsample"]
    w = generator.mapping(torch.from_numpy(normal(case["z"], (1, 512))))
    wplus = generator.mapping(torch.from_numpy(normal(case["wplus"], (rows, 512))))[None]
    centre = generator.mapping(torch.from_numpy(normal(case["z"] + 50, (16, 512)))).mean(0, keepdim=True)
    noises = [torch.from_numpy(normal(case["noise_seed"] + i, m.shape)) for i, m in enumerate(generator.noises.maps())]
    report.maximum(name, "w_from_z", w, z["w_from_z"], LATENT)
    report.maximum(name, "wplus", wplus, z["wplus"], LATENT)
    report.maximum(name, "w_mean16", centre, z["w_mean16"], LATENT)
    styles = generator.styles(wplus)
    report.maximum(name, "stylespace_concat", torch.cat(list(styles.values()), 1), z["stylespace_concat"], LATENT)
    single = generator.styles(generator.wplus(w))
    truncated = generator.styles(generator.wplus(truncate(w, centre, 0.7)))
    cases = (
        ("image_wplus", styles, None),
        ("image_w", single, None),
        ("image_trunc07", truncated, None),
        ("image_wplus_noise", styles, noises),
    )
    for key, space, maps in cases:
        report.maximum(name, key, generator.synthesis(space, maps)[:, :, ::sub, ::sub], z[key], IMAGE)
        fast = Synthesizer(generator, maps)(space)
        report.maximum(name, key + ", fast path", fast[:, :, ::sub, ::sub], z[key], IMAGE)


def _naming(name: str, generator: Generator, layout: dict[str, Any] | None, report: Report) -> None:
    """There and back between the two key namings."""
    state = generator.state_dict()
    average = torch.ones(512)
    converted = rosinality_to_nvidia(state, average)
    if layout is not None:
        shapes = {entry["key"]: tuple(entry["shape"]) for entry in layout["state"]}
        report.equal(name, "NVIDIA layout", {k: tuple(v.shape) for k, v in converted.items()} == shapes)
    back, back_average = nvidia_to_rosinality(converted)
    same = back.keys() == state.keys() and all(torch.equal(back[k], state[k]) for k in state)
    kept = back_average is not None and torch.equal(back_average, average)
    report.equal(name, "NVIDIA naming and back", same and kept)
    report.equal(name, "architecture read from the keys", config_of(back) == generator.config)
