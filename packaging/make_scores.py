"""Teach a small net to score landmarks as MediaPipe's face landmarker does: ``assets/capture/scores.npz``.

    python packaging/make_scores.py OUT.npz --task face_landmarker.task --frames FOLDER [--shapes 240000]

FOLDER holds landmarks of drawn people, as ``make_capture.py --frames FOLDER`` leaves them. Their faces are mixed, their
movements added up, bent, turned and seen from other distances, so that the shapes go further than any drawing; the last
net of the task file (Google, Apache-2.0) says what it makes of each, and ours learns to answer alike. Nothing of a real
person goes in. Seeded. Needs ``ai-edge-litert``; some ten minutes on one core.
"""

from __future__ import annotations

import argparse
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engines import arkit
from engines.api import head_rotation
from engines.capture.scores import UNITS, upright
from engines.face.landmarks import OUTER_EYE_CORNERS

READ = (
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80, 81,
    82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153, 154,
    155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263,
    267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318, 321,
    323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386, 387,
    388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
)  # fmt: skip
"""Landmarks that the task's net reads, in its order (``face_blendshapes_graph.cc`` of MediaPipe)."""
SCORED = (
    "_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff",
    "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight",
    "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight",
    "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight",
)  # fmt: skip
"""What it answers, in its order."""
STILL = [33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 2]
"""Landmarks that no expression moves much: by them a face is laid on itself at rest."""
REST = 5
"""First frames of each person in which nothing moves."""
WIDTH, BATCH, STEPS, RATE = 384, 256, 24000, 2e-3
HELD = 4000
"""Shapes that are kept apart to tell how well it learnt."""


class Teacher:
    """The net in a task file."""

    def __init__(self, task: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        with zipfile.ZipFile(task) as files:
            self._net = Interpreter(model_content=files.read("face_blendshapes.tflite"), num_threads=1)
        self._net.allocate_tensors()
        self._in, self._out = (d[0]["index"] for d in (self._net.get_input_details(), self._net.get_output_details()))
        self._columns = [SCORED.index(arkit.NAMES[unit]) for unit in UNITS]

    def __call__(self, shapes: np.ndarray) -> np.ndarray:
        """Scores of shapes (N, L, 2) : float32 (N, K), columns `UNITS`."""
        scores = []
        for shape in shapes:
            self._net.set_tensor(self._in, shape[None].astype(np.float32))
            self._net.invoke()
            scores.append(self._net.get_tensor(self._out).ravel()[self._columns])
        return np.array(scores, np.float32)


def laid_on(points: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Landmarks (478, 3) moved, turned and scaled onto those at rest (Umeyama 1991)."""
    middle = points[STILL].mean(0)
    a, b = points[STILL] - middle, rest[STILL] - rest[STILL].mean(0)
    u, size, vt = np.linalg.svd(a.T @ b)
    flip = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    return np.asarray((points - middle) @ (u * flip) @ vt * (size * flip).sum() / (a**2).sum() + rest[STILL].mean(0))


def faces(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Faces at rest (P, 478, 3) and how landmarks move from there (N, 478, 3), in eye distances."""
    rests, moves = [], []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as data:
            points = data["points"].astype(float)
        points = points[np.isfinite(points[:, 0, 0])]
        rest = np.median(points[:REST], 0)
        left, right = OUTER_EYE_CORNERS
        rest = (rest - rest[STILL].mean(0)) / np.linalg.norm(rest[left] - rest[right])
        rests.append(rest)
        moves += [laid_on(p, rest) - rest for p in points[REST:]]
    return np.array(rests), np.array(moves)


def shapes(rests: np.ndarray, moves: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Endless faces in the picture : float64 (478, 2)."""
    while True:
        one, other = rests[rng.integers(len(rests), size=2)]
        shape = one + rng.uniform(-0.4, 1.2) * (rng.random() < 0.5) * (other - one)
        for _ in range(rng.integers(0, 4)):
            shape = shape + rng.uniform(0.2, 1.3) * moves[rng.integers(len(moves))]
        shape = shape * rng.normal(1, 0.06, 3)
        for _ in range(rng.integers(0, 5)):  # dents and bumps, as people differ
            apart = ((shape - shape[rng.integers(len(shape))]) ** 2).sum(1)
            shape = shape + np.exp(-0.5 * apart / rng.uniform(0.1, 0.5) ** 2)[:, None] * rng.normal(0, 0.03, 3)
        shape = shape @ head_rotation(rng.normal(0, [0.18, 0.22, 0])).T
        flat = shape[:, :2] / (1 + rng.uniform(0, 0.12) * shape[:, 2:])
        yield flat + rng.normal(0, 0.004, flat.shape) * (rng.random() < 0.5)


def learn(x: np.ndarray, y: np.ndarray, steps: int, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights and biases of a net that answers ``y`` (N, K) to ``x`` (N, D)."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    mean, spread = x.mean(0), x.std(0) + 1e-4
    say = torch.from_numpy(1 / (y.std(0) + 0.02))
    net = nn.Sequential(
        nn.Linear(x.shape[1], WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH // 2), nn.SiLU(),
        nn.Linear(WIDTH // 2, y.shape[1]), nn.Sigmoid(),
    )  # fmt: skip
    optimiser = torch.optim.AdamW(net.parameters(), RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps)
    inputs, answers = torch.from_numpy((x - mean) / spread), torch.from_numpy(y)
    for _ in range(steps):
        picked = torch.from_numpy(rng.integers(HELD, len(x), BATCH))
        loss = ((net(inputs[picked]) - answers[picked]) * say).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        held = net(inputs[:HELD]).numpy()
    for k, unit in enumerate(UNITS):
        print(f"{arkit.NAMES[unit]:20s} r {np.corrcoef(held[:, k], y[:HELD, k])[0, 1]:.3f} on shapes kept apart")
    layers = [(m.weight.detach().numpy().T, m.bias.detach().numpy()) for m in net if isinstance(m, nn.Linear)]
    weight, bias = layers[0]
    layers[0] = (weight / spread[:, None], bias - (mean / spread) @ weight)
    return layers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--task", type=Path, required=True, help="face_landmarker.task of MediaPipe")
    parser.add_argument("--frames", type=Path, required=True, help="drawn people, from make_capture.py --frames")
    parser.add_argument("--shapes", type=int, default=240_000)
    parser.add_argument("--steps", type=int, default=STEPS)
    options = parser.parse_args()
    drawn = shapes(*faces(options.frames), np.random.default_rng(0))
    read = np.array(READ)
    x = np.concatenate([upright(next(drawn)[None], read) for _ in range(options.shapes)])
    y = Teacher(options.task)(x)
    layers = learn(x.reshape(len(x), -1), y, options.steps)
    values = {f"weight{i}": weight.astype(np.float16) for i, (weight, _) in enumerate(layers)}
    values |= {f"bias{i}": bias.astype(np.float32) for i, (_, bias) in enumerate(layers)}
    np.savez_compressed(options.out, landmarks=read.astype(np.int16), **values)
    print(options.out, options.out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
