"""How a picture that is coarser than the frame is laid over it without shaking.

A generator of 64 pixels errs in two ways that show as trembling. Its face stands some tenths of a pixel beside where it
was asked to be, and elsewhere in every frame; and every pixel of it is some grey levels off. The rig has drawn the same
frame, so both can be told in closed form: the drawn face is brought to the rig's place by the affine map that least
squares find between the two (Lucas and Kanade 1981), and is seen only as far as it shows something else than the rig
does by more than it errs.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from engines.stylegan import layout

ERROR: Final = 16.0
"""Difference in grey levels between the two at which most of the generator's picture is seen."""
_SIDE: Final = 64
"""Pixels at which places are compared: what is finer differs anyway."""
_FARTHEST: Final = 0.03
"""Sides of the crop by which a face is moved at most; a generator that errs by more failed its exam."""
_ROUNDS: Final = 3
_OUTLYING: Final = 12.0
"""Difference in grey levels at which a pixel has half its say about places."""
_HELD: Final = 1e-4


def settled(
    drawn: np.ndarray, plain: np.ndarray, asked: np.ndarray, cover: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What of a generator's picture is laid over the rig's frame, and where.

    Parameters
    ----------
    drawn : float32 (S, S, 3), the generator's picture, 0 to 255
    plain : float32 (S, S, 3), the same without what the artist moves by hand: the rig's frame tells where that belongs
    asked : uint8 (S, S, 3), the same crop of the rig's frame
    cover : float32 (S, S), how much of it would be seen

    Returns
    -------
    float32 (S, S, 3), the plain picture in its place; float32 (S, S), how much of it is seen, all of it where the
    artist changes much; float32 (S, S, 3), what the artist's hand adds to that
    """
    found = places(plain, asked)
    there = brought(plain, found)
    seen = unlike(there, asked)
    if drawn is plain or np.array_equal(drawn, plain):
        return there, np.asarray(cover * seen, np.float32), np.zeros_like(there)
    moved = brought(drawn, found)
    seen = np.maximum(seen, unlike(moved, there))
    change = (moved - there) * layout.face(len(drawn))[..., None]
    return there, np.asarray(cover * seen, np.float32), np.asarray(change, np.float32)


def places(drawn: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The affine map from places of what was asked to those of what was drawn, beyond the identity : float64 (2, 3).

    Columns are a shift, and what a step from the middle to the right and lower border adds, in sides of the crop.
    Lips say nothing about it, for they are not the same in both.
    """
    import cv2

    side = min(_SIDE, len(drawn))
    ours, theirs = (_grey(picture, side) for picture in (drawn, asked))
    y, x = np.mgrid[:side, :side].astype(np.float32)
    basis = _basis(side)
    found = np.zeros((2, 3))
    for _ in range(_ROUNDS):
        shift = np.einsum("ck,kn->cn", found * side, basis).reshape(2, side, side).astype(np.float32)
        there = cv2.remap(ours, x + shift[0], y + shift[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        left = theirs - there
        both = (there + theirs) / 2
        slopes = [cv2.Sobel(both, cv2.CV_32F, dx, 1 - dx, ksize=3).ravel() / 8 for dx in (1, 0)]
        terms = np.concatenate([basis * slope for slope in slopes]).astype(np.float64)
        weight = _telling(side) / (1 + np.square(left.ravel() / _OUTLYING))
        normal = (terms * weight) @ terms.T
        normal += (_HELD * np.trace(normal) / len(normal) + 1e-9) * np.eye(len(normal))
        found += np.linalg.solve(normal, (terms * weight) @ left.ravel()).reshape(2, 3) / side
    farthest = float(np.abs(found).sum(1).max())
    return np.asarray(found * min(1.0, _FARTHEST / max(farthest, 1e-9)))


def brought(picture: np.ndarray, found: np.ndarray) -> np.ndarray:
    """A picture (S, S, 3) moved back by a map from `places` : float32 (S, S, 3)."""
    import cv2

    size = len(picture)
    moved = np.asarray(picture, np.float32)
    if np.abs(found).max() * size < 1e-3:
        return moved
    half, centre = size / 2, (size - 1) / 2
    linear = np.eye(2) + found[:, 1:] * size / half
    matrix = np.column_stack([linear, found[:, 0] * size + centre - linear @ [centre, centre]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(moved, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE))


def unlike(drawn: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """How sure it is that two pictures (S, S, 3) differ, around every pixel : float32 (S, S), 0 to 1."""
    import cv2

    reach = 2 * max(1, round(len(drawn) / 43)) + 1
    apart = np.abs(cv2.blur(drawn.astype(np.float32) - asked, (reach, reach))).max(2)
    return np.asarray(1 - np.exp(-np.square(apart / ERROR)), np.float32)


def _grey(picture: np.ndarray, side: int) -> np.ndarray:
    """A picture (S, S, 3) without colours and fine detail : float32 (side, side)."""
    import cv2

    grey = picture.astype(np.float32).mean(2)
    if len(grey) != side:
        grey = cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), side / 64))


@cache
def _basis(side: int) -> np.ndarray:
    """1 and the coordinates from -1 to 1 : float32 (3, side * side)."""
    at = (np.arange(side) - (side - 1) / 2) / (side / 2)
    y, x = np.meshgrid(at, at, indexing="ij")
    return np.stack([np.ones(side * side), x.ravel(), y.ravel()]).astype(np.float32)


@cache
def _telling(side: int) -> np.ndarray:
    """How much each pixel tells of where the face is : float32 (side * side,)."""
    import cv2

    mouth = cv2.GaussianBlur(layout.region("mouth", side).astype(np.float32), (0, 0), 0.025 * side)
    return np.asarray((layout.face(side) * (1 - mouth)).ravel())
