"""Portraits of any kind become upright 8-bit sRGB, with transparency kept apart."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from engines.api import Portrait
from engines.errors import InputError

MAX_SIDE: Final = 4096
"""Largest side of a portrait in pixels; a larger picture is reduced, as no video format here carries more."""
MIN_SIDE: Final = 48
BACKDROP: Final = 255
"""Grey level behind the transparent parts of a picture."""


def load_portrait(path: str | Path, face: int = 0) -> Portrait:
    """Read a picture of a person.

    Any mode that Pillow reads is taken: 1 to 16 bits, grey, palette, CMYK, Lab, with or without transparency and
    colour profile; the EXIF orientation is applied, of an animation the first frame is used. Transparent parts are
    laid over `BACKDROP` and the transparency itself is kept in ``alpha``.

    Parameters
    ----------
    path : the picture file
    face : which face to animate, counted from the largest (0)

    Raises
    ------
    InputError
        When the file is missing, is no picture, is damaged, or is too small to hold a face.
    """
    path = Path(path)
    if face < 0:
        raise InputError(f"Face {face + 1} was asked for; faces are counted from 1, the largest.")
    if path.is_dir():
        raise InputError(f"The portrait {path} is a folder; give a picture file (PNG, JPEG, WebP, TIFF …).")
    if not path.exists():
        raise InputError(f"The portrait {path} does not exist; check the path.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sizes are checked below, and odd metadata does not matter here
            with Image.open(path) as opened:
                if opened.format in ("JPEG", "MPO") and max(opened.size) > 2 * MAX_SIDE:
                    opened.draft(None, (MAX_SIDE, MAX_SIDE))
                rgb, alpha = _decode(opened)
    except UnidentifiedImageError as error:
        raise InputError(
            f"The portrait {path} is not a picture that can be read; save it as PNG or JPEG and try again."
        ) from error
    except Image.DecompressionBombError as error:
        raise InputError(f"The portrait {path} has too many pixels; reduce it to {MAX_SIDE} px or less.") from error
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        raise InputError(f"The portrait {path} cannot be read ({error}); it may be damaged: save it again.") from error
    if min(rgb.shape[:2]) < MIN_SIDE:
        raise InputError(
            f"The portrait {path} is {rgb.shape[1]}x{rgb.shape[0]} px, too small to animate; "
            f"use a picture of at least 256 px."
        )
    return Portrait(rgb, alpha, face, path)


def _decode(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """Upright sRGB and transparency of an opened picture : uint8 (H, W, 3), uint8 (H, W) or None."""
    image.load()
    image = ImageOps.exif_transpose(image) or image
    transparency = image.info.get("transparency")
    profile = image.info.get("icc_profile")
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = _from_deep_grey(image)
    has_alpha = image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or transparency is not None
    alpha = None
    if has_alpha:
        alpha = np.array(image.convert("RGBA").getchannel("A"))
        if int(alpha.min()) == 255:
            alpha = None
        elif int(alpha.max()) == 0:
            raise ValueError("it is fully transparent")
    if image.mode in ("LA", "La", "PA", "P", "1", "RGBa"):
        image = image.convert("RGBA" if has_alpha else "RGB")
    picture = _to_srgb(image, profile)
    if max(picture.size) > MAX_SIDE:
        scale = MAX_SIDE / max(picture.size)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
        if alpha is not None:
            alpha = np.array(Image.fromarray(alpha).resize(size, Image.Resampling.LANCZOS))
    rgb = np.array(picture)
    if alpha is not None:
        cover = alpha[..., None].astype(np.float32) / 255
        rgb = np.rint(rgb * cover + BACKDROP * (1 - cover)).astype(np.uint8)
    return np.ascontiguousarray(rgb), alpha


def _from_deep_grey(image: Image.Image) -> Image.Image:
    """Grey pictures of 16 or 32 bits a pixel, brought to 8 by their own full scale."""
    values = np.nan_to_num(np.array(image).astype(np.float64))
    highest = float(values.max())
    full = next((scale for scale in (1.0 if image.mode == "F" else 255.0, 255.0, 65535.0) if highest <= scale), highest)
    return Image.fromarray(np.rint(np.clip(values / full, 0, 1) * 255).astype(np.uint8))


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert by the embedded colour profile where there is a usable one, by Pillow's formulas otherwise."""
    if profile and image.mode in ("RGB", "RGBA", "CMYK", "L"):
        source: Any = image.convert("RGB") if image.mode == "RGBA" else image
        try:
            converted = ImageCms.profileToProfile(
                source, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except ImageCms.PyCMSError:
            converted = None  # a profile for another colour space, or a damaged one
        if converted is not None:
            return converted
    return image.convert("RGB")
