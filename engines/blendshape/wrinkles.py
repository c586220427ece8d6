"""Folds that an expression presses into the skin: frown lines, forehead lines, laughter folds, crow's feet.

A mesh bends skin, but its folds are finer than any mesh that fits a photo; without them a frown reads as a
fault of the brows. Where they form, and with which action, follow the Facial Action Coding System (Ekman, Friesen and
Hager 2002, the "appearance changes" of each action unit). Each fold is a soft dark line with a lighter ridge above it,
drawn once in the photo's own coordinates; a frame multiplies the skin by the sum of those that are active.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines import arkit
from engines.blendshape.raster import compiled

STRENGTH: Final = 0.42
"""Depth of a full fold, as the natural logarithm of its darkening."""
_TINT: Final = np.array([0.80, 1.08, 1.12], np.float32)
"""Folds are a little redder than the skin around them: shade by channel."""

_FOREHEAD: Final = {"browInnerUp", "browOuterUp", "browOuterUpLeft", "browOuterUpRight"}
_BROWS_TOP: Final = ((107, 66, 105, 63, 70), (336, 296, 334, 293, 300))


@dataclass(frozen=True)
class Fold:
    """One group of folds and the units that press it in.

    Attributes
    ----------
    units : ARKit unit -> share
    lines : polylines in pixels, each (N, 2)
    width : standard deviation of the dark line, in distances of the outer eye corners
    depth : 1 full, negative lightens
    ridge : strength of the light ridge above the line
    """

    units: dict[str, float]
    lines: list[np.ndarray]
    width: float
    depth: float
    ridge: float = 0.35


class Wrinkles:
    """The folds of one face in one photo.

    Parameters
    ----------
    rgb : uint8 (H, W, 3), the photo
    landmarks : (478, 2), in its pixels
    saturation : 0 for a photo in black and white to 1
    """

    def __init__(self, rgb: np.ndarray, landmarks: np.ndarray, saturation: float = 1.0) -> None:
        points = np.asarray(landmarks, float)
        size = rgb.shape[1], rgb.shape[0]
        self.eyes_px = float(np.hypot(*(points[263] - points[33])))
        low = points[:468].min(0) - [0.1 * self.eyes_px, 0.35 * self.eyes_px]
        high = points[:468].max(0) + 0.1 * self.eyes_px
        self.left, self.top = (int(max(0, v)) for v in low)
        self.right, self.bottom = int(min(size[0], high[0] + 1)), int(min(size[1], high[1] + 1))
        self._tint = (1 + saturation * (_TINT - 1)).astype(np.float32)
        covered = fringe(rgb, points)
        self.strength = STRENGTH * creased(rgb, points, covered < 0.5)
        folds = _folds(points)
        shape = (max(0, self.bottom - self.top), max(0, self.right - self.left))
        self.maps = np.zeros((len(folds), *shape), np.float32)
        self.mix = np.zeros((len(folds), arkit.COUNT), np.float32)
        self._boxes: list[tuple[slice, slice]] = []
        bare = bare_skin(rgb, points)[self.top : self.bottom, self.left : self.right]
        for k, fold in enumerate(folds):
            self._boxes.append(self._draw(self.maps[k], fold))
            self.maps[k][self._boxes[k]] *= bare[self._boxes[k]]
            if not fold.units.keys().isdisjoint(_FOREHEAD):
                self.maps[k] *= 1 - covered
            for unit, share in fold.units.items():
                self.mix[k, list(arkit.indices(unit))] += share / len(arkit.indices(unit))

    def _draw(self, out: np.ndarray, fold: Fold) -> tuple[slice, slice]:
        """Add a fold's lines to its map; returns the part of the map that they touch."""
        sigma = max(fold.width * self.eyes_px, 0.6)
        reach = 4.5 * sigma
        touched: list[tuple[float, float]] = []
        for line in fold.lines:
            at = line - [self.left, self.top]
            low, high = at.min(0) - reach, at.max(0) + reach
            x0, y0 = (int(max(0, v)) for v in low)
            x1, y1 = int(min(out.shape[1], high[0] + 1)), int(min(out.shape[0], high[1] + 1))
            if x1 <= x0 or y1 <= y0:
                continue
            touched += [(x0, y0), (x1, y1)]
            y, x = np.mgrid[y0:y1, x0:x1].astype(np.float32)
            dark, light = _profile(x, y, at, sigma, fold.ridge)
            part = out[y0:y1, x0:x1]
            np.minimum(part, -fold.depth * dark, out=part) if fold.depth > 0 else np.maximum(
                part, -fold.depth * dark, out=part
            )
            part += fold.depth * light * (1 - dark)
        if not touched:
            return slice(0, 0), slice(0, 0)
        (x0, y0), (x1, y1) = np.min(touched, 0), np.max(touched, 0)
        return slice(int(y0), int(y1)), slice(int(x0), int(x1))

    def amounts(self, change: np.ndarray) -> np.ndarray:
        """How deep each fold is pressed, 0 to 1, for weights (52,) over those of the photo."""
        return np.clip(self.mix @ np.asarray(change, np.float32)[: arkit.COUNT], 0, 1)

    def shaded(self, person: np.ndarray, change: np.ndarray) -> np.ndarray:
        """The photo with the folds of an expression pressed in.

        Parameters
        ----------
        person : float32 (H, W, 4), 0 to 255
        change : (52,), weights over those of the photo: folds that the photo has already stay as they are

        Returns
        -------
        ``person`` itself where nothing is to be done, else a copy
        """
        amounts = self.amounts(change)
        active = np.flatnonzero(amounts > 0.02)
        if not len(active) or not self.maps.size:
            return person
        shade = np.zeros(self.maps.shape[1:], np.float32)
        for k in active:
            rows, columns = self._boxes[k]
            shade[rows, columns] += amounts[k] * self.maps[k, rows, columns]
        result = person.copy()
        _multiply(result, shade, self.left, self.top, np.float32(self.strength), self._tint)
        return result


@compiled
def _multiply(
    person: np.ndarray, shade: np.ndarray, left: int, top: int, strength: np.float32, tint: np.ndarray
) -> None:
    """Multiply colours by exp(strength tint shade), as its second-order series: shades are small."""
    for j in range(shade.shape[0]):
        for i in range(shade.shape[1]):
            s = shade[j, i]
            if s == 0:
                continue
            s = strength * min(np.float32(0.5), max(np.float32(-1.2), s))
            for c in range(3):
                x = s * tint[c]
                value = person[top + j, left + i, c] * (np.float32(1.0) + x + np.float32(0.5) * x * x)
                person[top + j, left + i, c] = min(np.float32(255.0), value)


def bare_skin(rgb: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Where the photo shows skin rather than hair, brows or glasses: float32 (H, W), 0 to 1.

    Hair is darker than the skin around it, or of another colour than the cheeks and the nose.
    """
    import cv2

    eye = float(np.hypot(*(landmarks[263] - landmarks[33])))
    lab = cv2.cvtColor(cv2.GaussianBlur(rgb, (0, 0), max(0.6, eye / 120)), cv2.COLOR_RGB2LAB).astype(np.float32)
    x, y = np.clip(landmarks[[50, 280, 4, 5, 195, 101, 330, 151]].round().astype(int), 0, None).T
    samples = lab[np.clip(y, 0, lab.shape[0] - 1), np.clip(x, 0, lab.shape[1] - 1)]
    middle = np.median(samples, 0)
    light = np.clip((lab[..., 0] / max(float(middle[0]), 1.0) - 0.42) / 0.22, 0, 1)
    hue = np.hypot(*np.moveaxis(lab[..., 1:] - middle[1:], -1, 0))
    near = np.clip((34 - hue) / 16, 0, 1)
    # soft enough that no fold is cut into pieces by a mole or a shadow
    return np.asarray(cv2.GaussianBlur(light * near, (0, 0), max(0.8, eye / 25)), np.float32)


def fringe(rgb: np.ndarray, landmarks: np.ndarray) -> float:
    """How far strands of hair lie over the forehead, 0 to 1: thin ones of a light colour pass for skin otherwise.

    Strands are lines that run down: there is far more detail across them than along them, and more than skin has.
    """
    import cv2

    across = (landmarks[263] - landmarks[33]) / np.hypot(*(landmarks[263] - landmarks[33]))
    eye = float(np.hypot(*(landmarks[263] - landmarks[33])))
    grey = np.log(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) + 1.0)
    smooth = cv2.GaussianBlur(grey, (0, 0), max(0.6, eye / 120))
    slope_x, slope_y = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    side = np.abs(slope_x * across[0] + slope_y * across[1])
    down = np.abs(slope_y * across[0] - slope_x * across[1])
    detail = _detail(rgb, eye)
    hair = []
    for at in (landmarks[151], *(landmarks[[k, 151]].mean(0) for k in (9, 108, 337))):
        window = _window(at, eye)
        if detail[window].size:
            striped = float(side[window].mean() / max(float(down[window].mean()), 1e-6))
            hair.append(np.clip(_contrast(detail[window]) - 1, 0, 1) * np.clip((striped - 2) / 1.5, 0, 1))
    return float(np.mean(hair)) if hair else 0.0


def creased(rgb: np.ndarray, landmarks: np.ndarray, forehead: bool = True) -> float:
    """How readily this skin folds, 0.3 to 1: smooth, young or painted skin does so less than skin with a grain.

    Measured as the contrast of detail between 1/60 and 1/200 of the eye distance on cheeks and ``forehead``.
    """
    eye = float(np.hypot(*(landmarks[263] - landmarks[33])))
    detail = _detail(rgb, eye)
    places = [*landmarks[[50, 280]], *([landmarks[151], landmarks[[9, 151]].mean(0)] if forehead else [])]
    contrast = [_contrast(detail[window]) for at in places if detail[window := _window(at, eye)].size]
    return float(np.clip(np.median(contrast), 0.3, 1.0)) if contrast else 0.3


def _detail(rgb: np.ndarray, eye: float) -> np.ndarray:
    """Logarithmic detail between 1/60 and 1/200 of the eye distance in pixels : float32 (H, W)."""
    import cv2

    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) + 1.0
    fine, coarse = (cv2.GaussianBlur(grey, (0, 0), s) for s in (max(0.5, eye / 200), max(1.5, eye / 60)))
    return np.asarray(np.log(fine) - np.log(coarse))


def _contrast(detail: np.ndarray) -> float:
    """Of a part of `_detail`, 1 for skin that folds as readily as any."""
    return float(np.percentile(np.abs(detail), 75)) / 0.016


def _window(at: np.ndarray, eye: float) -> tuple[slice, slice]:
    half, x, y = max(2, round(0.09 * eye)), int(at[0]), int(at[1])
    return slice(max(0, y - half), max(0, y + half)), slice(max(0, x - half), max(0, x + half))


def _profile(
    x: np.ndarray, y: np.ndarray, line: np.ndarray, sigma: float, ridge: float
) -> tuple[np.ndarray, np.ndarray]:
    """Dark line and light ridge above it, fading out towards the ends of a polyline : two (h, w), 0 to 1."""
    best = np.full(x.shape, np.inf, np.float32)
    along = np.zeros(x.shape, np.float32)
    above = np.zeros(x.shape, np.float32)
    lengths = np.hypot(*np.diff(line, axis=0).T)
    total = max(float(lengths.sum()), 1e-6)
    done = 0.0
    for (ax, ay), (bx, by), length in zip(line[:-1], line[1:], lengths, strict=True):
        dx, dy = (bx - ax) / max(length, 1e-6), (by - ay) / max(length, 1e-6)
        t = np.clip((x - ax) * dx + (y - ay) * dy, 0, length)
        ex, ey = x - ax - t * dx, y - ay - t * dy
        distance = ex * ex + ey * ey
        nearer = distance < best
        best = np.where(nearer, distance, best)
        along = np.where(nearer, (done + t) / total, along)
        side = -ey if abs(dx) >= abs(dy) else ex * np.sign(dx * dy or 1.0)
        above = np.where(nearer, side, above)
        done += float(length)
    ends = np.clip(np.minimum(along, 1 - along) / 0.3, 0, 1)
    ends = ends * ends * (3 - 2 * ends)
    # No fold is ruled: its depth and its course waver, always the same way on the same face.
    phase = 7.0 * float(np.sin(line.sum()))
    distance = np.sqrt(best) + 0.25 * sigma * np.sin(5.0 * along + phase) * (above > 0)
    ends = ends * (0.90 + 0.10 * np.sin(14.0 * along + 2.0 * phase))
    dark = np.exp(-0.5 * (distance / sigma) ** 2) * ends
    light = ridge * np.exp(-0.5 * ((distance - 2.1 * sigma) / (0.9 * sigma)) ** 2) * ends * (above > 0)
    return dark.astype(np.float32), light.astype(np.float32)


def _curve(points: np.ndarray, count: int = 9) -> np.ndarray:
    """A smooth line through a few points : (count, 2)."""
    at = np.linspace(0, 1, len(points))
    degree = min(len(points) - 1, 3)
    t = np.linspace(0, 1, count)
    return np.stack([np.polyval(np.polyfit(at, points[:, k], degree), t) for k in (0, 1)], 1)


def _wavy(line: np.ndarray, size: float, seed: float) -> np.ndarray:
    """A line with a slow waver in height."""
    at = np.linspace(0, 1, len(line))
    wave = np.sin(6.0 * at + seed) + 0.6 * np.sin(13.0 * at + 2.3 * seed)
    return line + np.stack([np.zeros(len(line)), size * wave], 1)


def _folds(p: np.ndarray) -> list[Fold]:
    """All folds, from landmarks (478, 2)."""
    across = (p[263] - p[33]) / np.hypot(*(p[263] - p[33]))
    eye = float(np.hypot(*(p[263] - p[33])))
    down = np.array([-across[1], across[0]])
    folds: list[Fold] = []

    # 4: brows drawn down and together press upright lines above the nose, and shade the eyes.
    middle = (p[55] + p[285]) / 2
    for side, unit in ((-1, "browDownRight"), (1, "browDownLeft")):
        start = middle + across * side * 0.070 * eye + down * 0.045 * eye
        stop = middle + across * side * 0.100 * eye - down * 0.170 * eye
        bow = (start + stop) / 2 - across * side * 0.012 * eye
        folds.append(Fold({unit: 0.9, "noseSneer": 0.15}, [_curve(np.array([start, bow, stop]))], 0.015, 1.0, 0.25))
        inner, brow = (133, 55) if side < 0 else (362, 285)
        lid = (p[[157, 158]] if side < 0 else p[[384, 385]]).mean(0)
        under = (p[[52, 53]] if side < 0 else p[[282, 283]]).mean(0)
        folds.append(
            Fold(
                {unit: 1.0},
                [_curve(np.array([p[brow] * 0.6 + p[inner] * 0.4, (lid + under) / 2]), 5)],
                0.045,
                0.55,
                0.0,
            )
        )
    # 9: the nose wrinkles: a line across its root and slanted ones on its sides.
    root = p[168] + down * 0.02 * eye
    folds.append(
        Fold(
            {"noseSneer": 0.7, "browDown": 0.35},
            [_curve(np.array([root - across * 0.11 * eye, root + down * 0.012 * eye, root + across * 0.11 * eye]))],
            0.014,
            0.8,
        )
    )
    for side, unit in ((-1, "noseSneerRight"), (1, "noseSneerLeft")):
        lines = []
        for drop in (0.09, 0.16, 0.23):
            at = p[168] + down * drop * eye
            lines.append(
                _curve(
                    np.array([at + across * side * 0.06 * eye, at + across * side * 0.15 * eye - down * 0.045 * eye]), 5
                )
            )
        folds.append(Fold({unit: 0.9}, lines, 0.014, 0.45))
    # 1 and 2: raised brows press level lines into the forehead; the inner brows alone only its middle.
    hair = (p[10] + p[109] + p[338]) / 3
    brow = (p[107] + p[336]) / 2
    rise = hair - brow
    for height, weight in ((0.30, 0.9), (0.50, 1.0), (0.70, 0.7)):
        whole = []
        for fraction in np.linspace(-1, 1, 7):
            top = _BROWS_TOP[0] if fraction < 0 else _BROWS_TOP[1]
            out = p[top[3]] if abs(fraction) > 0.6 else p[top[1]]
            lift = (out - brow) @ down * abs(fraction)
            whole.append(brow + rise * height + across * fraction * 0.42 * eye + down * 0.55 * lift)
        curve = _wavy(_curve(np.array(whole), 13), 0.010 * eye, height * 40)
        folds.append(Fold({"browOuterUp": 0.85, "browInnerUp": 0.25}, [curve], 0.016, 0.75 * weight, 0.12))
        folds.append(Fold({"browInnerUp": 0.75, "browOuterUp": -0.5}, [curve[3:10]], 0.018, 0.75 * weight, 0.12))
    for side, nostril, corner in ((-1, 129, 61), (1, 358, 291)):
        name = "Left" if side > 0 else "Right"
        # 9, 10, 12: the fold from the wing of the nose around the corner of the mouth.
        wing = p[nostril] + across * side * 0.025 * eye - down * 0.02 * eye
        beside = p[corner] + across * side * 0.055 * eye - down * 0.045 * eye
        between = (wing + beside) / 2 + across * side * 0.030 * eye
        lines = [_curve(np.array([wing, between, beside, beside + across * side * 0.01 * eye + down * 0.08 * eye]))]
        shares = {
            f"mouthSmile{name}": 0.75,
            f"noseSneer{name}": 0.55,
            f"mouthUpperUp{name}": 0.5,
            f"cheekSquint{name}": 0.3,
        }
        shares |= {f"mouthStretch{name}": 0.2, "mouthPucker": -0.6}
        folds.append(Fold(shares, lines, 0.024, 0.75, 0.35))
        # 6 and 7: crow's feet, and the furrow under the eye.
        outer = p[33 if side < 0 else 263]
        feet = []
        for slope in (-0.45, 0.0, 0.45):
            begin = outer + across * side * 0.055 * eye + down * slope * 0.06 * eye
            feet.append(_curve(np.array([begin, begin + across * side * 0.12 * eye + down * slope * 0.11 * eye]), 5))
        folds.append(Fold({f"cheekSquint{name}": 0.7, f"eyeSquint{name}": 0.35}, feet, 0.009, 0.6))
        bag = p[[112, 26, 22, 23, 24, 110] if side < 0 else [341, 256, 252, 253, 254, 339]] + down * 0.035 * eye
        folds.append(
            Fold(
                {f"cheekSquint{name}": 0.6, f"eyeSquint{name}": 0.5, f"noseSneer{name}": 0.2},
                [_curve(bag)],
                0.013,
                0.65,
            )
        )
        # 15: the corners pulled down; 20: stretched back.
        tip = p[corner] + across * side * 0.03 * eye
        lines = [
            _curve(np.array([tip, tip + across * side * 0.035 * eye + down * 0.06 * eye, tip + down * 0.17 * eye]))
        ]
        folds.append(Fold({f"mouthFrown{name}": 0.85, f"mouthStretch{name}": 0.35}, lines, 0.017, 0.9))
    # 17: the chin pushed up.
    under = p[[106, 83, 18, 313, 335]] + down * 0.06 * eye
    folds.append(Fold({"mouthShrugLower": 0.9, "mouthFrown": 0.25}, [_curve(under)], 0.022, 0.8, 0.4))
    return folds
