"""Ten thousand damaged files for the readers of curves and heads.

``python -m tests.benchmarks.fuzz_readers [COUNT] [SEED]``: each file must end in a valid result or a clear refusal,
within 5 s of processor time, and the process must stay below 1 GB. Prints the figures; exits 1 at the first failure,
keeping the file.
"""

from __future__ import annotations

import resource
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from types import FrameType

import numpy as np

from tests.app.export.conftest import made_head
from tests.app.export.mutations import attempt, damaged, valid_files

LIMIT_S = 5
LIMIT_MB = 1024
SHARE = 200
"""One file in so many is of a format that is read in a process of its own, whose start takes most of a second."""
WAIT_S = 180
"""Longest wait for one file, however busy the machine; a process of its own is ended after 4 s of processor time."""


class Hang(BaseException):
    """A reader took too long; no reader may catch it."""


def _hang(number: int, frame: FrameType | None) -> None:
    raise Hang("still reading")


def main(count: int, seed: int) -> int:
    warnings.simplefilter("error")
    signal.signal(signal.SIGALRM, _hang)
    signal.signal(signal.SIGPROF, _hang)
    rng = np.random.default_rng(seed)
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = valid_files(folder, made_head())
        kinds = list(files)
        slow = valid_files(folder, made_head(), own_process=True)
        files |= slow
        for kind, data in files.items():
            (folder / kind).write_bytes(data)
            assert attempt(folder / kind), f"the undamaged {kind} is refused"
        for i in range(count):
            kind = kinds[i % len(kinds)] if (i + 1) % SHARE else list(slow)[i // SHARE % len(slow)]
            path = folder / kind
            path.write_bytes(damaged(kind, files[kind], rng))
            start = time.process_time()
            signal.setitimer(signal.ITIMER_PROF, LIMIT_S)  # of processor time: the machine may be busy
            signal.alarm(WAIT_S)
            try:
                good = attempt(path)
            except BaseException as error:
                kept = Path(tempfile.gettempdir()) / f"fuzz-{seed}-{i}-{kind}"
                kept.write_bytes(path.read_bytes())
                print(f"FAILED at {i} ({kind}): {type(error).__name__}: {error}\nkept as {kept}")
                return 1
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
                signal.alarm(0)
            slowest = max(slowest, time.process_time() - start)
            outcomes[f"{kind} {'read' if good else 'refused'}"] += 1
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for key in sorted(outcomes):
        print(f"{key:24} {outcomes[key]}")
    print(f"{count} files, slowest {slowest:.2f} s (limit {LIMIT_S}), peak memory {peak_mb:.0f} MB (limit {LIMIT_MB})")
    return 0 if peak_mb < LIMIT_MB else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, int(sys.argv[2]) if len(sys.argv) > 2 else 0))
