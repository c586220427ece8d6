"""Measure how detected landmarks follow a face whose motion is known: ``assets/capture/readout.npz``.

    python packaging/make_capture.py OUT.npz --portraits FOLDER [--people 26] [--frames FOLDER]

People who do not exist: the first 40 that `make_people` draws, under other light and in other sizes, and others made
from the demo portrait: its face is warped to other identities of the head (CC0), with other colours, sides and sizes,
and every fourth is the head itself under the portrait's texture. The rig draws them in random poses and expressions and
speaking the demo voice; the landmarks that capture finds in those frames are set against what was asked for. Nothing of
a real person goes in. Frames already measured are kept in FOLDER and taken up again. About 15 s a person on one core.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import RBFInterpolator

from app.core.project import EmotionClip, Project
from app.core.studio import Studio
from engines import arkit, registry
from engines.api import Performance, Portrait, RenderOptions, head_angles, head_rotation
from engines.blendshape.expression import limited_head
from engines.blendshape.mesh_actor import MeshActor
from engines.blendshape.mesh_painter import ambient
from engines.capture.decode import LOOK, Decoder, Readout, pose_terms
from engines.capture.flow import FlowReference, laid_out
from engines.capture.landmarker import BundledLandmarker
from engines.capture.pose import PoseSolver
from engines.errors import StudioError
from engines.face.landmarks import FaceLandmarks, find_face
from engines.face.portrait import load_portrait
from engines.rig import fit, personal
from engines.rig.fit import FittedHead, fit_head
from engines.rig.head import load_head
from engines.rig.landmark_sets import (
    BROW,
    EYE_LOWER,
    EYE_UPPER,
    INNER_LOWER,
    INNER_UPPER,
    OUTER_LOWER,
    OUTER_UPPER,
    OVAL,
)
from engines.rig.mesh import HeadMesh, effective_weights
from engines.teaching.lessons import lessons

DEMO = Path(__file__).resolve().parents[1] / "assets" / "demo"
REST, LESSONS, SPOKEN = 5, 70, 45
"""Frames of each kind for each person."""
SIDE = 640
PORTRAITS = 40
"""So many of the people of `make_people`; more were not better."""
MODES = 400
FLOOR = 0.004
"""Least standard deviation of what is left over at a landmark by itself, in eye distances."""
MISFIT, MISFIT_REACH = 0.005, 0.2
"""What drawn people cannot show: skin moves in ways that no unit has, by so much (standard deviation) and alike over
such a distance, both in eye distances. Without it the finest relations between landmarks count most, and on real
faces those are wrong: a brow that rises by a centimetre is then explained away."""
READABLE = 0.3
"""Units whose answer agrees less with the truth (correlation) are not read at all."""
TALK = {
    "jawForward": 0.001, "jawLeft": 0.01, "jawRight": 0.01, "jawOpen": 0.098, "mouthClose": 0.053,
    "mouthPucker": 0.17, "mouthLeft": 0.033, "mouthRight": 0.033, "mouthSmile": 0.173, "mouthFrown": 0.016,
    "mouthDimple": 0.038, "mouthRollLower": 0.021, "mouthRollUpper": 0.038, "mouthShrugLower": 0.06,
    "mouthShrugUpper": 0.036, "mouthPress": 0.072, "mouthLowerDown": 0.096, "mouthUpperUp": 0.114, "cheekPuff": 0.001,
    "cheekSquint": 0.0, "noseSneer": 0.0, "browDown": 0.1, "browInnerUp": 0.123, "browOuterUp": 0.099,
}  # fmt: skip
"""Standard deviation of units in 25 clips of 22 people who talk (MediaPipe's scores; GRID, StyleTalk, LatentSync,
video-retalking, SadTalker). In lessons every unit is as usual as any other; in talk lips part and purse, nobody sneers
and few frown. Of ``mouthFunnel`` and ``mouthStretch`` those scores tell next to nothing (0.03): they stay as usual as
in lessons, or every rounded mouth would be a pucker, and every stretched one less of it. ``mouthLowerDown`` is twice
what they say (0.048), or lips that bare the lower teeth would be an open jaw."""
USUAL = (2.0, 0.3, 1.5)
"""Expected spread of those units: so many times that of talk, but no less and no more of that of the drawn frames."""
Size = tuple[int, int] | None
MOODS = ("happy", "surprised", "angry", "sad", "disgusted", "afraid", "sarcastic")


def identity(rng: np.random.Generator) -> np.ndarray:
    """Identity coefficients of somebody : (K,)."""
    names = load_head().identity_names
    at = {name: i for i, name in enumerate(names)}
    values = rng.normal(0, 0.25, len(names))
    for name, spread in (("gender", 0.6), ("weight", 0.35)):
        values[at[name]] = rng.normal(0, spread)
    for name, spread in (
        ("ethnicity-african", 0.4), ("ethnicity-asian", 0.4), ("age-old", 0.35), ("age-child", 0.15),
    ):  # fmt: skip
        values[at[name]] = abs(rng.normal(0, spread))
    for name, i in at.items():
        if name.startswith("l-"):
            values[at["r-" + name[2:]]] = values[i] + rng.normal(0, 0.05)
        elif name.startswith("asym"):
            values[i] *= 0.5
        elif name.startswith(("neck", "age-baby")):
            values[i] *= 0.2
    return values


def in_other_colours(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A picture under another light : uint8."""
    light = (rgb / 255.0) ** rng.uniform(0.6, 1.5) * rng.uniform([0.8] * 3, [1.15] * 3)
    return (np.clip(light, 0, 1) * 255).astype(np.uint8)


def sitter(rng: np.random.Generator, portrait: Portrait, fitted: FittedHead) -> Portrait:
    """The demo portrait as somebody else."""
    import cv2

    head = load_head()
    before = fitted.rest_vertices().astype(float)
    after = before + head.shape(identity(rng)) - head.mesh.vertices
    triangles, bary = head.mesh.triangles[head.landmark_triangle[:468]], head.landmark_bary[:468].astype(float)
    old, new = (fitted.camera.project(np.einsum("lk,lkc->lc", bary, v[triangles]))[:, :2] for v in (before, after))
    new += old.mean(0) - new.mean(0)
    height, width = portrait.rgb.shape[:2]
    low, high = old.min(0), old.max(0)
    margin = 0.45 * (high - low)
    still = [
        (x, y)
        for box, count in (((np.maximum(low - margin, 0), np.minimum(high + margin, [width, height])), 8),
                           ((np.zeros(2), np.array([width, height])), 6))
        for t in np.linspace(0, 1, count)
        for x, y in ((box[0][0] + t * (box[1][0] - box[0][0]), box[0][1]), (box[0][0] + t * (box[1][0] - box[0][0]),
                     box[1][1]), (box[0][0], box[0][1] + t * (box[1][1] - box[0][1])),
                     (box[1][0], box[0][1] + t * (box[1][1] - box[0][1])))
    ]  # fmt: skip
    fixed = np.unique(np.round(still, 1), axis=0)
    field = RBFInterpolator(
        np.concatenate([new, fixed]), np.concatenate([old - new, 0 * fixed]), kernel="thin_plate_spline", smoothing=5.0
    )
    grid = np.stack(np.meshgrid(np.linspace(0, width - 1, 56), np.linspace(0, height - 1, 56)), -1).reshape(-1, 2)
    coarse = field(grid).reshape(56, 56, 2).astype(np.float32)
    move = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    rgb = cv2.remap(portrait.rgb, x + move[..., 0], y + move[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    if rng.random() < 0.5:
        rgb = rgb[:, ::-1]
    rgb = in_other_colours(rgb, rng)
    if rng.random() < 0.2:
        rgb = np.repeat(rgb.mean(2, keepdims=True).astype(np.uint8), 3, 2)
    side = int(rng.choice([256, 384, 512]))
    return Portrait(np.ascontiguousarray(cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA)))


def bust(rng: np.random.Generator, texture: np.ndarray) -> HeadMesh:
    """The head in 3D as somebody, under a texture."""
    head = load_head()
    raw = head.shape(identity(rng)).astype(float)
    view = np.array([0.0, head.mesh.pivots[2, 1], 200.0])
    eyes = [raw[head.mesh.part_vertices(part)].mean(0) for part in ("eyeLeft", "eyeRight")]
    pupils = [eye + np.array([0, 0, 1.0]) - view for eye in eyes]
    mesh, _ = fit._act(head, raw, raw, personal.scale_units(head, raw), view, pupils)
    return replace(mesh, texture=in_other_colours(texture, rng))


def spoken(studio: Studio) -> Performance:
    """The demo voice in many moods."""
    parts = []
    for turn in range(4):
        clips = tuple(EmotionClip(60 * k, 60 * k + 50, MOODS[(k + 2 * turn) % 7], 0.9) for k in range(4))
        project = Project(portrait=str(DEMO / "portrait.jpg"), voice=str(DEMO / "voice.wav"))
        parts.append(studio.perform(project.with_(emotions=clips)))
    names = ("weights", "head", "gaze", "tongue")
    return Performance(parts[0].rate, *(np.concatenate([getattr(p, n) for p in parts]) for n in names))


def motion(rng: np.random.Generator, seed: int, speech: Performance) -> Performance:
    """Independent frames: rest, lessons, speech in other poses."""
    taught = lessons(LESSONS, seed)
    weights = taught.weights.copy()
    weights[LESSONS // 2 :] *= rng.uniform(0.2, 0.9, (LESSONS - LESSONS // 2, 1))
    pick = rng.integers(0, len(speech), SPOKEN)
    louder = np.clip(speech.weights[pick] * rng.uniform(0.8, 1.6, (SPOKEN, 1)), 0, 1)
    turned = speech.head[pick] + rng.normal(0, 1, (SPOKEN, 6)) * [0.09, 0.12, 0.09, 0.6, 0.5, 0.8]
    count = REST + LESSONS + SPOKEN
    return Performance(
        Fraction(1, 1000),  # frames so far apart that none of them leans on the next
        np.concatenate([np.zeros((REST, arkit.COUNT)), weights, louder]),
        np.concatenate([np.zeros((REST, 6)), taught.head, turned]),
        np.concatenate([np.zeros((REST, 4)), taught.gaze, speech.gaze[pick]]),
        np.zeros(count),
    )


def looked_at(engine: Any, actor: Any, performance: Performance, size: tuple[int, int] | None) -> dict[str, np.ndarray]:
    """Landmarks of drawn frames, as found and as corrected; not a number where none were found."""
    landmarker = BundledLandmarker()
    detected, corrected = [], []
    first, reference, frame = None, None, np.zeros((1, 1, 3), np.uint8)
    for frame in engine.render(actor, performance, options=RenderOptions(size=size)):
        if first is None:
            first = find_face(Portrait(frame)).points.astype(float)
        sight = landmarker.look(frame, first)
        for _ in range(2):
            sight = sight and landmarker.look(frame, sight.points)
        if sight is None:
            detected.append(np.full((478, 3), np.nan))
            corrected.append(detected[-1])
            continue
        face = laid_out(frame, sight.points)
        reference = reference or FlowReference(face)
        detected.append(sight.points)
        corrected.append(reference.refine(face, sight.points)[0])
    return {
        "points": np.array(detected, np.float32), "flow": np.array(corrected, np.float32),
        "size": np.array(frame.shape[1::-1]),
    }  # fmt: skip


def gather(folder: Path, count: int, portraits: Path) -> None:
    """Draw and look at everybody; those already in the folder are left alone."""
    import cv2

    engine: Any = registry.load("blendshape")
    portrait = Portrait(cv2.resize(cv2.imread(str(DEMO / "portrait.jpg"))[..., ::-1], (SIDE, SIDE), interpolation=3))
    fitted = fit_head(find_face(portrait), (SIDE, SIDE))
    texture = engine.prepare(portrait).head_mesh().texture
    speech = spoken(Studio())

    def look_at(name: str, seed: int, rng: np.random.Generator, make: Callable[[], tuple[Any, Size]]) -> None:
        path = folder / f"{name}.npz"
        if path.exists():
            return
        try:
            actor, size = make()
        except StudioError as error:
            print(name, error)
            return
        asked = motion(rng, seed, speech)
        shown = asked.head if size else limited_head(asked.head, actor.head.rest_head[:3])
        np.savez_compressed(path, weights=asked.weights, head=shown, **looked_at(engine, actor, asked, size))
        print(name, flush=True)

    for number in range(count):
        rng = np.random.default_rng(7000 + number)
        make = (
            partial(solid, rng, texture, str(number))
            if number % 4 == 3
            else partial(flat, engine, partial(sitter, rng, portrait, fitted))
        )
        look_at(f"{number:03d}", 300 + number, rng, make)
    for path in sorted(portraits.glob("[0-9]*.png"))[:PORTRAITS]:
        number = int(path.stem)
        rng = np.random.default_rng(9000 + number)
        look_at(f"p{number:03d}", 900 + number, rng, partial(flat, engine, partial(relit, rng, path)))


def solid(rng: np.random.Generator, texture: np.ndarray, name: str) -> tuple[Any, Size]:
    """The head in 3D as somebody, and the size of its pictures."""
    mesh = bust(rng, texture)
    return MeshActor(mesh, ambient(mesh), name), (384, 480)


def flat(engine: Any, make: Callable[[], Portrait]) -> tuple[Any, Size]:
    """A portrait, drawn in its own size."""
    return engine.prepare(make()), None


def relit(rng: np.random.Generator, path: Path) -> Portrait:
    """A portrait of a file under other light, in some size."""
    import cv2

    rgb = in_other_colours(load_portrait(path).rgb, rng)
    side = int(rng.choice([256, 384, 512]))
    return Portrait(np.ascontiguousarray(cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA)))


def people(folder: Path) -> Iterator[dict[str, Any]]:
    """Each person's head, landmarks, true weights and true poses."""
    head = load_head()
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as data:
            kept = np.s_[: REST + LESSONS + SPOKEN]
            values = {n: data[n][kept].astype(float) for n in ("points", "flow", "weights", "head")}
            width, height = (int(v) for v in data["size"])
        there = np.isfinite(values["points"][:, 0, 0])
        values = {n: v[there] for n, v in values.items()}
        calm = np.median(values["points"][:REST], 0)
        low, high = calm[:, :2].min(0), calm[:, :2].max(0)
        spread = np.full(478, 1e-3 * np.hypot(*(calm[33, :2] - calm[263, :2])), np.float32)
        face = FaceLandmarks(calm.astype(np.float32), spread, (low[0], low[1], high[0], high[1]), 1.0)
        fitted = fit_head(face, (width, height))
        solver = PoseSolver(fitted)
        weights = effective_weights(values["weights"])
        shape = solver.neutral + np.tensordot(weights, head.landmarks(fitted.mesh.units).astype(float), 1)
        turned = head_rotation(fitted.rest_head[:3].astype(float) + values["head"][:, :3])
        poses = solver.solve(values["flow"], shape, held=turned)
        yield {"fitted": fitted, "solver": solver, "weights": weights, "poses": poses, **values}


def measure(folder: Path) -> Readout:
    """The readout that the frames in a folder give."""
    head = load_head()
    rims = {*INNER_UPPER, *INNER_LOWER}
    groups = (INNER_UPPER, INNER_LOWER, OUTER_UPPER, OUTER_LOWER, *EYE_UPPER, *EYE_LOWER, *BROW, OVAL[::3])
    seen = np.array(sorted({i for group in groups for i in group}))
    moved = np.array([i for i in range(468) if i not in rims])
    size = 2 * (len(seen) + len(moved))
    plain = Readout(
        seen, moved, np.zeros((arkit.COUNT, size)), np.zeros((7, size)), np.zeros((0, size)), np.ones(size),
        np.eye(arkit.COUNT), np.ones(arkit.COUNT),
    )  # fmt: skip
    everybody = list(people(folder))
    left, causes = [], []
    for one in everybody:
        solver, poses = one["solver"], one["poses"]
        found = plain.observed(solver.frontal(one["points"], poses), solver.frontal(one["flow"], poses))
        mesh = head.landmarks(one["fitted"].mesh.units)[..., :2].astype(float) / solver.eyes
        left.append(found - one["weights"] @ plain.observed(mesh, mesh))
        causes.append(np.concatenate([one["weights"], 3 * pose_terms(head_angles(poses.rotation))], 1))
    rest, cause = np.concatenate(left), np.concatenate(causes)
    effect = np.linalg.solve(cause.T @ cause + 10 * np.eye(cause.shape[1]), cause.T @ rest)
    noise = rest - cause @ effect
    joint = np.cov(noise.T) + misfit(plain)
    value, vector = np.linalg.eigh(joint)
    modes = vector[:, -MODES:].T * np.sqrt(value[-MODES:, None])
    spread = np.sqrt(np.maximum(np.diag(joint) - (modes**2).sum(0), 0) + FLOOR**2)
    weights = cause[:, : arkit.COUNT]
    readout = replace(
        plain,
        units=effect[: arkit.COUNT],
        turned=3 * effect[arkit.COUNT :],
        modes=modes,
        spread=spread,
        covariance=drawn(weights),
    )
    # The gain makes up for what landmarks do not tell, not for what is unusual in talk.
    return replace(readout, gain=gains(readout, everybody), covariance=usual(readout.covariance))


def misfit(plain: Readout) -> np.ndarray:
    """Covariance (M, M) of what skin does beyond its units: alike for landmarks near each other (`MISFIT`)."""
    head = load_head()
    places = head.landmarks(head.mesh.vertices).astype(float)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2) / np.linalg.norm(places[33] - places[263])
    alike = np.exp(-0.5 * (apart / MISFIT_REACH) ** 2)
    numbers = np.concatenate([plain.seen, plain.moved])
    return np.kron(MISFIT**2 * alike[np.ix_(numbers, numbers)], np.eye(2))


def drawn(weights: np.ndarray) -> np.ndarray:
    """Covariance (52, 52) of the drawn weights (N, 52) about rest, half of it without what went together by chance.

    About rest, not about their mean: a face shows nothing most of the time, and what landmarks do not tell is nothing.
    """
    found = np.cov(weights.T)
    return np.asarray(0.5 * found + 0.5 * np.diag(np.diag(found)) + np.diag(weights.mean(0) ** 2))


def usual(covariance: np.ndarray) -> np.ndarray:
    """What weights are expected before a frame is looked at, from the covariance (52, 52) of the drawn ones."""
    spread = np.sqrt(np.diag(covariance))
    wanted = spread.copy()
    times, least, most = USUAL
    for unit, name in enumerate(arkit.NAMES):
        talk = TALK.get(name, TALK.get(name.removesuffix("Left").removesuffix("Right")))
        if talk is not None:
            wanted[unit] = np.clip(times * talk, least * spread[unit], most * spread[unit])
    scale = wanted / spread
    return np.asarray(covariance * np.outer(scale, scale))


def gains(readout: Readout, everybody: list[dict[str, Any]]) -> np.ndarray:
    """What answers have to be multiplied by, and 0 for those that tell nothing : (52,)."""
    answers = np.concatenate(
        [Decoder(one["fitted"], readout).decode(one["points"], one["flow"]).weights for one in everybody]
    )
    truth = np.concatenate([one["weights"] for one in everybody])
    result = np.zeros(arkit.COUNT)
    for unit, name in enumerate(arkit.NAMES):
        both = np.cov(answers[:, unit], truth[:, unit])
        agreement = both[0, 1] / max(np.sqrt(both[0, 0] * both[1, 1]), 1e-9)
        if agreement > READABLE:
            result[unit] = np.clip(np.sqrt(both[1, 1] / both[0, 0]), 1, 1.8)
        print(f"{name:20s} r {agreement:.2f}  x {result[unit]:.2f}")
    result[LOOK] = 1
    result[arkit.INDEX["tongueOut"]] = 0
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--portraits", type=Path, required=True, help="people that make_people.py has drawn")
    parser.add_argument("--people", type=int, default=26)
    parser.add_argument("--frames", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.frames or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        gather(folder, options.people, options.portraits)
        readout = measure(folder)
    kinds = {"seen": np.int16, "moved": np.int16, "units": np.float16, "turned": np.float16, "modes": np.float16}
    values = {n: getattr(readout, n).astype(kinds.get(n, np.float32)) for n in Readout.__dataclass_fields__}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(options.out, **values)
    print(options.out, options.out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
