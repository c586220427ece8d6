"""LIA against the official network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from engines.disentangled.net import LIA
from engines.disentangled.net_fast import Animator
from tests.parity.edtalk import CODE, MEAN, P999, filled
from tests.parity.fill import block_image
from tests.parity.report import Report


def run(folder: Path, manifest: dict[str, Any], report: Report) -> None:
    for case in manifest["cases"]:
        name = case["file"]
        z = np.load(folder / name)
        model: LIA = filled(LIA(), manifest, "LIA", case["salt"])
        source, start, drive = (torch.from_numpy(block_image(case["seed"] + i)) for i in range(3))
        wa, _ = model.encode(source)
        h_start, a_drive, a_source = (model.coordinates(model.encode(x)[0]) for x in (start, drive, source))
        report.maximum(name, "wa", wa, z["wa"], CODE)
        report.maximum(name, "h_start", h_start, z["h_start"], CODE)
        report.maximum(name, "alpha_drive", a_drive, z["alpha_drive"], CODE)
        report.maximum(name, "alpha_src", a_source, z["alpha_src"], CODE)
        report.maximum(name, "Q20", model.basis(), z["Q20"], CODE)
        relative = a_drive - h_start + a_source
        animator = Animator(model)
        portrait = animator.source(source)
        for key, alpha in (("img_absolute_sub4", a_drive), ("img_relative_sub4", relative)):
            report.image(name, key, model(source, alpha)[:, :, ::4, ::4], z[key], MEAN, P999)
            fast = animator.frames(portrait, alpha)
            report.image(name, key + ", fast path", fast[:, :, ::4, ::4], z[key], MEAN, P999)
