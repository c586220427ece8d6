"""What named edits of a generator do to the face, and what else they change.

``python -m tests.benchmarks.stylegan_edits [--pictures 40] [--seed 99] [--strip PNG]``

Edits of the generator in the weights store (`soliloquy edits find`) are laid over faces that were not looked at when
they were found, at -1.5 and 1.5. A row for each edit: the change of each attribute that landmarks tell for a unit of
it, in deviations of the generator's own faces; its own should change most. ``--strip``: a row of pictures from -2 to 2.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engines.errors import StudioError
from engines.face.landmarks import detect_faces
from engines.stylegan import edits, generators
from engines.stylegan.net_edits import ATTRIBUTES, attributes
from engines.stylegan.net_reach import faces
from engines.stylegan.studio import pictures_of

SIDE, AMOUNT = 256, 1.5


def seen(picture: np.ndarray) -> np.ndarray:
    """Attributes of a picture; not numbers where no face is seen."""
    side = max(SIDE, len(picture))
    large = Image.fromarray(np.rint(picture).astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    try:
        found = detect_faces(np.asarray(large))
    except StudioError:
        found = []
    return attributes(found[0].points.astype(float)) if found else np.full(len(ATTRIBUTES), np.nan)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=40)
    parser.add_argument("--seed", type=int, default=99)
    parser.add_argument("--strip", type=Path)
    args = parser.parse_args()
    chosen = generators.choose()
    named = [] if chosen is None else edits.kept(chosen)
    if chosen is None or not named:
        print("There is nothing to look at: import a generator and find edits (soliloquy edits find).")
        return 1
    loaded = generators.load(chosen)[0]
    generator = loaded.generator.eval().requires_grad_(False)

    def drawn(codes: Tensor) -> np.ndarray:
        with torch.no_grad():
            return np.concatenate([pictures_of(generator(part)) for part in codes.split(8)])

    codes = faces(loaded, args.pictures, args.seed)
    rest = np.stack([seen(p) for p in drawn(codes)])
    spread = np.nanstd(rest, 0)
    print(f"{chosen.entry}: {np.isfinite(rest[:, 0]).sum()} of {len(rest)} pictures show a face")
    print(f"  {'edit':12s}" + "".join(f"{name:>12s}" for name in ATTRIBUTES))
    strips = []
    for edit in named:
        rows = torch.from_numpy(edit.rows)
        up, down = (np.stack([seen(p) for p in drawn(codes + sign * AMOUNT * rows)]) for sign in (1, -1))
        change = np.nanmean((up - down) / (2 * AMOUNT * spread), 0)
        print(f"  {edit.name:12s}" + "".join(f"{value:12.2f}" for value in change))
        first = faces(loaded, 64, args.seed).mean(0, keepdim=True)
        strips.append(np.concatenate(list(drawn(torch.cat([first + a * rows for a in np.linspace(-2, 2, 9)]))), 1))
    if args.strip is not None:
        sheet = Image.fromarray(np.rint(np.concatenate(strips)).astype(np.uint8))
        sheet.resize((sheet.width * 2, sheet.height * 2), Image.Resampling.BICUBIC).save(args.strip)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
