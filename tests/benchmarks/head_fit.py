"""How well heads fit a folder of portraits: ``python -m tests.benchmarks.head_fit FOLDER``.

Columns: mean distance of explained from detected landmarks in % of the distance of the outer eye corners, after the
Gauss-Newton fit, on landmarks left out of it (30 %), and after the smooth correction; gap of the lids at a blink in %
of the eye's width and of the neutral lips in millimetres; seconds for detection and fit.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from engines import arkit
from engines.errors import StudioError
from engines.face.landmarks import FaceLandmarks, find_face
from engines.face.portrait import load_portrait
from engines.rig import personal, solver
from engines.rig.fit import fit_head
from engines.rig.head import load_head


def left_out(face: FaceLandmarks, size: tuple[int, int]) -> float:
    """Error on a third of the landmarks that the fit did not see, in eye distances."""
    hidden = np.random.default_rng(0).random(478) < 0.3
    spread = np.where(hidden, 1e3 * face.eye_distance, face.spread).astype(np.float32)  # spread is distrust
    solution = solver.solve(load_head(), replace(face, spread=spread), size)
    return float(np.linalg.norm(solution.residual_px[:468][hidden[:468]], axis=1).mean() / face.eye_distance)


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    rows = []
    print(f"{'portrait':34}   fit % held %  end %  lids %  lips mm  find s  fit s")
    for path in sorted(Path(sys.argv[1]).iterdir()):
        try:
            portrait = load_portrait(path)
            start = time.perf_counter()
            face = find_face(portrait)
        except StudioError as error:
            print(f"{path.name:34} {error}")
            continue
        found = time.perf_counter()
        size = (portrait.rgb.shape[1], portrait.rgb.shape[0])
        fitted = fit_head(face, size)
        fit = time.perf_counter()
        mesh = fitted.mesh
        gaps = []
        for side, name in enumerate(("eyeBlinkLeft", "eyeBlinkRight")):
            pair = personal.lids(side)
            width = np.linalg.norm(mesh.vertices[pair.upper[0]] - mesh.vertices[pair.upper[-1]])
            gaps.append(pair.gap(mesh.vertices + mesh.units[arkit.INDEX[name]]) / width)
        rows.append(
            (
                100 * fitted.fit_error,
                100 * left_out(face, size),
                100 * fitted.error,
                100 * max(gaps),
                10 * personal.lips().gap(mesh.vertices),
                found - start,
                fit - found,
            )
        )
        print(f"{path.name[:34]:34}" + "".join(f"{v:8.2f}" for v in rows[-1]))
    if rows:
        print(f"{'mean':34}" + "".join(f"{v:8.2f}" for v in np.mean(rows, 0)))
        print(f"{'worst':34}" + "".join(f"{v:8.2f}" for v in np.max(rows, 0)))


if __name__ == "__main__":
    main()
