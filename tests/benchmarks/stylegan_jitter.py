"""Does a face tremble more than what drives it?

``python -m tests.benchmarks.stylegan_jitter PORTRAIT ... [--clip VIDEO ...] [--voice WAV] [--engine stylegan]
[--seconds 6] [--size 512] [--generator FILE] [--strip FOLDER]``

Every portrait is moved by every clip, once as it is and once with motion relative to the clip's calmest moment, and by
the timeline: the voice, a happy and a sad stretch, and a head that turns. The judge of `soliloquy evaluate` follows the
face in the clip and in what was drawn; its landmarks are compared in units that do not depend on size:

- rigid, whole: how much landmarks bend their way, the second difference in time, in hundredths of the eye distance; of
  those that follow the skull, and of all 478
- wobble: the same of the skull's landmarks once shift, size and roll are taken out
- head: of the head's angles, degrees
- fast: what of the skull's landmarks' way is faster than 5 Hz, root mean square, hundredths of the eye distance: heads
  nod and shake more slowly, so that this is trembling alone, while the others also grow with how far the head goes
- way: how far the skull's landmarks go from frame to frame; no trembling, but nobody should tremble less by moving less
- typical: the judge's own `landmark_jitter`, the median where ``rigid`` has the mean

The mean counts all frames. A median leaves out the moments at which a head turns back: in a clip where that happens
within one frame, two or three times a second, it tells of the even ways between, and smoothing that rounds the turns
*raises* it, though it takes bends away.

For the timeline, which has no picture, the portrait rig draws the same performance. A ratio of 1 or less: nothing
trembles that did not before. As another head moves otherwise when it does the same (a long nose goes farther, and so
does a face that is near the camera or farther before the neck), the first row drives the clip's own calmest frame, and
the second ratio of ``rigid`` and ``wobble`` is that to the motion asked for: the captured motion of the head, laid on
the portrait's fitted head and on that of the calmest frame, says how much farther landmarks must go.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from app.core.project import Curve, EmotionClip, Key, Project, Puppet
from app.core.puppet import calmest_frame
from app.core.studio import Studio
from engines import registry, weights
from engines.api import Performance, RenderOptions
from engines.blendshape.expression import limited_head
from engines.capture.video import open_video
from engines.face.portrait import load_portrait
from engines.judge.behaviour import held_still, landmark_jitter
from engines.judge.evidence import Evidence
from engines.judge.geometry import RIGID
from engines.judge.observe import Observer
from engines.rig.head import load_head

RATE = Fraction(25)
DEMO = Path(__file__).resolve().parents[2] / "assets" / "demo"
TREMBLING = ("rigid", "whole", "wobble", "head", "fast")
MEASURES = (*TREMBLING, "way", "typical")
FAST_HZ = 5.0


def trembling(frames: Iterable[np.ndarray]) -> tuple[dict[str, float], list[np.ndarray]]:
    """The measures of some frames, and eight of them small."""
    observer, points, small = Observer(RATE), [], []
    for frame in frames:
        found = observer.add(np.ascontiguousarray(frame[..., :3]))
        points.append(np.full((478, 2), np.nan) if found is None else found[:, :2])
        small.append(np.asarray(Image.fromarray(frame[..., :3]).resize((192, 192))))
    take = observer.observation()
    eyes = np.nanmedian(take.eyes_px)
    rigid, angles = take.rigid / eyes, np.degrees(np.unwrap(take.head, axis=0))[:, None]
    values = (
        bend(rigid), bend(np.stack(points) / eyes), bend(held_still(take.rigid)), bend(angles) / 100, fast(rigid),
        way(rigid), landmark_jitter(Evidence(take)),
    )  # fmt: skip
    shown = [small[i] for i in np.linspace(0, len(small) - 1, 8).astype(int)]
    return dict(zip(MEASURES, values, strict=True)), shown


def bend(places: np.ndarray) -> float:
    """Mean size of the second difference in time of (T, N, D), in hundredths of their unit."""
    return 100 * float(np.nanmean(np.linalg.norm(np.diff(places, 2, axis=0), axis=2)))


def way(places: np.ndarray) -> float:
    """Mean way from frame to frame of (T, N, D), in hundredths of their unit."""
    return 100 * float(np.nanmean(np.linalg.norm(np.diff(places, axis=0), axis=2)))


def asked(portrait: Path, motion: Performance) -> dict[str, float]:
    """How much the skull's landmarks of a portrait must bend their way where its head does a motion."""
    actor = registry.load("blendshape").prepare(load_portrait(portrait))
    place, index = actor.painter().placement, list(RIGID)
    seen = actor.landmarks.points[:, :2].astype(float)
    points = place.unproject(seen[index], load_head().landmarks(place.points)[index, 2]) - place.pivot
    head = limited_head(motion.head, place.rest_angles)
    there = np.stack([place.project(points @ place.turned(h[:3]).T + place.pivot + h[3:]) for h in head])
    return {"rigid": bend(there / np.hypot(*(seen[33] - seen[263]))), "wobble": bend(held_still(there))}


def fast(places: np.ndarray) -> float:
    """Root mean square of what is faster than `FAST_HZ` in places (T, N, 2), in hundredths of their unit."""
    from scipy.signal import butter, sosfiltfilt

    whole = places[np.isfinite(places).all((1, 2))]
    high = sosfiltfilt(butter(3, FAST_HZ, "high", fs=float(RATE), output="sos"), whole, axis=0)
    return 100 * float(np.sqrt(np.square(high).sum(2).mean()))


def told(
    name: str,
    values: dict[str, float],
    against: dict[str, float] | None = None,
    farther: dict[str, float] | None = None,
) -> float:
    """Print a row; returns the largest ratio to the input's.

    Parameters
    ----------
    farther : how much farther some measures must be on this head
    """
    row = "  ".join(f"{m} {values[m]:6.3f}" for m in MEASURES)
    if against is None:
        print(f"  {name:30s} {row}")
        return 0.0
    ratios = {m: values[m] / against[m] for m in MEASURES}
    ask = {m: f" ({ratios[m] / f:.2f})" for m, f in (farther or {}).items()}
    print(f"  {name:30s} {row}   ratios " + " ".join(f"{m} {r:.2f}{ask.get(m, '')}" for m, r in ratios.items()))
    return max(ratios[m] for m in TREMBLING)


class Shot:
    """Draws and measures shots of one length.

    Parameters
    ----------
    count : frames
    size : width, height in pixels

    Attributes
    ----------
    worst : the largest ratio so far
    strips : pictures of every row
    """

    def __init__(self, engine: str, voice: Path, count: int, size: tuple[int, int]) -> None:
        self.engine, self.voice, self.count, self.size = engine, voice, count, size
        self.worst = 0.0
        self.strips: list[list[np.ndarray]] = []
        self._studio = Studio()

    def by_clip(self, clip: Path, portraits: Sequence[Path], scratch: Path) -> None:
        """The clip, its own calmest frame and portraits driven by it."""
        frames = list(islice(open_video(clip).frames(RATE), self.count))
        theirs = self._measured(frames)
        print(clip.name)
        told("the clip", theirs)
        own = scratch / f"{clip.stem}.png"
        driven = Project(portrait=str(portraits[0]), engine=self.engine, performance=str(clip))
        calm = calmest_frame(self._performed(driven))
        Image.fromarray(frames[calm]).save(own)
        relative = Puppet(relative=True, neutral_s=float(calm / RATE))
        rows = [(own, "relative", relative)]
        rows += [(p, *how) for p in portraits for how in (("as it is", Puppet()), ("relative", relative))]
        least: dict[str, float] = {}
        for portrait, how, puppet in rows:
            project = driven.with_(portrait=str(portrait), puppet=puppet)
            must = asked(portrait, self._performed(project))
            least = least or must
            name = "its own face" if portrait == own else portrait.stem
            farther = {m: must[m] / least[m] for m in must}
            self._told(f"{name}, {how}", self._drawn(project), theirs, farther)

    def by_timeline(self, portrait: Path) -> None:
        """A portrait that the timeline directs, by the rig and by the engine."""
        rig = self._drawn(self._directed(portrait, "blendshape"))
        told(f"{portrait.stem}, the rig", rig)
        self._told(f"{portrait.stem}, {self.engine}", self._drawn(self._directed(portrait, self.engine)), rig)

    def _directed(self, portrait: Path, engine: str) -> Project:
        """Voice, two moods, a head that turns."""
        third = self.count // 3
        keys = (Key(0, 0.0), Key(third, 12.0), Key(2 * third, -10.0), Key(self.count - 1, 0.0))
        moods = (EmotionClip(0, third, "happy", 0.8), EmotionClip(2 * third, None, "sad", 0.8))
        return Project(
            portrait=str(portrait), voice=str(self.voice), engine=engine, emotions=moods,
            curves=(Curve("pose.yaw_deg", keys),),
        )  # fmt: skip

    def _performed(self, project: Project) -> Performance:
        whole = self._studio.perform(project)
        return whole.slice(0, min(self.count, len(whole)))

    def _drawn(self, project: Project) -> dict[str, float]:
        performance = self._studio.perform(project)
        stop = min(self.count, len(performance))
        return self._measured(self._studio.frames(project, performance, 0, stop, RenderOptions(size=self.size)))

    def _measured(self, frames: Iterable[np.ndarray]) -> dict[str, float]:
        found, shown = trembling(frames)
        self.strips.append(shown)
        return found

    def _told(
        self, name: str, ours: dict[str, float], theirs: dict[str, float], farther: dict[str, float] | None = None
    ) -> None:
        self.worst = max(self.worst, told(name, ours, theirs, farther))


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
    shot = Shot(args.engine, args.voice, round(args.seconds * RATE), (args.size, args.size))
    with store(args.generator), tempfile.TemporaryDirectory() as scratch:
        for clip in args.clip:
            shot.by_clip(clip, args.portraits, Path(scratch))
        print("timeline")
        for portrait in args.portraits:
            shot.by_timeline(portrait)
    print(f"largest ratio to the input: {shot.worst:.2f}")
    if args.strip is not None:
        args.strip.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.concatenate([np.concatenate(s, 1) for s in shot.strips])).save(args.strip)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
