"""Eyes drawn inside the photo: lids that roll over the eyeball, an iris that turns under them.

An eye is animated in the photo's own plane, before the face carries the photo away: a patch of the photo around
the eye is redrawn for the frame's lid closure and gaze. Lid skin comes from the photo, sliding down from above the
eye with its lash line kept rigid; what the stretch would smear is replaced by skin toned like the lid, textured
like the skin below the eye and shaded like a ball. The eyeball is the photo's own, taken apart once into sclera,
iris and highlight, each completed behind the lids.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter, map_coordinates

from engines import arkit
from engines.blendshape.raster import compiled, sample_cubic

# MediaPipe landmark numbers, from the image's left corner to its right one.
_RIGHT: Final = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133), 468)
_LEFT: Final = ((362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263), 473)
SIDES: Final = (("Left", _LEFT), ("Right", _RIGHT))
"""ARKit side and landmarks of each eye: upper rim, lower rim, iris centre (its rim is the next four)."""

_TABLE: Final = 192
_REACH: Final = 0.35
"""How far the patch reaches beyond the corners, as a part of the eye's width."""
_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
EYEBALL_PER_IRIS: Final = 2.05
"""Radius of the eyeball over that of the iris (12.0 mm / 5.85 mm, Bron et al., Wolff's Anatomy of the Eye)."""
CLOSED_AT: Final = 0.9
"""Where the lids meet, as a part of the opening from the upper to the lower rim."""


@dataclass(frozen=True, eq=False)
class Eye:
    """One eye, taken apart at the resolution of the texture it is drawn into.

    Attributes
    ----------
    side : ``Left`` or ``Right``, the subject's
    box : (left, top, width, height) of the patch in the texture
    frame : float32 (6,) image-left corner x, y; unit vector along the eye x, y; width W; opening height H, in pixels
    rims : float32 (4, N): height of upper and lower rim and of the crease above the upper rim over the corner line,
        y down, and the brow-side end of the moving skin; at N places from ``-_REACH`` to ``1 + _REACH`` widths
    lid : float32 (N, 3), colour of lid skin along the eye
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


@dataclass(frozen=True)
class EyePose:
    """What one eye does: ``upper`` and ``lower`` are lid travel as parts of the opening, ``gaze`` in radians."""

    upper: float
    lower: float
    yaw: float
    pitch: float

    @property
    def still(self) -> bool:
        return max(abs(self.upper), abs(self.lower), abs(self.yaw), abs(self.pitch)) < 1e-3


def eye_poses(weights: np.ndarray, gaze: np.ndarray) -> tuple[EyePose, EyePose]:
    """Left and right eye for one frame of a Performance: lids from the units, eyeballs from the gaze.

    Parameters
    ----------
    weights : (52,)
    gaze : (4,) as in `engines.api.Performance.gaze`
    """

    def value(name: str) -> float:
        return float(weights[arkit.INDEX[name]])

    poses = []
    for i, side in enumerate(("Left", "Right")):
        blink = min(1.0, max(0.0, value(f"eyeBlink{side}")))
        squint = value(f"eyeSquint{side}")
        down, up, wide = value(f"eyeLookDown{side}"), value(f"eyeLookUp{side}"), value(f"eyeWide{side}")
        open_upper = 0.14 * squint + 0.42 * down - 0.2 * up - 0.26 * wide
        open_lower = 0.22 * squint + 0.12 * value(f"cheekSquint{side}") - 0.12 * down
        # a blink closes whatever is open: 1 always shuts the eye
        upper = open_upper + blink * (1 - open_upper)
        lower = open_lower * (1 - blink)
        poses.append(EyePose(upper, lower, float(gaze[2 * i]), float(gaze[2 * i + 1])))
    return poses[0], poses[1]


def take_apart(texture: np.ndarray, points: np.ndarray) -> tuple[Eye, Eye]:
    """Both eyes of a photo.

    Parameters
    ----------
    texture : uint8 (H, W, 3)
    points : (478, >=2), landmarks in pixels of the texture
    """
    image = texture.astype(np.float32)
    eyes = [_take_apart(image, np.asarray(points[:, :2], np.float64), side, numbers) for side, numbers in SIDES]
    return eyes[0], eyes[1]


def _take_apart(
    image: np.ndarray, points: np.ndarray, side: str, numbers: tuple[tuple[int, ...], tuple[int, ...], int]
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
    rims = np.zeros((4, _TABLE))
    for row, index in ((0, upper), (1, lower)):
        s, t = local(index)
        s = (s - s[0]) / (s[-1] - s[0])
        rims[row] = PchipInterpolator(s, t)(clipped)
    rims[0] = np.minimum(rims[0], rims[1])
    opening = float((rims[1] - rims[0]).max())
    brow = points[list((336, 296, 334, 293, 300) if side == "Left" else (107, 66, 105, 63, 70))]
    brow_height = float(-((brow - corner) @ down).mean())
    reach = float(np.clip(0.8 * brow_height + rims[0].min() * 0.8, 0.22 * width, 0.6 * width))
    rims[2] = np.minimum(0.16 * width, 0.55 * reach)
    rims[3] = reach
    # Beyond the corners nothing moves: the opening is zero there.
    box, grid_s, grid_t = _patch(image.shape, corner, along, down, width, rims)
    left, top, box_width, box_height = box
    patch = image[top : top + box_height, left : left + box_width]
    u0, l0 = (np.interp(grid_s, places, rims[i]) for i in (0, 1))
    inside = np.minimum(grid_t - u0, l0 - grid_t)  # px from the nearer rim, positive in the opening

    centre = points[iris]
    radius = float(np.mean(np.hypot(*(points[iris + 1 : iris + 5] - centre).T)))
    radius = float(np.clip(radius, 0.12 * width, 0.3 * width))
    centre, radius = _refined_iris(patch @ _LUMA, inside, centre - np.array([left, top]), radius)
    sclera, disc, highlight = _eyeball(patch, inside, centre, radius, width)
    centre = centre + np.array([left, top])
    shadow = _lid_shadow(patch, sclera, disc, grid_t - u0, inside, opening)
    lid, lash, strength = _lid_colours(image, corner, along, down, width, places, rims)
    frame = np.array([*corner, *along, width, max(opening, 1.0)], np.float32)
    return Eye(
        side,
        box,
        frame,
        rims.astype(np.float32),
        lid,
        lash,
        strength,
        sclera,
        disc,
        highlight,
        np.array([*centre, radius], np.float32),
        shadow,
    )


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


def _refined_iris(luma: np.ndarray, inside: np.ndarray, centre: np.ndarray, radius: float) -> tuple[np.ndarray, float]:
    """Circle near the landmarks' iris across which the photo brightens most (Daugman's operator, both sides only)."""
    angles = np.deg2rad(np.concatenate([np.arange(-40, 41, 5), np.arange(140, 221, 5)]))
    rays = np.stack([np.cos(angles), np.sin(angles)], -1)
    smooth = gaussian_filter(luma, max(0.5, 0.04 * radius))
    shifts = np.linspace(-0.35, 0.35, 15) * radius
    radii = np.linspace(0.8, 1.6, 33) * radius
    candidates = np.stack(np.meshgrid(shifts, shifts[3:12], radii, indexing="ij"), -1).reshape(-1, 3)

    def at(image: np.ndarray, factor: float) -> np.ndarray:
        where = centre + candidates[:, None, :2] + factor * candidates[:, None, 2:] * rays
        return np.asarray(map_coordinates(image, [where[..., 1], where[..., 0]], order=1, mode="nearest"))

    seen = (at(inside, 1.0) > 0.1 * radius).astype(np.float32)
    rise = np.clip(at(smooth, 1.1) - at(smooth, 0.9), -40, 60)
    enough = seen.sum(1) >= 8
    if not enough.any():
        return centre, radius
    score = (rise * seen).sum(1) / np.maximum(seen.sum(1), 1)
    away = np.hypot(candidates[:, 0], candidates[:, 1]) / radius + np.abs(candidates[:, 2] / radius - 1)
    score = np.where(enough, score - 7 * away, -np.inf)
    best = candidates[int(np.argmax(score))]
    return centre + best[:2], float(best[2])


def _eyeball(
    patch: np.ndarray, inside: np.ndarray, centre: np.ndarray, radius: float, width: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sclera without iris, iris with its cover, and highlight, completed behind the lids."""
    height, columns = patch.shape[:2]
    xs, ys = np.meshgrid(np.arange(columns), np.arange(height))
    dx, dy = xs - centre[0], ys - centre[1]
    distance = np.hypot(dx, dy)
    margin = max(0.75, 0.035 * width)
    luma = patch @ _LUMA

    sclera = _sclera(patch, luma, inside, xs - centre[0], distance / radius, margin, width)

    deep = max(1.0, 0.07 * width)  # hidden parts are filled from what is surely iris, not from the rim's reflexes
    visible = (inside > deep) & (distance < 1.05 * radius)
    rings = np.clip((distance / radius * 10).astype(int), 0, 11)
    profile = np.zeros((12, 3), np.float32)
    for ring in range(12):
        part = visible & (rings == ring)
        if part.sum() < 3:
            part = visible & (np.abs(rings - ring) <= 2)
        profile[ring] = np.median(patch[part], 0) if part.any() else sclera.reshape(-1, 3).mean(0) * 0.4
    profile = gaussian_filter(profile, (0.7, 0), mode="nearest")
    position = np.clip(distance / radius * 10 - 0.5, 0, 11)
    radial = np.stack([np.interp(position, np.arange(12), profile[:, c]) for c in range(3)], -1).astype(np.float32)

    excess = luma - radial @ _LUMA
    spot = np.clip((excess - 45) / 40, 0, 1) * (distance < 0.9 * radius) * (inside > margin * 0.5)
    spot = gaussian_filter(spot.astype(np.float32), 0.5)
    highlight = np.maximum(patch - radial, 0) * spot[..., None]

    mirrored = map_coordinates(inside, [2 * centre[1] - ys, xs], order=1, mode="nearest")
    flipped = np.stack(
        [map_coordinates(patch[..., c], [2 * centre[1] - ys, xs], order=1, mode="nearest") for c in range(3)], -1
    )
    own = np.clip((inside - margin * 0.6) / margin, 0, 1)[..., None]
    other = np.clip((mirrored - deep) / deep, 0, 1)[..., None]
    flipped = np.minimum(flipped, radial + 12)
    texture = own * patch + (1 - own) * (other * flipped + (1 - other) * radial)
    texture = texture * (1 - spot[..., None]) + radial * spot[..., None]
    edge = max(0.1 * radius, 0.7)
    cover = np.clip((1.02 * radius - distance) / edge + 0.5, 0, 1)
    cover = cover * cover * (3 - 2 * cover)
    disc = np.concatenate([texture, cover[..., None]], -1)
    return sclera.astype(np.float32), disc.astype(np.float32), highlight.astype(np.float32)


def _sclera(
    patch: np.ndarray,
    luma: np.ndarray,
    inside: np.ndarray,
    right: np.ndarray,
    rings: np.ndarray,
    margin: float,
    width: float,
) -> np.ndarray:
    """The white of the eye, everywhere: the photo's where it is seen, near its left and right colour elsewhere."""
    seen = (inside > margin) & (rings > 1.15)
    if seen.sum() < 6:
        opened = inside > 0
        bright = np.quantile(patch[opened], 0.9, axis=0) if opened.any() else np.full(3, 200.0)
        return np.asarray(np.broadcast_to(bright, patch.shape), np.float32).copy()
    # Tear ducts, lashes and iris rims are darker or more colourful than the white.
    whiteness = luma - 1.2 * (patch.max(-1) - patch.min(-1))
    bar = np.quantile(whiteness[seen], 0.6)
    middle = np.median(patch[seen & (whiteness >= bar)], 0)
    sides = []
    for part in (seen & (right < 0), seen & (right >= 0)):
        own = part & (whiteness >= np.quantile(whiteness[part], 0.5)) if part.sum() >= 6 else part
        share = min(1.0, own.sum() / (0.02 * width * width)) * 0.6
        sides.append(middle + share * (np.median(patch[own], 0) - middle) if own.any() else middle)
    turn = np.clip(0.5 + right / (0.5 * width), 0, 1)[..., None]
    base = sides[0] * (1 - turn) + sides[1] * turn
    near = np.abs(patch - base).max(-1)
    trust = seen * np.clip(1.6 - near / 22, 0, 1)
    sigma = max(0.8, 0.03 * width)
    cover = gaussian_filter(trust.astype(np.float32), sigma)
    detail = np.stack([gaussian_filter((patch - base)[..., c] * trust, sigma) for c in range(3)], -1)
    share = np.clip(cover / 0.3, 0, 1)[..., None]
    return np.asarray(base + share * detail / np.maximum(cover, 1e-6)[..., None], np.float32)


def _lid_shadow(
    patch: np.ndarray, sclera: np.ndarray, disc: np.ndarray, under: np.ndarray, inside: np.ndarray, opening: float
) -> np.ndarray:
    """How dark the photo's eyeball is under its upper lid, by depth below the rim : float32 (16,)."""
    model = sclera * (1 - disc[..., 3:]) + disc[..., :3] * disc[..., 3:]
    ratio = (patch @ _LUMA + 4) / (model @ _LUMA + 4)
    result = np.ones(16, np.float32)
    for i in range(16):
        low = i / 16 * opening
        part = (inside > 0) & (under >= low - 0.5) & (under < low + opening / 16 + 0.5)
        if part.sum() >= 3:
            result[i] = np.clip(np.median(ratio[part]), 0.35, 1.0)
    result = np.maximum.accumulate(np.asarray(gaussian_filter(result, 0.8, mode="nearest")))
    return np.asarray(result / max(float(result[-1]), 1e-3), np.float32)


def _lid_colours(
    image: np.ndarray,
    corner: np.ndarray,
    along: np.ndarray,
    down: np.ndarray,
    width: float,
    places: np.ndarray,
    rims: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Skin colour of the lid along the eye, lash colour, and how strong the photo's lash line is."""

    def along_eye(heights: np.ndarray) -> np.ndarray:
        at = corner + np.clip(places, 0.02, 0.98)[:, None] * width * along + heights[:, None] * down
        return np.stack([map_coordinates(image[..., c], at.T[::-1], order=1, mode="nearest") for c in range(3)], -1)

    lid_rows = np.stack([along_eye(rims[0] - f * rims[2]) for f in (0.5, 0.7, 0.9, 1.15, 1.4)])
    below = np.stack([along_eye(rims[1] + f * width) for f in (0.16, 0.22)]).mean(0)
    luma = lid_rows @ _LUMA
    order = np.argsort(luma, 0)
    bright = np.take_along_axis(lid_rows, order[2:4, :, None], 0).mean(0)  # the fold and make-up are the dark rows
    colour = 0.6 * bright + 0.4 * below
    colour = np.stack([gaussian_filter(colour[:, c], _TABLE * 0.06, mode="nearest") for c in range(3)], -1)
    rim_rows = np.stack([along_eye(rims[0] - f * width) for f in (-0.02, 0.0, 0.02, 0.04)])
    dark = rim_rows[:, int(_TABLE * 0.35) : int(_TABLE * 0.65)].reshape(-1, 3)
    dark = dark[np.argsort(dark @ _LUMA)[: max(3, len(dark) // 6)]].mean(0)
    middle = float(colour[_TABLE // 2] @ _LUMA)
    strength = float(np.clip((middle - float(dark @ _LUMA)) / max(middle, 1.0) * 1.3, 0.25, 1.0))
    return colour.astype(np.float32), (0.75 * dark).astype(np.float32), strength


def draw_eye(texture: np.ndarray, eye: Eye, pose: EyePose) -> np.ndarray:
    """The patch of the photo with its eye posed : float32 (h, w, 3), covering ``eye.box``.

    Parameters
    ----------
    texture : uint8 (H, W, 3), the photo
    """
    left, top, width, height = eye.box
    out = texture[top : top + height, left : left + width].astype(np.float32)
    if pose.still:
        return out
    reach = EYEBALL_PER_IRIS * float(eye.iris_px[2])
    shift = np.array([reach * np.sin(pose.yaw), -reach * np.sin(pose.pitch)], np.float32)
    _draw_eye(
        texture,
        left,
        top,
        eye.frame,
        eye.rims,
        eye.lid,
        eye.lash,
        np.float32(eye.lash_strength),
        eye.sclera,
        eye.iris,
        eye.highlight,
        eye.iris_px,
        eye.shadow,
        np.float32(min(1.0, max(-0.35, pose.upper))),
        np.float32(min(0.45, max(-0.15, pose.lower))),
        shift,
        out,
    )
    return out


@compiled
def _smooth(low: float, high: float, x: float) -> float:
    v = min(1.0, max(0.0, (x - low) / (high - low)))
    return v * v * (3 - 2 * v)


@compiled
def _bilinear(image: np.ndarray, x: float, y: float, c: int) -> float:
    height, width = image.shape[:2]
    x, y = min(max(x, 0.0), width - 1.001), min(max(y, 0.0), height - 1.001)
    ix, iy = int(x), int(y)
    fx, fy = x - ix, y - iy
    jx, jy = min(ix + 1, width - 1), min(iy + 1, height - 1)
    upper = image[iy, ix, c] * (1 - fx) + image[iy, jx, c] * fx
    lower = image[jy, ix, c] * (1 - fx) + image[jy, jx, c] * fx
    return upper * (1 - fy) + lower * fy


@compiled
def _draw_eye(
    texture: np.ndarray,
    left: int,
    top: int,
    frame: np.ndarray,
    rims: np.ndarray,
    lid: np.ndarray,
    lash: np.ndarray,
    lash_strength: float,
    sclera: np.ndarray,
    iris: np.ndarray,
    highlight: np.ndarray,
    iris_px: np.ndarray,
    shadow: np.ndarray,
    upper: float,
    lower: float,
    shift: np.ndarray,
    out: np.ndarray,
) -> None:
    height, width = out.shape[:2]
    corner_x, corner_y, ax, ay, size, opening = frame[0], frame[1], frame[2], frame[3], frame[4], frame[5]
    count = rims.shape[1]
    band = 0.035 * size  # lashes: carried without stretch
    moved = np.hypot(shift[0], shift[1])
    use_model = _smooth(0.0, 0.15 * iris_px[2], moved)
    pixel = np.zeros(3, np.float32)
    detail = np.zeros(3, np.float32)
    coarse = np.zeros(3, np.float32)
    skin = np.zeros(3, np.float32)
    ball = np.zeros(3, np.float32)
    for j in range(height):
        for i in range(width):
            px, py = left + i - corner_x, top + j - corner_y
            s = (px * ax + py * ay) / size
            t = -px * ay + py * ax
            place = (s + 0.35) / 1.7 * (count - 1)
            if place <= 0 or place >= count - 1:
                continue
            k = int(place)
            f = place - k
            u0 = rims[0, k] * (1 - f) + rims[0, k + 1] * f
            l0 = rims[1, k] * (1 - f) + rims[1, k + 1] * f
            crease = rims[2, k]
            reach = rims[3, k]
            gap = l0 - u0
            meet = u0 + 0.9 * gap
            l1 = l0 - lower * gap - _smooth(0.3, 1.0, upper) * (l0 - meet)
            u1 = min(u0 + upper * (meet - u0), l1)
            if t < u1 - reach - (u1 - u0) or t > l1 + 0.45 * size:
                continue
            # how much of the pixel is eyeball: between the rims
            cover = min(1.0, max(0.0, t - u1 + 0.5)) * min(1.0, max(0.0, l1 - t + 0.5)) * min(1.0, max(0.0, (l1 - u1)))
            if s <= 0.0 or s >= 1.0:
                cover = 0.0
            travel = u1 - u0
            # skin: of the upper lid, or of the lower one
            if t < 0.5 * (u1 + l1):
                h = max(0.0, u1 - t)
                open_crease = crease + 0.8 * travel
                if h <= band:
                    source = h
                elif h < open_crease:
                    source = band + (h - band) / max(open_crease - band, 1e-3) * (crease - band)
                else:
                    source = crease + (h - open_crease) / max(reach + travel - open_crease, 1e-3) * (reach - crease)
                v = u0 - source
                x, y = corner_x + ax * s * size - ay * v, corner_y + ay * s * size + ax * v
                sample_cubic(texture, x, y, skin)
                amount = _smooth(0.03, 0.16, travel / size)
                if amount > 0 and h < open_crease * 1.2:
                    part = h / open_crease
                    inner = amount * _smooth(0.3 * band, 1.4 * band, h) * (1 - _smooth(0.75, 1.2, part))
                    below = l0 + 0.14 * size + 0.5 * h
                    x, y = corner_x + ax * s * size - ay * below, corner_y + ay * s * size + ax * below
                    sample_cubic(texture, x, y, detail)
                    for c in range(3):
                        coarse[c] = 0.0
                    for a in range(-1, 2):
                        for b in range(-1, 2):
                            sample_cubic(texture, x + a * 0.02 * size, y + b * 0.02 * size, pixel)
                            for c in range(3):
                                coarse[c] += pixel[c] / 9
                    # a ball lit from above, darker towards the lashes and into the crease
                    bulge = 0.9 + 0.14 * np.exp(-(((part - 0.5) / 0.3) ** 2)) - 0.1 * _smooth(0.75, 1.0, part)
                    for c in range(3):
                        tone = (lid[k, c] * (1 - f) + lid[k + 1, c] * f) * bulge + 0.7 * (detail[c] - coarse[c])
                        skin[c] += inner * (tone - skin[c])
                    fold = (
                        amount
                        * 0.16
                        * np.exp(-(((part - 1.0) / 0.09) ** 2))
                        * _smooth(0.0, 0.15, s)
                        * _smooth(0.0, 0.15, 1 - s)
                    )
                    for c in range(3):
                        skin[c] *= 1 - fold
            else:
                h = max(0.0, t - l1)
                rise = l0 - l1
                end = 0.45 * size
                source = h if h < band else band + (h - band) * (end - band) / max(end + rise - band, 1e-3)
                v = l0 + source
                x, y = corner_x + ax * s * size - ay * v, corner_y + ay * s * size + ax * v
                sample_cubic(texture, x, y, skin)
            if cover > 0:
                # eyeball: the photo itself while nothing moved, else sclera, turned iris and highlight
                under = max(0.0, t - u1) / opening * 16
                n = min(14, int(under))
                shade = shadow[n] + min(1.0, under - n) * (shadow[n + 1] - shadow[n])
                under = max(0.0, t - u0) / opening * 16
                n = min(14, int(under))
                rest_shade = shadow[n] + min(1.0, under - n) * (shadow[n + 1] - shadow[n])
                qx, qy = i - shift[0], j - shift[1]
                a = _bilinear(iris, qx, qy, 3)
                model = use_model
                if travel < 0 or lower < 0:  # what the lids uncover was never seen
                    model = max(model, 1 - _smooth(0.0, 0.03 * size, min(t - u0, l0 - t)))
                for c in range(3):
                    made = _bilinear(sclera, i, j, c) * (1 - a)
                    made = (made + a * _bilinear(iris, qx, qy, c)) * shade
                    made += _bilinear(highlight, i - 0.25 * shift[0], j - 0.25 * shift[1], c)
                    seen = texture[top + j, left + i, c] * min(1.0, shade / max(rest_shade, 0.1))
                    ball[c] = seen + model * (made - seen)
            for c in range(3):
                pixel[c] = skin[c] + cover * (ball[c] - skin[c])
            # lash line: grows as the lid comes down, with a fringe over what lies below it
            line = lash_strength * _smooth(0.05, 0.5, upper) * _smooth(0.0, 0.12, s) * _smooth(0.0, 0.12, 1 - s)
            if line > 0:
                d = t - u1
                sigma = 0.02 * size
                if d < 0:
                    weight = 0.75 * np.exp(-((d / sigma) ** 2))
                else:
                    comb = 0.75 + 0.25 * np.sin(s * 150.0 + 9.0 * s * s)
                    weight = 0.75 * np.exp(-((d / (0.045 * size)) ** 2)) * (comb if d > 0.3 * sigma else 1.0)
                weight *= line
                for c in range(3):
                    pixel[c] += weight * (lash[c] - pixel[c])
            for c in range(3):
                out[j, i, c] = min(255.0, max(0.0, pixel[c]))
