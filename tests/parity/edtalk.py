"""EDTalk and Audio2Lip against the official networks."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from engines.disentangled import mel
from engines.disentangled.net import LIP_POSE, EDTalk, MotionNet
from engines.disentangled.net_audio import Audio2Lip, smooth
from engines.disentangled.net_fast import Animator
from tests.parity.fill import block_image, fan_in, fill, normal, short_sha
from tests.parity.report import Report

CODE, FEATURE, MEAN, P999 = 1e-4, 1e-3, 1e-4, 5e-3
SENSITIVE, WORST = 128, 5e-3
"""From this side on a pixel beside the border of the sampler amplifies rounding: the recorded float32 outputs of the
official network differ from float64 of the same arithmetic by up to 1.2e-3 (measured on the first public case). There
the manifest's 1e-3 holds for 99 of 100 points, and 5e-3 for all."""


def weight_rule(entry: dict[str, Any], w: np.ndarray) -> np.ndarray | None:
    kind = entry["fill"]
    if kind == "official":
        return None
    return {
        "unit": lambda: w,
        "fan_in": lambda: w * fan_in(w),
        "fan_in*8": lambda: 8 * w * fan_in(w),
        "small": lambda: np.float32(0.02) * w,
        "one": lambda: 1 + np.float32(0.02) * w,
        "var": lambda: np.abs(w) + np.float32(0.5),
        "zero": lambda: np.zeros(w.shape, np.int64),
    }[kind]()


def filled(model: nn.Module, manifest: dict[str, Any], name: str, salt: str) -> Any:
    fill(model, manifest["models"][name]["tensors"], salt, weight_rule)
    return model


def side(x: torch.Tensor, points: int = 8) -> torch.Tensor:
    """The first 8 channels at 8 x 8 points."""
    step = x.shape[-1] // points
    return x[:, :8, ::step, ::step]


def run(folder: Path, manifest: dict[str, Any], report: Report) -> None:
    salts = dict.fromkeys(case["salt"] for case in manifest["cases"])
    for salt in salts:
        full = filled(EDTalk(), manifest, "EDTalk", salt)
        lip_pose = filled(EDTalk(LIP_POSE), manifest, "EDTalk_lip_pose", salt)
        audio = filled(Audio2Lip(), manifest, "Audio2Lip", salt)
        for case in manifest["cases"]:
            if case["salt"] == salt:
                _case(folder, case, full, lip_pose, audio, report)


def _case(folder: Path, case: dict[str, Any], full: EDTalk, lip_pose: EDTalk, audio: Audio2Lip, report: Report) -> None:
    name = case["file"]
    z = np.load(folder / name)
    images = {}
    for key in ("src", "pose_img", "lip_img", "exp_img"):
        given = case["inputs"][key]
        array = block_image(given["seed"])
        assert short_sha(array) == given["sha"], f"{name}: the input image {key} came out differently"
        images[key] = torch.from_numpy(array)
    mouth, expression = torch.from_numpy(z["alpha_lip_in"]), torch.from_numpy(z["alpha_exp_in"])

    def code(key: str, got: torch.Tensor) -> None:
        report.maximum(name, key, got, z[key], CODE)

    wa, features = full.encode(images["src"])
    drivers = {key: full.encode(images[f"{key}_img"])[0] for key in ("pose", "lip", "exp")}
    alphas = {key: full.coordinates(h) for key, h in drivers.items()}
    basis = full.basis()
    code("wa", wa)
    for key, h in drivers.items():
        code(f"h_{key}", h)
    for i, feature in enumerate(features):
        report.maximum(name, "features", side(feature), z[f"feat{i}_sub"], FEATURE)
    code("alpha_pose", alphas["pose"][:, full.banks["pose"]])
    code("alpha_lip_from_image", alphas["lip"][:, full.banks["mouth"]])
    code("alpha_exp_from_image", alphas["exp"][:, full.banks["expression"]])
    code("Q36", basis)

    alpha = torch.cat([mouth, alphas["pose"][:, full.banks["pose"]], expression], 1)
    motion, e = full.direction(alpha, basis)
    assert e is not None
    code("alphaD_A", alpha)
    code("e_A", e)
    code("lip_latent_A", alpha[:, :20] @ basis[:, :20].T)
    code("pose_latent_A", alpha[:, 20:26] @ basis[:, 20:26].T)
    code("dir_A", motion)
    code("latent_A", wa + motion)
    for i, (level, rgb) in enumerate(full.dec.levels(features, wa + motion, e)):
        step = max(1, level.flow.shape[-1] // 32)
        report.maximum(name, "flow", level.flow[:, :, ::step, ::step], z[f"A_flow{i}_sub"], FEATURE)
        state, want = side(level.state), z[f"A_h{i}_sub"]
        if level.state.shape[-1] < SENSITIVE:
            report.maximum(name, "decoder state", state, want, FEATURE)
        else:
            report.maximum(name, f"decoder state {level.state.shape[-1]} px", state, want, WORST)
            report.percentile(name, f"decoder state {level.state.shape[-1]} px", state, want, 99, FEATURE)
        report.maximum(name, "expression module", side(level.features), z[f"A_eem{i}_sub"], FEATURE)
        picture = rgb
    report.image(name, "image A", picture[:, :, ::2, ::2], z["imgA_sub2"], MEAN, P999)

    alpha_video = torch.cat([alphas[k][:, full.banks[b]] for k, b in _VIDEO], 1)
    report.image(name, "image V", full(images["src"], alpha_video)[:, :, ::4, ::4], z["imgV_sub4"], MEAN, P999)
    fast = _fast(full, images["src"], alpha)
    report.image(name, "image A, fast path", fast[:, :, ::2, ::2], z["imgA_sub2"], MEAN, P999)

    _lip_pose(name, z, lip_pose, images, mouth, report)
    _audio(folder, name, z, audio, report)
    case_alpha = normal_inputs(case)
    report.maximum(name, "recipe of alpha_lip_in", case_alpha[0], z["alpha_lip_in"], 0)
    report.maximum(name, "recipe of alpha_exp_in", case_alpha[1], z["alpha_exp_in"], 0)


_VIDEO = (("lip", "mouth"), ("pose", "pose"), ("exp", "expression"))


def normal_inputs(case: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The random coordinates that the manifest's recipe gives."""
    numbers = normal(case["inputs"]["alpha_lip_in/alpha_exp_in"]["seed"], (30,))
    return numbers[None, :20], 2 * numbers[None, 20:]


def _fast(model: MotionNet, source: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    animator = Animator(copy.deepcopy(model))
    return animator.frames(animator.source(source), alpha)


def _lip_pose(
    name: str, z: Any, model: EDTalk, images: dict[str, torch.Tensor], mouth: torch.Tensor, report: Report
) -> None:
    wa, _ = model.encode(images["src"])
    pose = model.coordinates(model.encode(images["pose_img"])[0])[:, model.banks["pose"]]
    lip = model.coordinates(model.encode(images["lip_img"])[0])[:, model.banks["mouth"]]
    report.maximum(name, "LP_wa", wa, z["LP_wa"], CODE)
    report.maximum(name, "LP_alpha_pose", pose, z["LP_alpha_pose"], CODE)
    report.maximum(name, "LP_Q26", model.basis(), z["LP_Q26"], CODE)
    voiced, filmed = torch.cat([mouth, pose], 1), torch.cat([lip, pose], 1)
    both = ((voiced, "LP_img_audio_sub4"), (filmed, "LP_img_V_sub4"))
    for alpha, key in both:
        report.image(name, key, model(images["src"], alpha)[:, :, ::4, ::4], z[key], MEAN, P999)
    fast = _fast(model, images["src"], voiced)
    report.image(name, "LP_img_audio, fast path", fast[:, :, ::4, ::4], z["LP_img_audio_sub4"], MEAN, P999)


def _audio(folder: Path, name: str, z: Any, model: Audio2Lip, report: Report) -> None:
    frames = mel.frame_count(len(z["wav"]))
    zero = mel.mel_spectrogram(z["wav"], pad_mode="constant")
    report.maximum(name, "mel, zero padding", zero, z["mel"], CODE)
    reflect = folder / name.replace("case_", "melreflect_")
    if reflect.is_file():
        report.maximum(
            name, "mel, reflect padding", mel.mel_spectrogram(z["wav"]), np.load(reflect)["mel_reflect"], CODE
        )
    index = mel.window_index(frames, len(zero))
    report.equal(name, "mel_window_index", np.array_equal(index, z["mel_window_index"]))
    alpha = model(torch.from_numpy(mel.windows(zero, frames)))
    report.maximum(name, "alpha_lip_audio", alpha, z["alpha_lip_audio"], CODE)
    report.maximum(name, "alpha_lip_audio_smoothed", smooth(alpha), z["alpha_lip_audio_smoothed"], CODE)
