"""``python -m tests.parity FAMILY FOLDER``: the networks against recorded outputs of the official ones.

Fills the networks by the folder's manifest, runs every case file there and prints the worst deviation of each
output. Exit 0 if all lie within tolerance. Families: edtalk, lia, diffae, stylegan2, e4e.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from pathlib import Path

FAMILIES = ("edtalk", "lia", "diffae", "stylegan2", "e4e")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__)
    parser.add_argument("family", choices=FAMILIES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=0, help="torch threads; 0 leaves torch's own choice")
    args = parser.parse_args(argv)
    manifest = args.folder / "manifest.json"
    if not manifest.is_file():
        parser.error(f"{manifest} does not exist; give a folder with a manifest.json and case files.")

    import torch

    from tests.parity.report import Report

    if args.threads:
        torch.set_num_threads(args.threads)
    report = Report()
    start = time.perf_counter()
    run = importlib.import_module(f"tests.parity.{args.family}").run
    try:
        with torch.inference_mode():
            run(args.folder, json.loads(manifest.read_text(encoding="utf-8")), report)
    except AssertionError as error:  # another layout or other inputs than the manifest's: nothing to compare
        report.failures.append(str(error))
    good = report.show()
    print(f"{args.family}: {'within tolerance' if good else 'FAILED'}, {time.perf_counter() - start:.0f} s")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
