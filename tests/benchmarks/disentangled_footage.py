"""Whether footage of the actor makes a better actor than the rig alone: frames of the clip that were kept apart.

``python -m tests.benchmarks.disentangled_footage FOOTAGE ... [--strip FOLDER]``

``FOOTAGE`` is what ``soliloquy footage --layout fixed`` made of a clip. The calmest frame is the portrait, the last
12 % of every clip are kept apart, the rest teaches (`engines.disentangled.footage`). Each frame kept apart is then
drawn from the motion captured in it, head placed as alignment finds it, by the rig, by the engine ``disentangled`` as
the rig taught it, and as footage taught it. Printed: PSNR against the real frames in the box of the face and in the
box of the mouth, and how much the mouth's box changes from frame to frame as a part of the real change. Also seconds of
processor time that teaching took. A strip shows real frames, the rig's, and the taught engine's.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from engines import registry
from engines.api import Portrait
from engines.capture.footage import load_footage
from engines.disentangled.engine import DisentangledEngine
from engines.disentangled.footage import UNSEEN, learn, see
from engines.teaching.banks import POSE, POSE_SCALE
from engines.teaching.footage import SURE, calmest, clips_of
from engines.teaching.teacher import Box


def decibel(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, np.square(a - b).mean())))


def enlarged(box: Box, scale: float, left: float, top: float) -> tuple[slice, slice]:
    """A box of the actor in the portrait."""
    x, y = left + box.left / scale, top + box.top / scale
    rows = slice(max(0, round(y)), round(y + box.height / scale))
    return rows, slice(max(0, round(x)), round(x + box.width / scale))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("footage", nargs="+", type=Path)
    parser.add_argument("--strip", type=Path)
    args = parser.parse_args()
    engine, rig = registry.load("disentangled"), registry.load("blendshape")
    assert isinstance(engine, DisentangledEngine)
    for folder in args.footage:
        footage = load_footage(folder)
        chosen = calmest(footage)
        actor = engine.prepare(Portrait(chosen[0].frame(chosen[1])))
        began = time.process_time()
        moments = see(actor, footage, chosen)
        seen = learn(actor, moments)
        spent = time.process_time() - began
        taught = replace(actor, seen=seen)
        real: list[np.ndarray] = []
        drawn: dict[str, list[np.ndarray]] = {"rig": [], "as the rig taught": [], "as footage taught": []}
        found = moments.coordinates[moments.unseen][:, POSE] * POSE_SCALE
        at = 0
        for clip, performance, pictures in clips_of(footage, chosen):
            kept = np.flatnonzero((clip.confidence() >= SURE) & (np.arange(len(clip)) >= (1 - UNSEEN) * len(clip)))
            head = performance.head.copy()
            head[kept] = found[at : at + len(kept)]
            at += len(kept)
            whole = performance.with_(head=head)
            real += [p for i, p in enumerate(pictures) if i in set(kept)]
            for i in kept:
                for name, (maker, who) in zip(
                    drawn, ((rig, actor.rig), (engine, actor), (engine, taught)), strict=True
                ):
                    drawn[name] += list(maker.render(who, whole, start=int(i), stop=int(i) + 1))
        place = actor.crop.scale, actor.crop.left, actor.crop.top
        face, lips = enlarged(moments.box, *place), enlarged(actor.prior.lips.box, *place)
        truth = np.stack(real).astype(np.float32)
        print(f"{folder.name}: {np.sum(~moments.unseen)} frames taught in {spent:.0f} s of CPU, {len(real)} kept apart")
        steps = np.abs(np.diff(truth[(slice(None), *lips)], axis=0)).mean()
        for name, frames in drawn.items():
            ours = np.stack(frames).astype(np.float32)
            face_db, lips_db = (decibel(ours[(slice(None), *b)], truth[(slice(None), *b)]) for b in (face, lips))
            moved = np.abs(np.diff(ours[(slice(None), *lips)], axis=0)).mean()
            print(f"  {name}: face {face_db:.2f} dB, mouth {lips_db:.2f} dB, motion {100 * moved / steps:.0f} %")
        if args.strip:
            args.strip.mkdir(parents=True, exist_ok=True)
            columns = np.linspace(0, len(real) - 1, 8).astype(int)
            rows = [real, drawn["rig"], drawn["as footage taught"]]
            strip = np.concatenate([np.concatenate([r[i][face] for i in columns], 1) for r in rows])
            Image.fromarray(strip).save(args.strip / f"{folder.name}.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
