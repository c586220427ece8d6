"""Teach small nets how rounded lips are: ``assets/capture/rounding.npz``.

    python packaging/make_rounding.py OUT.npz --frames FOLDER

FOLDER holds landmarks of drawn people whose motion is known, as ``make_capture.py --frames FOLDER`` leaves them. The
readout that ships reads them as capture does, and the nets learn to tell pucker and funnel from that.
Nothing of a real person goes in. Seeded; some five minutes on one core, most of it for reading.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from make_capture import people

from engines.capture.decode import Decoder
from engines.capture.explain import below_corrected, solved
from engines.capture.rounding import ROUNDED, features
from engines.capture.solve import FaceSolver

NETS, WIDTH, STEPS, BATCH, RATE = 4, 64, 3000, 256, 4e-3
LEFT_OUT = (0.1, 0.2)
"""Shares of the input and of the hidden layer that are left out in turn while a net learns."""


def lessons(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """What capture reads of drawn frames (N, D), and the truth (N, 2)."""
    read, asked = [], []
    for one in people(folder):
        points, flow = one["points"], one["flow"]
        found = Decoder(one["fitted"]).decode(points, flow)
        alone = range(0, 2 * len(points), 2)  # as if a frame were missing between any two: none leans on the last
        geometric = solved(FaceSolver(one["fitted"]), below_corrected(points, flow), np.array(alone), ())
        read.append(features(found.alone, geometric, found.mouth))
        asked.append(one["weights"][:, ROUNDED])
        print(len(read), flush=True)
    return np.concatenate(read), np.concatenate(asked)


def learn(x: np.ndarray, y: np.ndarray, seed: int) -> tuple[np.ndarray, ...]:
    """The layers of one net that answers ``y`` (N, 2) to ``x`` (N, D): weights and bias of each."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    mean, spread = x.mean(0), x.std(0) + 1e-3
    net = nn.Sequential(
        nn.Dropout(LEFT_OUT[0]), nn.Linear(x.shape[1], WIDTH), nn.SiLU(), nn.Dropout(LEFT_OUT[1]),
        nn.Linear(WIDTH, y.shape[1]),
    )  # fmt: skip
    optimiser = torch.optim.AdamW(net.parameters(), RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, STEPS)
    inputs, answers = (torch.from_numpy(v.astype(np.float32)) for v in ((x - mean) / spread, y))
    for _ in range(STEPS):
        picked = torch.from_numpy(rng.integers(0, len(x), BATCH))
        loss = (net(inputs[picked]) - answers[picked]).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    (hidden, hidden_bias), (out, out_bias) = (
        (m.weight.detach().numpy().T, m.bias.detach().numpy()[None]) for m in net if isinstance(m, nn.Linear)
    )
    return hidden / spread[:, None], hidden_bias - (mean / spread) @ hidden, out, out_bias


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--frames", type=Path, required=True, help="drawn people, from make_capture.py --frames")
    options = parser.parse_args()
    x, y = lessons(options.frames)
    nets = [learn(x, y, seed) for seed in range(NETS)]
    names = ("hidden", "hidden_bias", "out", "out_bias")
    values = {
        name: np.stack(parts).astype(np.float16) for name, parts in zip(names, zip(*nets, strict=True), strict=True)
    }
    np.savez_compressed(options.out, **values)
    print(options.out, options.out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
