"""Does a face tremble more than what drives it?

``python -m tests.benchmarks.stylegan_jitter PORTRAIT ... [--clip VIDEO ...] [--voice WAV] [--engine stylegan]
[--seconds 6] [--size 512] [--generator FILE] [--strip FOLDER]``

Every portrait is moved by every clip, once as it is and once with motion relative to the clip's calmest moment, and by
the timeline: the voice, a happy and a sad stretch, and a head that turns. The judge of `soliloquy evaluate` follows the
face in the clip and in what was drawn; its landmarks are compared in units that do not depend on size:

- rigid, whole: how much landmarks bend their way, the median second difference in time, in hundredths of the eye
  distance; of those that follow the skull, and of all 478
- wobble: the same of the skull's landmarks once shift, size and roll are taken out
- head: of the head's angles, degrees
- fast: what of the skull's landmarks' way is faster than 5 Hz, root mean square, hundredths of the eye distance: heads
  nod and shake more slowly, so that this is trembling alone, while the others also grow with how far the head goes

For the timeline, which has no picture, the portrait rig draws the same performance. A ratio of 1 or less: nothing
trembles that did not before.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from app.core.project import Curve, EmotionClip, Key, Project, Puppet
from app.core.puppet import calmest_s
from app.core.studio import Studio
from engines import weights
from engines.api import Performance, RenderOptions
from engines.capture.video import open_video
from engines.judge.behaviour import face_wobble, head_jitter, landmark_jitter
from engines.judge.evidence import Evidence
from engines.judge.observe import Observer

RATE = Fraction(25)
DEMO = Path(__file__).resolve().parents[2] / "assets" / "demo"
MEASURES = ("rigid", "whole", "wobble", "head", "fast")
FAST_HZ = 5.0


def trembling(frames: Iterable[np.ndarray]) -> tuple[dict[str, float], list[np.ndarray]]:
    """The measures of some frames, and eight of them small."""
    observer, points, small = Observer(RATE), [], []
    for frame in frames:
        found = observer.add(np.ascontiguousarray(frame[..., :3]))
        points.append(np.full((478, 2), np.nan) if found is None else found[:, :2])
        small.append(np.asarray(Image.fromarray(frame[..., :3]).resize((192, 192))))
    take = Evidence(observer.observation())
    places = np.stack(points) / np.nanmedian(take.take.eyes_px)
    bend = np.linalg.norm(places[:-2] - 2 * places[1:-1] + places[2:], axis=2).mean(1)
    rigid = take.take.rigid / np.nanmedian(take.take.eyes_px)
    values = (landmark_jitter(take), 100 * float(np.nanmedian(bend)), face_wobble(take), head_jitter(take), fast(rigid))
    shown = [small[i] for i in np.linspace(0, len(small) - 1, 8).astype(int)]
    return dict(zip(MEASURES, values, strict=True)), shown


def fast(places: np.ndarray) -> float:
    """Root mean square of what is faster than `FAST_HZ` in places (T, N, 2), in hundredths of their unit."""
    from scipy.signal import butter, sosfiltfilt

    whole = places[np.isfinite(places).all((1, 2))]
    high = sosfiltfilt(butter(3, FAST_HZ, "high", fs=float(RATE), output="sos"), whole, axis=0)
    return 100 * float(np.sqrt(np.square(high).sum(2).mean()))


def told(name: str, values: dict[str, float], against: dict[str, float] | None = None) -> float:
    """Print a row; returns the largest ratio to the input's."""
    row = "  ".join(f"{m} {values[m]:6.3f}" for m in MEASURES)
    if against is None:
        print(f"  {name:44s} {row}")
        return 0.0
    ratios = {m: values[m] / against[m] for m in MEASURES}
    print(f"  {name:44s} {row}   ratios " + " ".join(f"{m} {r:.2f}" for m, r in ratios.items()))
    return max(ratios.values())


def of_clip(studio: Studio, project: Project, count: int, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """What the studio draws of a project's first frames."""
    performance = studio.perform(project)
    stop = min(count, len(performance))
    return studio.frames(project, performance, 0, stop, RenderOptions(size=size))


def directed(portrait: Path, voice: Path, engine: str, count: int) -> Project:
    """A shot that the timeline directs: voice, two moods, a head that turns and nods."""
    third = count // 3
    turn = Curve("pose.yaw_deg", (Key(0, 0.0), Key(third, 12.0), Key(2 * third, -10.0), Key(count - 1, 0.0)))
    return Project(
        portrait=str(portrait), voice=str(voice), engine=engine, curves=(turn,),
        emotions=(EmotionClip(0, third, "happy", 0.8), EmotionClip(2 * third, None, "sad", 0.8)),
    )  # fmt: skip


@contextmanager
def store(generator: Path | None) -> Iterator[None]:
    """A store of weights of our own with nothing in it but the generator."""
    with tempfile.TemporaryDirectory() as home:
        before = os.environ.get("SOLILOQUY_HOME")
        os.environ["SOLILOQUY_HOME"] = home
        try:
            if generator is not None:
                weights.import_path(generator, "stylegan-own")
            yield
        finally:
            os.environ.pop("SOLILOQUY_HOME")
            if before is not None:
                os.environ["SOLILOQUY_HOME"] = before


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("portraits", nargs="+", type=Path)
    parser.add_argument("--clip", type=Path, action="append", default=[])
    parser.add_argument("--voice", type=Path, default=DEMO / "voice.wav")
    parser.add_argument("--engine", default="stylegan")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--generator", type=Path)
    parser.add_argument("--strip", type=Path)
    args = parser.parse_args()
    count, size = round(args.seconds * RATE), (args.size, args.size)
    strips, worst = [], 0.0
    with store(args.generator):
        studio = Studio()
        for clip in args.clip:
            video = open_video(clip)
            theirs, shown = trembling(islice(video.frames(RATE), count))
            strips.append(shown)
            print(clip.name)
            told("the clip", theirs)
            for portrait in args.portraits:
                project = Project(portrait=str(portrait), engine=args.engine, performance=str(clip))
                motion: Performance = studio.perform(project)
                calm = calmest_s(motion)
                for name, puppet in (("as it is", Puppet()), ("relative", Puppet(relative=True, neutral_s=calm))):
                    ours, shown = trembling(of_clip(studio, project.with_(puppet=puppet), count, size))
                    worst = max(worst, told(f"{portrait.stem}, {name}", ours, theirs))
                    strips.append(shown)
        print("timeline")
        for portrait in args.portraits:
            rig = trembling(of_clip(studio, directed(portrait, args.voice, "blendshape", count), count, size))
            own = trembling(of_clip(studio, directed(portrait, args.voice, args.engine, count), count, size))
            told(f"{portrait.stem}, the rig", rig[0])
            worst = max(worst, told(f"{portrait.stem}, {args.engine}", own[0], rig[0]))
            strips += [rig[1], own[1]]
    print(f"largest ratio: {worst:.2f}")
    if args.strip is not None:
        args.strip.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.concatenate([np.concatenate(s, 1) for s in strips])).save(args.strip)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
