"""One eye of a photo taken apart: lid rims, lid skin, lashes, sclera, iris, highlight, shadow of the lid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from engines.blendshape.background import pull_push
from engines.blendshape.eyeball import LUMA, eyeball, refined_iris

# MediaPipe landmark numbers, from the image's left corner to its right one.
_RIGHT: Final = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133), 468)
_LEFT: Final = ((362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263), 473)
SIDES: Final = (("Left", _LEFT), ("Right", _RIGHT))
"""ARKit side and landmarks of each eye: upper rim, lower rim, iris centre (its rim is the next four)."""

CLOSED_AT: Final = 0.93
"""Where the lids meet, as a part of the opening from the upper to the lower rim."""
_TABLE: Final = 192
_REACH: Final = 0.35
"""How far the patch reaches beyond the corners, as a part of the eye's width."""


@dataclass(frozen=True, eq=False)
class Eye:
    """One eye, taken apart at the resolution of the texture it is drawn into.

    Attributes
    ----------
    side : ``Left`` or ``Right``, the subject's
    box : (left, top, width, height) of the patch in the texture
    frame : float32 (6,) image-left corner x, y; unit vector along the eye x, y; width W; opening height H, in pixels
    rims : float32 (5, N): height of upper and lower rim and of the crease above the upper rim over the corner line,
        y down, the brow-side end of the moving skin, and where the lids meet; at N places from ``-_REACH`` to
        ``1 + _REACH`` widths
    lid : float32 (h, w, 4), the patch as skin alone, without opening, lashes and fold, and where it is made, 0 to 1
    lash : float32 (3,), colour of lashes; lash_strength : 0 to 1
    sclera, iris, highlight : float32 (h, w, 3 / 4 / 3), on the patch; the iris with its cover
    iris_px : float32 (3,), centre in the texture and radius
    shadow : float32 (M,), shading of the eyeball by depth below the upper rim, in steps of H / (M / 2)
    """

    side: str
    box: tuple[int, int, int, int]
    frame: np.ndarray
    rims: np.ndarray
    lid: np.ndarray
    lash: np.ndarray
    lash_strength: float
    sclera: np.ndarray
    iris: np.ndarray
    highlight: np.ndarray
    iris_px: np.ndarray
    shadow: np.ndarray


def take_apart(
    texture: np.ndarray, points: np.ndarray, rooms: tuple[float, float] = (np.inf, np.inf)
) -> tuple[Eye, Eye]:
    """Both eyes of a photo.

    Parameters
    ----------
    texture : uint8 (H, W, 3)
    points : (478, >=2), landmarks in pixels of the texture
    rooms : height over the left and the right upper lid in which skin may move, in pixels: glasses limit it
    """
    image, places = texture.astype(np.float32), np.asarray(points[:, :2], np.float64)
    eyes = [_take_apart(image, places, side, numbers, room) for (side, numbers), room in zip(SIDES, rooms, strict=True)]
    return eyes[0], eyes[1]


def _monotone(s: np.ndarray, t: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The cubic through points (s, t) that never swings beyond them, at ``places`` within them.

    Fritsch and Butland 1984: slopes are harmonic means, ends as Moler 2004 has them. The same as SciPy's
    ``PchipInterpolator``, whose package takes a tenth of the way to a first frame to import.
    """
    step, rise = np.diff(s), np.diff(t) / np.diff(s)
    before, after = 2 * step[1:] + step[:-1], step[1:] + 2 * step[:-1]
    same = rise[:-1] * rise[1:] > 0
    safe = np.where(same, rise[:-1], 1), np.where(same, rise[1:], 1)
    middle = np.where(same, (before + after) / (before / safe[0] + after / safe[1]), 0)

    def end(h0: float, h1: float, d0: float, d1: float) -> float:
        slope = ((2 * h0 + h1) * d0 - h0 * d1) / (h0 + h1)
        if slope * d0 <= 0:
            return 0.0
        return 3 * d0 if d0 * d1 < 0 and abs(slope) > 3 * abs(d0) else slope

    slopes = np.array([end(*step[:2], *rise[:2]), *middle, end(*step[:-3:-1], *rise[:-3:-1])])
    k = np.clip(np.searchsorted(s, places, "right") - 1, 0, len(step) - 1)
    x = (places - s[k]) / step[k]
    curve = t[k] + x * x * (3 - 2 * x) * (t[k + 1] - t[k])
    curve += step[k] * x * (1 - x) * ((1 - x) * slopes[k] - x * slopes[k + 1])
    return np.asarray(curve)


def _take_apart(
    image: np.ndarray, points: np.ndarray, side: str, numbers: tuple[tuple[int, ...], tuple[int, ...], int], room: float
) -> Eye:
    upper, lower, iris = numbers
    corner, other = points[upper[0]], points[upper[-1]]
    width = float(np.hypot(*(other - corner)))
    along = (other - corner) / width
    down = np.array([-along[1], along[0]])

    def local(index: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        offset = points[list(index)] - corner
        return np.maximum.accumulate(offset @ along / width + 1e-4 * np.arange(len(index))), offset @ down

    places = np.linspace(-_REACH, 1 + _REACH, _TABLE)
    clipped = np.clip(places, 0, 1)
    rims = np.zeros((5, _TABLE))
    for row, index in ((0, upper), (1, lower)):
        s, t = local(index)
        s = (s - s[0]) / (s[-1] - s[0])
        rims[row] = _monotone(s, t, clipped)
    rims[1] += _lower_rim_error(image, corner, along, down, width, places, rims)
    rims[0] = np.minimum(rims[0], rims[1])
    opening = float((rims[1] - rims[0]).max())
    brow = points[list((336, 296, 334, 293, 300) if side == "Left" else (107, 66, 105, 63, 70))]
    brow_height = float(-((brow - corner) @ down).mean())
    reach = float(np.clip(0.8 * brow_height + rims[0].min() * 0.8, 0.22 * width, 0.6 * width))
    reach = max(min(reach, room), 0.1 * width)
    rims[2] = np.minimum(0.16 * width, 0.55 * reach)
    rims[3] = reach
    # the closed lids meet in a gentle bow, not in the corners' own hooks
    rims[4] = gaussian_filter(rims[0] + CLOSED_AT * (rims[1] - rims[0]), _TABLE * 0.045, mode="nearest")
    # Beyond the corners nothing moves: the opening is zero there.
    box, grid_s, grid_t = _patch(image.shape, corner, along, down, width, rims)
    left, top, box_width, box_height = box
    patch = image[top : top + box_height, left : left + box_width]
    u0, l0 = (np.interp(grid_s, places, rims[i]) for i in (0, 1))
    inside = np.minimum(grid_t - u0, l0 - grid_t)  # px from the nearer rim, positive in the opening

    centre = points[iris]
    radius = float(np.mean(np.hypot(*(points[iris + 1 : iris + 5] - centre).T)))
    radius = float(np.clip(radius, 0.12 * width, 0.3 * width))
    centre, radius = refined_iris(patch @ LUMA, inside, centre - np.array([left, top]), radius)
    sclera, disc, highlight, shadow = eyeball(patch, inside, grid_t - u0, max(opening, 1.0), centre, radius, width)
    centre = centre + np.array([left, top])
    lash, strength = _lashes(image, corner, along, down, width, rims)
    frame = np.array([*corner, *along, width, max(opening, 1.0)], np.float32)
    return Eye(
        side,
        box,
        frame,
        rims.astype(np.float32),
        _lid_skin(patch, grid_s, grid_t, u0, l0, float(rims[2, 0]), width, room),
        lash,
        strength,
        sclera,
        disc,
        highlight,
        np.array([*centre, radius], np.float32),
        shadow,
    )


def _lower_rim_error(
    image: np.ndarray,
    corner: np.ndarray,
    along: np.ndarray,
    down: np.ndarray,
    width: float,
    places: np.ndarray,
    rims: np.ndarray,
) -> np.ndarray:
    """How far the eyeball goes on below the landmarks' lower rim : (N,), 0 to 0.08 widths, 0 at the corners.

    A strip of eyeball left under the rim would lie on the cheek when the eye is shut.
    """

    def colours(heights: np.ndarray) -> np.ndarray:
        at = corner + np.clip(places, 0, 1)[:, None] * width * along + heights[:, None] * down
        return np.stack([map_coordinates(image[..., c], at.T[::-1], order=1, mode="nearest") for c in range(3)], -1)

    ball = colours(rims[1] - 0.06 * width)
    skin = colours(rims[1] + 0.16 * width)
    steps = np.linspace(0, 0.08, 9)
    like_ball = []
    for step in steps:
        here = colours(rims[1] + step * width)
        like_ball.append(np.abs(here - ball).sum(1) < 0.55 * np.abs(here - skin).sum(1))
    reach = steps[np.minimum(np.cumprod(like_ball, axis=0).sum(0), len(steps) - 1)] * width
    middle = np.clip(places * (1 - places) * 4, 0, 1)
    return np.asarray(gaussian_filter(reach, _TABLE * 0.05)) * np.minimum(1, 2 * middle)


def _patch(
    shape: tuple[int, ...],
    corner: np.ndarray,
    along: np.ndarray,
    down: np.ndarray,
    width: float,
    rims: np.ndarray,
) -> tuple[tuple[int, int, int, int], np.ndarray, np.ndarray]:
    """Box of an eye's patch, and place along the eye and height under the corner line of its pixels."""
    top, bottom = rims[0].min() - rims[3][0] - 2, rims[1].max() + 0.45 * width + 2
    corners = [corner + along * s * width + down * t for s in (-_REACH, 1 + _REACH) for t in (top, bottom)]
    low, high = np.floor(np.min(corners, 0)).astype(int), np.ceil(np.max(corners, 0)).astype(int) + 1
    low, high = np.maximum(low, 0), np.minimum(high, [shape[1], shape[0]])
    xs, ys = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
    offset = np.stack([xs, ys], -1) - corner
    size = np.maximum(high - low, 1)
    return (int(low[0]), int(low[1]), int(size[0]), int(size[1])), offset @ along / width, offset @ down


def _lid_skin(
    patch: np.ndarray,
    s: np.ndarray,
    t: np.ndarray,
    upper: np.ndarray,
    lower: np.ndarray,
    crease: float,
    width: float,
    room: float,
) -> np.ndarray:
    """The patch with the eye closed up by the skin around it, and where it differs from the photo : (h, w, 4).

    Eye, lashes and fold are what lies in the opening or near it and does not look like the skin on that side of the
    eye; they are filled from the skin around them, scale by scale, and given the grain of the skin below.

    Parameters
    ----------
    patch : float32 (h, w, 3)
    s, t : (h, w), place along the eye and height under the corner line of each pixel
    upper, lower : (h, w), height of the rims there
    crease : height of the fold over the upper rim in pixels
    width : of the eye in pixels
    room : height over the upper rim up to which something may be changed
    """
    import cv2

    opened = (t > upper) & (t < lower) & (s > 0) & (s < 1)
    away = cv2.distanceTransform((~opened).astype(np.uint8), cv2.DIST_L2, 5) / width
    above = np.clip((upper - t) / max(crease, 1.0), 0, None) * (s > -0.1) * (s < 1.1)
    # Lashes lie within a tenth of the eye's width, the fold over it; brows and the shadow of the nose are not touched.
    near = np.clip((0.24 - away) / 0.12, 0, 1)
    near = np.where(t < upper, np.maximum(near, np.clip((2.1 - above) / 0.9, 0, 1) * (away < 0.5)), near)
    near = near * np.clip((room - (upper - t)) / (0.1 * width), 0, 1)
    near = near * np.clip(np.minimum(s + 0.33, 1.33 - s) / 0.16, 0, 1)
    ring = (away > 0.14) & (away < 0.34) & (above < 2.0)
    luma, colours = patch @ LUMA, patch / np.maximum(patch @ LUMA, 8.0)[..., None]
    tones, hues = [], []
    for side in (ring & (s < 0.5), ring & (s >= 0.5)):
        side = side if side.sum() > 8 else np.ones_like(ring)
        tones.append(float(np.quantile(luma[side], 0.6)))
        hues.append(np.median(colours[side], 0))
    turn = np.clip((s - 0.1) / 0.8, 0, 1)
    ratio = luma / np.maximum(tones[0] * (1 - turn) + tones[1] * turn, 8.0)
    hue = np.abs(colours - (hues[0] + turn[..., None] * (hues[1] - hues[0]))).max(-1)
    dark, light = np.clip((0.82 - ratio) / 0.14, 0, 1), np.clip((ratio - 1.22) / 0.12, 0, 1)
    strange = np.minimum(dark + light + np.clip(hue / 0.1 - 1.2, 0, 1), 1)
    strange = cv2.dilate(strange.astype(np.float32), np.ones((3, 3), np.uint8))
    core = (cv2.dilate(opened.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) | (away < 0.05)
    known = np.where(core, 0.0, np.clip(1.002 - strange, 0.002, 1.0)).astype(np.float32)
    filled = pull_push(patch, known)
    filled = cv2.GaussianBlur(filled, (0, 0), max(0.8, 0.05 * width))
    made = np.maximum(np.where(core, 1.0, 0.0), near * np.maximum(strange, np.clip(1.6 - above, 0, 1) * (t < upper)))
    made = cv2.GaussianBlur(made.astype(np.float32), (0, 0), max(0.7, 0.03 * width))
    fine = luma - gaussian_filter(luma, max(0.7, 0.03 * width))
    # grain mirrored at a line below the lower rim
    rows, columns = np.indices(luma.shape)
    below = rows + np.maximum(lower + 0.14 * width - t, 0) * 2
    grain = map_coordinates(np.clip(fine, -12, 12), [below, columns], order=1, mode="reflect")
    filled = filled + 0.8 * grain[..., None]
    return np.concatenate([filled, np.clip(made, 0, 1)[..., None]], -1).astype(np.float32)


def _lashes(
    image: np.ndarray, corner: np.ndarray, along: np.ndarray, down: np.ndarray, width: float, rims: np.ndarray
) -> tuple[np.ndarray, float]:
    """Colour of the lashes, and how strong the photo's lash line is against the skin above it."""
    places = np.linspace(-_REACH, 1 + _REACH, _TABLE)

    def along_eye(heights: np.ndarray) -> np.ndarray:
        at = corner + np.clip(places, 0.02, 0.98)[:, None] * width * along + heights[:, None] * down
        return np.stack([map_coordinates(image[..., c], at.T[::-1], order=1, mode="nearest") for c in range(3)], -1)

    middle = slice(int(_TABLE * 0.35), int(_TABLE * 0.65))
    skin = np.concatenate([along_eye(rims[0] - f * rims[2])[middle] for f in (0.5, 0.9, 1.4, 1.9)])
    tone = float(np.quantile(skin @ LUMA, 0.7))
    dark = np.concatenate([along_eye(rims[0] - f * width)[middle] for f in (-0.02, 0.0, 0.02, 0.04)])
    dark = dark[np.argsort(dark @ LUMA)[: max(3, len(dark) // 6)]].mean(0)
    strength = float(np.clip((tone - float(dark @ LUMA)) / max(tone, 1.0) * 1.3, 0.25, 1.0))
    return (0.75 * dark).astype(np.float32), strength
