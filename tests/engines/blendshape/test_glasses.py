"""Glasses, drawn onto a face: found, and held still by it."""

from __future__ import annotations

import numpy as np

from engines import arkit
from engines.blendshape.actor import BlendshapeActor
from engines.blendshape.glasses import find_glasses
from engines.blendshape.painter import Painter


def with_glasses(actor: BlendshapeActor) -> np.ndarray:
    import cv2

    picture = actor.portrait.rgb.copy()
    points = actor.landmarks.points[:, :2].astype(float)
    eye = float(np.hypot(*(points[263] - points[33])))
    middles = [points[[33, 133]].mean(0), points[[362, 263]].mean(0)]
    thick = max(2, round(0.03 * eye))
    for middle in middles:
        size = (round(0.24 * eye), round(0.2 * eye))
        cv2.ellipse(picture, tuple(map(int, middle)), size, 0, 0, 360, (20, 20, 25), thick, cv2.LINE_AA)
    a, b = (m + s * np.array([0.24 * eye, 0]) for m, s in zip(middles, (1, -1), strict=True))
    cv2.line(picture, tuple(map(int, a)), tuple(map(int, b)), (20, 20, 25), thick, cv2.LINE_AA)
    return picture


def test_a_bare_face_has_no_glasses(actor: BlendshapeActor) -> None:
    assert find_glasses(actor.portrait.rgb, actor.landmarks.points) is None


def test_glasses_are_found_and_no_expression_bends_them(actor: BlendshapeActor) -> None:
    picture = with_glasses(actor)
    glasses = find_glasses(picture, actor.landmarks.points)
    assert glasses is not None
    assert glasses.strength > 0.9
    plain = actor.painter()
    painter = Painter(picture, actor.matte, plain.placement)
    change = np.zeros(53, np.float32)
    change[list(arkit.indices("cheekSquint", "mouthSmile", "browDown"))] = 1
    frames = glasses.hold(painter.sheet.places.astype(float)) > 0.99
    assert frames.sum() > 40
    for one, limit in ((painter, 0.02), (plain, np.inf)):
        places, _ = one.sheet_places(change, np.eye(3), np.zeros(3))
        moved = np.abs(places - one.sheet.places)[frames].max()
        assert moved < limit * painter.placement.face_px
        if one is plain:
            assert moved > 0.02 * painter.placement.face_px
