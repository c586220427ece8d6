"""Is it still the person, does the face do what it was told, and does the picture hold together?

    python -m tests.benchmarks.face_quality PORTRAITS VOICES [--judge face_landmarker.task] [--seconds 6] [--size 512]

PORTRAITS and VOICES are folders of any pictures and recordings (or single files). Every portrait speaks every voice,
with all automatic motion, and the first one again, happy, then surprised, then angry. Two judges that share nothing
with the engine look at the frames: MediaPipe's newest landmarker (``face_landmarker.task``; by default looked for in
``judge`` beside the folder of portraits) and dlib's face recogniser (see `tests.benchmarks.judges.Recogniser`; left
out when absent).

For each portrait, over all its frames:

- identity: dlib distance to the portrait, mean and worst of every fifth frame; apart from it the mean with moods
- rest: PSNR of the frame nearest to rest that is drawn in full (0.03 degrees of yaw)
- lips, blink, smile, brow: correlation of what the judge sees with what the performance says (opening of the lips
  on the driven mesh; weights); corners, brows: of the height of the mouth's corners and of the brows, as landmarks on
  both sides: unlike the judge's scores for smile and brow these neither saturate nor have a dead zone
- closed: share of p b m at which the lips are closer than 3 % of the eye distance within the phone
- shut: share of blinks at which the eyes open less than 45 % of their rest (real blinks in video read 5 to 45 %)
- holes: largest share of the face's area that shows background; flips: share of the face's area where the sheet is
  folded over; seam: mean difference in grey levels between mouth and sheet where one gives way to the other
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from app.core.project import EmotionClip, Project
from app.core.studio import Studio
from engines import arkit
from engines.api import Performance, RenderOptions
from engines.blendshape.actor import BlendshapeActor
from engines.blendshape.expression import drawn_weights, limited_head
from engines.errors import StudioError
from engines.rig.head import load_head
from engines.rig.measure import mouth_geometry
from engines.rig.mesh import effective_weights
from tests.benchmarks.judges import (
    BROWS,
    EYE_CORNERS,
    SCORES,
    Landmarker,
    Recogniser,
    aperture,
    brow_height,
    combined,
    corner_height,
    eye_opening,
    recogniser_box,
)

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}
SOUNDS = {".wav", ".flac", ".mp3", ".ogg", ".m4a"}
LIPS_CLOSED, EYES_SHUT = 0.03, 0.45
MEASURES = ("lips", "corners", "brows")
LABIALS = {"P", "B", "M"}


@dataclass
class Tracks:
    """Judged and driven curves of one portrait, all its voices after one another."""

    seen: dict[str, list[float]] = field(
        default_factory=lambda: {k: [] for k in ("lips", "corners", "brows", "eyes", *SCORES)}
    )
    driven: dict[str, list[float]] = field(
        default_factory=lambda: {k: [] for k in ("lips", "corners", "brows", *SCORES)}
    )
    closures: list[bool] = field(default_factory=list)
    blinks: list[bool] = field(default_factory=list)
    identity: list[float] = field(default_factory=list)
    identity_moods: list[float] = field(default_factory=list)
    lost: int = 0


@dataclass
class Result:
    """One line of the report."""

    portrait: str
    frames: int
    identity_mean: float
    identity_worst: float
    moods_identity: float
    rest_db: float
    lips: float
    blink: float
    smile: float
    corners: float
    brow: float
    brows: float
    closed: float
    shut: float
    holes: float
    flips: float
    seam: float
    lost: int


def files(path: Path, kinds: set[str]) -> list[Path]:
    """The files of a folder with one of these endings, or the file itself."""
    return [path] if path.is_file() else sorted(p for p in path.iterdir() if p.suffix.lower() in kinds)


def shot(portrait: Path, voice: Path, seconds: float, studio: Studio, moods: bool) -> tuple[Project, int]:
    """A project in which the portrait speaks the voice, in three moods if wanted, and how many of its frames count."""
    project = Project(portrait=str(portrait), voice=str(voice))
    count = min(studio.frame_count(project), round(seconds * 25))
    third = count // 3
    emotions = tuple(
        EmotionClip(i * third, (i + 1) * third if i < 2 else None, name, 0.8)
        for i, name in enumerate(("happy", "surprised", "angry"))
        if moods
    )
    return project.with_(emotions=emotions), count


def correlation(a: list[float], b: list[float]) -> float:
    x, y = np.asarray(a), np.asarray(b)
    if len(x) < 3 or x.std() < 1e-6 or y.std() < 1e-6:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


def driven_brows(actor: BlendshapeActor, weights: np.ndarray) -> np.ndarray:
    """Height of the brows over the corners of the eyes on the driven mesh, in its own measure : (T,)."""
    head, mesh = load_head(), actor.head.mesh

    def up(*numbers: int) -> tuple[float, np.ndarray]:
        corners = mesh.triangles[head.landmark_triangle[list(numbers)]]
        bary = head.landmark_bary[list(numbers)]
        rest = float((bary * mesh.vertices[corners, 1]).sum(1).mean())
        return rest, (bary * mesh.units[:, corners, 1]).sum(2).mean(1)

    (brow, brow_units), (eye, eye_units) = up(*BROWS), up(*EYE_CORNERS)
    return np.asarray(brow - eye + effective_weights(weights) @ (brow_units - eye_units))


def watch(
    studio: Studio,
    project: Project,
    count: int,
    size: tuple[int, int],
    judge: Landmarker,
    recogniser: Recogniser | None,
    tracks: Tracks,
    identity: list[float],
) -> None:
    """Draw one shot and let the judges look at it; ``identity`` takes the recogniser's distances."""
    actor: BlendshapeActor = studio.prepare(project)
    performance = studio.perform(project).slice(0, count)
    speech = studio.analyse(project)
    engine = studio.engine("blendshape")
    options = RenderOptions(size=size)
    rest = judge.look(actor.crop(size).picture(actor.portrait.rgb))
    if rest is None:
        tracks.lost += count
        return
    own = (
        recogniser.describe(actor.crop(size).picture(actor.portrait.rgb), recogniser_box(rest[0])) if recogniser else 0
    )
    geometry = mouth_geometry(actor.head.mesh, performance.weights)
    lips, corners = geometry["aperture"], geometry["cornerY"]
    brows = driven_brows(actor, performance.weights)
    seen_lips = np.full(count, np.nan)
    seen_eyes = np.full(count, np.nan)
    for i, frame in enumerate(engine.render(actor, performance, options=options)):
        look = judge.look(frame)
        if look is None:
            tracks.lost += 1
            continue
        points, scores = look
        seen_lips[i], seen_eyes[i] = aperture(points), eye_opening(points)
        tracks.seen["lips"].append(seen_lips[i])
        tracks.driven["lips"].append(float(lips[i]))
        tracks.seen["corners"].append(corner_height(points, rest[0]))
        tracks.driven["corners"].append(float(corners[i]))
        tracks.seen["brows"].append(brow_height(points, rest[0]))
        tracks.driven["brows"].append(float(brows[i]))
        weights = dict(zip(arkit.NAMES, performance.weights[i].tolist(), strict=True))
        for name in SCORES:
            tracks.seen[name].append(combined(scores, name))
            tracks.driven[name].append(combined(weights, name))
        if recogniser is not None and i % 5 == 0:
            identity.append(float(np.linalg.norm(recogniser.describe(frame, recogniser_box(points)) - own)))
    # full lips that are shut in the photo may read as a little open: no more than that is asked for
    shown = aperture(rest[0])
    closed = max(LIPS_CLOSED, 1.1 * shown) if shown < 0.05 else LIPS_CLOSED
    for phone in speech.phones:
        first, last = round(phone.start_s * 25), max(round(phone.end_s * 25), round(phone.start_s * 25) + 1)
        if phone.label.rstrip("012") in LABIALS and last <= count and not np.isnan(seen_lips[first : last + 1]).all():
            tracks.closures.append(bool(np.nanmin(seen_lips[first : last + 1]) < closed))
    blink = performance.weights[:, list(arkit.indices("eyeBlink"))].mean(1)
    open_eyes = eye_opening(rest[0])
    for i in range(1, count - 1):
        if blink[i] > 0.85 and blink[i] >= blink[i - 1] and blink[i] > blink[i + 1]:
            tracks.blinks.append(bool(np.nanmin(seen_eyes[i - 1 : i + 2]) < EYES_SHUT * open_eyes))


def poses() -> Performance:
    """Poses that strain the picture: turned and tilted heads, wide mouths, closed eyes."""
    rng = np.random.default_rng(5)
    count = 24
    weights = np.zeros((count, arkit.COUNT))
    for row in weights:
        row[list(arkit.indices("jawOpen"))] = rng.uniform(0, 0.35)
        row[list(arkit.indices("mouthSmile"))] = rng.uniform(0, 0.7)
        row[list(arkit.indices("mouthPucker"))] = rng.choice([0, 0.6])
        row[list(arkit.indices("browInnerUp"))] = rng.uniform(0, 0.8)
        row[list(arkit.indices("eyeBlink"))] = rng.choice([0, 0.5, 1])
    head = rng.uniform(-1, 1, (count, 6)) * [0.16, 0.26, 0.14, 0.6, 0.4, 0.6]
    rest = Performance.rest(count, poses_rate())
    return rest.with_(weights=weights, head=head)


def poses_rate() -> Any:
    from fractions import Fraction

    return Fraction(25)


def integrity(actor: BlendshapeActor, size: tuple[int, int]) -> tuple[float, float, float]:
    """Holes and folds as shares of the face's area, worst of the `poses`, and the seam of the mouth in grey levels."""
    import cv2

    painter = actor.painter(size)
    performance = poses()
    weights, activity = drawn_weights(performance, actor.head.rest_weights)
    head = limited_head(performance.head, actor.head.rest_head[:3])
    sheet, place = painter.sheet, painter.placement
    hull = cv2.convexHull(place.landmarks[:468].astype(np.float32))[:, 0]
    in_face = np.array([cv2.pointPolygonTest(hull, tuple(map(float, p)), False) > 0 for p in sheet.places])
    faces = sheet.triangles[in_face[sheet.triangles].all(1)]

    def area(points: np.ndarray) -> np.ndarray:
        a, b, c = (points[faces[:, k]] for k in range(3))
        return ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2

    holes, flips, seams = [], [], []
    before = area(sheet.places)
    ring = (painter.mouth.cover > 0.05) & (painter.mouth.cover < 0.95) & painter.mouth.seen
    for i in range(len(performance)):
        change = np.append(weights[i] - place.rest_weights, -activity[i]).astype(np.float32)
        places, _ = painter.sheet_places(change, place.turned(head[i, :3]), head[i, 3:])
        turned_over = (area(places) * before) < 0
        flips.append(float(np.abs(before[turned_over]).sum() / np.abs(before).sum()))
        inner = cv2.convexHull(places[in_face].astype(np.float32))[:, 0]
        middle = inner.mean(0)
        mask = np.zeros((size[1], size[0]), np.uint8)
        cv2.fillConvexPoly(mask, np.round(middle + 0.9 * (inner - middle)).astype(np.int32), (1.0,))
        pose = (weights[i], float(activity[i]), performance.weights[i], head[i], performance.gaze[i], 0.0)
        cut = painter.draw(*pose, alone=True)
        holes.append(float((cut[..., 3][mask > 0] < 128).mean()))
        full = painter.draw(*pose).astype(float).mean(-1)
        bare = painter.draw(*pose, mouth=False).astype(float).mean(-1)
        spots = np.round(painter.mouth_places(weights[i], activity[i], head[i])[0][ring]).astype(int)
        spots = np.clip(spots, 0, [size[0] - 1, size[1] - 1])
        seams.append(float(np.abs(full - bare)[spots[:, 1], spots[:, 0]].mean()))
    return max(holes), max(flips), float(np.mean(seams))


def rest_db(actor: BlendshapeActor, size: tuple[int, int]) -> float:
    """PSNR against the photo of a frame with next to no motion, so that every layer is drawn."""
    painter = actor.painter(size)
    weights, activity = drawn_weights(Performance.rest(1, poses_rate()), actor.head.rest_weights)
    head = np.array([0.0, 5e-4, 0, 0, 0, 0])
    frame = painter.draw(weights[0], float(activity[0]), np.zeros(arkit.COUNT), head, np.zeros(4), 0.0)
    error = float(np.mean((frame.astype(float) - painter.photo) ** 2))
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))


def examine(
    portrait: Path,
    voices: list[Path],
    seconds: float,
    longest: int,
    studio: Studio,
    judge: Landmarker,
    recogniser: Recogniser | None,
) -> Result:
    """Everything about one portrait."""
    tracks = Tracks()
    size = (longest, longest)
    for voice, moods in (*((v, False) for v in voices), (voices[0], True)):
        project, count = shot(portrait, voice, seconds, studio, moods)
        actor: BlendshapeActor = studio.prepare(project)
        height, width = actor.portrait.rgb.shape[:2]
        scale = longest / max(height, width)
        size = (round(width * scale / 2) * 2, round(height * scale / 2) * 2)
        watch(
            studio,
            project,
            count,
            size,
            judge,
            recogniser,
            tracks,
            tracks.identity_moods if moods else tracks.identity,
        )
    holes, flips, seam = integrity(actor, size)
    identity = tracks.identity or [float("nan")]
    return Result(
        portrait=portrait.stem,
        frames=len(tracks.seen["lips"]),
        identity_mean=float(np.mean(identity)),
        identity_worst=float(np.max(identity)),
        moods_identity=float(np.mean(tracks.identity_moods or [np.nan])),
        rest_db=rest_db(actor, size),
        lips=correlation(tracks.seen["lips"], tracks.driven["lips"]),
        blink=correlation(tracks.seen["blink"], tracks.driven["blink"]),
        smile=correlation(tracks.seen["smile"], tracks.driven["smile"]),
        corners=correlation(tracks.seen["corners"], tracks.driven["corners"]),
        brow=correlation(tracks.seen["brow"], tracks.driven["brow"]),
        brows=correlation(tracks.seen["brows"], tracks.driven["brows"]),
        closed=float(np.mean(tracks.closures)) if tracks.closures else float("nan"),
        shut=float(np.mean(tracks.blinks)) if tracks.blinks else float("nan"),
        holes=holes,
        flips=flips,
        seam=seam,
        lost=tracks.lost,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("voices", type=Path)
    parser.add_argument("--judge", type=Path)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--most-voices", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    portraits, voices = files(options.portraits, PICTURES), files(options.voices, SOUNDS)[: options.most_voices]
    folder = options.portraits if options.portraits.is_dir() else options.portraits.parent
    model = options.judge or folder.resolve().parent / "judge" / "face_landmarker.task"
    if not portraits or not voices or not model.is_file():
        print(f"Needs pictures, recordings and the landmarker model (looked for at {model}).", file=sys.stderr)
        return 2
    judge = Landmarker(model)
    recogniser = None
    try:
        recogniser = Recogniser()
    except ModuleNotFoundError as error:
        print(error, file=sys.stderr)
    studio = Studio()
    names = [n for n in Result.__dataclass_fields__ if n != "portrait"]
    print(f"{'portrait':36}" + "".join(f"{n[:9]:>10}" for n in names))
    results = []
    for portrait in portraits:
        try:
            result = examine(portrait, voices, options.seconds, options.size, studio, judge, recogniser)
        except StudioError as error:
            print(f"{portrait.stem:36}{error}")
            continue
        results.append(result)
        values = asdict(result)
        print(f"{result.portrait[:35]:36}" + "".join(f"{values[n]:10.3f}" for n in names), flush=True)
    judge.close()
    if results:
        print(f"{'mean':36}" + "".join(f"{np.nanmean([getattr(r, n) for r in results]):10.3f}" for n in names))
        print(
            f"identity mean {np.nanmean([r.identity_mean for r in results]):.3f} (0.25 or less), "
            f"worst {np.nanmax([r.identity_worst for r in results]):.3f} (0.42 or less); "
            f"rest {min(r.rest_db for r in results):.1f} dB (34 or more)"
        )
    if options.json:
        options.json.write_text(json.dumps([asdict(r) for r in results], indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
