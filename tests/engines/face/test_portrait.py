import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engines.errors import InputError
from engines.face.portrait import MAX_SIDE, load_portrait


def picture(width: int = 120, height: int = 90) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, np.full_like(x, 90)], -1).astype(np.uint8)


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def test_rgb_is_unchanged(tmp_path: Path) -> None:
    portrait = load_portrait(save(tmp_path / "a.png", Image.fromarray(picture())))
    assert np.array_equal(portrait.rgb, picture())
    assert portrait.alpha is None


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it turned a quarter clockwise
    path = save(tmp_path / "a.png", Image.fromarray(picture()), exif=exif)
    assert np.array_equal(load_portrait(path).rgb, np.rot90(picture(), -1))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB", "I;16", "I", "F"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    grey = Image.fromarray(picture()[..., 0])
    if mode in ("I", "F", "I;16"):
        deep = np.asarray(grey, np.float32) * 257
        image = Image.fromarray(deep) if mode == "F" else Image.fromarray(deep.astype("i4" if mode == "I" else "u2"))
    elif mode == "LAB":
        from PIL import ImageCms

        rgb = Image.fromarray(picture())
        image = ImageCms.profileToProfile(
            rgb, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
        )
    else:
        image = Image.fromarray(picture()).convert(mode)
    portrait = load_portrait(save(tmp_path / "a.tif", image))
    assert portrait.rgb.shape == (90, 120, 3)
    assert portrait.rgb.dtype == np.uint8
    if mode not in ("1", "P"):
        reference = picture().astype(int) if mode in ("RGB", "RGBA", "CMYK", "LAB") else None
        if reference is not None:
            assert np.abs(portrait.rgb - reference).mean() < 6
        elif mode in ("I;16", "I", "F"):
            assert np.abs(portrait.rgb[..., 0].astype(int) - picture()[..., 0]).max() <= 2


def test_transparency_is_kept_and_laid_on_white(tmp_path: Path) -> None:
    rgba = np.dstack([picture(), np.full((90, 120), 255, np.uint8)])
    rgba[:40, :, 3] = 0
    portrait = load_portrait(save(tmp_path / "a.png", Image.fromarray(rgba)))
    assert portrait.alpha is not None
    assert (portrait.alpha[:40] == 0).all()
    assert (portrait.alpha[40:] == 255).all()
    assert (portrait.rgb[:40] == 255).all()
    assert np.array_equal(portrait.rgb[40:], picture()[40:])


def test_opaque_alpha_is_no_alpha(tmp_path: Path) -> None:
    assert load_portrait(save(tmp_path / "a.png", Image.fromarray(picture()).convert("RGBA"))).alpha is None


def test_palette_with_transparent_colour(tmp_path: Path) -> None:
    image = Image.fromarray(picture()).quantize(16)
    portrait = load_portrait(save(tmp_path / "a.gif", image, transparency=3))
    assert portrait.alpha is not None
    assert set(np.unique(portrait.alpha)) == {0, 255}


def test_huge_picture_is_reduced(tmp_path: Path) -> None:
    image = Image.fromarray(picture()).resize((MAX_SIDE + 500, 300))
    assert load_portrait(save(tmp_path / "a.png", image)).rgb.shape[1] == MAX_SIDE


def test_embedded_profile_is_honoured(tmp_path: Path) -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = save(tmp_path / "a.png", Image.fromarray(picture()), icc_profile=profile)
    assert np.abs(load_portrait(path).rgb.astype(int) - picture()).max() <= 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"not a picture at all", "not a picture"),
        (b"", "not a picture"),
        ("cut", "damaged"),
        ("tiny", "too small"),
        ("clear", "transparent"),
    ],
)
def test_bad_files_say_what_to_do(tmp_path: Path, content: object, message: str) -> None:
    path = tmp_path / "bad.png"
    if content == "cut":
        buffer = io.BytesIO()
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)).save(buffer, "PNG")
        path.write_bytes(buffer.getvalue()[:4000])
    elif content == "tiny":
        Image.fromarray(picture(20, 20)).save(path)
    elif content == "clear":
        Image.fromarray(np.zeros((90, 120, 4), np.uint8)).save(path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as raised:
        load_portrait(path)
    assert str(path) in str(raised.value)


def test_folder_and_negative_face_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder"):
        load_portrait(tmp_path)
    with pytest.raises(InputError, match="counted from 1"):
        load_portrait(tmp_path / "a.png", face=-1)
