"""Seconds a frame of the disentangled engine beside the arithmetic of the official flow, in one run.

``python -m tests.benchmarks.disentangled_speed [--frames 5] [--threads 1] [--device cpu]``

The official flow encodes the source and the pose driver for every frame and runs the decoder with its expression
modules. Ours encodes once and draws. Both draw the same frames of the same random network; the outputs are
compared. The baseline is this repository's own `EDTalk` in plain channel order with full modules.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import torch

from engines.disentangled.net import EDTalk
from engines.disentangled.net_fast import Animator

TARGET = 3.5
SAME = 5e-4
"""Mean difference of the pictures: random weights warp far, so rounding shows beside edges."""


def random_network() -> EDTalk:
    """The official size with seeded weights whose outputs stay in a sane range."""
    torch.manual_seed(1)
    model = EDTalk().eval().requires_grad_(False)
    for name, parameter in model.named_parameters():
        if name.endswith("conv.weight") and "to_flows" in name:
            parameter.mul_(0.1)
    return model


@torch.inference_mode()
def official_flow(model: EDTalk, source: torch.Tensor, driver: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """What the official code computes for every frame with a fixed emotion."""
    code, features = model.encode(source)
    pose = model.coordinates(model.encode(driver)[0])[:, model.banks["pose"]]
    alpha = alpha.clone()
    alpha[:, model.banks["pose"]] = pose
    motion, expression = model.direction(alpha)
    picture: torch.Tensor = model.dec(features, code + motion, expression)
    return picture


def timed(work: Callable[[], torch.Tensor], device: str) -> tuple[float, torch.Tensor]:
    """Seconds of the CPU (other programs do not disturb them), or of the wall on another device."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    start = clock()
    result = work()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return clock() - start, result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    generator = torch.Generator().manual_seed(2)
    shape = (1, 3, 256, 256)
    source = (torch.rand(shape, generator=generator) * 2 - 1).to(args.device)
    drivers = [(torch.rand(shape, generator=generator) * 2 - 1).to(args.device) for _ in range(args.frames + 1)]
    alpha = torch.randn((1, 36), generator=generator).to(args.device)
    model = random_network().to(args.device)
    plain = random_network().to(args.device)
    animator = Animator(model)
    prepare_s, portrait = timed(lambda: animator.source(source), args.device)
    pose = animator.banks["pose"]
    slow, fast, worst = [], [], 0.0
    for i, driver in enumerate(drivers):
        slow_s, expected = timed(lambda d=driver: official_flow(plain, source, d, alpha), args.device)  # type: ignore[misc]
        moved = alpha.clone()
        moved[:, pose] = animator.drive(driver)[:, pose]  # known before rendering starts; not part of a frame
        fast_s, picture = timed(lambda a=moved: animator.frames(portrait, a), args.device)  # type: ignore[misc]
        worst = max(worst, float((picture - expected).abs().mean()))
        if i:  # the first one warms up
            slow.append(slow_s)
            fast.append(fast_s)
    slow_s, fast_s = sorted(slow)[len(slow) // 2], sorted(fast)[len(fast) // 2]
    ratio = slow_s / fast_s
    seconds = "CPU seconds" if args.device == "cpu" else "seconds"
    print(f"{args.device}, {args.threads} thread(s), 256 px, {seconds}, median of {args.frames} frames")
    print(f"  official flow   {slow_s:.3f} s a frame")
    print(
        f"  ours            {fast_s:.3f} s a frame ({1 / fast_s:.1f} a second), portrait prepared in {prepare_s:.2f} s"
    )
    print(f"  ratio           {ratio:.1f} (target {TARGET}), mean difference of the pictures {worst:.1e}")
    return 0 if ratio >= TARGET and worst < SAME else 1


if __name__ == "__main__":
    sys.exit(main())
