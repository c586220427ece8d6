"""Several textures of a head's meshes laid out in one, as `HeadMesh` has one texture."""

from __future__ import annotations

from typing import Final

import numpy as np

from app.export.scene import Mesh

_MAX_SIDE: Final = 4096
_PLAIN: Final = {
    "skin": (206, 164, 142), "eyeLeft": (236, 232, 228), "eyeRight": (236, 232, 228), "teethUpper": (232, 224, 206),
    "teethLower": (226, 217, 198), "tongue": (186, 98, 96), "lashes": (52, 40, 36), "mouthInner": (160, 78, 76),
}  # fmt: skip
"""sRGB colours of meshes without a texture beside others that have one."""


def one_texture(meshes: list[Mesh], parts: list[str]) -> tuple[np.ndarray | None, list[np.ndarray]]:
    """The texture that all meshes share, and their coordinates in it.

    Parameters
    ----------
    parts : of `engines.rig.mesh.PARTS`, what each mesh mostly is

    Returns
    -------
    uint8 (S, S, 3) or None where no mesh has a texture; (U, 2) for each mesh
    """
    pictures: list[np.ndarray] = []
    cell: list[int] = []
    for mesh, part in zip(meshes, parts, strict=True):
        picture = mesh.texture
        if picture is None:
            picture = np.full((8, 8, 3), _PLAIN[part], np.uint8)
        same = (
            i for i, known in enumerate(pictures) if known.shape == picture.shape and np.array_equal(known, picture)
        )
        number = next(same, len(pictures))
        if number == len(pictures):
            pictures.append(picture)
        cell.append(number)
    if all(mesh.texture is None for mesh in meshes):
        return None, [mesh.uv for mesh in meshes]
    if len(pictures) == 1:
        return pictures[0], [mesh.uv for mesh in meshes]
    import cv2

    columns = int(np.ceil(np.sqrt(len(pictures))))
    side = min(max(max(p.shape[:2]) for p in pictures), _MAX_SIDE // columns)
    atlas = np.zeros((columns * side, columns * side, 3), np.uint8)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        way = cv2.INTER_AREA if max(picture.shape[:2]) > side else cv2.INTER_CUBIC
        place = np.s_[row * side : (row + 1) * side, column * side : (column + 1) * side]
        atlas[place] = cv2.resize(picture, (side, side), interpolation=way)
    coordinates = []
    edge = 0.5 / side  # so that a neighbour never bleeds in
    for mesh, number in zip(meshes, cell, strict=True):
        row, column = divmod(number, columns)
        uv = np.asarray(mesh.uv, np.float64)
        if len(uv):
            uv = uv - np.floor(np.median(uv, axis=0))  # a whole tile aside, as UDIM layouts have it
        uv = np.clip(uv, edge, 1 - edge)
        coordinates.append((uv + np.array([column, columns - 1 - row])) / columns)
    return atlas, coordinates
