"""How fast frames are drawn, and what it costs.

    python -m tests.benchmarks.speed [PORTRAIT] [--sizes 512 1024] [--frames 120]

Draws a performance in which everything moves at once (speech, blinks, gaze, head), so that no frame is cheap. ``fps``
is wall time with the engine's own two threads and depends on what else the machine does; ``cpu`` is processor time a
frame. Prints also the seconds from nothing to the first frame in this process (landmarks and fit included), those of a
prepared actor at a new size, the cost of a frame in which only mouth and lids move, and the peak memory.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from engines import arkit, registry
from engines.api import Performance, RenderOptions
from engines.face.portrait import load_portrait

TARGETS = {512: 60.0, 1024: 20.0}
DEMO = Path(__file__).resolve().parents[2] / "assets" / "demo" / "portrait.jpg"


def busy(count: int) -> Performance:
    """Everything moves in every frame."""
    t = np.arange(count) / 25
    weights = np.zeros((count, arkit.COUNT), np.float32)

    def put(name: str, values: np.ndarray) -> None:
        for index in arkit.indices(name):
            weights[:, index] = values

    put("jawOpen", 0.15 + 0.12 * np.sin(t * 15))
    put("mouthSmile", 0.3 + 0.2 * np.sin(t * 3))
    put("mouthFunnel", 0.2 + 0.2 * np.sin(t * 11))
    put("mouthUpperUp", 0.15 + 0.1 * np.sin(t * 9))
    put("browInnerUp", 0.3 + 0.3 * np.sin(t * 2))
    put("eyeBlink", 0.5 + 0.5 * np.sin(t * 6))
    head = np.stack([0.1 * np.sin(t), 0.2 * np.sin(0.7 * t), 0.08 * np.sin(0.9 * t), 0.4 * np.sin(t), 0 * t, 0 * t], -1)
    gaze = np.repeat(np.stack([0.2 * np.sin(t * 2), 0.1 * np.sin(t * 3)], -1)[:, None], 2, 1).reshape(count, 4)
    return Performance(Fraction(25), weights, head, gaze, 0.5 + 0.5 * np.sin(t * 8))


def peak_mb() -> float:
    """Peak memory of this process in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 if sys.platform != "darwin" else 1024**2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("portrait", type=Path, nargs="?", default=DEMO)
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024])
    parser.add_argument("--frames", type=int, default=120)
    options = parser.parse_args()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{os.cpu_count()} cores, load {load:.1f} before the start")
    start = time.perf_counter()
    engine = registry.load("blendshape")
    actor = engine.prepare(load_portrait(options.portrait))
    performance = busy(options.frames)
    next(iter(engine.render(actor, performance)))
    print(f"from nothing to the first frame at the portrait's own size: {time.perf_counter() - start:.2f} s")
    talking = performance.with_(head=np.zeros((len(performance), 6)), gaze=np.zeros((len(performance), 4)))
    print(f"{'size':>6}{'first s':>9}{'fps':>8}{'wanted':>8}{'cpu ms':>8}{'talking cpu ms':>16}")
    for size in options.sizes:
        drawn = RenderOptions(size=(size, size))
        start = time.perf_counter()
        next(iter(engine.render(actor, performance, options=drawn)))
        first = time.perf_counter() - start
        costs = []
        for motion in (performance, talking):
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in engine.render(actor, motion, options=drawn):
                pass
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            costs.append((options.frames / wall, 1000 * cpu / options.frames))
        wanted = TARGETS.get(size, float("nan"))
        print(f"{size:6d}{first:9.2f}{costs[0][0]:8.1f}{wanted:8.0f}{costs[0][1]:8.1f}{costs[1][1]:16.1f}", flush=True)
    print(f"peak memory {peak_mb():.0f} MB (1500 allowed)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
