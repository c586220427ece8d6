"""A long voice all the way to a video: is memory flat, and are sound and picture exactly as long?

    python -m tests.benchmarks.long_voice [MINUTES] [--voices FILE ...] [--portrait FILE] [--size 512] [--quality 60]

The recordings are repeated, each time a little louder or softer, until the voice lasts MINUTES (30). The command line
renders it in a process of its own, whose memory (with the encoder's) is read from ``/proc`` every second. Exits 1 if
memory grows by more than 10 % between the first tenth of the drawing and its end, or if the lengths that ffprobe tells
are not exact.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path

import librosa
import numpy as np
import soundfile as sf

from engines.timebase import frame_count

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "assets" / "demo"
SAMPLE_RATE = 16_000
RATE = Fraction(25)
GROWTH = 1.10


def long_voice(recordings: list[Path], minutes: float, path: Path) -> int:
    """Write the recordings over and over; returns the number of samples."""
    parts = [librosa.load(recording, sr=SAMPLE_RATE, mono=True)[0] for recording in recordings]
    once = np.concatenate([np.pad(part, (0, SAMPLE_RATE // 2)) for part in parts])
    total = round(minutes * 60 * SAMPLE_RATE)
    with sf.SoundFile(path, "w", SAMPLE_RATE, 1) as file:
        for start in range(0, total, len(once)):
            level = 0.8 + 0.2 * np.sin(1.7 * (start // len(once)))
            file.write(level * once[: total - start])
    return total


def resident_mb(pid: int) -> dict[str, float]:
    """Memory of a process and of its children, by program, MB; pages that they share are counted once."""
    found: dict[str, float] = {}
    children = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        pids = [pid, *map(int, children.read_text().split())]
        for one in pids:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            shared_out = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))  # kB
            name = "soliloquy" if one == pid else "encoder"
            found[name] = found.get(name, 0.0) + shared_out / 1024
    except (OSError, ValueError, StopIteration):  # it has just ended
        pass
    return found


def watched(command: list[str], home: str) -> tuple[list[tuple[float, float, dict[str, float]]], float]:
    """Runs the command; (seconds, part done, memory) every second, and the processor time it took in seconds."""
    environment = {**os.environ, "SOLILOQUY_HOME": home}
    before = os.times()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    part, samples, started = [0.0], [], time.monotonic()

    def follow() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            part[0] = json.loads(line).get("part", part[0])

    follower = threading.Thread(target=follow)
    follower.start()
    said = 0.0
    while process.poll() is None:
        samples.append((time.monotonic() - started, part[0], resident_mb(process.pid)))
        if part[0] - said >= 0.1:
            said = part[0]
            print(f"{samples[-1][0]:7.0f} s  {100 * said:3.0f} %  {_row(samples[-1][2])}", flush=True)
        time.sleep(1)
    follower.join()
    if process.returncode != 0:
        sys.exit(f"the command ended with {process.returncode}")
    after = os.times()
    return samples, after.children_user + after.children_system - before.children_user - before.children_system


def _row(memory: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.0f} MB" for name, value in memory.items())


def probe(video: Path) -> dict[str, dict[str, str]]:
    """Streams of a video by kind."""
    command = ["ffprobe", "-v", "error", "-show_streams", "-count_packets", "-of", "json", str(video)]
    streams = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]
    return {stream["codec_type"]: stream for stream in streams}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minutes", type=float, nargs="?", default=30.0)
    parser.add_argument("--voices", type=Path, nargs="+", default=[DEMO / "voice.wav"])
    parser.add_argument("--portrait", type=Path, default=DEMO / "portrait.jpg")
    parser.add_argument("--size", type=int, default=512, help="height in pixels")
    parser.add_argument("--quality", type=int, default=60)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = long_voice(options.voices, options.minutes, folder / "voice.wav")
        out = folder / "out.mp4"
        command = [sys.executable, "-m", "app.cli", "render", str(options.portrait.absolute())]
        command += [str(folder / "voice.wav"), "-o", str(out), "--size", f"x{options.size}", "--fps", str(RATE)]
        command += ["--quality", str(options.quality), "--progress", "json"]
        taken, cpu_s = watched(command, str(folder / "home"))
        streams = probe(out)
    count = frame_count(samples, SAMPLE_RATE, RATE)
    drawing = [sum(memory.values()) for _, part, memory in taken if part > 0.2]
    early, peak = max(drawing[: max(1, len(drawing) // 10)]), max(drawing)
    whole = max(sum(memory.values()) for _, _, memory in taken)
    video, audio = streams["video"], streams["audio"]
    exact = int(video["nb_read_packets"]) == count and Fraction(video["avg_frame_rate"]) == RATE
    apart = abs(float(video["duration"]) - samples / SAMPLE_RATE), abs(float(audio["duration"]) - samples / SAMPLE_RATE)
    print(f"{options.minutes:g} minutes, {count} frames in {taken[-1][0]:.0f} s, processor time {cpu_s:.0f} s")
    print(f"memory with the encoder's: {early:.0f} MB early in the drawing, then at most {peak:.0f} MB")
    print(f"the most at any time, analysis included: {whole:.0f} MB")
    print(f"frames {video['nb_read_packets']}, rate {video['avg_frame_rate']}, picture {video['duration']} s, "
          f"sound {audio['duration']} s, voice {samples / SAMPLE_RATE:.6f} s")  # fmt: skip
    print(f"load after {os.getloadavg()[0]:.1f}")
    good = peak <= GROWTH * early and exact and apart[0] <= float(1 / RATE) and apart[1] < 1e-3
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
