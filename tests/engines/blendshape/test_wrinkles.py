"""Folds of the skin."""

from __future__ import annotations

import numpy as np
import pytest

from engines import arkit
from engines.blendshape.wrinkles import Wrinkles, creased, fringe
from engines.rig.head import load_head


@pytest.fixture(scope="module")
def face() -> tuple[np.ndarray, np.ndarray]:
    """A grainy picture of even skin, and the average head's landmarks in it."""
    head = load_head()
    places = head.landmarks(head.mesh.vertices)[:, :2] * [16, -16] + [200, 200]
    rng = np.random.default_rng(1)
    rgb = np.clip(np.array([190, 150, 130]) + rng.normal(scale=9, size=(400, 400, 1)), 0, 255).astype(np.uint8)
    return rgb, places


def test_a_resting_face_is_the_photo_itself(face: tuple[np.ndarray, np.ndarray]) -> None:
    wrinkles = Wrinkles(*face)
    person = np.full((400, 400, 4), 150, np.float32)
    assert wrinkles.shaded(person, np.zeros(52)) is person


@pytest.mark.parametrize(("unit", "landmark"), [("browDown", 9), ("browInnerUp", 151), ("mouthSmile", 216)])
def test_folds_form_where_the_face_folds(face: tuple[np.ndarray, np.ndarray], unit: str, landmark: int) -> None:
    wrinkles = Wrinkles(*face)
    person = np.full((400, 400, 4), 150, np.float32)
    change = np.zeros(52)
    change[list(arkit.indices(unit))] = 1
    shaded = wrinkles.shaded(person, change)
    dark = 150 - shaded[..., 1]
    x, y = face[1][landmark].astype(int)
    assert dark[y - 20 : y + 20, x - 20 : x + 20].max() > 8
    assert np.all(person == 150)
    assert np.all(shaded[..., 3] == 150)
    assert dark.max() < 75, "folds stay soft"


def test_smooth_skin_folds_less(face: tuple[np.ndarray, np.ndarray]) -> None:
    smooth = np.full_like(face[0], 150)
    assert Wrinkles(smooth, face[1]).strength < 0.5 * Wrinkles(*face).strength


def test_hair_does_not_fold(face: tuple[np.ndarray, np.ndarray]) -> None:
    rgb = face[0].copy()
    brow = int(face[1][9, 1]) - 4
    rgb[:brow] = (30, 22, 18)
    change = np.zeros(52)
    change[list(arkit.indices("browInnerUp", "browOuterUp"))] = 1
    person = np.full((400, 400, 4), 150, np.float32)
    shaded = Wrinkles(rgb, face[1]).shaded(person, change)
    assert np.abs(shaded - person)[: brow - 12].max() < 3


def test_no_forehead_line_is_drawn_over_a_fringe() -> None:
    landmarks = np.random.default_rng(0).uniform(60, 140, (478, 2))
    landmarks[[263, 33]] = (150, 100), (50, 100)
    landmarks[[151, 9, 108, 337]] = (100, 50), (100, 70), (80, 50), (120, 50)
    skin = np.full((200, 200, 3), 190, np.uint8)
    strands, folds = skin.copy(), skin.copy()
    strands[:90, ::5] = 120
    folds[:90:5] = 120
    assert fringe(strands, landmarks) > 0.9
    assert fringe(skin, landmarks) == fringe(folds, landmarks) == 0
    landmarks[[50, 280]] = (60, 150), (140, 150)
    assert creased(strands, landmarks, forehead=False) < creased(strands, landmarks)
