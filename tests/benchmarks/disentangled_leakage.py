"""How far moving one bank of a network's coordinates moves the others, in the frames it draws, encoded again.

``python -m tests.benchmarks.disentangled_leakage PORTRAIT ... [--shipped] [--frames 12] [--spread 1.0]``

Draws with the checkpoint in the weights store that the engine ``edtalk`` would use, or (``--shipped``) with the base
that is part of Soliloquy, painted by the engine ``oneshot``, aligned and read by the base's own readers. One bank at a
time gets random offsets; row by row the table says what the encoder sees of each bank in the drawn frames, in parts of
what it sees of the bank when that bank itself is moved. 0 beside the diagonal is perfect; weights that were made up
give anything. For the shipped base a second table says the same with the frames of the rig in place of its own, which
is how well its readers tell banks apart, and a line how well they read the numbers that were asked for.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from engines import arkit, registry
from engines.api import Performance, RenderOptions
from engines.disentangled.actor import NAMES
from engines.disentangled.oneshot import OneShotActor, read_coordinates
from engines.edtalk import checkpoints
from engines.edtalk.crop import face_crop
from engines.edtalk.drive import source_of
from engines.face.landmarks import find_face
from engines.face.portrait import load_portrait
from engines.latent.pictures import encode, to_pictures
from engines.teaching.banks import EXPRESSION, MOUTH, POSE
from engines.teaching.lessons import lessons

BANKS = {"mouth": MOUTH, "pose": POSE, "expression": EXPRESSION}


def table(title: str, total: np.ndarray, names: list[str]) -> None:
    shares = total / np.maximum(np.diag(total), 1e-12)
    print(title)
    print("moved       seen " + "".join(f"{name:>12s}" for name in names))
    for name, row in zip(names, shares, strict=True):
        print(f"{name:12s}     " + "".join(f"{v:12.2f}" for v in row))


def shipped(paths: list[Path], frames: int, spread: float) -> None:
    """The tables of the base that is shipped."""
    engine, rig = registry.load("oneshot"), registry.load("blendshape")
    totals = np.zeros((2, 3, 3))
    read: list[np.ndarray] = []
    for path in paths:
        actor = engine.prepare(load_portrait(path))
        assert isinstance(actor, OneShotActor)
        size = tuple(round(v * actor.crop.scale) for v in actor.rig.portrait.rgb.shape[1::-1])
        options = RenderOptions(size=(size[0], size[1]))
        course = lessons(frames, seed=31)
        asked = actor.banks.coordinates(actor.motion(course))
        still = Performance.rest(frames, course.rate)
        for i, span in enumerate(BANKS.values()):
            extras = {
                NAMES[k]: np.stack([np.zeros(frames), spread * asked[:, k]], 1) for k in range(span.start, span.stop)
            }
            moved = still.with_(extras=extras)
            alone = _alone(course, i)
            for kind, (maker, who, performance) in enumerate(((engine, actor, moved), (rig, actor.rig, alone))):
                drawn = list(maker.render(who, performance, options=options))
                seen = read_coordinates(actor, drawn)
                totals[kind, i] += [np.sqrt(np.square(seen[:, other]).mean()) for other in BANKS.values()]
                if kind == 0:
                    read.append(np.stack([seen[:, span].ravel(), spread * asked[:, span].ravel()]))
    names = list(BANKS)
    table("frames of the shipped base, read by its reader", totals[0], names)
    table("frames of the rig, read by the same reader", totals[1], names)
    for i, name in enumerate(names):
        pairs = np.concatenate(read[i::3], 1)
        print(f"{name}: asked for and read again, r {np.corrcoef(pairs)[0, 1]:.2f}")


def _alone(course: Performance, bank: int) -> Performance:
    """One bank's part of a performance."""
    units = [i for i, n in enumerate(arkit.NAMES) if arkit.REGION[n] in ("jaw", "lips", "tongue")]
    weights = course.weights.copy()
    weights[:, [i for i in range(arkit.COUNT) if (i in units) != (bank == 0)]] = 0
    return course.with_(
        weights=weights * (bank != 1),
        head=course.head * (bank == 1),
        gaze=course.gaze * (bank == 2),
        tongue=course.tongue * (bank == 0),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", nargs="+", type=Path)
    parser.add_argument("--shipped", action="store_true", help="the base that is part of Soliloquy")
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--spread", type=float, default=1.0, help="deviation of the offsets")
    args = parser.parse_args()
    if args.shipped:
        shipped(args.portraits, args.frames, args.spread)
        return 0
    import torch

    from engines.disentangled.net_fast import Animator

    chosen = checkpoints.choose()
    print(f"{registry.info('edtalk').name}: {chosen.entry}, sha256 {chosen.sha256[:16]}…")
    animator = Animator(checkpoints.load(chosen))
    names = list(animator.banks)
    total = np.zeros((len(names), len(names)))
    rng = np.random.default_rng(3)
    for path in args.portraits:
        portrait = load_portrait(path)
        crop = face_crop(find_face(portrait).points, animator.config.size)
        source = animator.source(source_of(crop, portrait.rgb))
        start = encode(animator, crop.cut(portrait.rgb)[None], "cpu")[0]

        def seen(alpha: np.ndarray) -> np.ndarray:
            drawn = [to_pictures(animator.frames(source, torch.from_numpy(row[None])))[0] for row in alpha]  # noqa: B023
            return encode(animator, np.stack(drawn).round().astype(np.uint8), "cpu")

        still = seen(start[None])[0]
        for i, bank in enumerate(names):
            alpha = np.tile(start, (args.frames, 1))
            alpha[:, animator.banks[bank]] += rng.normal(0, args.spread, alpha[:, animator.banks[bank]].shape)
            apart = seen(alpha.astype(np.float32)) - still
            total[i] += [np.sqrt(np.square(apart[:, animator.banks[other]]).mean()) for other in names]
    table("frames of the checkpoint, encoded again", total, names)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
