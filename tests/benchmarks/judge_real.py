"""What the judge says of real footage: the yardsticks of ``engines/judge/metrics.toml``, and the sync offset checked.

Yardsticks are medians over clips of real people, who are never to be judged unreal:

    python -m tests.benchmarks.judge_real clips CLIP[=VOICE] ... [--landmarker TASK]

A clip may itself be off. Its offset is therefore told a second time, without the readout: by how much the sound of p, b
and m comes after the lips are most shut, as another landmarker (``face_landmarker.task``) sees them.

Offsets are compared with those by which the clips of the voice benchmark were synchronised (``sync.json``); mouth and
sound come from its files, so this tests the search, not the landmarks:

    python -m tests.benchmarks.judge_real bench FOLDER [--every 3]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np

from app.core.evaluate import Against, evaluate
from app.core.project import Project
from app.core.studio import Studio
from engines.capture.video import open_video
from engines.judge.evidence import Evidence
from engines.judge.geometry import MOUTH
from engines.judge.observe import Observer
from engines.judge.registry import metrics
from engines.judge.sync import synchronise
from engines.speech.mouth import CLOSERS
from tests.benchmarks.judges import Landmarker, aperture

REACH_S = 0.5
"""Lags up to this are tried for p, b and m."""


def clips(paths: list[str], landmarker: Path | None) -> None:
    """Every metric of every clip, and the median; each clip is also compared with itself encoded again at CRF 30."""
    values: dict[str, list[float | None]] = {name: [] for name in metrics()}
    for text in paths:
        clip, _, voice = text.partition("=")
        with tempfile.TemporaryDirectory() as folder:
            first, again = Path(folder) / "first.png", Path(folder) / "again.mp4"
            _ffmpeg("-i", clip, "-frames:v", "1", str(first))
            _ffmpeg("-i", clip, "-an", "-crf", "30", "-preset", "veryfast", str(again))
            against = Against(portrait=first, voice=Path(voice) if voice else None, reference=again)
            found = evaluate(Path(clip), against)
        told = metrics()["sync_offset"].format(found.verdict.value("sync_offset"))
        print(f"{Path(clip).name}: sound after the mouth by {told} (judge)")
        if landmarker:
            lag_s, depth, count = by_closures(opening(Path(clip), landmarker), found.verdict.evidence)
            print(f"  by {1000 * lag_s:.0f} ms by the lips at {count} p, b, m, where their opening is {depth:+.1f} "
                  f"standard deviations from its mean")  # fmt: skip
        for name in values:
            values[name].append(found.verdict.value(name))
    for name, row in values.items():
        known = [v for v in row if v is not None]
        shown = " ".join("-" if v is None else f"{v:.4g}" for v in row)
        print(f"{name:<20} {shown:<44}" + (f" median {np.median(known):.4g}" if known else ""))


def opening(clip: Path, landmarker: Path) -> np.ndarray:
    """Opening of the lips frame by frame, seen by another landmarker : (T,), in eye distances."""
    other = Landmarker(landmarker)
    video = open_video(clip)
    looks = [other.look(rgb) for rgb in video.frames(video.rate)]
    other.close()
    values = np.array([aperture(seen[0]) if seen else np.nan for seen in looks])
    there = np.flatnonzero(np.isfinite(values))
    return np.interp(np.arange(len(values)), there, values[there])


def by_closures(lips: np.ndarray, evidence: Evidence) -> tuple[float, float, int]:
    """Lag of the sound, in seconds, at which lips are most shut at p, b and m; how far, and how many were heard.

    Parameters
    ----------
    lips : (T,) their opening at the take's rate
    """
    heard = [0.5 * (p.start_s + p.end_s) for p in evidence.heard().phones if p.label in CLOSERS]
    if not heard:
        return float("nan"), float("nan"), 0
    standard = (lips - lips.mean()) / max(float(lips.std()), 1e-6)
    lags = np.arange(-REACH_S, REACH_S + 0.01, 0.02)
    at = (np.array(heard)[:, None] - lags) * float(evidence.take.rate)
    depth = np.interp(at, np.arange(len(lips)), standard).mean(0)
    best = int(np.argmin(depth))
    return float(lags[best]), float(depth[best]), len(heard)


def bench(folder: Path, every: int) -> None:
    """Offset found against offset known, clip by clip."""
    known = json.loads((folder / "sync.json").read_text())["shift"]
    errors, studio = [], Studio()
    for name in sorted(known)[::every]:
        data = np.load(folder / f"{name}.npz")
        names = [str(n) for n in data["geom_names"]]
        rate = Fraction(float(data["fps"])).limit_denominator(1001)
        take = Observer(rate).observation()
        mouth = data["geometry"][:, [names.index(m) for m in MOUTH]].astype(np.float32)
        mouth[~data["valid"].astype(bool)] = np.nan
        for field, value in {"mouth": mouth, "eyes_px": mouth[:, 0], "head": mouth[:, :3]}.items():
            object.__setattr__(take, field, value)
        sync = synchronise(take, studio.analyse(Project(voice=str(folder / f"{name}.flac"))))
        errors.append(1000 * sync.offset_s - 20 * known[name])
        print(
            f"{name:<16} known {20 * known[name]:5d} ms, found {1000 * sync.offset_s:6.0f} ms, r {sync.aperture_r:.2f}"
        )
    size = np.abs(errors)
    print(
        f"error: median {np.median(size):.0f} ms, largest {size.max():.0f} ms, within 40 ms {np.mean(size <= 40):.0%}"
    )


def _ffmpeg(*arguments: str) -> None:
    from imageio_ffmpeg import get_ffmpeg_exe

    subprocess.run([get_ffmpeg_exe(), "-v", "error", "-y", *arguments], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    real = kinds.add_parser("clips")
    real.add_argument("paths", nargs="+", metavar="CLIP[=VOICE]")
    real.add_argument("--landmarker", type=Path, help="another landmarker, face_landmarker.task")
    more = kinds.add_parser("bench")
    more.add_argument("folder", type=Path)
    more.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    if options.kind == "clips":
        clips(options.paths, options.landmarker)
    else:
        bench(options.folder, options.every)


if __name__ == "__main__":
    main()
