"""Which channels of a generator's StyleSpace move which part of the face.

The published work names 32 channels and neither the channels nor its code, so they are found here. A channel's change
of a region is the sum of squares of the picture's slopes along it; random signs on the region's pixels make that a
mean of squared gradients (Hutchinson, 1990), so that one backward pass tells of all channels at once.
"""

from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from engines.stylegan import layout as places
from engines.stylegan.net import Generator
from engines.stylegan.net_reach import Layout, latents, pose_candidates
from engines.stylegan.numbers import FACE_COUNT, MOUTH_COUNT

VERSION: Final = 1
POSES: Final = 24
"""Directions that heads may turn along."""
_FACES, _PROBES = 3, 4
_LEAST_EFFECT: Final = 0.15
"""Change of its region below which a channel is not worth a slider, in parts of the strongest one's."""


@dataclass(frozen=True, eq=False)
class Channels:
    """What was found out about a generator.

    Attributes
    ----------
    chosen : int64 (32,), entries of StyleSpace: of the mouth, then of the rest of the face
    units : float32 (32,), one deviation of each over random faces
    parts : the part of the face that each moves most
    locality : float32 (32,), mean change of a pixel inside its part beside one outside
    poses : float32 (P, count), directions that heads may turn along
    """

    chosen: np.ndarray
    units: np.ndarray
    parts: tuple[str, ...]
    locality: np.ndarray
    poses: np.ndarray

    def basis(self, count: int) -> np.ndarray:
        """A unit of every channel, then of every pose : float32 (32 + P, count)."""
        rows = np.zeros((len(self.chosen), count), np.float32)
        rows[np.arange(len(self.chosen)), self.chosen] = self.units
        return np.concatenate([rows, self.poses])

    def save(self, path: Path) -> None:
        """Keep it; a full disk only means that it is found again."""
        partial = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                np.savez(
                    file, chosen=self.chosen, units=self.units, parts=np.array(self.parts, "U12"),
                    locality=self.locality, poses=self.poses,
                )  # fmt: skip
            partial.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)

    @staticmethod
    def load(path: Path) -> Channels | None:
        """What `save` kept, or None."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
                parts = tuple(map(str, data["parts"]))
                return Channels(data["chosen"], data["units"], parts, data["locality"], data["poses"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None


def search(generator: Generator, advance: Callable[[float], None] = lambda part: None) -> Channels:
    """Find the 32 channels and the directions of pose.

    Parameters
    ----------
    advance : called with the part done; may raise to stop
    """
    layout = Layout(generator)
    inside, outside, spread = _energies(generator, layout, advance)
    ratio = inside / np.maximum(outside, 1e-12)
    ratio[:, ~layout.convolutions()] = 0
    names = tuple(places.PLACES)
    taken: list[int] = []
    parts: list[str] = []
    for group, wanted in ((places.MOUTH_PARTS, MOUTH_COUNT), (places.FACE_PARTS, FACE_COUNT)):
        rows = [names.index(n) for n in group]
        effect = np.where(layout.convolutions(), inside[rows], 0)
        strong = effect >= _LEAST_EFFECT**2 * effect.max(1, keepdims=True)
        score = np.where(strong, ratio[rows], 0).max(0)
        score[taken] = -1
        order = np.argsort(-score, kind="stable")[:wanted]
        taken += order.tolist()
        parts += [group[int(k)] for k in ratio[rows][:, order].argmax(0)]
    chosen = np.array(taken, np.int64)
    whose = [names.index(p) for p in parts]
    locality = np.sqrt(ratio[whose, chosen])
    return Channels(
        chosen, spread[chosen].astype(np.float32), tuple(parts), locality.astype(np.float32),
        pose_candidates(generator, layout, POSES),
    )  # fmt: skip


def _energies(
    generator: Generator, layout: Layout, advance: Callable[[float], None]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean squared change of a pixel inside and outside of every part for a unit of every entry; and the units.

    Returns
    -------
    float64 (parts, count) twice; float64 (count,)
    """
    device = next(generator.parameters()).device
    with torch.no_grad():
        many = layout.flat(generator.styles(generator.wplus(latents(generator, 512, seed=6, psi=1.0))))
    spread = many.std(0).double().cpu().numpy()
    size = generator.config.size
    masks = [torch.from_numpy(places.region(name, size).copy()).to(device) for name in places.PLACES]
    inside, outside = (np.zeros((len(masks), layout.count)) for _ in range(2))
    own = torch.Generator().manual_seed(8)
    faces = latents(generator, _FACES, seed=7)
    total, done = _FACES * _PROBES * len(masks) * 2, 0
    for w in faces:
        with torch.enable_grad():
            start = layout.flat(generator.styles(generator.wplus(w[None]))).detach().requires_grad_(True)
            picture = generator.synthesis(layout.split(start))
            for _ in range(_PROBES):
                signs = (torch.randint(0, 2, picture.shape, generator=own) * 2.0 - 1).to(picture)
                for k, mask in enumerate(masks):
                    for store, where in ((inside, mask), (outside, ~mask)):
                        (slope,) = torch.autograd.grad((picture * signs)[..., where].sum(), start, retain_graph=True)
                        share = float(where.sum()) * _FACES * _PROBES
                        store[k] += slope[0].double().square().cpu().numpy() / share
                        done += 1
                        advance(done / total)
    return inside * spread**2, outside * spread**2, spread
