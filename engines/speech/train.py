"""Fits the mouth readout to a corpus of talking video and writes ``assets/speech/readout.npz``.

    python -m engines.speech.train CORPUS [-o OUT] [--work FOLDER] [--copies 6] [--steps 350]

Features of altered copies are kept in the work folder, so that a second run starts where the first one stopped. The
same corpus and options give the same numbers on one machine. Needs torch; the result does not.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engines.speech import readout
from engines.speech.audio import load_voice
from engines.speech.corpus import Clip, Example, altered, encode, example, load_clips, save_readout, typical_motion
from engines.speech.readout import FEATURES, GEOMETRY, PHONES

RIDGE_TAPS = np.array([-8, -5, -2, 0, 2, 5, 8])
TABLE_TAPS = np.array([-12, -9, -7, -5, -2, 0, 2, 5, 7, 9, 12])
BLOCKS, NARROW = 2 * 80, 2 * 80 + 384
"""First features of the blocks, and of blocks 2 and 3, which say most."""


@dataclass(frozen=True)
class Net:
    """One of the nets that are averaged: each is unlike the others, so that their errors are too.

    Attributes
    ----------
    seed : of its first weights and of what it is shown
    narrow : reads blocks 2 and 3 by their leading directions, as the ridge does, instead of everything
    """

    seed: int
    narrow: bool
    channels: int
    dropout: float


@dataclass(frozen=True)
class Options:
    """How to fit; the defaults made what ships."""

    copies: int = 6
    nets: tuple[Net, ...] = (
        Net(0, True, 96, 0.2),
        Net(1, True, 96, 0.2),
        Net(0, True, 128, 0.5),
        Net(1, False, 128, 0.5),
    )
    steps: int = 350
    dilations: tuple[int, ...] = (1, 2, 4)
    crop: int = 150
    batch: int = 16
    rate: float = 2e-3
    decay: float = 0.05
    velocity: float = 3.0
    phones: float = 0.3
    directions: int = 192
    spectrum_directions: int = 64
    block_directions: int = 224
    ridge_penalty: float = 3000.0
    table_penalty: float = 100.0
    ridge_share: float = 0.2
    gain: float = 1 / 0.7


def examples(clips: list[Clip], copies: int, work: Path | None = None) -> dict[str, list[Example]]:
    """The clips and their altered copies, by clip name, the unaltered one first; features cached in ``work``."""
    result: dict[str, list[Example]] = {}
    for clip in clips:
        sound = np.concatenate(list(load_voice(clip.sound).blocks()))
        for copy in range(copies + 1):
            cached = work / f"{clip.name}.{copy}.npz" if work else None
            if cached and cached.exists():
                with np.load(cached) as data:
                    features, speed = data["features"], float(data["speed"])
            else:
                rng = np.random.default_rng([copy, zlib.crc32(clip.name.encode())])
                heard, speed = altered(sound, rng) if copy else (sound, 1.0)
                features = encode(heard).astype(np.float16)
                if cached:
                    cached.parent.mkdir(parents=True, exist_ok=True)
                    np.savez(cached, features=features, speed=speed)
            result.setdefault(clip.name, []).append(example(clip, features, speed))
    return result


def _windowed(x: np.ndarray, taps: np.ndarray) -> np.ndarray:
    """Rows beside their neighbours and a one : (T, len(taps) * D + 1)."""
    rows = np.clip(np.arange(len(x))[:, None] + taps, 0, len(x) - 1)
    return np.concatenate([x[rows].reshape(len(x), -1), np.ones((len(x), 1), x.dtype)], 1)


def _ridge(inputs: list[np.ndarray], targets: list[np.ndarray], penalty: float, free: int = 0) -> np.ndarray:
    """Weights (D, K) of the inputs' columns, all but the last ``free`` shrunk."""
    size = inputs[0].shape[1]
    left, right = np.zeros((size, size)), np.zeros((size, targets[0].shape[1]))
    for x, y in zip(inputs, targets, strict=True):
        left += x.T @ x
        right += x.T @ y
    left[np.diag_indices(size - free)] += penalty
    return np.linalg.solve(left, right).astype(np.float32)


def _leading(covariance: np.ndarray, count: int) -> np.ndarray:
    """The ``count`` directions in which most happens, as columns."""
    return np.asarray(np.linalg.eigh(covariance)[1][:, : -count - 1 : -1], np.float32)


def fit(
    clips: list[Clip], data: dict[str, list[Example]], options: Options, log: Callable[[str], None] = print
) -> readout.Readout:
    """A readout from some clips; ``data`` may hold more clips than are fitted."""
    first = [data[clip.name][0] for clip in clips]
    stacked = np.concatenate([e.features.astype(np.float32) for e in first])
    mean, scale = stacked.mean(0), stacked.std(0) + 1e-3
    arrays: dict[str, np.ndarray] = {"mean": mean, "scale": scale, **typical_motion(clips)}

    # Everything below sees the leading directions of the features only: as good, and several times as quick to fit.
    covariance = np.cov(((stacked - mean) / scale).T)
    basis = _leading(covariance[NARROW:, NARROW:], options.directions)

    def seen(e: Example, basis: np.ndarray = basis) -> np.ndarray:
        return np.asarray(((e.features.astype(np.float32) - mean) / scale)[:, -len(basis) :] @ basis)

    # The errors are slow (mood and posture are not in the voice), so generalised least squares: fit how things change.
    seen_first = [_windowed(seen(e), RIDGE_TAPS)[:, :-1] for e in first]
    inside = [e.valid[2:] & e.valid[1:-1] & e.valid[:-2] for e in first]
    small = _ridge(
        [(x[2:] - x[:-2])[keep] for x, keep in zip(seen_first, inside, strict=True)],
        [(e.target[2:] - e.target[:-2])[keep] for e, keep in zip(first, inside, strict=True)],
        options.ridge_penalty,
    )
    middle = np.concatenate([x[e.valid] for x, e in zip(seen_first, first, strict=True)]).mean(0)
    small = np.concatenate([small, -(middle @ small)[None]])
    per_tap = small[:-1].reshape(len(RIDGE_TAPS), basis.shape[1], -1)
    arrays["ridge/taps"] = RIDGE_TAPS
    arrays["ridge/weight"] = np.concatenate([np.concatenate([basis @ tap for tap in per_tap]), small[-1:]])
    arrays["table/taps"] = TABLE_TAPS
    known = [(e, e.valid & (e.phones >= 0)) for e in first]
    hot = np.eye(len(PHONES), dtype=np.float32)
    arrays["table/weight"] = _ridge(
        [_windowed(hot[np.maximum(e.phones, 0)], TABLE_TAPS)[keep] for e, keep in known],
        [e.target[keep] for e, keep in known],
        options.table_penalty,
        free=1,
    )
    arrays["dilations"] = np.array(options.dilations)
    arrays["nets"] = np.array(len(options.nets))
    wide = np.zeros((FEATURES, options.spectrum_directions + options.block_directions), np.float32)
    wide[:BLOCKS, : options.spectrum_directions] = _leading(covariance[:BLOCKS, :BLOCKS], options.spectrum_directions)
    wide[BLOCKS:, options.spectrum_directions :] = _leading(covariance[BLOCKS:, BLOCKS:], options.block_directions)
    everything = [e for clip in clips for e in data[clip.name]]
    for narrow, own in ((True, basis), (False, wide)):
        chosen = [number for number, net in enumerate(options.nets) if net.narrow == narrow]
        projected = [replace(e, features=seen(e, own)) for e in everything] if chosen else []
        for number in chosen:
            log(f"net {number + 1} of {len(options.nets)}")
            fitted = _net(projected, own, options, options.nets[number])
            arrays |= {f"{number}/{name}": array for name, array in fitted.items()}
    arrays["blend"] = np.array(options.ridge_share if options.nets else 1.0, np.float32)
    # A mean over possible mouths moves less than any of them; on speakers left out about seven tenths as much.
    arrays["gain"] = np.full(len(GEOMETRY), options.gain, np.float32)
    return readout.Readout(arrays)


def _net(data: list[Example], basis: np.ndarray, options: Options, net: Net) -> dict[str, np.ndarray]:
    """One temporal convolution net, as arrays named for `readout.Readout`; ``data`` lies in ``basis`` (features, D)."""
    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(net.seed)
    rng = np.random.default_rng(net.seed)
    width, out = net.channels, len(GEOMETRY) + len(PHONES)
    entry = nn.Linear(basis.shape[1], width)
    blocks = [nn.Conv1d(width, width, 5, padding=2 * d, dilation=d) for d in options.dilations]
    head = nn.Linear(width, out)
    parameters = [p for module in (entry, *blocks, head) for p in module.parameters()]
    optimiser = torch.optim.AdamW(parameters, options.rate, weight_decay=options.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.rate, options.steps, pct_start=0.1)
    share = np.array([len(e.features) for e in data], float) ** 0.7
    for _ in range(options.steps):
        picked = rng.choice(len(data), options.batch, p=share / share.sum())
        x, y, valid, phones = (torch.from_numpy(a) for a in _crops([data[i] for i in picked], options.crop, rng))
        h = functional.gelu(entry(functional.dropout(x, 0.1)))
        for block in blocks:
            h = h + functional.gelu(block(functional.dropout(h, net.dropout).transpose(1, 2)).transpose(1, 2))
        z = head(functional.dropout(h, net.dropout))
        mouth, logits = z[..., : len(GEOMETRY)], z[..., len(GEOMETRY) :]
        loss = ((mouth - y) ** 2).mean(-1).mul(valid).sum() / valid.sum()
        both = valid[:, 2:] * valid[:, :-2]
        moved = (mouth[:, 2:] - mouth[:, :-2]) - (y[:, 2:] - y[:, :-2])
        loss = loss + options.velocity * 2 * (moved**2).mean(-1).mul(both).sum() / both.sum()
        if (phones >= 0).any():
            loss = loss + options.phones * functional.cross_entropy(logits.transpose(1, 2), phones, ignore_index=-1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    result: dict[str, torch.Tensor] = {"in/weight": entry.weight, "in/bias": entry.bias}
    for number, block in enumerate(blocks):
        result |= {f"block{number}/{name}": value for name, value in block.named_parameters()}
        result[f"block{number}/weight"] = block.weight.permute(2, 1, 0).contiguous()
    result |= {"out/weight": head.weight, "out/bias": head.bias}
    arrays = {name: tensor.detach().numpy() for name, tensor in result.items()}
    arrays["in/weight"] = arrays["in/weight"] @ basis.T
    return arrays


def _crops(picked: list[Example], length: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Random stretches as one batch: features, targets, valid (float), phones; short clips are filled up."""
    batches: tuple[list[np.ndarray], ...] = ([], [], [], [])
    for e in picked:
        start = rng.integers(0, max(1, len(e.features) - length + 1))
        columns = (e.features, e.target, e.valid.astype(np.float32), e.phones)
        for batch, column, fill in zip(batches, columns, (0, 0, 0, -1), strict=True):
            part = column[start : start + length]
            rest = [(0, length - len(part)), *[(0, 0)] * (part.ndim - 1)]
            batch.append(np.pad(part, rest, constant_values=fill))
    return tuple(np.stack(batch) for batch in batches)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Fit the mouth readout to a corpus of talking video.")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=readout.ASSET)
    parser.add_argument("--work", type=Path, default=None, help="folder for features, to be able to go on later")
    for name in ("copies", "steps"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Options(), name))
    given = parser.parse_args(arguments)
    options = Options(copies=given.copies, steps=given.steps)
    clips = load_clips(given.corpus)
    fitted = fit(clips, examples(clips, options.copies, given.work), options)
    save_readout(given.out, fitted.arrays)
    print(f"{given.out}: {given.out.stat().st_size / 1e6:.2f} MB from {len(clips)} clips")


if __name__ == "__main__":
    main()
