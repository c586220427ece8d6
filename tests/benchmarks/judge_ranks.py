"""Does the judge see each fault, and only that fault? Real takes are spoilt in known ways and judged.

Every fault comes in three strengths; its own metric must worsen each time. All other metrics must stay within noise:
three times the largest change that encoding the take again or drawing it a tenth smaller makes, and never less than the
floors below. Metrics that the fault touches by its nature (a frozen mouth cannot shut at p) are named, not counted.

    python -m tests.benchmarks.judge_ranks CLIP [--voice SOUND] [--other PORTRAIT] [--seconds 5]
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from app.core.project import Project
from app.core.studio import Studio
from engines.api import Portrait
from engines.capture.video import open_video
from engines.face.landmarks import find_face
from engines.face.portrait import load_portrait
from engines.judge.evidence import Evidence
from engines.judge.follow import Follower
from engines.judge.geometry import RIGID
from engines.judge.judge import Verdict, judge_frames, measured
from engines.judge.registry import metrics
from engines.rig.landmark_sets import EYE_LOWER, EYE_UPPER, INNER_LOWER, INNER_UPPER, OUTER_LOWER, OUTER_UPPER, OVAL
from engines.speech.analysis import SpeechAnalysis
from engines.speech.audio import load_voice

FLOORS: Final = {
    "sync_offset": 20, "sync_agreement": 0.05, "lips_closed": 17, "mouth_range": 0.01, "mouth_sharpness": 8,
    "face_sharpness": 3, "blink_rate": 1, "blink_duration": 60, "blink_depth": 8, "head_motion": 0.3,
    "head_jitter": 0.15, "landmark_jitter": 0.15, "face_wobble": 0.1, "largest_jump": 0.6,
    "background_flicker": 0.05, "face_flicker": 0.15,
    "identity_distance": 0.05, "identity_drift": 0.05, "length_gap": 1, "face_seen": 1, "cuts": 0.5,
}  # fmt: skip
"""Changes that nobody would act on."""

Edit = Callable[[int, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Fault:
    """A way to spoil a take: its own metric, what it touches besides, and its strengths."""

    own: str
    touches: tuple[str, ...]
    strengths: tuple[float, ...]


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
    ),
    "shaken (% of eye distance)": Fault("landmark_jitter", ("head_jitter", "face_wobble", "largest_jump"), (1, 2, 4)),
    "other person (share)": Fault("identity_distance", ("identity_drift", "face_flicker"), (0.3, 0.6, 1.0)),
    "teeth blurred (% of eye distance)": Fault("mouth_sharpness", (), (1, 2, 4)),
    "flickering (grey levels)": Fault("background_flicker", ("face_flicker",), (1, 3, 8)),
    "one leap (% of eye distance)": Fault("largest_jump", ("background_flicker", "cuts"), (10, 20, 40)),
}


class Base:
    """A real take: frames, their landmarks, and its voice."""

    def __init__(self, clip: Path, voice: Path | None, other: Path | None, seconds: float) -> None:
        video = open_video(clip)
        self.rate = video.rate
        count = round(seconds * float(self.rate))
        self.frames = [f for f, _ in zip(video.frames(), range(count), strict=False)]
        follower = Follower()
        self.points = [p for f in self.frames if (p := follower.add(f)) is not None]
        assert len(self.points) == len(self.frames), "the clip must show a face all the time"
        self.eyes = float(np.median([np.hypot(*(p[33, :2] - p[263, :2])) for p in self.points]))
        sound = np.concatenate(list(load_voice(voice or clip).blocks()))
        self.sound = sound[: round(len(self.frames) / float(self.rate) * 16000)]
        self.portrait = Portrait(self.frames[0])
        self.other = load_portrait(other) if other else None
        self.speech = self.heard(0)

    def heard(self, delay_ms: float) -> SpeechAnalysis:
        import soundfile

        gap = round(delay_ms * 16)
        late = np.concatenate([np.zeros(gap, np.float32), self.sound])[: len(self.sound)]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "voice.wav"
            soundfile.write(path, late, 16000, subtype="PCM_16")
            return Studio().analyse(Project(voice=str(path)))

    def judged(self, frames: Iterator[np.ndarray]) -> Verdict:
        return judge_frames(frames, self.rate, speech=self.speech, portrait=self.portrait)

    def edited(self, edit: Edit) -> Iterator[np.ndarray]:
        return (edit(i, f, p) for i, (f, p) in enumerate(zip(self.frames, self.points, strict=True)))


def shaken(base: Base, strength: float) -> Edit:
    """The head shakes before a background that stands still."""
    import cv2

    moves = np.random.default_rng(5).normal(0, strength / 100 * base.eyes, (len(base.frames), 2))

    def edit(i: int, rgb: np.ndarray, points: np.ndarray) -> np.ndarray:
        low, high = points[:, :2].min(0), points[:, :2].max(0)
        middle, size = (0.5 * (low + high)).round().astype(int), (0.72 * (high - low)).round().astype(int)
        mask = cv2.ellipse(np.zeros(rgb.shape[:2], np.float32), middle.tolist(), size.tolist(), 0, 0, 360, (1.0,), -1)
        mask = cv2.GaussianBlur(mask, (0, 0), 0.12 * base.eyes)
        y, x = np.mgrid[: rgb.shape[0], : rgb.shape[1]].astype(np.float32)
        places = [(g - mask * m).astype(np.float32) for g, m in zip((x, y), moves[i], strict=True)]
        return np.asarray(cv2.remap(rgb, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))

    return edit


def leaping(base: Base, strength: float) -> Edit:
    middle = len(base.frames) // 2
    return lambda i, rgb, points: _shifted(rgb, np.array([strength / 100 * base.eyes, 0])) if i >= middle else rgb


def flickering(base: Base, strength: float) -> Edit:
    light = np.random.default_rng(6).normal(0, strength, len(base.frames))
    return lambda i, rgb, points: np.clip(rgb + light[i], 0, 255).astype(np.uint8)


def blurred(base: Base, strength: float) -> Edit:
    import cv2

    def edit(i: int, rgb: np.ndarray, points: np.ndarray) -> np.ndarray:
        mask = _filled(rgb, points[[*INNER_UPPER, *INNER_LOWER[-2:0:-1]], :2], 0.004 * base.eyes)
        return _mixed(rgb, cv2.GaussianBlur(rgb, (0, 0), strength / 100 * base.eyes), mask)

    return edit


def frozen(base: Base, strength: float) -> Edit:
    """The mouth of one calm frame over that of the first frames."""
    import cv2

    still = int(np.argmin([np.hypot(*(p[13, :2] - p[14, :2])) for p in base.points]))
    rgb0, points0 = base.frames[still], base.points[still]
    until = strength * len(base.frames)

    def edit(i: int, rgb: np.ndarray, points: np.ndarray) -> np.ndarray:
        if i >= until:
            return rgb
        index = list(RIGID)
        matrix = cv2.estimateAffinePartial2D(points0[index, :2], points[index, :2])[0]
        moved = cv2.warpAffine(rgb0, matrix, rgb.shape[1::-1], borderMode=cv2.BORDER_REFLECT)
        chin = [*OVAL[12:25]]
        part = [*OUTER_UPPER, *OUTER_LOWER, *chin]
        area = np.concatenate([points[part, :2], points0[part, :2] @ matrix[:, :2].T + matrix[:, 2]])
        return _mixed(rgb, moved, _filled(rgb, cv2.convexHull(area.astype(np.float32))[:, 0], 0.02 * base.eyes))

    return edit


def swapped(base: Base, strength: float) -> Edit:
    """The skin, nose and brows of another face laid over this one, landmark on landmark; eyes and lips stay."""
    import cv2
    from scipy.spatial import Delaunay

    assert base.other is not None
    source, face = base.other.rgb, find_face(base.other).points[:468, :2]
    triangles = Delaunay(face).simplices

    def edit(i: int, rgb: np.ndarray, points: np.ndarray) -> np.ndarray:
        there = points[:468, :2]
        drawn, covered = rgb.copy(), np.zeros(rgb.shape[:2], np.uint8)
        for corners in triangles:
            a, b = face[corners].astype(np.float32), there[corners].astype(np.float32)
            x, y, w, h = cv2.boundingRect(b)
            x, y = max(x, 0), max(y, 0)
            w, h = min(w, rgb.shape[1] - x), min(h, rgb.shape[0] - y)
            if w <= 0 or h <= 0:
                continue
            piece = cv2.warpAffine(
                source, cv2.getAffineTransform(a, b - np.array([x, y], np.float32)), (w, h),
                borderMode=cv2.BORDER_REFLECT,
            )  # fmt: skip
            mask = np.zeros((h, w), np.uint8)
            cv2.fillConvexPoly(mask, (b - [x, y]).round().astype(np.int32), 1)
            drawn[y : y + h, x : x + w][mask > 0] = piece[mask > 0]
            covered[y : y + h, x : x + w] |= mask
        share = _filled(rgb, points[list(OVAL), :2], 0.04 * base.eyes) * covered
        rings = [(up + low[::-1], 1.5) for up, low in zip(EYE_UPPER, EYE_LOWER, strict=True)]
        for ring, grown in (*rings, (OUTER_UPPER + OUTER_LOWER[::-1], 1.15)):
            edge = points[list(ring), :2]
            edge = edge.mean(0) + grown * (edge - edge.mean(0))
            share = share * (1 - _filled(rgb, edge, 0.02 * base.eyes))
        return _mixed(rgb, drawn, strength * share)

    return edit


EDITS: Final = {
    "mouth frozen (share)": frozen, "shaken (% of eye distance)": shaken, "other person (share)": swapped,
    "teeth blurred (% of eye distance)": blurred, "flickering (grey levels)": flickering,
    "one leap (% of eye distance)": leaping,
}  # fmt: skip


def noise(base: Base, plain: Verdict) -> dict[str, float]:
    """What may change without a fault: three times what a new encoding and a smaller picture change."""
    import cv2

    def smaller(i: int, rgb: np.ndarray, points: np.ndarray) -> np.ndarray:
        return np.asarray(cv2.resize(rgb, None, fx=0.9, fy=0.9, interpolation=cv2.INTER_AREA))

    allowed = dict(FLOORS)
    for frames in (encoded(base), base.edited(smaller)):
        again = base.judged(frames)
        for name, floor in allowed.items():
            a, b = plain.value(name), again.value(name)
            if a is not None and b is not None:
                allowed[name] = max(floor, 3 * abs(a - b))
    return allowed


def encoded(base: Base) -> Iterator[np.ndarray]:
    """The take through x264 at CRF 26."""
    from imageio_ffmpeg import get_ffmpeg_exe

    height, width = base.frames[0].shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "again.mp4"
        command = [get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
        command += ["-r", str(base.rate), "-i", "-", "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-crf", "26"]
        command += ["-pix_fmt", "yuv420p", "-preset", "veryfast", str(path)]
        subprocess.run(command, input=b"".join(f.tobytes() for f in base.frames), check=True)
        yield from list(open_video(path).frames(base.rate))


def _shifted(rgb: np.ndarray, by: np.ndarray) -> np.ndarray:
    import cv2

    matrix = np.column_stack([np.eye(2), by])
    return np.asarray(cv2.warpAffine(rgb, matrix, rgb.shape[1::-1], borderMode=cv2.BORDER_REFLECT))


def _filled(rgb: np.ndarray, polygon: np.ndarray, soft: float) -> np.ndarray:
    import cv2

    mask = np.zeros(rgb.shape[:2], np.float32)
    cv2.fillPoly(mask, [polygon.round().astype(np.int32)], (1.0,))
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(soft, 0.3)))


def _mixed(rgb: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    return (rgb + (other.astype(np.float32) - rgb) * share[..., None]).round().clip(0, 255).astype(np.uint8)


def show(base: Base, folder: Path) -> None:
    """One frame of each fault, side by side, to be looked at."""
    from PIL import Image

    for name, edit in EDITS.items():
        if name.startswith("other") and base.other is None:
            continue
        at = int(np.argmax([np.hypot(*(p[13, :2] - p[14, :2])) for p in base.points]))
        row = [base.frames[at]]
        row += [edit(base, s)(at, base.frames[at], base.points[at]) for s in FAULTS[name].strengths]
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
    plain = base.judged(iter(base.frames))
    allowed = noise(base, plain)
    print(f"{options.clip.name}: {len(base.frames)} frames, eyes {base.eyes:.0f} px apart")
    print("  noise allowed: " + ", ".join(f"{k} {v:.3g}" for k, v in allowed.items()))
    failures = 0
    for name, fault in FAULTS.items():
        if name.startswith("other") and base.other is None:
            continue
        metric = metrics()[fault.own]
        values, spilled = [plain.value(fault.own)], set()
        for strength in fault.strengths:
            if name.startswith("sound"):
                late = measured(Evidence(plain.evidence.take, base.heard(strength)))
            else:
                late = base.judged(base.edited(EDITS[name](base, strength)))
            values.append(late.value(fault.own))
            for other, most in allowed.items():
                a, b = plain.value(other), late.value(other)
                if other != fault.own and other not in fault.touches and (a is not None or b is not None):
                    if a is None or b is None:
                        spilled.add(f"{other} {a} -> {b}")
                    elif abs(a - b) > most:
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
