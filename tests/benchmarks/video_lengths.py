"""Exact rates and lengths of MP4 and WebM files, from 0.2 s to 30 minutes, in flat memory, judged by ffprobe.

``python -m tests.benchmarks.video_lengths [LONGEST_S] [SUFFIX ...]`` prints a line for each rate and length; exits 1
if a rate is not exactly rational, a frame is missing, or sound and picture differ by more than a frame.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf

from app.export import ExportOptions, Take, write
from engines.api import Performance
from engines.timebase import RATES, frame_count

LENGTHS_S = (0.2, 1.0, 7.77, 61.3, 1800.0)
SAMPLE_RATE = 16_000
OPUS_S = 0.021
"""Opus comes in packets of 20 ms."""


def probe(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Picture and sound stream as ffprobe describes them."""
    command = ["ffprobe", "-v", "error", "-show_streams", "-count_packets", "-of", "json", str(path)]
    streams = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]
    by_type = {stream["codec_type"]: stream for stream in streams}
    return by_type["video"], by_type["audio"]


def seconds(stream: dict[str, Any]) -> float:
    """Length of a stream; Matroska tells it in a tag."""
    if "duration" in stream:
        return float(stream["duration"])
    hours, minutes, rest = stream["tags"]["DURATION"].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def main(longest_s: float, suffixes: Sequence[str]) -> int:
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for length_s in (s for s in LENGTHS_S if s <= longest_s):
            samples = round(length_s * SAMPLE_RATE)
            with sf.SoundFile(folder / "voice.wav", "w", SAMPLE_RATE, 1) as sound:
                rng = np.random.default_rng(0)
                for start in range(0, samples, 1 << 20):
                    sound.write(rng.normal(0, 0.02, min(1 << 20, samples - start)))
            for suffix, (label, rate) in product(suffixes, RATES.items()):
                count = frame_count(samples, SAMPLE_RATE, rate)

                def frames(count: int = count) -> Iterator[np.ndarray]:
                    picture = np.zeros((32, 32, 3), np.uint8)
                    for i in range(count):
                        picture[:] = i % 256
                        yield picture

                take = Take(Performance.rest(count, rate), rate, frames, voice=folder / "voice.wav")
                start_s = time.monotonic()
                write(take, folder / f"a{suffix}", ExportOptions(sign=False))
                took_s = time.monotonic() - start_s
                video, audio = probe(folder / f"a{suffix}")
                exact = Fraction(video["r_frame_rate"]) == rate == Fraction(video["avg_frame_rate"])
                whole = int(video["nb_read_packets"]) == count
                apart = abs(seconds(video) - seconds(audio))
                kept = abs(seconds(audio) - length_s) < (1e-3 if suffix == ".mp4" else OPUS_S)
                good = exact and whole and kept and apart <= float(1 / rate)
                failures += not good
                peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                print(
                    f"{suffix:5} {length_s:7.1f} s at {label:>6}: {count:6} frames, rate {video['r_frame_rate']:>11}, "
                    f"sound and picture {1000 * apart:5.1f} ms apart, {took_s:5.1f} s, peak {peak_mb:.0f} MB"
                    + ("" if good else "  FAILED"),
                    flush=True,
                )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else LENGTHS_S[-1], sys.argv[2:] or [".mp4", ".webm"]))
