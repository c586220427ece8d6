"""Eyes drawn inside the photo: lids that roll over the eyeball, an iris that turns under them.

An eye is animated in the photo's own plane, before the face carries the photo away: a patch of the photo around
the eye is redrawn for the frame's lid closure and gaze. Lid skin comes from the photo, sliding down from above the
eye with its lash line kept rigid; what the stretch would smear, and lashes, fold and corners of a closed eye, are
replaced by skin filled in from around the eye and shaded like a ball. The eyeball is the photo's own, taken apart
once into sclera, iris and highlight, each completed behind the lids.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines import arkit
from engines.blendshape.eye_parts import Eye
from engines.blendshape.raster import compiled, sample_cubic

EYEBALL_PER_IRIS: Final = 2.05
"""Radius of the eyeball over that of the iris (12.0 mm / 5.85 mm, Bron et al., Wolff's Anatomy of the Eye)."""


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
        open_upper = 0.14 * squint + 0.55 * down - 0.2 * up - 0.26 * wide
        open_lower = 0.22 * squint + 0.12 * value(f"cheekSquint{side}") - 0.12 * down
        # a blink closes whatever is open: 1 always shuts the eye
        upper = open_upper + blink * (1 - open_upper)
        lower = open_lower * (1 - blink)
        poses.append(EyePose(upper, lower, float(gaze[2 * i]), float(gaze[2 * i + 1])))
    return poses[0], poses[1]


def draw_eye(texture: np.ndarray, eye: Eye, pose: EyePose) -> np.ndarray:
    """The patch of the photo with its eye posed : float32 (h, w, 4), covering ``eye.box``.

    Parameters
    ----------
    texture : float32 (H, W, 4), the photo
    """
    left, top, width, height = eye.box
    out = texture[top : top + height, left : left + width].copy()
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
    closing = _smooth(0.3, 0.95, upper)
    pixel = np.zeros(3, np.float32)
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
            meet = rims[4, k] * (1 - f) + rims[4, k + 1] * f
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
                skin[0], skin[1], skin[2], _ = sample_cubic(texture, x, y)
                amount = _smooth(0.03, 0.16, travel / size)
                made = lid[j, i, 3]
                if (amount > 0 or closing > 0) and made > 0:
                    part = h / open_crease
                    # the fold above an open eye smooths out as the lid comes down
                    inner = 1 - 0.35 * _smooth(0.8, 1.05, part) - 0.65 * _smooth(1.05, 1.7, part)
                    # the photo's lash line rides on the rim, but for its ends, which lie in the corners of the eye
                    tip = 1 - _smooth(0.0, 0.2, s) * _smooth(0.0, 0.2, 1 - s)
                    rim = max(_smooth(0.3 * band, 1.4 * band, h), closing * tip)
                    inner = max(inner * amount, closing) * rim * made
                    # a ball lit from above, darker towards the lashes and a little in the fold
                    ends = amount * _smooth(0.0, 0.3, s) * _smooth(0.0, 0.3, 1 - s)
                    bulge = 0.12 * (_smooth(0.0, 0.6, part) - 1) - 0.09 * np.exp(-(((part - 1.0) / 0.16) ** 2))
                    for c in range(3):
                        skin[c] += inner * (lid[j, i, c] * (1 + ends * bulge) - skin[c])
            else:
                h = max(0.0, t - l1)
                rise = l0 - l1
                end = 0.45 * size
                source = h if h < band else band + (h - band) * (end - band) / max(end + rise - band, 1e-3)
                v = l0 + source
                x, y = corner_x + ax * s * size - ay * v, corner_y + ay * s * size + ax * v
                skin[0], skin[1], skin[2], _ = sample_cubic(texture, x, y)
                inner = closing * lid[j, i, 3]
                for c in range(3):
                    skin[c] += inner * (lid[j, i, c] - skin[c])
            if cover > 0:
                # eyeball: the photo itself while nothing moved, else sclera, turned iris and highlight
                under = max(0.0, t - u1) / opening * 16
                n = min(14, int(under))
                lid_shade = shadow[n] + min(1.0, under - n) * (shadow[n + 1] - shadow[n])
                shade = lid_shade
                under = max(0.0, t - u0) / opening * 16
                n = min(14, int(under))
                rest_shade = shadow[n] + min(1.0, under - n) * (shadow[n + 1] - shadow[n])
                qx, qy = i - shift[0], j - shift[1]
                a = _bilinear(iris, qx, qy, 3)
                model = use_model
                if travel < 0 or lower < 0:  # what the lids uncover was never seen
                    model = max(model, 1 - _smooth(0.0, 0.03 * size, min(t - u0, l0 - t)))
                near_rim = min(min(t - u1, l1 - t), 0.5 * size * min(s, 1 - s))
                shade *= 0.8 + 0.2 * _smooth(0.0, 0.07 * size, near_rim)
                for c in range(3):
                    made = _bilinear(sclera, i, j, c) * (1 - a)
                    made = (made + a * _bilinear(iris, qx, qy, c)) * shade
                    made += _bilinear(highlight, i - 0.25 * shift[0], j - 0.25 * shift[1], c)
                    seen = texture[top + j, left + i, c] * min(1.0, lid_shade / max(rest_shade, 0.1))
                    ball[c] = seen + model * (made - seen)
            for c in range(3):
                pixel[c] = skin[c] + cover * (ball[c] - skin[c])
            # lash line: grows as the lid comes down, with a fringe over what lies below it
            line = lash_strength * _smooth(0.05, 0.5, upper) * _smooth(-0.1, 0.15, s) * _smooth(-0.1, 0.15, 1 - s)
            if line > 0:
                d = t - u1
                sigma = 0.028 * size
                if d < 0:
                    weight = 0.75 * np.exp(-((d / sigma) ** 2))
                else:
                    # single lashes, of uneven length and place
                    comb = 0.5 * np.sin(83.0 * s + 17.0 * s * s) + 0.5 * np.sin(131.0 * s + 2.0)
                    length = (0.048 + 0.016 * comb) * size
                    weight = 0.7 * np.exp(-((d / length) ** 2)) * (1 - 0.2 * (0.5 - 0.5 * comb) * min(1.0, d / sigma))
                weight *= line
                for c in range(3):
                    pixel[c] += weight * (lash[c] - pixel[c])
            for c in range(3):
                out[j, i, c] = min(255.0, max(0.0, pixel[c]))
