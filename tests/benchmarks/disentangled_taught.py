"""How well taught actors follow the rig that taught them, on motion they have not seen.

``python -m tests.benchmarks.disentangled_taught PORTRAIT ... [--frames 40] [--performance FILE] [--strip FOLDER]``

Printed for each portrait: seconds of processor time to teach; PSNR of whole frames and of the mouth's box against the
rig's frames at the size taught, and of the still photo beside them; mean change of the mouth's box from frame to
frame as a part of the rig's; mean change (0 to 255) inside and outside its region when one bank alone moves, and the
rig's beside it. Motion comes from a curve file, else from random lessons with another seed.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from PIL import Image

from app.export import read_curves
from engines import arkit, registry
from engines.api import Performance, RenderOptions
from engines.disentangled.actor import TaughtActor
from engines.disentangled.engine import DisentangledEngine
from engines.teaching.lessons import lessons
from engines.face.portrait import load_portrait


def decibel(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, np.square(a - b).mean())))


def drawn(engine: object, actor: object, performance: Performance, options: RenderOptions) -> np.ndarray:
    return np.stack(list(engine.render(actor, performance, options=options))).astype(np.float32)  # type: ignore[attr-defined]


def regions(actor: TaughtActor, size: tuple[int, int]) -> dict[str, np.ndarray]:
    """Where each bank may act : bool (H, W)."""
    points = actor.rig.crop(size).places(actor.rig.landmarks.points[:, :2])
    nose, root, chin = points[2, 1], points[168, 1], points[152, 1]
    left, right = points[:468, 0].min(), points[:468, 0].max()
    y, x = np.mgrid[: size[1], : size[0]]
    face = (x > left) & (x < right)
    mouth = face & (y > root) & (y < chin + 0.35 * (chin - nose))
    return {"mouth": mouth, "expression": face & (y < nose)}


def probes() -> dict[str, Performance]:
    """One bank at a time, head still."""
    found = lessons(8, seed=99, head=False)
    units = [i for i, n in enumerate(arkit.NAMES) if arkit.REGION[n] in ("jaw", "lips", "tongue")]
    mouth, rest = np.zeros_like(found.weights), found.weights.copy()
    mouth[:, units] = found.weights[:, units]
    rest[:, units] = 0
    return {
        "mouth": found.with_(weights=mouth, gaze=0 * found.gaze),
        "expression": found.with_(weights=rest, tongue=0 * found.tongue),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", nargs="+", type=Path)
    parser.add_argument("--performance", type=Path)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--strip", type=Path)
    args = parser.parse_args()
    engine, rig = DisentangledEngine(registry.info("disentangled")), registry.load("blendshape")
    if args.performance:
        motion = read_curves(args.performance)
        motion = motion.slice(0, min(args.frames, len(motion)))
    else:
        motion = lessons(args.frames, seed=77)
    for path in args.portraits:
        started = time.process_time()
        actor = engine.prepare(load_portrait(path))
        taught_s = time.process_time() - started
        height, width = actor.rig.portrait.rgb.shape[:2]
        size = (round(width * actor.crop.scale), round(height * actor.crop.scale))
        options = RenderOptions(size=size)
        started = time.process_time()
        ours = drawn(engine, actor, motion, options)
        frame_s = (time.process_time() - started) / len(motion)
        theirs = drawn(rig, actor.rig, motion, options)
        photo = actor.rig.painter(size).photo.astype(np.float32)
        box, scale = actor.prior.lips.box, size[0] / width / actor.crop.scale
        left, top = (int(v * size[0] / width) for v in (actor.crop.left, actor.crop.top))
        x, y = left + int(box.left * scale), top + int(box.top * scale)
        lips = np.s_[:, y : y + int(box.height * scale), x : x + int(box.width * scale)]
        steps = [np.abs(np.diff(f[lips], axis=0)).mean() for f in (ours, theirs)]
        print(f"{path.name}: taught in {taught_s:.1f} s of CPU, {1000 * frame_s:.0f} ms a frame at {size[0]}x{size[1]}")
        print(
            f"  PSNR {decibel(ours, theirs):.1f} dB (still {decibel(photo[None], theirs):.1f}), mouth "
            f"{decibel(ours[lips], theirs[lips]):.1f} dB (still {decibel(photo[None][lips], theirs[lips]):.1f}), "
            f"motion {100 * steps[0] / steps[1]:.0f} %"
        )
        where = regions(actor, size)
        for bank, performance in probes().items():
            changes = [
                np.abs(f - photo).mean((0, 3))
                for f in (drawn(engine, actor, performance, options), drawn(rig, actor.rig, performance, options))
            ]
            inside, outside = where[bank], ~where[bank]
            text = ", ".join(f"{c[inside].mean():.2f} / {c[outside].mean():.3f}" for c in changes)
            print(f"  {bank} alone, change inside / outside its region: {text} (ours, rig)")
        if args.strip:
            args.strip.mkdir(parents=True, exist_ok=True)
            chosen = np.linspace(0, len(motion) - 1, 6).astype(int)
            rows = [np.concatenate(list(f[chosen]), 1) for f in (theirs, ours)]
            Image.fromarray(np.concatenate(rows).astype(np.uint8)).save(args.strip / f"{path.stem}.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
