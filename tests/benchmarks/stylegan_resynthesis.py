"""Frames made again from 35 numbers each: how near to what they were, and how small.

``python -m tests.benchmarks.stylegan_resynthesis PORTRAIT ... [--clip VIDEO] [--frames 40] [--strip FOLDER]
[--generator FILE] [--landmarker face_landmarker.task] [--leakage]``

For each portrait: frames that the rig draws of lessons which nobody learnt from, told in 35 numbers, kept as 16-bit
floats and drawn again: PSNR and SSIM of the head's crop, PSNR of the mouth, mean change of the mouth from frame to
frame as a part of the original's, identity (dlib's distance to the same original frame; needs a landmarker and what
`tests.benchmarks.judges` says), bytes a frame. With ``--clip``, the same for a real video: its calmest frame is the
portrait, its motion is captured, and the frames made again are compared with the real ones. With ``--generator`` (a
file that ``soliloquy train stylegan`` made) the portrait's frames are also sought one by one in W+, as the published
table does, and told in the generator's own 35 numbers.

``--leakage`` prints for each of the 32 channels the mean change (0 to 255) of the mouth, of eyes, brows and cheeks, and
of the rest of the crop, and how many times more the channel changes its own region than everything else.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from engines import registry, weights
from engines.api import Performance, Portrait
from engines.face.portrait import load_portrait
from engines.judge.picture import ssim
from engines.stylegan import layout, numbers
from engines.stylegan.align import align
from engines.stylegan.engine import StyleGANEngine
from engines.stylegan.faces import told
from engines.stylegan.placing import Follower, seen_in
from engines.stylegan.taught import TaughtActor
from engines.teaching.lessons import lessons
from tests.benchmarks.judges import Landmarker, Recogniser, recogniser_box

SIDE = 256
SHIFT_BYTES = 6


def decibel(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, float(np.square(a.astype(np.float64) - b).mean()))))


def identity(judge: Landmarker | None, ours: np.ndarray, theirs: np.ndarray) -> str:
    """Mean and worst distance of faces, frame by frame."""
    if judge is None:
        return "not measured"
    try:
        recogniser = Recogniser()
    except ModuleNotFoundError:
        return "not measured"
    found = []
    grow = max(1, SIDE // ours.shape[1])  # judges want larger faces than a small generator draws
    for a, b in zip(ours, theirs, strict=True):
        a, b = (np.asarray(Image.fromarray(p).resize((grow * len(p),) * 2, Image.Resampling.BICUBIC)) for p in (a, b))
        looks = [judge.look(p) for p in (a, b)]
        if any(look is None for look in looks):
            continue
        described = [recogniser.describe(p, recogniser_box(k[0])) for p, k in zip((a, b), looks, strict=True) if k]
        found.append(float(np.linalg.norm(described[0] - described[1])))
    return f"{np.mean(found):.3f} / {np.max(found):.3f}" if found else "no face seen"


def report(name: str, ours: np.ndarray, theirs: np.ndarray, size: str, judge: Landmarker | None) -> None:
    """Print one row for pictures (T, S, S, 3)."""
    mouth = layout.region("mouth", ours.shape[1])
    steps = [np.abs(np.diff(p[:, mouth].astype(float), axis=0)).mean() for p in (ours, theirs)]
    likeness = np.mean([ssim(a, b) for a, b in zip(ours, theirs, strict=True)])
    print(
        f"  {name:34s} PSNR {decibel(ours, theirs):5.1f} dB, "
        f"mouth {decibel(ours[:, mouth], theirs[:, mouth]):5.1f} dB, "
        f"SSIM {likeness:.3f}, mouth motion {100 * steps[0] / steps[1]:3.0f} %, identity "
        f"{identity(judge, ours, theirs)}, {size}"
    )


def cropped(actor: Any, follower: Follower, frames: Iterator[np.ndarray], head: np.ndarray) -> np.ndarray:
    """The head's crop, which follows it, of whole frames."""
    shown = actor.rig.crop(None)
    crops = follower.crops(head)
    return np.stack([align(f, seen_in(c, shown), SIDE) for f, c in zip(frames, crops, strict=True)])


class Kept(TaughtActor):
    """An actor whose numbers went through 16 bits."""

    def numbers(self, performance: Performance) -> np.ndarray:
        return numbers.from_bytes(numbers.to_bytes(super().numbers(performance)))


def taught_rows(
    engine: StyleGANEngine, actor: TaughtActor, asked: Performance, judge: Landmarker | None, strip: Path | None
) -> None:
    """Lessons of the rig, and what 35 numbers a frame make of them."""
    follower = Follower.of(actor.rig)
    head = follower.head(asked)
    rig = registry.load("blendshape")
    theirs = cropped(actor, follower, rig.render(actor.rig, asked), head)
    kept = Kept(actor.rig, actor.crop, actor.banks, actor.prior, actor.eye_crop, actor.digest, actor.touch)
    ours = cropped(actor, follower, engine.render(kept, asked), head)
    still = np.repeat(cropped(actor, follower, iter([actor.rig.portrait.rgb]), np.zeros((1, 6))), len(ours), 0)
    report("the photo, still", still, theirs, "0 bytes a frame", judge)
    size = f"{numbers.BYTES} bytes a frame and {SHIFT_BYTES} for where the head stands"
    report("35 numbers, taught by the rig", ours, theirs, size, judge)
    save_strip(strip, theirs, ours)


def clip_rows(engine: StyleGANEngine, clip: Path, count: int, judge: Landmarker | None, strip: Path | None) -> None:
    """A real video, captured and made again from its calmest frame."""
    from engines.capture.capture import capture_video
    from engines.capture.video import open_video

    motion = capture_video(clip)
    pictures = list(open_video(clip).frames(motion.rate))[: len(motion)]
    cost = motion.weights.sum(1) + 3 * np.abs(motion.head[:, :3]).sum(1)
    calm = int(cost[: len(pictures)].argmin())
    actor = engine.prepare(Portrait(pictures[calm]))
    assert isinstance(actor, TaughtActor)
    chosen = np.linspace(0, len(pictures) - 1, count).astype(int)
    asked = Performance(
        Fraction(25), motion.weights[chosen], (motion.head - motion.head[calm])[chosen], motion.gaze[chosen],
        motion.tongue[chosen],
    )  # fmt: skip
    follower = Follower.of(actor.rig)
    head = follower.head(asked)
    theirs = cropped(actor, follower, iter([pictures[i] for i in chosen]), head)
    kept = Kept(actor.rig, actor.crop, actor.banks, actor.prior, actor.eye_crop, actor.digest, actor.touch)
    ours = cropped(actor, follower, engine.render(kept, asked), head)
    still = np.repeat(cropped(actor, follower, iter([pictures[calm]]), np.zeros((1, 6))), len(ours), 0)
    print(f"{clip.name}: {len(pictures)} frames, frame {calm} is the portrait")
    report("its portrait, still", still, theirs, "0 bytes a frame", judge)
    report("35 numbers, captured", ours, theirs, f"{numbers.BYTES} + {SHIFT_BYTES} bytes a frame", judge)
    save_strip(strip, theirs, ours)


def generator_rows(
    engine: StyleGANEngine,
    portrait: Portrait,
    file: Path,
    asked: Performance,
    judge: Landmarker | None,
    strip: Path | None,
) -> None:
    """The same lessons through a generator: W+ for every frame, and its own 35 numbers."""
    import torch

    from engines.stylegan.actor import StyleGANActor
    from engines.stylegan.net_invert import Effort, invert
    from engines.stylegan.net_people import SCALE
    from engines.stylegan.net_reach import faces
    from engines.stylegan.studio import KNOWN, at_home, pictures_of, tensor_of

    weights.import_path(file, "stylegan-own")
    engine.unload()
    actor = engine.prepare(portrait)
    assert isinstance(actor, StyleGANActor)
    print(f"  {actor.told}")
    draws = engine._drawer(actor, "cpu")
    follower, size = actor.follower, draws.size
    head = follower.head(asked)
    rig = registry.load("blendshape")
    theirs = cropped(actor, follower, rig.render(actor.rig, asked), head)
    small = np.stack([np.asarray(Image.fromarray(p).resize((size, size), Image.Resampling.BOX)) for p in theirs])
    values = numbers.from_bytes(numbers.to_bytes(actor.numbers(asked)))
    drawn = np.concatenate([draws(actor.amounts(values[i : i + 4])) for i in range(0, len(values), 4)])
    ours = np.rint(drawn).astype(np.uint8)
    report(f"35 numbers, generator of {size} px", ours, small, f"{numbers.BYTES} bytes a frame", judge)
    known, found = faces(draws.loaded, KNOWN, seed=9, psi=1.0), []
    home = at_home(draws.loaded, tensor_of(small[:1], "cpu"), least_db=0.0)
    rows = draws.generator.config.layers * draws.generator.config.style_dim
    for picture, row in zip(small[:12], told(actor.rig, asked), strict=False):
        start = None
        if home is not None and draws.loaded.moves is not None:  # what an encoder would say
            start = home.wplus + torch.einsum("n,nld->ld", torch.from_numpy(row / SCALE), draws.loaded.moves)
        each = invert(draws.generator, tensor_of(picture[None], "cpu"), start, Effort(200, 0), known=known)
        found.append(pictures_of(draws.generator(each.wplus))[0])
    sought = np.rint(np.stack(found)).astype(np.uint8)
    name = f"W+ for every frame ({len(found)} of them)"
    report(name, sought, small[: len(found)], f"{2 * rows} bytes a frame", judge)
    save_strip(strip, small, ours)
    save_strip(strip, small[: len(found)], sought)
    if any(exam.problem for exam in actor.bridge.exams):
        print("  pasted into the picture: not compared, for the rig drew what failed its exam")
        return
    whole = cropped(actor, follower, engine.render(actor, asked), head)
    report("35 numbers, pasted into the picture", whole, theirs, f"{numbers.BYTES} bytes a frame", judge)


def leakage(engine: StyleGANEngine, actor: Any) -> None:
    """Print what each channel changes."""
    follower = Follower.of(actor.rig)
    rest = Performance.rest(1, Fraction(25))
    photo = cropped(actor, follower, engine.render(actor, rest), np.zeros((1, 6)))[0].astype(float)
    at = (np.arange(SIDE) + 0.5) / SIDE
    face = layout.face(SIDE) > 0.02
    lower = face & (at[:, None] > 0.56)  # lips, chin and cheeks as far as a jaw drags them
    upper = face & (at[:, None] <= 0.66)
    print("  channel   lower face  upper face  beyond the face   own region : everything else")
    worst: dict[str, float] = {}
    for k, name in enumerate(numbers.CHANNELS):
        extras = {name: np.array([[0.0, 1.5]])}
        if k < 20:
            extras["face_11"] = np.array([[0.0, 1.0]])
        else:
            extras["face_12"] = np.array([[0.0, 1.0]])
        asked = rest.with_(extras=extras)
        change = np.abs(cropped(actor, follower, engine.render(actor, asked), np.zeros((1, 6)))[0] - photo).mean(-1)
        own = lower if k < 20 else upper
        ratio = float(change[own].mean() / max(change[~own].mean(), 1e-3))
        group = name.split("_")[0]
        worst[group] = min(worst.get(group, np.inf), ratio if change[own].mean() > 0.05 else np.inf)
        parts = (change[lower].mean(), change[upper].mean(), change[~(lower | upper)].mean())
        print(f"  {name:9s} {parts[0]:10.2f} {parts[1]:11.2f} {parts[2]:16.3f} {ratio:17.1f}")
    print("  least, of channels that show: " + ", ".join(f"{g} {v:.1f}" for g, v in worst.items()))


def save_strip(folder: Path | None, theirs: np.ndarray, ours: np.ndarray) -> None:
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    chosen = np.linspace(0, len(ours) - 1, 8).astype(int)
    sheet = np.concatenate([np.concatenate(list(p[chosen]), 1) for p in (theirs, ours)])
    number = len(list(folder.glob("strip_*.png")))
    Image.fromarray(sheet).save(folder / f"strip_{number}.png")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", nargs="*", type=Path)
    parser.add_argument("--clip", type=Path, action="append", default=[])
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--strip", type=Path)
    parser.add_argument("--generator", type=Path)
    parser.add_argument("--landmarker", type=Path)
    parser.add_argument("--leakage", action="store_true")
    args = parser.parse_args()
    engine = StyleGANEngine(registry.info("stylegan"))
    judge = Landmarker(args.landmarker) if args.landmarker else None
    asked = lessons(args.frames, seed=77)
    with tempfile.TemporaryDirectory() as home:
        os.environ["SOLILOQUY_HOME"] = home  # a store of our own: nothing imported
        for path in args.portraits:
            actor = engine.prepare(load_portrait(path))
            assert isinstance(actor, TaughtActor)
            print(f"{path.name}:")
            taught_rows(engine, actor, asked, judge, args.strip)
            if args.leakage:
                leakage(engine, actor)
        for clip in args.clip:
            clip_rows(engine, clip, args.frames, judge, args.strip)
        if args.generator:
            for path in args.portraits:
                print(f"{path.name}, {args.generator.name}:")
                generator_rows(engine, load_portrait(path), args.generator, asked, judge, args.strip)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
