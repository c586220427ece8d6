"""Does the judge see each fault, and only that fault? Real takes are spoilt in known ways and judged.

Every fault comes in three strengths; its own metric must worsen each time. All other metrics must stay within noise:
three times the largest change that encoding picture or sound again or drawing it a tenth smaller makes, and never less
than the floors below; a metric that comes or goes by that alone is not counted. Metrics that the fault touches by its
nature (a frozen mouth cannot shut at p) are named, not counted.

    python -m tests.benchmarks.judge_ranks CLIP [--voice SOUND] [--other PORTRAIT] [--seconds 5]
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from app.core.project import Project
from app.core.studio import Studio
from engines.api import Portrait
from engines.capture.video import open_video
from engines.face.portrait import load_portrait
from engines.judge.evidence import Evidence
from engines.judge.follow import Follower
from engines.judge.judge import Verdict, judge_frames, measured
from engines.judge.registry import metrics
from engines.speech.analysis import SpeechAnalysis
from engines.speech.audio import load_voice
from tests.benchmarks.judge_faults import Edit, Footage, blurred, flickering, frozen, leaping, shaken, swapped

FLOORS: Final = {
    "sync_offset": 20, "sync_agreement": 0.05, "lips_closed": 17, "mouth_range": 0.01, "mouth_sharpness": 8,
    "face_sharpness": 3, "blink_rate": 1, "blink_duration": 60, "blink_depth": 8, "head_motion": 0.3,
    "head_jitter": 0.15, "landmark_jitter": 0.15, "face_wobble": 0.1, "largest_jump": 0.6,
    "background_flicker": 0.05, "face_flicker": 0.15,
    "identity_distance": 0.05, "identity_drift": 0.05, "length_gap": 1, "face_seen": 1, "cuts": 0.5,
}  # fmt: skip
"""Changes that nobody would act on."""


@dataclass(frozen=True)
class Fault:
    """A way to spoil a take: its own metric, what it touches besides, its strengths, and what it may only better."""

    own: str
    touches: tuple[str, ...]
    strengths: tuple[float, ...]
    calms: tuple[str, ...] = ()


FAULTS: Final = {
    "sound delayed (ms)": Fault("sync_offset", (), (80, 160, 240)),
    "mouth frozen (share)": Fault(
        "sync_agreement",
        (
            "mouth_range",
            "lips_closed",
            "sync_offset",
            "mouth_sharpness",
            "head_motion",
            "identity_distance",
            "identity_drift",
        ),
        (0.33, 0.66, 1.0),
        calms=("face_wobble", "landmark_jitter"),  # a still mouth no longer pulls at the nose
    ),
    "shaken (% of eye distance)": Fault("landmark_jitter", ("head_jitter", "face_wobble", "largest_jump"), (1, 2, 4)),
    "other person (share)": Fault("identity_distance", ("identity_drift", "face_flicker"), (0.25, 0.5, 0.75)),
    "teeth blurred (% of way to lips)": Fault("mouth_sharpness", (), (5, 10, 20)),
    "flickering (grey levels)": Fault("background_flicker", ("face_flicker",), (1, 3, 8)),
    "one leap (% of eye distance)": Fault("largest_jump", ("background_flicker", "cuts"), (10, 20, 40)),
}


class Base:
    """A real take: frames, their landmarks, and its voice."""

    def __init__(self, clip: Path, voice: Path | None, other: Path | None, seconds: float) -> None:
        video = open_video(clip)
        self.rate = video.rate
        count = round(seconds * float(self.rate))
        frames = [f for f, _ in zip(video.frames(), range(count), strict=False)]
        follower = Follower()
        points = [p for f in frames if (p := follower.add(f)) is not None]
        assert len(points) == len(frames), "the clip must show a face all the time"
        self.take = Footage(frames, np.array(points), load_portrait(other) if other else None)
        sound = np.concatenate(list(load_voice(voice or clip).blocks()))
        self.sound = sound[: round(len(frames) / float(self.rate) * 16000)]
        self.portrait = Portrait(frames[0])
        self.speech = self.heard(0)

    def heard(self, delay_ms: float, encoded: bool = False) -> SpeechAnalysis:
        """The voice, later or through AAC at 64 kbit/s."""
        import soundfile

        gap = round(delay_ms * 16)
        late = np.concatenate([np.zeros(gap, np.float32), self.sound])[: len(self.sound)]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "voice.wav"
            soundfile.write(path, late, 16000, subtype="PCM_16")
            if encoded:
                again = Path(folder) / "again.m4a"
                run_ffmpeg("-i", str(path), "-c:a", "aac", "-b:a", "64k", str(again))
                run_ffmpeg("-i", str(again), str(path))
            return Studio().analyse(Project(voice=str(path)))

    def judged(self, frames: Iterator[np.ndarray]) -> Verdict:
        return judge_frames(frames, self.rate, speech=self.speech, portrait=self.portrait)

    def edited(self, edit: Edit) -> Iterator[np.ndarray]:
        return (edit(i, rgb) for i, rgb in enumerate(self.take.frames))


EDITS: Final = {
    "mouth frozen (share)": frozen, "shaken (% of eye distance)": shaken, "other person (share)": swapped,
    "teeth blurred (% of way to lips)": blurred, "flickering (grey levels)": flickering,
    "one leap (% of eye distance)": leaping,
}  # fmt: skip


def noise(base: Base, plain: Verdict) -> dict[str, float]:
    """What may change without a fault: three times what new encodings and a smaller picture change."""
    import cv2

    def smaller(i: int, rgb: np.ndarray) -> np.ndarray:
        return np.asarray(cv2.resize(rgb, None, fx=0.9, fy=0.9, interpolation=cv2.INTER_AREA))

    allowed = dict(FLOORS)
    pictures = [base.judged(frames) for frames in (encoded(base), base.edited(smaller))]
    for again in (*pictures, measured(Evidence(plain.evidence.take, base.heard(0, encoded=True)))):
        for name in list(allowed):
            a, b = plain.value(name), again.value(name)
            if (a is None) != (b is None):
                print(f"  not counted: {name} {a} -> {b} without a fault")
                del allowed[name]
            elif a is not None and b is not None:
                allowed[name] = max(allowed[name], 3 * abs(a - b))
    return allowed


def run_ffmpeg(*arguments: str, feed: bytes | None = None) -> None:
    from imageio_ffmpeg import get_ffmpeg_exe

    subprocess.run([get_ffmpeg_exe(), "-v", "error", "-y", *arguments], input=feed, check=True)


def encoded(base: Base) -> Iterator[np.ndarray]:
    """The take through x264 at CRF 26."""
    height, width = base.take.frames[0].shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "again.mp4"
        raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(base.rate), "-i", "-")
        even = ("-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p")
        feed = b"".join(f.tobytes() for f in base.take.frames)
        run_ffmpeg(*raw, *even, "-crf", "26", "-preset", "veryfast", str(path), feed=feed)
        yield from list(open_video(path).frames(base.rate))


def bad(name: str, value: float) -> float:
    return metrics()[name].badness(value)


def show(base: Base, folder: Path) -> None:
    """One frame of each fault, side by side, to be looked at."""
    from PIL import Image

    at = int(np.argmax(np.linalg.norm(base.take.points[:, 13, :2] - base.take.points[:, 14, :2], axis=1)))
    for name, edit in EDITS.items():
        if name.startswith("other") and base.take.other is None:
            continue
        row = [base.take.frames[at]]
        row += [edit(base.take, s)(at, base.take.frames[at]) for s in FAULTS[name].strengths]
        Image.fromarray(np.hstack(row)).save(folder / f"{name.split(' (')[0].replace(' ', '_')}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--voice", type=Path)
    parser.add_argument("--other", type=Path, help="portrait of another person")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--look", type=Path, help="folder for one picture of each fault")
    options = parser.parse_args()
    base = Base(options.clip, options.voice, options.other, options.seconds)
    if options.look:
        show(base, options.look)
    plain = base.judged(iter(base.take.frames))
    allowed = noise(base, plain)
    print(f"{options.clip.name}: {len(base.take.frames)} frames, eyes {base.take.eyes:.0f} px apart")
    print("  noise allowed: " + ", ".join(f"{k} {v:.3g}" for k, v in allowed.items()))
    failures = 0
    for name, fault in FAULTS.items():
        if name.startswith("other") and base.take.other is None:
            continue
        metric = metrics()[fault.own]
        values, spilled = [plain.value(fault.own)], set()
        for strength in fault.strengths:
            if name.startswith("sound"):
                late = measured(Evidence(plain.evidence.take, base.heard(strength)))
            else:
                late = base.judged(base.edited(EDITS[name](base.take, strength)))
            values.append(late.value(fault.own))
            for other, most in allowed.items():
                a, b = plain.value(other), late.value(other)
                if other != fault.own and other not in fault.touches and (a is not None or b is not None):
                    if a is None or b is None:
                        spilled.add(f"{other} {a} -> {b}")
                    elif abs(a - b) > most and not (other in fault.calms and bad(other, b) < bad(other, a)):
                        spilled.add(f"{other} {a:.3g} -> {b:.3g} at {strength:g}")
        known = [metric.badness(v) for v in values if v is not None]
        worse = len(known) == len(values) and all(b > a for a, b in itertools.pairwise(known))
        failures += (not worse) + bool(spilled)
        shown = " -> ".join(metric.format(v) for v in values)
        print(f"  {name:<36} {fault.own:<20} {shown}   {'ok' if worse else 'NOT MONOTONE'}")
        for line in sorted(spilled):
            print(f"      also changed: {line}")
    print(f"  {failures} failures")


if __name__ == "__main__":
    main()
