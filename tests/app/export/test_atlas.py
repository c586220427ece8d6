"""Textures of several meshes in one."""

from __future__ import annotations

import numpy as np

from app.export.atlas import one_texture
from app.export.scene import Mesh


def mesh(texture: np.ndarray | None, uv: np.ndarray) -> Mesh:
    none = np.zeros((0, 3), np.int64)
    return Mesh("", np.zeros((0, 3)), none, uv, none, np.zeros(0, str), texture=texture)


def colour_at(texture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    height, width = texture.shape[:2]
    return texture[int((1 - uv[1]) * height), int(uv[0] * width)]


def test_each_mesh_keeps_its_own_picture() -> None:
    rng = np.random.default_rng(0)
    pictures = [np.full((32, 32, 3), rng.integers(0, 255, 3), np.uint8) for _ in range(4)]
    pictures[0][:16] = (255, 0, 0)  # the upper half
    uv = np.array([[0.0, 0.0], [0.5, 0.2], [0.5, 0.8], [1.0, 1.0]])
    meshes = [*(mesh(p, uv) for p in pictures), mesh(None, uv), mesh(pictures[1], uv + np.array([3, 0]))]
    texture, places = one_texture(meshes, ["skin"] * 4 + ["lashes", "skin"])
    assert texture is not None
    assert texture.shape == (96, 96, 3)
    assert (colour_at(texture, places[0][2]) == (255, 0, 0)).all()
    for number, known in ((0, 0), (1, 1), (2, 2), (3, 3), (5, 1)):
        for k in (0, 1):
            assert (colour_at(texture, places[number][k]) == pictures[known][31, 0]).all()
    assert colour_at(texture, places[4][1]).max() < 60  # lashes are dark


def test_one_texture_or_none_stays_as_it_is() -> None:
    uv = np.array([[0.3, -2.5]])
    picture = np.zeros((8, 8, 3), np.uint8)
    texture, places = one_texture([mesh(picture, uv), mesh(picture.copy(), uv)], ["skin", "skin"])
    assert texture is picture
    assert (places[1] == uv).all()
    assert one_texture([mesh(None, uv)], ["skin"])[0] is None
