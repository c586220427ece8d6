"""The FFHQ face crop (Karras et al., 2019) from landmarks, steady in video, and the way back into the picture.

DiffAE, e4e, pSp and StyleGAN2's face models all expect this crop: a square turned with the face, placed by the
centres of the eyes and the corners of the mouth.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from engines.errors import InputError

EYE_IMAGE_LEFT: Final = (33, 160, 158, 133, 153, 144)
EYE_IMAGE_RIGHT: Final = (362, 385, 387, 263, 373, 380)
MOUTH_CORNERS: Final = (61, 291)
"""MediaPipe's counterparts of the 68-point landmarks 36-41, 42-47 and 48, 54."""
STABLE: Final = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 98, 327, 127, 356, 234, 454, 54, 284, 10)
"""Points that neither speech, lids nor brows move: eye corners, bridge and wings of the nose, temples, forehead."""

_FADE: Final = 0.1
"""Width, in crop sides, over which what lies outside the picture fades to its median colour."""


@dataclass(frozen=True, eq=False)
class Crop:
    """A turned square in a picture.

    Attributes
    ----------
    centre : float64 (2,) x, y in pixels
    axis : float64 (2,), half the side along the face's x axis (from the eye on the image's left to the other)
    """

    centre: np.ndarray
    axis: np.ndarray

    @property
    def side(self) -> float:
        """Side in pixels of the picture."""
        return float(2 * np.hypot(*self.axis))

    @property
    def corners(self) -> np.ndarray:
        """Upper left, lower left, lower right, upper right : float64 (4, 2)."""
        x, y = self.axis, np.array([-self.axis[1], self.axis[0]])
        return np.stack([self.centre - x - y, self.centre - x + y, self.centre + x + y, self.centre + x - y])

    def picture_from_crop(self, size: int) -> np.ndarray:
        """Affine map from pixel centres of a crop of ``size`` pixels to those of the picture : float64 (2, 3)."""
        x, y = self.axis * (2 / size), np.array([-self.axis[1], self.axis[0]]) * (2 / size)
        origin = self.corners[0] + (x + y) / 2 - 0.5
        return np.stack([x, y, origin], 1)


def crop_of(points: np.ndarray) -> Crop:
    """The FFHQ crop of a face.

    Parameters
    ----------
    points : (478, 2 or 3), MediaPipe landmarks in pixels of the picture

    Raises
    ------
    InputError
        If eyes and mouth coincide.
    """
    points = np.asarray(points, np.float64)[:, :2]
    left, right = points[list(EYE_IMAGE_LEFT)].mean(0), points[list(EYE_IMAGE_RIGHT)].mean(0)
    mouth = points[list(MOUTH_CORNERS)].mean(0)
    eyes, down = right - left, mouth - (left + right) / 2
    axis = eyes + np.array([down[1], -down[0]])  # the eye line, steadied by the line from eyes to mouth
    length = np.hypot(*axis)
    if not length > 1e-6:
        raise InputError("The face landmarks coincide, so the face cannot be cropped. Use a picture with a clear face.")
    axis *= max(2.0 * np.hypot(*eyes), 1.8 * np.hypot(*down)) / length
    return Crop((left + right) / 2 + 0.1 * down, axis)


def steady_crops(points: np.ndarray, rate: Fraction, smoothing_s: float = 0.12) -> list[Crop]:
    """Crops of the frames of a video that follow the head and not its speech.

    The crop is laid out once, on the median face, and carried to every frame by the similarity of the points that
    expressions do not move; then centre, size and angle are smoothed in time, without delay.

    Parameters
    ----------
    points : (T, 478, 2 or 3) landmarks in pixels
    smoothing_s : standard deviation of the smoothing in seconds
    """
    from scipy.ndimage import gaussian_filter1d

    points = np.asarray(points, np.float64)[:, :, :2]
    stable = points[:, list(STABLE)]
    first = stable[len(stable) // 2]
    aligned = np.stack([_apply(similarity(s, first), p) for s, p in zip(stable, points, strict=True)])
    face = np.median(aligned, 0)
    crop = crop_of(face)
    reference = face[list(STABLE)]
    motion = np.array([similarity(reference, s) for s in stable])  # complex scale-rotation, complex shift
    centre = motion[:, 0] * complex(*crop.centre) + motion[:, 1]
    axis = motion[:, 0] * complex(*crop.axis)
    curves = np.stack([centre.real, centre.imag, np.log(np.abs(axis)), np.unwrap(np.angle(axis))], 1)
    sigma = smoothing_s * float(rate)
    if sigma > 0 and len(curves) > 1:
        curves = gaussian_filter1d(curves, sigma, axis=0, mode="nearest")
    return [
        Crop(np.array([x, y]), np.exp(size) * np.array([np.cos(angle), np.sin(angle)])) for x, y, size, angle in curves
    ]


def similarity(source: np.ndarray, target: np.ndarray) -> tuple[complex, complex]:
    """Least-squares scale and rotation ``a`` and shift ``b`` with ``target = a source + b``, in complex numbers."""
    s, t = source @ (1, 1j), target @ (1, 1j)
    centred = s - s.mean()
    a = np.vdot(centred, t - t.mean()) / np.vdot(centred, centred)
    return complex(a), complex(t.mean() - a * s.mean())


def _apply(found: tuple[complex, complex], points: np.ndarray) -> np.ndarray:
    moved = found[0] * (points @ (1, 1j)) + found[1]
    return np.stack([moved.real, moved.imag], -1)


def align(rgb: np.ndarray, crop: Crop, size: int) -> np.ndarray:
    """Cut a crop out of a picture.

    What lies outside the picture is mirrored, blurred and faded to the median colour.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)

    Returns
    -------
    uint8 (size, size, 3)
    """
    import cv2

    finer = size * max(1, int(np.ceil(crop.side / size - 0.5)))  # at least as fine as the picture, then averaged down
    matrix = crop.picture_from_crop(finer)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(rgb, matrix, (finer, finer), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
    height, width = rgb.shape[:2]
    corners = crop.corners
    if (corners < 0).any() or (corners > (width, height)).any():
        y, x = np.mgrid[:finer, :finer].astype(np.float32)
        at = np.einsum("ij,jhw->ihw", matrix[:, :2].astype(np.float32), np.stack([x, y])) + matrix[:, 2, None, None]
        beyond = np.maximum.reduce([-at[0], at[0] - (width - 1), -at[1], at[1] - (height - 1)]) / crop.side
        cut = _fade(cut, beyond.astype(np.float32))
    if finer == size:
        return cut
    return np.asarray(cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA))


def _fade(cut: np.ndarray, beyond: np.ndarray) -> np.ndarray:
    """Hide mirrored pixels; ``beyond`` is the distance outside the picture in crop sides."""
    import cv2

    blurred = cv2.GaussianBlur(cut, (0, 0), 0.02 * len(cut)).astype(np.float32)
    median = np.median(cut[beyond <= 0] if (beyond <= 0).any() else cut.reshape(-1, 3), axis=0).astype(np.float32)
    soft = np.clip(beyond / 0.01, 0, 1)[..., None]
    gone = np.clip((beyond - 0.02) / _FADE, 0, 1)[..., None]
    mixed = cut + (blurred - cut) * soft
    return np.clip(np.rint(mixed + (median - mixed) * gone), 0, 255).astype(np.uint8)


def paste_back(rgb: np.ndarray, aligned: np.ndarray, crop: Crop, mask: np.ndarray | None = None) -> np.ndarray:
    """Lay an aligned picture over the whole one, where it was cut out.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    aligned : uint8 or float32 (size, size, 3), 0 to 255
    mask : float32 (size, size), 0 to 1, how much of the aligned picture shows; default all but a soft border

    Returns
    -------
    uint8 (H, W, 3)
    """
    import cv2

    size = len(aligned)
    if mask is None:
        mask = border_mask(size)
    matrix = crop.picture_from_crop(size)
    shrink = crop.side / size
    if shrink < 1:  # average before it is drawn smaller, or edges would flicker
        blur = 0.5 * np.sqrt(1 / shrink**2 - 1)
        aligned = cv2.GaussianBlur(aligned, (0, 0), blur) if blur > 0.3 else aligned
    out = rgb.copy()
    local, where = _lands(matrix, crop, rgb.shape)
    below = out[where].astype(np.float32)
    if not below.size:
        return out
    area = below.shape[1::-1]
    drawn = cv2.warpAffine(aligned, local, area, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    weight = cv2.warpAffine(mask.astype(np.float32), local, area, flags=cv2.INTER_LINEAR)[..., None]
    out[where] = np.clip(np.rint(below + (drawn - below) * weight), 0, 255).astype(np.uint8)
    return out


def add_back(rgb: np.ndarray, change: np.ndarray, crop: Crop) -> np.ndarray:
    """Add a change of colours to the whole picture, where its crop was cut out.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    change : float32 (size, size, 3), of 255, 0 at its border

    Returns
    -------
    uint8 (H, W, 3)
    """
    import cv2

    if not change.any():
        return rgb
    out = rgb.copy()
    local, where = _lands(crop.picture_from_crop(len(change)), crop, rgb.shape)
    below = out[where].astype(np.float32)
    if below.size:
        added = cv2.warpAffine(change, local, below.shape[1::-1], flags=cv2.INTER_CUBIC)
        out[where] = np.clip(np.rint(below + added), 0, 255).astype(np.uint8)
    return out


def _lands(matrix: np.ndarray, crop: Crop, shape: tuple[int, ...]) -> tuple[np.ndarray, tuple[slice, slice]]:
    """Where a crop lies in a picture of a shape: the map (2, 3) from its pixels to those of that part, and the part."""
    x0, y0 = np.maximum(np.floor(crop.corners.min(0)).astype(int) - 1, 0)
    x1, y1 = np.minimum(np.ceil(crop.corners.max(0)).astype(int) + 1, shape[1::-1])
    local = matrix.copy()
    local[:, 2] -= (x0, y0)
    return local, (slice(y0, max(y0, y1)), slice(x0, max(x0, x1)))


def border_mask(size: int, width: float = 0.06) -> np.ndarray:
    """1 inside, falling smoothly to 0 at the border over ``width`` of the side : float32 (size, size)."""
    distance = np.minimum(np.arange(size), np.arange(size)[::-1]) / (width * size)
    ramp = np.clip(distance, 0, 1)
    ramp = ramp * ramp * (3 - 2 * ramp)
    return np.asarray(np.minimum.outer(ramp, ramp), np.float32)
