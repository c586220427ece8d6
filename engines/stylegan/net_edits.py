"""Directions of a generator's latent space that change one thing of a face: found here, or laid out for drawing.

What a face does is read off the generator's own pictures by their landmarks, and the mean latent of faces is
regressed on it, all at once, so that each direction leaves the others alone as far as the generator lets it: attribute
vectors (Larsen et al., 2016), conditional as in InterFaceGAN (Shen et al., 2020). What no landmark tells is found
without looking at a picture, in the weights (SeFa; Shen and Zhou, 2021).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor

from engines.api import CancelToken, Progress, no_progress
from engines.errors import InputError
from engines.stylegan import generators
from engines.stylegan.edits import Edit, keep, read
from engines.stylegan.net import Generator
from engines.stylegan.net_reach import Layout, faces

if TYPE_CHECKING:
    from engines.stylegan.convert import LoadedGenerator
    from engines.stylegan.generators import Chosen

ATTRIBUTES: Final = ("smile", "mouth_open", "eyes_open", "brows_up", "yaw", "pitch")
"""What landmarks tell of a face, and the names of the directions that are fitted to it."""
PICTURES: Final = (50, 20000)
"""Fewest and most pictures that are looked at."""
MOST_AXES: Final = 64
_BROWS, _CORNERS = (66, 105, 296, 334), (33, 133, 362, 263)
_LEAST_SEEN: Final = 0.25
"""Part of the pictures that must show a face."""
_SEEN_SIDE: Final = 256
_BATCH: Final = 4


def find(
    chosen: Chosen,
    pictures: int = 300,
    strongest: int = 0,
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> list[Path]:
    """Find directions in a generator and keep them with it.

    Parameters
    ----------
    pictures : to look at, for what landmarks tell; see `fitted`
    strongest : 0, or how many of the `axes` to keep instead

    Returns
    -------
    the files that hold them

    Raises
    ------
    InputError
        For numbers out of range, or if the generator's pictures show too few faces.
    """
    if not 0 <= strongest <= MOST_AXES or not PICTURES[0] <= pictures <= PICTURES[1]:
        raise InputError(f"Ask for 1 to {MOST_AXES} axes, or for {PICTURES[0]} to {PICTURES[1]} pictures.")
    progress(0.0, "Loading the generator")
    loaded = generators.load(chosen)[0]
    loaded.generator.eval().requires_grad_(False)

    def advance(part: float) -> None:
        if cancel is not None:
            cancel.check()
        progress(part, "Looking at pictures of the generator")

    found = axes(loaded, strongest) if strongest else fitted(loaded, pictures, advance)
    return [keep(chosen, edit) for edit in found]


def take(chosen: Chosen, files: Sequence[Path], name: str = "", *, progress: Progress = no_progress) -> list[Path]:
    """Keep published directions with a generator; parameters and errors as of `engines.stylegan.edits.read`."""
    loaded = generators.load(chosen)[0]
    config = loaded.generator.config
    taken = {}
    for number, path in enumerate(files):
        progress(number / len(files), f"Reading {path.name}")
        for own, rows in read(path, config.layers, config.style_dim, name).items():
            taken[own] = Edit(own, scaled(loaded, rows), f"imported from {path.name}")
    return [keep(chosen, edit) for edit in taken.values()]


def attributes(points: np.ndarray) -> np.ndarray:
    """`ATTRIBUTES` of a face : (6,), lengths in eye distances, angles in radians.

    Parameters
    ----------
    points : (478, 3) landmarks in pixels
    """
    from engines.judge.geometry import MOUTH, face_numbers

    seen = face_numbers(points)
    mouth = dict(zip(MOUTH, seen.mouth, strict=True))
    brows = np.mean(points[list(_CORNERS), 1]) - np.mean(points[list(_BROWS), 1])
    smile = mouth["cornerY"] + 0.5 * mouth["width"]
    return np.array(
        [smile, mouth["aperture"], seen.lids.mean(), brows / seen.eyes_px, seen.head[1], seen.head[0]], np.float64
    )


def fitted(loaded: LoadedGenerator, pictures: int, advance: Callable[[float], None] = lambda part: None) -> list[Edit]:
    """Directions for `ATTRIBUTES`, a unit of each one deviation of what faces of this generator show.

    Parameters
    ----------
    pictures : to look at; 200 and more give steady directions
    advance : called with the part done; may raise to stop

    Raises
    ------
    InputError
        If the generator's pictures show too few faces.
    """
    from PIL import Image

    from engines.errors import StudioError
    from engines.face.landmarks import detect_faces
    from engines.stylegan.studio import pictures_of

    generator = loaded.generator
    codes = faces(loaded, pictures, seed=12)
    told: list[np.ndarray] = []
    at: list[int] = []
    for first in range(0, len(codes), _BATCH):
        with torch.no_grad():
            drawn = pictures_of(generator(codes[first : first + _BATCH])).astype(np.uint8)
        for i, picture in enumerate(drawn, first):
            side = max(_SEEN_SIDE, len(picture))
            large = np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC))
            try:
                seen = detect_faces(large)
            except StudioError:
                continue
            if seen:
                told.append(attributes(seen[0].points.astype(float)))
                at.append(i)
        advance((first + len(drawn)) / len(codes))
    if len(told) < max(len(ATTRIBUTES) * 4, _LEAST_SEEN * pictures):
        raise InputError(
            f"{len(told)} of {pictures} pictures of the generator show a face, which is too few to find edits in. "
            "Directions without a meaning of their own can still be found: soliloquy edits find --axes 8"
        )
    values = np.stack(told)
    values = (values - values.mean(0)) / np.maximum(values.std(0), 1e-6)
    rows = codes[at].cpu().double().numpy()
    rows = rows - rows.mean(0)
    directions = np.linalg.lstsq(values, rows.reshape(len(rows), -1), rcond=1e-3)[0]
    source = f"found in {len(told)} pictures of the generator"
    shaped = directions.reshape(-1, *rows.shape[1:]).astype(np.float32)
    return [Edit(name, direction, source) for name, direction in zip(ATTRIBUTES, shaped, strict=True)]


def axes(loaded: LoadedGenerator, count: int) -> list[Edit]:
    """The directions of W that change the modulations most: SeFa's closed form, eigenvectors of the stacked weights."""
    generator = loaded.generator
    stacked = torch.cat([conv.modulation.weight for conv, _ in generator.modulated().values()])
    _, _, found = torch.linalg.svd(stacked / stacked.norm(dim=1, keepdim=True).clamp_min(1e-8), full_matrices=False)
    source = "found in the generator's weights (SeFa)"
    return [
        Edit(f"axis_{i + 1}", scaled(loaded, row[None].cpu().numpy()), source) for i, row in enumerate(found[:count])
    ]


def scaled(loaded: LoadedGenerator, rows: np.ndarray) -> np.ndarray:
    """A direction (1 or layers, dim) as long as one deviation of random faces along it."""
    codes = faces(loaded, 512, seed=13, psi=1.0).cpu().double().numpy()
    own = rows.astype(np.float64)
    along = (codes[:, : len(own)] * own).sum(2)
    power = np.square(own).sum(1)
    return np.asarray(own * np.sqrt(along.var(0).sum() / max(np.square(power).sum(), 1e-24)), np.float32)


def laid(generator: Generator, edits: Sequence[Edit]) -> Tensor:
    """What a unit of each direction adds to StyleSpace : (E, `Layout.count`)."""
    layout, layers = Layout(generator), generator.config.layers
    device = next(generator.parameters()).device
    if not edits:
        return torch.zeros((0, layout.count), device=device)
    codes = torch.stack([torch.from_numpy(e.rows).to(device).expand(layers, -1) for e in edits])
    with torch.no_grad():
        zero = layout.flat(generator.styles(torch.zeros_like(codes[:1])))
        return layout.flat(generator.styles(codes)) - zero
