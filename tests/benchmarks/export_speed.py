"""How long a whole export takes, from a cold start, and how much memory.

    python -m tests.benchmarks.export_speed [PORTRAIT VOICE] [--size 512]

Prints seconds, frames a second and ratios to real time and to the encoder alone. Each step runs in a process of its
own, as a user starts it. Other load on the machine is printed, since it spoils the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "assets" / "demo"

STEPS = """
import json, resource, sys, time
start = time.perf_counter()
times = {}
def mark(name):
    global start
    now = time.perf_counter(); times[name] = now - start; start = now
from pathlib import Path
from app.core.project import Project
from app.core.studio import Studio
from engines.api import RenderOptions
mark("import")
portrait, voice, side = sys.argv[1], sys.argv[2], int(sys.argv[3])
studio, project = Studio(), Project(portrait=portrait, voice=voice)
project = project.with_(size=studio.output_size(project, (0, side)))
speech = studio.analyse(project); mark("analyse")
studio.prepare(project); mark("prepare")
performance = studio.perform(project); mark("perform")
options = RenderOptions(size=project.size)
next(studio.frames(project, performance, 0, 1, options)); mark("first frame")
for _ in studio.frames(project, performance, options=options): pass
mark("draw")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"times": times, "frames": len(performance), "seconds": speech.duration_s, "peak_mb": peak,
                  "size": project.size}))
"""

PREVIEW = """
import sys
from app.core.project import Project
from app.core.studio import Studio
from engines.api import RenderOptions
studio, project = Studio(), Project(portrait=sys.argv[1], voice=sys.argv[2])
size = studio.output_size(project, (0, int(sys.argv[3])))
next(studio.frames(project, studio.perform(project), 0, 1, RenderOptions(size=size)))
"""


def python(program: str, home: str, *arguments: object) -> tuple[float, str]:
    """Seconds and output of a program in a fresh interpreter with its own caches in ``home``."""
    environment = {**os.environ, "SOLILOQUY_HOME": home}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        sys.exit(done.stderr)
    return time.perf_counter() - started, done.stdout


def command(home: str, *arguments: object) -> float:
    """Seconds of ``soliloquy ...``."""
    started = time.perf_counter()
    environment = {**os.environ, "SOLILOQUY_HOME": home}
    line = [sys.executable, "-m", "app.cli", *map(str, arguments), "--progress", "none"]
    subprocess.run(line, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def encoder_alone(video: Path, size: str) -> float:
    """Seconds that encoding the same pictures takes, without drawing them."""
    from app.export.ffmpeg import program

    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.rgb"
        decode = [program(), "-loglevel", "error", "-i", str(video), "-f", "rawvideo", "-pix_fmt", "rgb24", str(raw)]
        subprocess.run(decode, check=True)
        encode = [program(), "-loglevel", "error", "-y", "-f", "rawvideo", "-pixel_format", "rgb24", "-video_size"]
        encode += [size, "-framerate", "25", "-i", str(raw), "-c:v", "libx264", "-preset", "veryfast"]
        encode += ["-crf", "17", "-pix_fmt", "yuv420p", str(Path(folder) / "again.mp4")]
        started = time.perf_counter()
        subprocess.run(encode, check=True)
        return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portrait", nargs="?", default=str(DEMO / "portrait.jpg"))
    parser.add_argument("voice", nargs="?", default=str(DEMO / "voice.wav"))
    parser.add_argument("--size", type=int, default=512, help="height in pixels")
    options = parser.parse_args()
    portrait, voice = Path(options.portrait).absolute(), Path(options.voice).absolute()
    print(f"{os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as home:
        python(STEPS, home + "/warm", portrait, voice, 64)  # compiles the kernels once, as an installation has them
        _, printed = python(STEPS, home, portrait, voice, options.size)
        found = json.loads(printed)
        frames, seconds = found["frames"], found["seconds"]
        for name, value in found["times"].items():
            extra = f"   {frames / value:6.1f} frames/s" if name == "draw" else ""
            print(f"{name:<14} {value:7.2f} s{extra}")
        print(f"peak memory    {found['peak_mb']:7.0f} MB at {found['size'][0]} x {found['size'][1]}")
        preview, _ = python(PREVIEW, home, portrait, voice, options.size)
        print(f"first preview  {preview:7.2f} s from a cold start, caches warm")
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out.mp4"
            export = command(home + "/cold", "render", portrait, voice, "-o", out, "--size", f"x{options.size}")
            alone = encoder_alone(out, "{}x{}".format(*found["size"]))
        print(f"whole export   {export:7.2f} s = {seconds / export:.2f} x real time, caches cold")
        print(f"encoder alone  {alone:7.2f} s; the export takes {export / alone:.1f} times as long")
    print(f"load after {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
