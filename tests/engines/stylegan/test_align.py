"""The FFHQ crop: geometry, way back, steadiness, and a published aligned picture."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engines.errors import InputError
from engines.stylegan.align import (
    EYE_IMAGE_LEFT,
    EYE_IMAGE_RIGHT,
    MOUTH_CORNERS,
    align,
    border_mask,
    crop_of,
    paste_back,
    steady_crops,
)


def face(centre: tuple[float, float] = (200, 150), eyes: float = 60, angle: float = 0.0) -> np.ndarray:
    """Landmarks of a schematic face: eyes, mouth, and the rest spread around them."""
    rng = np.random.default_rng(1)
    points = rng.uniform(-1, 1, (478, 2)) * eyes
    points[list(EYE_IMAGE_LEFT)] = (-eyes / 2, 0)
    points[list(EYE_IMAGE_RIGHT)] = (eyes / 2, 0)
    points[MOUTH_CORNERS[0]] = (-eyes * 0.4, eyes * 1.1)
    points[MOUTH_CORNERS[1]] = (eyes * 0.4, eyes * 1.1)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ turn.T + centre


def smooth_picture(height: int = 300, width: int = 400) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 23), np.cos(y / 17 + x / 41), np.sin((x + y) / 31)]
    return (127 + 100 * np.stack(waves, -1)).astype(np.uint8)


def test_crop_is_upright_for_an_upright_face() -> None:
    crop = crop_of(face())
    np.testing.assert_allclose(crop.axis[1], 0, atol=1e-9)
    np.testing.assert_allclose(crop.side, 2 * 2.0 * 60)  # twice the eye distance outweighs 1.8 times 66
    np.testing.assert_allclose(crop.centre, (200, 150 + 6.6))
    np.testing.assert_allclose(crop.corners[0], (80, 36.6))
    np.testing.assert_allclose(crop.corners[2], (320, 276.6))


@pytest.mark.parametrize("angle", [0.0, 0.3, -1.2, 2.5])
def test_crop_turns_with_the_face(angle: float) -> None:
    upright, turned = crop_of(face((0, 0))), crop_of(face((0, 0), angle=angle))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    np.testing.assert_allclose(turned.corners, upright.corners @ turn.T, atol=1e-9)


def test_pixels_map_to_their_place() -> None:
    """A crop as large as its pixels is the picture itself."""
    picture = smooth_picture()
    crop = crop_of(face((200.0, 143.4)))
    np.testing.assert_allclose(crop.picture_from_crop(240), [[1, 0, 80], [0, 1, 30]], atol=1e-9)
    np.testing.assert_array_equal(align(picture, crop, 240), picture[30:270, 80:320])


@pytest.mark.parametrize(("angle", "size"), [(0.2, 256), (-0.7, 512), (0.1, 96)])
def test_paste_back_restores_the_picture(angle: float, size: int) -> None:
    picture = smooth_picture()
    crop = crop_of(face(angle=angle))
    back = paste_back(picture, align(picture, crop, size), crop)
    difference = np.abs(back.astype(int) - picture)
    assert difference.mean() < (1.0 if size < 200 else 0.3)
    assert difference.max() <= (30 if size < 200 else 8)


def test_paste_back_touches_only_the_crop() -> None:
    picture = smooth_picture()
    crop = crop_of(face(angle=0.3))
    out = paste_back(picture, np.zeros((64, 64, 3), np.uint8), crop)
    changed = np.argwhere((out != picture).any(-1))[:, ::-1]
    along = (changed - crop.centre) @ crop.axis / (crop.axis @ crop.axis)
    assert np.abs(along).max() <= 1.02
    centre = tuple(np.rint(crop.centre).astype(int)[::-1])
    assert (out[centre] == 0).all()


def test_a_crop_beyond_the_picture_fades_out() -> None:
    picture = smooth_picture()
    out = align(picture, crop_of(face((60, 60))), 128)
    assert out.shape == (128, 128, 3)
    corner = out[:16, :16].astype(float)
    assert corner.std(axis=(0, 1)).max() < out[64:, 64:].astype(float).std(axis=(0, 1)).min()


def test_points_in_one_place_are_refused() -> None:
    with pytest.raises(InputError, match="coincide"):
        crop_of(np.zeros((478, 3)))


def test_video_crops_follow_the_head_and_not_the_mouth() -> None:
    rng = np.random.default_rng(2)
    count = 60
    t = np.arange(count) / 25
    points = np.stack([face((200 + 30 * np.sin(x), 150 + 10 * x), angle=0.2 * np.sin(2 * x)) for x in t])
    points[:, list(MOUTH_CORNERS), 1] += 15 * np.abs(np.sin(9 * t))[:, None]  # speech
    points += rng.normal(0, 0.4, points.shape)  # detector noise
    steady = steady_crops(points, Fraction(25))
    single = [crop_of(p) for p in points]
    jitter = [np.std(np.diff([c.side for c in crops], n=2)) for crops in (steady, single)]
    assert jitter[0] < 0.2 * jitter[1]
    true = np.stack([200 + 30 * np.sin(t), 150 + 10 * t], 1)
    offset = np.array([c.centre for c in steady]) - true
    assert np.abs(offset[10:-10] - offset[10:-10].mean(0)).max() < 5
    assert len(steady_crops(points[:1], Fraction(25))) == 1


def test_border_mask() -> None:
    mask = border_mask(100)
    assert mask[50, 50] == 1
    assert mask[0, 50] == 0
    np.testing.assert_array_equal(mask, mask.T)


@pytest.mark.samples
def test_published_alignment_is_reproduced(samples: Path) -> None:
    """Eye centres of our crop of a published photo within 2 px of the published crop's."""
    from engines.face.landmarks import detect_faces, find_face
    from engines.face.portrait import load_portrait

    portrait = load_portrait(samples / "portraits" / "diffae_sandy_raw.jpg")
    ours = align(portrait.rgb, crop_of(find_face(portrait).points), 256)
    published = np.array(Image.open(samples / "aligned" / "diffae_sandy_aligned.png").convert("RGB"))
    seen = [detect_faces(picture)[0].points[:, :2] for picture in (ours, published)]
    for eye in (EYE_IMAGE_LEFT, EYE_IMAGE_RIGHT):
        a, b = (points[list(eye)].mean(0) for points in seen)
        assert np.hypot(*(a - b)) < 2
