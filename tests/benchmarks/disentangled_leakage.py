"""How far moving one bank of a network's coordinates moves the others, in the frames it draws, encoded again.

``python -m tests.benchmarks.disentangled_leakage PORTRAIT ... [--frames 12] [--spread 1.0]``

Draws with the checkpoint in the weights store that the engine ``edtalk`` would use. One bank at a time gets random
offsets; row by row the table says what the encoder sees of each bank in the drawn frames, in parts of what it sees of
the bank when that bank itself is moved. 0 beside the diagonal is perfect; weights that were made up give anything.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from engines import registry
from engines.edtalk import checkpoints
from engines.edtalk.crop import face_crop
from engines.edtalk.drive import encode, source_of, to_pictures
from engines.face.landmarks import find_face
from engines.face.portrait import load_portrait


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", nargs="+", type=Path)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--spread", type=float, default=1.0, help="deviation of the offsets")
    args = parser.parse_args()
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
    shares = total / np.maximum(np.diag(total), 1e-12)
    print("moved       seen " + "".join(f"{name:>12s}" for name in names))
    for name, row in zip(names, shares, strict=True):
        print(f"{name:12s}     " + "".join(f"{v:12.2f}" for v in row))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
