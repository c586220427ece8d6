"""The diffusion autoencoder's actors: how good, how steady and how quick at every number of steps, and how they speak.

``python -m tests.benchmarks.dae steps [ACTOR] [--voice WAV] [--frames 100] [--counts 1 20 ...]``
    unseen frames (the rig's drawing of a voice that was no lesson) encoded and decoded again, and drawn from the known
    motion: PSNR, SSIM, flicker and identity against 1, 2, 5, 10, 20, 50 and 100 steps; frames a second

``python -m tests.benchmarks.dae lips [ACTOR] [--voice WAV] [--judge TASK]``
    a voice through the studio: how far the lips open, as another landmarker sees it, beside the rig's on the same
    performance

``python -m tests.benchmarks.dae pose [ACTOR]``
    a pose curve in, the pose measured in the frames out: correlation and mean error

``ACTOR`` is a folder or a portrait, default the demo's portrait. Run with OMP_NUM_THREADS=1 to judge times; they are
seconds of processor time. ``--judge`` names MediaPipe's face_landmarker.task (see `tests.benchmarks.judges`).
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from app.core.project import Project
from app.core.studio import Studio
from engines import arkit, registry
from engines.api import Performance, RenderOptions
from engines.diffusion_autoencoder import actor as actors
from engines.diffusion_autoencoder.decode import STEPS, Decoder
from engines.diffusion_autoencoder.engine import DiffusionEngine
from engines.diffusion_autoencoder.pairs import Pairs, window_stage
from engines.diffusion_autoencoder.register import Registration, read
from engines.teaching import bridge
from engines.teaching.banks import FACE_UNITS, MOUTH_UNITS, Motion
from tests.benchmarks.judges import Landmarker, Recogniser, aperture, recogniser_box

DEMO = Path(__file__).resolve().parents[2] / "assets" / "demo"
ENLARGED = 4
"""How often a window's pixels are repeated for the recogniser, which wants larger faces."""
COUNTS = (1, 2, 5, 10, 20, 50, 100)


def portrait_of(path: Path) -> Path:
    return path / actors.PORTRAIT if path.is_dir() else path


def taught(path: Path) -> tuple[DiffusionEngine, Any]:
    from engines.face.portrait import load_portrait

    engine = DiffusionEngine(registry.info("diffusion_autoencoder"))
    actor = engine.prepare(load_portrait(portrait_of(path)))
    print(f"{path}: {actor.taught}, gain {actor.network.gain}")
    return engine, actor


def spoken(portrait: Path, voice: Path, frames: int) -> Performance:
    """What the studio makes of a voice."""
    found = Studio().perform(Project(portrait=str(portrait), voice=str(voice)))
    return found.slice(0, min(frames, len(found)))


def decibel(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, float(np.square(a - b).mean()))))


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Mean SSIM of pictures (N, S, S, 3) of 0 to 255 (Wang et al., 2004)."""
    import cv2

    def blur(x: np.ndarray) -> np.ndarray:
        return np.stack([cv2.GaussianBlur(p, (11, 11), 1.5) for p in x])

    x, y = (np.asarray(p, np.float32) for p in (a, b))
    mx, my = blur(x), blur(y)
    vx, vy, both = blur(x * x) - mx**2, blur(y * y) - my**2, blur(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float((((2 * mx * my + c1) * (2 * both + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean())


def flicker(frames: np.ndarray) -> float:
    """Mean second difference over time: what trembles, not what moves."""
    f = frames.astype(np.float32)
    return float(np.abs(f[2:] - 2 * f[1:-1] + f[:-2]).mean())


def performed(motion: Motion, channel: str) -> np.ndarray:
    """How far the jaw or the left upper lid goes in every frame."""
    if channel == "jawOpen":
        return np.asarray(motion.mouth[:, MOUTH_UNITS.index(arkit.INDEX[channel])])
    return np.asarray(motion.face[:, len(FACE_UNITS)])


class Likeness:
    """Mean distance of dlib's descriptors to the portrait; "-" where dlib or its models are not installed."""

    def __init__(self, actor: Any) -> None:
        points = actor.window.places(actor.rig.landmarks.points[:, :2])
        self.box = recogniser_box(points * ENLARGED)
        try:
            self.judge: Recogniser | None = Recogniser()
        except ModuleNotFoundError as error:
            print(error)
            self.judge = None
        else:
            self.own = self._describe(actor.window.picture(actor.rig.portrait.rgb))

    def _describe(self, rgb: np.ndarray) -> np.ndarray:
        assert self.judge is not None
        side = rgb.shape[0] * ENLARGED
        large = Image.fromarray(rgb).resize((side, side), Image.Resampling.BICUBIC)
        return self.judge.describe(np.asarray(large), self.box)

    def of(self, frames: np.ndarray) -> str:
        if self.judge is None:
            return "-"
        some = np.clip(frames[:: max(1, len(frames) // 12)], 0, 255).astype(np.uint8)
        return f"{np.mean([np.linalg.norm(self._describe(f) - self.own) for f in some]):.3f}"


def steps(args: argparse.Namespace) -> None:
    _, actor = taught(args.actor)
    motion = spoken(portrait_of(args.actor), args.voice, args.frames)
    teacher, stage = window_stage(actor, actor.window)
    frames = np.stack([actor.window.cut(f) for f in teacher.frames(motion)])
    references = np.stack([actor.window.cut(f) for f in actor.frames(stage, motion)])
    pairs = Pairs(frames, references, bridge.numbers(actor.motion(motion)))
    decoder = Decoder(actor.network)
    likeness = Likeness(actor)
    real = frames.astype(np.float32)
    print(f"{len(frames)} frames of {decoder.size} px; flicker of the rig's own {flicker(frames):.3f}")

    def row(name: str, drawn: np.ndarray, seconds: float) -> None:
        pace = f"{len(drawn) / seconds:7.1f}" if seconds else "      -"
        print(
            f"{name:<34} {decibel(drawn, real):6.2f} {similarity(drawn, real):6.4f} "
            f"{flicker(drawn) / flicker(frames):6.3f} {likeness.of(drawn):>6} {pace}"
        )

    print(f"{'':<34} {'PSNR':>6} {'SSIM':>6} {'flick.':>6} {'ident.':>6} {'fps':>7}")
    row("closed form (reference)", references.astype(np.float32), 0)

    def decoded(codes: np.ndarray, moved: np.ndarray, count: int) -> tuple[np.ndarray, float]:
        started = time.process_time()
        drawn = [decoder.decode(codes[i : i + 4], moved[i : i + 4], count) for i in range(0, len(codes), 4)]
        seconds = time.process_time() - started
        found = np.concatenate(drawn)
        return moved + actor.network.gain * (found - moved), seconds

    for count in args.counts:
        mark = " (default)" if count == STEPS else ""
        row(f"known motion, {count} steps{mark}", *decoded(pairs.codes, references, count))
    registration = Registration(actor, actor.window)
    started = time.process_time()
    codes = np.concatenate([read(registration, decoder.encode, frames[i : i + 16]) for i in range(0, len(frames), 16)])
    seconds = (time.process_time() - started) / len(frames)
    error = np.abs(codes[:, : bridge.COUNT] - pairs.codes).mean()
    moved = bridge.motion_of(codes)
    coordinates = actor.banks.coordinates(moved)
    again = []
    for i in range(len(codes)):
        pose, face, eyes = actor.moved(moved, coordinates, i)
        again.append(actor.window.cut(stage.draw(pose, face, eyes, False)))
    print(f"read with a mean error of {error:.3f} units of the bridge, {1 / seconds:.1f} frames a second")
    for channel in ("jawOpen", "eyeBlinkLeft"):
        own, known = (performed(m, channel) for m in (moved, actor.motion(motion)))
        if known.std() > 1e-3:
            share = np.ptp(own) / np.ptp(known)
            print(f"  {channel}: r {np.corrcoef(own, known)[0, 1]:.3f}, range {share:.2f} of what was performed")
    for count in args.counts:
        row(f"encode, decode, {count} steps", *decoded(codes, np.stack(again), count))


def both(args: argparse.Namespace, motion: Performance) -> tuple[np.ndarray, np.ndarray]:
    """Frames of the actor and of the rig."""
    engine, actor = taught(args.actor)
    options = RenderOptions(size=(512, 512))
    ours = np.stack(list(engine.render(actor, motion, options=options)))
    rig = replace(actor.rig, engine_id="blendshape")
    theirs = np.stack(list(registry.load("blendshape").render(rig, motion, options=options)))
    if args.strip:
        chosen = np.linspace(0, len(ours) - 1, 6).astype(int)
        Image.fromarray(np.concatenate([np.concatenate(list(f[chosen]), 1) for f in (theirs, ours)])).save(args.strip)
    return ours, theirs


def lips(args: argparse.Namespace) -> None:
    motion = spoken(portrait_of(args.actor), args.voice, args.frames)
    frames = both(args, motion)
    judge = Landmarker(args.judge)
    seen = [[judge.look(frame) for frame in part] for part in frames]
    judge.close()
    a, b = (np.array([aperture(s[0]) if s else np.nan for s in part]) for part in seen)
    known = np.isfinite(a) & np.isfinite(b)
    a, b = a[known], b[known]
    wanted = motion.channel("jawOpen")[known]
    print(f"{known.sum()} of {len(known)} frames seen; opening of the lips, actor and rig on the same voice:")
    print(f"  between the two: r {np.corrcoef(a, b)[0, 1]:.3f}; with jawOpen: {np.corrcoef(a, wanted)[0, 1]:.3f} and "
          f"{np.corrcoef(b, wanted)[0, 1]:.3f}")  # fmt: skip
    print(f"  spread {a.std():.4f} and {b.std():.4f} ({a.std() / b.std():.2f}); mean {a.mean():.4f} and {b.mean():.4f}")
    da, db = np.diff(a), np.diff(b)
    print(f"  velocity: r {np.corrcoef(da, db)[0, 1]:.3f}, spread {da.std() / db.std():.2f} of the rig's")
    if (shut := b < 0.03).any():
        print(
            f"  shut (< 3 % of the eye distance) in {(a[shut] < 0.03).mean():.2f} of the frames in which the rig's are"
        )


def pose(args: argparse.Namespace) -> None:
    from engines.capture.capture import capture

    t = np.arange(75) / 25
    head = np.zeros((len(t), 6), np.float32)
    for axis, (size, speed) in enumerate(((8, 0.5), (12, 0.35), (8, 0.6))):
        head[:, axis] = np.radians(size) * np.sin(2 * np.pi * speed * t)
    frames = both(args, Performance.rest(len(t), Fraction(25)).with_(head=head))
    for name, part in zip(("actor", "rig"), frames, strict=True):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "take.mp4"
            film(part, path)
            found = np.degrees(capture(path).performance.head[: len(t), :3])
        wanted = np.degrees(head[: len(found), :3])
        found = found - found.mean(0) + wanted.mean(0)
        r = [np.corrcoef(found[:, k], wanted[:, k])[0, 1] for k in range(3)]
        error = np.abs(found - wanted).mean(0)
        print(f"{name}: r pitch {r[0]:.3f}, yaw {r[1]:.3f}, roll {r[2]:.3f}; mean error {error.round(2)} degrees")


def film(frames: np.ndarray, path: Path) -> None:
    """Frames as a video, nearly without loss."""
    from imageio_ffmpeg import get_ffmpeg_exe

    size = f"{frames.shape[2]}x{frames.shape[1]}"
    command = [
        get_ffmpeg_exe(),
        "-v",
        "error",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-s",
        size,
        "-r",
        "25",
        "-i",
        "-",
    ]
    command += ["-c:v", "libx264", "-crf", "12", "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, input=frames.tobytes(), check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("steps", "lips", "pose"))
    parser.add_argument("actor", nargs="?", type=Path, default=DEMO / "portrait.jpg")
    parser.add_argument("--voice", type=Path, default=DEMO / "voice.wav")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="of steps, for steps")
    parser.add_argument("--judge", type=Path, default=Path("face_landmarker.task"), help="for lips")
    parser.add_argument("--strip", type=Path, help="a film strip of rig and actor")
    args = parser.parse_args()
    {"steps": steps, "lips": lips, "pose": pose}[args.what](args)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
