"""Ten random performances at four rates through every curve format and back, FBX also judged by ufbx.

``python -m tests.benchmarks.exchange_round_trips`` prints the largest error of each format; exits 1 if a weight is
off by more than 1e-4 (1e-5 by ufbx) or a frame is missing.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import numpy as np

from app.export import Take, formats, read_curves, write
from engines import arkit
from tests.app.export.conftest import made_head, random_performance

RATES = (Fraction(24), Fraction(25), Fraction(30), Fraction(60))
JUDGE = Path(__file__).parents[1] / "app" / "export" / "judges" / "fbx.py"


def main() -> int:
    worst: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    ufbx_worst, failures, start_s = 0.0, 0, time.monotonic()
    head = made_head()
    suffixes = [s for f in formats() if f.reads_curves and f.writes and f.id != "usd" for s in f.suffixes]
    suffixes.append(".usdc")  # one for all of USD, which is read in a process of its own
    with tempfile.TemporaryDirectory() as name:
        for seed in range(10):
            for rate in RATES:
                motion = random_performance(seed, 20 + 17 * seed, rate)
                for suffix in suffixes:
                    path = Path(name) / f"a{suffix}"
                    write(Take(motion, rate, head=head), path)
                    back = read_curves(path)
                    if (back.rate, len(back)) != (rate, len(motion)):
                        print(f"{suffix}: {len(back)} frames at {back.rate}, expected {len(motion)} at {rate}")
                        failures += 1
                        continue
                    errors = (np.abs(getattr(back, n) - getattr(motion, n)).max() for n in ("weights", "head", "gaze"))
                    worst[suffix] = [max(a, float(b)) for a, b in zip(worst[suffix], errors, strict=True)]
                write(Take(motion, rate, head=head), Path(name) / "b.fbx")
                times = [str(float(i / rate)) for i in range(len(motion))]
                command = [sys.executable, str(JUDGE), str(Path(name) / "b.fbx"), *times]
                read = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["weights"]
                weights = np.array([read[n] for n in arkit.NAMES]).T
                ufbx_worst = max(ufbx_worst, float(np.abs(weights - motion.weights).max()))
    for suffix, (weights, turn, gaze) in worst.items():
        print(f"{suffix:12} weights {weights:.1e}  head {turn:.1e}  gaze {gaze:.1e}")
        failures += weights > 1e-4
    print(f"ufbx         weights {ufbx_worst:.1e}  (every frame)")
    print(f"40 performances in {time.monotonic() - start_s:.0f} s; head and gaze are lost where the format has none")
    return 1 if failures or ufbx_worst > 1e-5 else 0


if __name__ == "__main__":
    sys.exit(main())
