"""The plain baseline published with the corpus, by the scores of `tests.benchmarks.voice_to_mouth`.

    python -m tests.benchmarks.voice_ridge FOLDER [--work DIR]

A ridge on one block of the encoder alone, seven frames side by side, standardised, ten groups of speakers left out in
turn; what is scored is its own output, no rig. It says which of our columns a velocity published for that baseline is
to be held against.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from engines.speech.corpus import Clip, Example, load_clips
from engines.speech.readout import GEOMETRY
from engines.speech.train import BLOCKS, RIDGE_TAPS, _ridge, _windowed, examples
from tests.benchmarks.voice_to_mouth import SHOWN, groups, line, over_speakers, real_mouth, score

PENALTY, FOLDS, SIZE = 30_000.0, 10, 384


def mouths(clips: list[Clip], heard: dict[str, Example], block: int) -> dict[str, dict[str, np.ndarray]]:
    """The mouth (T,) per column of every clip, read from encoder block 1, 2 or 3 without its group of speakers."""
    first = BLOCKS + SIZE * (block - 1)
    own = {name: e.features[:, first : first + SIZE].astype(np.float32) for name, e in heard.items()}
    every = np.concatenate(list(own.values()))
    mean, scale = every.mean(0), every.std(0) + 1e-3
    rows = {name: _windowed((x - mean) / scale, RIDGE_TAPS) for name, x in own.items()}
    result = {}
    for held in groups(clips, FOLDS):
        fitted = [(rows[c.name], heard[c.name]) for c in clips if c.fold not in held]
        inputs, targets = [x[e.valid] for x, e in fitted], [e.target[e.valid] for _, e in fitted]
        weight = _ridge(inputs, targets, PENALTY, free=1)
        for clip in clips:
            if clip.fold in held:
                result[clip.name] = dict(zip(GEOMETRY, (rows[clip.name] @ weight).T, strict=True))
    return result


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Score the published baseline, a ridge on one block of the encoder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, default=None, help="folder for features, to be able to go on later")
    given = parser.parse_args(arguments)
    clips = load_clips(given.folder)
    heard = {name: found[0] for name, found in examples(clips, 0, given.work).items()}
    print(" " * 28 + "".join(f"{n:>9s}" for n in SHOWN))
    real = {clip.name: score(clip, real_mouth(clip)) for clip in clips}
    print(line("the real mouth", over_speakers(real, clips)))
    for block in (1, 2, 3):
        found = mouths(clips, heard, block)
        scores = {clip.name: score(clip, found[clip.name]) for clip in clips}
        print(line(f"ridge on block {block}", over_speakers(scores, clips)), flush=True)


if __name__ == "__main__":
    main()
