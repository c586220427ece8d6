"""How well taught actors follow the rig that taught them, on motion they have not seen.

``python -m tests.benchmarks.disentangled_taught PORTRAIT ... [--frames 40] [--performance FILE] [--strip FOLDER]
[--landmarker face_landmarker.task] [--engine oneshot]``

With ``--engine oneshot`` the same table for the shipped base, which is taught nothing of the portrait.

Printed for each portrait: seconds of processor time to teach; PSNR of whole frames and of the mouth's box against the
rig's frames at the size taught, and of the still photo beside them; mean change of the mouth's box from frame to
frame as a part of the rig's; mean change (0 to 255) inside and outside its region when one bank alone moves, and the
rig's beside it. Motion comes from a curve file, else from random lessons with another seed.

With a landmarker that shares nothing with the engines: identity (dlib's distance to the photo; see
`tests.benchmarks.judges` for what it needs) and the opening of the lips it sees, ours and the rig's; and the leakage of
the 36 coordinates: one bank alone is moved by its curves, and what it sees of mouth, pose and expression is told in
parts of what that bank's own motion shows.
"""

from __future__ import annotations

import argparse
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from app.export import read_curves
from engines import arkit, registry
from engines.api import Performance, RenderOptions
from engines.disentangled.actor import NAMES, TaughtActor
from engines.disentangled.engine import DisentangledEngine
from engines.face.portrait import load_portrait
from engines.teaching.lessons import lessons
from tests.benchmarks.judges import Landmarker, Recogniser, aperture, eye_opening, recogniser_box


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


def seen(judge: Landmarker, frames: np.ndarray) -> np.ndarray:
    """Landmarks (T, 478, 3) of frames; not a number where no face is seen."""
    looks = [judge.look(np.clip(f, 0, 255).astype(np.uint8)) for f in frames]
    empty = np.full((478, 3), np.nan)
    return np.stack([empty if look is None else look[0] for look in looks])


def told(points: np.ndarray) -> np.ndarray:
    """What landmarks (478, 3) show : (3, 4) for mouth (opening, width), pose (3 angles), expression (lids, brows)."""
    eyes = float(np.linalg.norm(points[33] - points[263]))
    across, down = points[263] - points[33], points[152] - points[168]
    angles = np.arctan2([across[1], across[2], down[2]], [across[0], across[0], down[1]])
    width = np.linalg.norm(points[61] - points[291]) / eyes
    brows = np.mean([np.linalg.norm(points[a] - points[b]) for a, b in ((105, 133), (334, 362))]) / eyes
    return np.array([[aperture(points), width, 0, 0], [*angles, 0], [eye_opening(points), brows, 0, 0]])


def leakage(engine: DisentangledEngine, actor: TaughtActor, judge: Landmarker, options: RenderOptions) -> np.ndarray:
    """What moving one bank (row) shows of each (column), in parts of what that column's own bank shows : (3, 3)."""
    rng = np.random.default_rng(5)
    rest = Performance.rest(10, Fraction(25))
    still = told(seen(judge, drawn(engine, actor, rest.slice(0, 1), options))[0])
    rows = []
    for start, stop in ((0, 20), (20, 26), (26, 36)):
        amounts = rng.normal(0, 0.8, (stop - start, len(rest)))
        extras = {
            name: np.stack([np.zeros(len(rest)), a], 1) for name, a in zip(NAMES[start:stop], amounts, strict=True)
        }
        points = seen(judge, drawn(engine, actor, rest.with_(extras=extras), options))
        apart = np.abs(np.stack([told(p) for p in points]) - still)
        rows.append(np.nanmean(apart, 0).sum(1))
    matrix = np.stack(rows)
    return np.asarray(matrix / np.diag(matrix))


def judged(
    engine: DisentangledEngine, actor: TaughtActor, judge: Landmarker, ours: np.ndarray, theirs: np.ndarray,
    options: RenderOptions,
) -> None:  # fmt: skip
    """Print what the independent judges say."""
    photo = actor.rig.painter(options.size).photo
    points = [seen(judge, f) for f in (ours, theirs)]
    openings = [np.array([aperture(p) for p in part]) for part in points]
    both = np.isfinite(openings[0]) & np.isfinite(openings[1])
    r = np.corrcoef(openings[0][both], openings[1][both])[0, 1]
    means = [o[both].mean() for o in openings]
    print(f"  lips seen open: {means[0]:.3f} (rig {means[1]:.3f}) of the eye distance, r with the rig's {r:.3f}")
    try:
        recogniser = Recogniser()
    except ModuleNotFoundError as error:
        print(f"  {error}")
    else:
        first = seen(judge, photo[None])[0]
        own = recogniser.describe(photo, recogniser_box(first))
        distances = [
            [
                float(np.linalg.norm(recogniser.describe(f.astype(np.uint8), recogniser_box(p)) - own))
                for f, p in zip(frames, part, strict=True)
                if np.isfinite(p).all()
            ]
            for frames, part in zip((ours, theirs), points, strict=True)
        ]
        print(
            f"  identity, mean / worst distance: {np.mean(distances[0]):.3f} / {np.max(distances[0]):.3f} "
            f"(rig {np.mean(distances[1]):.3f} / {np.max(distances[1]):.3f})"
        )
    for name, row in zip(("mouth", "pose", "expression"), leakage(engine, actor, judge, options), strict=True):
        cells = ", ".join(f"{n} {v:.2f}" for n, v in zip(("mouth", "pose", "expression"), row, strict=True))
        print(f"  the {name} bank alone shows: {cells}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", nargs="+", type=Path)
    parser.add_argument("--performance", type=Path)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--strip", type=Path)
    parser.add_argument("--landmarker", type=Path)
    parser.add_argument("--engine", choices=("disentangled", "oneshot"), default="disentangled")
    args = parser.parse_args()
    engine, rig = registry.load(args.engine), registry.load("blendshape")
    assert isinstance(engine, DisentangledEngine)
    if args.performance:
        motion = read_curves(args.performance)
        motion = motion.slice(0, min(args.frames, len(motion)))
    else:
        motion = lessons(args.frames, seed=77)
    judge = Landmarker(args.landmarker) if args.landmarker else None
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
        print(
            f"{path.name}: prepared in {taught_s:.1f} s of CPU, {1000 * frame_s:.0f} ms a frame at {size[0]}x{size[1]}"
        )
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
        if judge is not None:
            judged(engine, actor, judge, ours, theirs, options)
        if args.strip:
            args.strip.mkdir(parents=True, exist_ok=True)
            chosen = np.linspace(0, len(motion) - 1, 6).astype(int)
            rows = [np.concatenate(list(f[chosen]), 1) for f in (theirs, ours)]
            Image.fromarray(np.concatenate(rows).astype(np.uint8)).save(args.strip / f"{path.stem}.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
