"""Are emotions found again that were put in, and which emotion do pairs of voices give?

    python -m tests.benchmarks.emotion_reference VOICE --portraits PICTURE ... [--pairs EMOTIONAL=NEUTRAL ...]

For each portrait a voice is rendered neutral and under each basic emotion; the pair of takes is lifted
(`app.core.references.lift_emotion`). ``r`` is the correlation of the lifted weights with those of the preset over the
units that either uses; ``nearest`` the preset of ours with the most similar weights. Below: for each group of units,
by what factor the difference comes back too weak before `app.core.emotion_reference.GAINS`.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from app.core import emotion_reference, presets
from app.core.presets import Emotion
from app.core.project import EmotionClip, Project
from app.core.references import lift_emotion
from app.core.studio import Studio
from engines import arkit
from engines.errors import InputError

EMOTIONS = ("happy", "sad", "angry", "surprised", "afraid", "disgusted")


def likeness(a: Emotion, b: Emotion) -> float:
    x, y = a.vector().astype(float), b.vector().astype(float)
    return float(x @ y / max(np.linalg.norm(x) * np.linalg.norm(y), 1e-9))


def faces(studio: Studio, voice: Path, portraits: list[Path]) -> None:
    recovered: dict[str, list[tuple[float, float]]] = {}
    right = total = 0
    with tempfile.TemporaryDirectory() as folder:
        for portrait in portraits:
            plain = Project(portrait=str(portrait.absolute()), voice=str(voice.absolute()), size=(512, 512))
            neutral = Path(folder) / f"{portrait.stem}-neutral.mp4"
            studio.export(plain, [neutral])
            for name in EMOTIONS:
                take = Path(folder) / f"{portrait.stem}-{name}.mp4"
                studio.export(plain.with_(emotions=(EmotionClip(0, None, name, 1.0),)), [take])
                found, truth = lift_emotion(studio, take, neutral, name), presets.emotion(name)
                x, y = found.vector(), truth.vector()
                used = (np.abs(x) > 0.05) | (np.abs(y) > 0.05)
                nearest = max(EMOTIONS, key=lambda n: likeness(found, presets.emotion(n)))
                right, total = right + (nearest == name), total + 1
                r = float(np.corrcoef(x[used], y[used])[0, 1])
                print(f"{portrait.stem[:24]:24s} {name:10s} r {r:5.2f}  likeness {likeness(found, truth):.2f}  "
                      f"nearest {nearest:10s} valence {found.valence:+.2f} arousal {found.arousal:+.2f}")  # fmt: skip
                for group, gain in emotion_reference.GAINS.items():
                    for i, unit in enumerate(arkit.NAMES):
                        if unit.startswith(group) and y[i] > 0.2:
                            recovered.setdefault(group, []).append((float(x[i]) / gain, float(y[i])))
    print(f"nearest preset is the one put in: {right} of {total}")
    for group, pairs in recovered.items():
        found_sum, true_sum = np.sum(pairs, 0)
        print(f"  {group:14s} comes back too weak by {true_sum / max(found_sum, 1e-6):.1f} ({len(pairs)} values)")


def voices(studio: Studio, pairs: list[str]) -> None:
    for pair in pairs:
        emotional, _, neutral = pair.partition("=")
        told: list[Emotion | None] = []
        for pleasant in (None, True, False):
            try:
                told.append(lift_emotion(studio, Path(emotional), Path(neutral), "x", by_voice=True, pleasant=pleasant))
            except InputError:
                told.append(None)
        words = ["nothing" if e is None else f"{e.summary.partition(': ')[2]} (arousal {e.arousal:+.2f})" for e in told]
        print(f"{Path(emotional).stem[:30]} - {Path(neutral).stem[:30]}: {words[0]}; said pleasant: {words[1]}; "
              f"said unpleasant: {words[2]}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("voice", type=Path)
    parser.add_argument("--portraits", nargs="*", type=Path, default=[])
    parser.add_argument("--pairs", nargs="*", default=[], metavar="EMOTIONAL=NEUTRAL")
    options = parser.parse_args()
    studio = Studio()
    voices(studio, options.pairs)
    faces(studio, options.voice, options.portraits)


if __name__ == "__main__":
    main()
