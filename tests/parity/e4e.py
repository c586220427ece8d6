"""e4e and pSp encoders against the official ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from engines.stylegan.net_encoders import EncoderConfig, FaceEncoder
from tests.parity.fill import fan_in, fill, normal, smooth_image
from tests.parity.report import Report

LIMIT = 1e-4


def weight_rule(entry: dict[str, Any], w: np.ndarray) -> np.ndarray | None:
    key: str = entry["key"]
    if key.endswith("num_batches_tracked"):
        return np.zeros(w.shape, np.int64)
    if key.endswith("running_var"):
        return np.abs(w) + np.float32(0.5)
    if key.endswith(("input_layer.2.weight", "res_layer.2.weight")):
        return np.float32(0.25) + np.float32(0.02) * w
    if key.startswith("styles.") and key.endswith("linear.weight"):
        return w
    value = w * fan_in(w) if w.ndim >= 2 else np.float32(0.02) * w
    if w.ndim == 1 and key.endswith(".weight"):
        value = 1 + value
    if key.startswith("styles.") and ".convs." in key and key.endswith(".weight"):
        value = value * np.float32(np.sqrt(2))
    if key.endswith("res_layer.4.weight"):
        value = value * np.float32(0.5)
    return value


def run(folder: Path, manifest: dict[str, Any], report: Report) -> None:
    for name, case in manifest["cases"].items():
        layout = manifest["configs"][f"{case['kind']}{case['size']}"]
        encoder = FaceEncoder(EncoderConfig(layout["style_count"], case["kind"]))
        digest = fill(encoder, layout["state"], case["salt"], weight_rule)
        report.equal(name, "state_sha256", digest == case["state_sha256"])
        z = np.load(folder / f"{name}.npz")
        image = torch.from_numpy(smooth_image(case["img"], 256))
        average = torch.from_numpy(normal(case["avg"], (512,)))
        codes = encoder(image)
        report.maximum(name, "codes", codes, z["codes"], LIMIT)
        report.maximum(name, "codes_plus_latent_avg", codes + average, z["codes_plus_latent_avg"], LIMIT)
        if case["kind"] == "e4e":
            report.maximum(name, "codes_stage_W", encoder(image, stage=0), z["codes_stage_W"], LIMIT)
            report.maximum(name, "codes_stage_delta4", encoder(image, stage=4), z["codes_stage_delta4"], LIMIT)
        fine, middle, coarse = encoder.pyramid(image)
        report.maximum(name, "feat_c1_body6_sub", fine[:, ::8, ::4, ::4], z["feat_c1_body6_sub"], LIMIT)
        report.maximum(name, "feat_c2_body20_sub", middle[:, ::8, ::2, ::2], z["feat_c2_body20_sub"], LIMIT)
        report.maximum(name, "feat_c3_body23_sub", coarse[:, ::8], z["feat_c3_body23_sub"], LIMIT)
