"""Draws frames of one actor at one size: sheet, eyes, mouth, background."""

from __future__ import annotations

import copy
import threading
from typing import Final

import numpy as np

from engines import arkit
from engines.blendshape.background import clean_plate, person_colours, refined_matte
from engines.blendshape.composite import composite
from engines.blendshape.eye_parts import take_apart
from engines.blendshape.eyes import EyePose, draw_eye, eye_poses
from engines.blendshape.glasses import find_glasses
from engines.blendshape.light import read_light
from engines.blendshape.mouth import build_mouth, inner_light, normals, parted_uv, raise_tongue
from engines.blendshape.mouth_blend import blend_opening, blend_skin, soften
from engines.blendshape.palette import read_palette
from engines.blendshape.placement import Placement
from engines.blendshape.raster import NOTHING, moved_box, raster
from engines.blendshape.seam import seam_px
from engines.blendshape.sheet import BODY_SHARE, build_sheet
from engines.blendshape.wrinkles import Wrinkles
from engines.rig.head import load_head

_MOUTH_UNITS: Final = np.array([i for i, n in enumerate(arkit.NAMES) if arkit.REGION[n] in ("lips", "jaw", "tongue")])
_LID_UNITS: Final = [arkit.INDEX[n] for n in arkit.NAMES if n.startswith(("eyeBlink", "eyeLook", "eyeWide"))]
_STILL_PX: Final = 0.004
MOUTH_BLUR: Final = 0.013
"""Half the width of the blur inside the mouth, in widths of the lips."""


class Painter:
    """Everything that frames of one size share.

    Parameters
    ----------
    rgb : uint8 (H, W, 3), the photo at the size of the frames
    matte : float32 (H, W)
    placement : the fitted head in that photo
    """

    def __init__(self, rgb: np.ndarray, matte: np.ndarray, placement: Placement) -> None:
        self.photo = np.ascontiguousarray(rgb)
        self.height, self.width = rgb.shape[:2]
        self.placement = placement
        self.sharp = True
        face = placement.landmarks
        face_px = placement.face_px
        area = _around(matte, round(0.2 * face_px))
        plate, colours, matte = rgb.astype(np.float32), rgb.astype(np.float32), matte.copy()
        plate[area] = clean_plate(rgb[area], matte[area], 0.02 * face_px)
        matte[area] = refined_matte(rgb[area], matte[area], plate[area])
        colours[area] = person_colours(rgb[area], matte[area], plate[area], 0.05 * face_px)
        self.plate = np.clip(plate + 0.5, 0, 255).astype(np.uint8)
        self.person = np.ascontiguousarray(np.concatenate([colours, 255 * matte[..., None]], -1), np.float32)
        self.cut_out = np.clip(self.person + 0.5, 0, 255).astype(np.uint8)
        glasses = find_glasses(self.photo, face)
        self.eyes = take_apart(self.photo, face, glasses.rooms) if glasses else take_apart(self.photo, face)
        sclera = np.mean([np.median(e.sclera.reshape(-1, 3), 0) for e in self.eyes], 0)
        self.palette = read_palette(rgb, face, sclera)
        self.wrinkles = Wrinkles(self.photo, face, self.palette.saturation)

        units = placement.units.copy()
        units[_LID_UNITS] = 0  # lids are drawn by the eyes
        mesh = placement.mesh
        skin = mesh.triangles[mesh.parts == 0]
        low, high = face[:468].min(0), face[:468].max(0)
        facing = normals(placement.points, skin)
        self.light = read_light(rgb, face, load_head().landmarks(facing))
        self.sheet = build_sheet(
            (self.width, self.height),
            (matte > 0.01) | (self.plate != rgb).any(-1),
            (float(low[0]), float(low[1]), float(high[0]), float(high[1])),
            placement.screen,
            placement.points,
            skin,
            units,
            facing,
            placement.head_share,
            placement.eye_regions,
            glasses.hold if glasses else None,
            1 / placement.px_per_cm,
            placement.unproject,
            placement.height_cm,
        )
        self.sheet_rest = placement.project(self.sheet.points)
        self.mouth = build_mouth(
            placement.neutral,
            mesh.triangles,
            mesh.parts,
            placement.units,
            placement.head_share,
            placement.rims,
            placement.head_axes,
            placement.screen,
            placement.lip_height_px,
            placement.rim_error_px,
            seam_px(rgb, face),
            self.palette,
        )
        self._own = threading.local()
        self._no_patch = np.zeros((4, 4, 4), np.float32)
        span = float(np.ptp(placement.screen[placement.rims[0], 0]))
        self.samples = int(np.clip(round(300 / max(span, 1.0)), 3, 5))
        self.blur = max(1, round(MOUTH_BLUR * span * self.samples))

    def draft(self) -> Painter:
        """This painter with bilinear sampling and one sample a pixel; it shares everything else."""
        quick = copy.copy(self)
        quick.sharp, quick.samples, quick.blur = False, 1, 0
        return quick

    def draw(
        self,
        weights: np.ndarray,
        activity: float,
        own: np.ndarray,
        head: np.ndarray,
        gaze: np.ndarray,
        tongue: float,
        alone: bool = False,
        mouth: bool = True,
    ) -> np.ndarray:
        """One frame : uint8 (H, W, 3), or (H, W, 4) straight alpha.

        Parameters
        ----------
        weights : (52,), expression to draw, the photo's own included
        activity : how far the photo's mouth has given way to the neutral one
        own : (52,), the performance's own weights, which the lids follow
        head : (6,), limited
        gaze : (4,)
        tongue : as in `engines.api.Performance`
        alone : the person without background
        mouth : False leaves the mouth to the sheet, to compare the two
        """
        place = self.placement
        change = np.append(weights - place.rest_weights, -activity).astype(np.float32)
        amounts = np.append(weights, 1 - activity).astype(np.float32)
        turn = place.turned(head[:3])
        places, nearness = self.sheet_places(change, turn, head[3:])
        poses = eye_poses(own, gaze)
        speak = self._mouth_strength(change, activity, tongue) if mouth else 0.0

        base = self.cut_out if alone else self.photo
        out = base.copy()
        box = self._window(places)
        if box is None and poses[0].still and poses[1].still and speak == 0:
            return out
        person = self.wrinkles.shaded(self.person, weights - place.rest_weights)
        left, top, right, bottom = self._grown(box, poses)
        uv, depth = np.zeros((0, 0, 3), np.float32), np.zeros((0, 0), np.float32)
        if right > left and bottom > top:
            depth = self._scratch("depth", (bottom - top, right - left), NOTHING)
            uv = self._scratch("uv", (bottom - top, right - left, 3))
            seen = np.concatenate([self.sheet.places, self._light_change(turn)[:, None]], 1)
            raster(places, nearness, seen, self.sheet.triangles, left, top, depth, uv, True)
            boxes = np.zeros((2, 4), np.int64)
            patches = [self._no_patch, self._no_patch]
            for k, (eye, pose) in enumerate(zip(self.eyes, poses, strict=True)):
                if not pose.still:
                    boxes[k] = eye.box
                    patches[k] = draw_eye(person, eye, pose)
            composite(base, person, self.plate, uv, depth, left, top, boxes, *patches, self.sharp, out)
        if speak > 0:
            lit = np.where(depth > NOTHING, uv[..., 2], np.float32(1)), left, top
            self._draw_mouth(person, amounts, turn, head[3:], tongue, speak, lit, out)
        return out

    def _light_change(self, turn: np.ndarray) -> np.ndarray:
        """By how much each place of the grid brightens as the head turns : float32 (G,)."""
        before = self.sheet.normals
        turned = before @ (turn - np.eye(3)).T.astype(np.float32)
        return self.light.change(before, before + self.sheet.turn[:, None] * turned)

    def _scratch(self, name: str, shape: tuple[int, ...], value: float | None = None) -> np.ndarray:
        """An array of this thread's own that lives on between frames, filled with ``value`` if one is given."""
        size = int(np.prod(shape))
        kept: np.ndarray | None = getattr(self._own, name, None)
        if kept is None or kept.size < size:
            kept = np.empty(size, np.float32)
            setattr(self._own, name, kept)
        array = kept[:size].reshape(shape)
        if value is not None:
            array.fill(value)
        return array

    def _carried(self, points: np.ndarray, share: np.ndarray, turn: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """Points moved by their share of the head's motion, about the head's pivot : (N, 3)."""
        pivot = self.placement.pivot
        offset = points - pivot
        moved = offset @ (turn - np.eye(3)).T.astype(np.float32) + shift.astype(np.float32)
        body = (BODY_SHARE * shift).astype(np.float32)
        return np.asarray(points + share[:, None] * moved + (1 - share[:, None]) * body)

    def sheet_places(self, change: np.ndarray, turn: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places of the grid in the frame (G, 2) and how near they are (G,).

        Parameters
        ----------
        change : float32 (53,), weights over those of rest, then minus the activity of the mouth
        turn : (3, 3), rotation of the head from rest
        shift : (3,), its translation
        """
        points = _moved(self.sheet.points, self.sheet.units, change)
        carried = self._carried(points, self.sheet.turn, turn, shift)
        moved = self.placement.project(carried) - self.sheet_rest
        held = self.sheet.held
        moved *= np.where(moved > 0, held[:2].T, held[2:].T)
        return np.asarray(self.sheet.places + moved, np.float32), np.ascontiguousarray(carried[:, 2])

    def _window(self, places: np.ndarray) -> tuple[int, int, int, int] | None:
        """Box of everything that moved: left, top, right, bottom in the frame."""
        low, high = moved_box(places, self.sheet.places, *self.sheet.shape, _STILL_PX)
        if low[0] > high[0]:
            return None
        left, top = (max(0, int(np.floor(v))) for v in low)
        return left, top, min(self.width, int(np.ceil(high[0])) + 1), min(self.height, int(np.ceil(high[1])) + 1)

    def _grown(
        self, box: tuple[int, int, int, int] | None, poses: tuple[EyePose, EyePose]
    ) -> tuple[int, int, int, int]:
        """The box with the eyes that move in it."""
        boxes = [] if box is None else [box]
        for eye, pose in zip(self.eyes, poses, strict=True):
            if not pose.still:
                left, top, width, height = eye.box
                boxes.append((left, top, left + width, top + height))
        if not boxes:
            return 0, 0, 0, 0
        array = np.array(boxes)
        left, top = np.maximum(array[:, :2].min(0), 0)
        right, bottom = np.minimum(array[:, 2:].max(0), [self.width, self.height])
        return int(left), int(top), int(right), int(bottom)

    def _mouth_strength(self, change: np.ndarray, activity: float, tongue: float) -> float:
        amount = (float(np.abs(change[_MOUTH_UNITS]).sum()) + tongue) / 0.06 + activity
        amount = min(1.0, amount)
        return amount * amount * (3 - 2 * amount)

    def _mouth_points(self, amounts: np.ndarray) -> np.ndarray:
        return _moved(self.mouth.points, self.mouth.units, amounts)

    def mouth_places(
        self, weights: np.ndarray, activity: float, head: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The mouth's vertices in the frame; parameters as in `draw`.

        Returns
        -------
        their places (M, 2), how near they are (M,), and where the photo shows them (M, 2)
        """
        points = self._mouth_points(np.append(weights, 1 - activity).astype(np.float32))
        carried = self._carried(points, self.mouth.turn, self.placement.turned(head[:3]), head[3:])
        places = self.placement.project(carried).astype(np.float32)
        photo = parted_uv(self.mouth, points, *self.placement.head_axes.T[1:])
        return places, np.asarray(carried[:, 2], np.float32), photo

    def _draw_mouth(
        self,
        person: np.ndarray,
        amounts: np.ndarray,
        turn: np.ndarray,
        shift: np.ndarray,
        tongue: float,
        strength: float,
        lit: tuple[np.ndarray, int, int],
        frame: np.ndarray,
    ) -> None:
        mouth, place = self.mouth, self.placement
        points = self._mouth_points(amounts)
        up, out = place.head_axes[:, 1], place.head_axes[:, 2]
        raise_tongue(mouth, points, tongue, up, out)
        within = inner_light(mouth, points, up, out)
        carried = self._carried(points, mouth.turn, turn, shift)
        screen = place.project(carried)
        nearness = np.asarray(carried[:, 2], np.float32)
        visible = self._box(screen[mouth.seen])
        opening = self._box(screen[np.concatenate(mouth.lips)])
        place_xy = screen.astype(np.float32)
        uv = parted_uv(mouth, points, up, out)
        values = np.concatenate([uv, mouth.cover[:, None]], 1)
        left, top, right, bottom = visible
        if right <= left or bottom <= top:
            return
        depth = self._scratch("skin_depth", (bottom - top, right - left), NOTHING)
        drawn = self._scratch("skin", (bottom - top, right - left, 3))
        raster(place_xy, nearness, values, mouth.skin, left, top, depth, drawn, False)
        light = _window_of(*lit, visible)
        blend_skin(person, drawn, depth, left, top, np.array(opening), light, strength, self.sharp, frame)
        left, top, right, bottom = opening
        if right <= left or bottom <= top:
            return
        samples = self.samples
        size = ((bottom - top) * samples, (right - left) * samples)
        xy = ((screen - np.array([left, top]) + 0.5) * samples - 0.5).astype(np.float32)
        inside = np.concatenate([uv, mouth.photo[:, None], mouth.colour * within], 1)
        skin, skin_depth = self._scratch("lips", (*size, 3)), self._scratch("lips_depth", size, NOTHING)
        inner, inner_depth = self._scratch("inner", (*size, 6)), self._scratch("inner_depth", size, NOTHING)
        window, nothing = self._scratch("window", size, NOTHING), self._scratch("nothing", (*size, 0))
        raster(xy, nearness, values, mouth.skin, 0, 0, skin_depth, skin, False)
        raster(xy, nearness - mouth.recess, inside, mouth.inner, 0, 0, inner_depth, inner, False)
        soften(inner, inner_depth, self.blur, self._scratch("spare", (*size, 4)))
        raster(xy, nearness, values[:, :0], mouth.window, 0, 0, window, nothing, True)
        blend_opening(
            person,
            skin,
            skin_depth,
            inner,
            inner_depth,
            window,
            samples,
            left,
            top,
            _window_of(*lit, opening),
            strength,
            self.sharp,
            frame,
        )

    def _box(self, places: np.ndarray) -> tuple[int, int, int, int]:
        """Whole pixels around places (N, 2), inside the frame: left, top, right, bottom."""
        low, high = np.floor(places.min(0)).astype(int) - 1, np.ceil(places.max(0)).astype(int) + 2
        return max(0, int(low[0])), max(0, int(low[1])), min(self.width, int(high[0])), min(self.height, int(high[1]))


def _moved(points: np.ndarray, units: np.ndarray, amounts: np.ndarray) -> np.ndarray:
    """Points (N, 3) with units (U, N, 3) in ``amounts`` (U,): one pass over all units is quicker than to pick some."""
    return np.asarray(points + (amounts @ units.reshape(len(units), -1)).reshape(points.shape))


def _window_of(values: np.ndarray, left: int, top: int, box: tuple[int, int, int, int]) -> np.ndarray:
    """The part of ``values``, which begin at (left, top), in a box (left, top, right, bottom); 1 outside them."""
    result = np.ones((box[3] - box[1], box[2] - box[0]), np.float32)
    x0, y0 = max(box[0], left), max(box[1], top)
    x1, y1 = min(box[2], left + values.shape[1]), min(box[3], top + values.shape[0])
    if x1 > x0 and y1 > y0:
        result[y0 - box[1] : y1 - box[1], x0 - box[0] : x1 - box[0]] = values[
            y0 - top : y1 - top, x0 - left : x1 - left
        ]
    return result


def _around(matte: np.ndarray, margin: int) -> tuple[slice, slice]:
    """Rows and columns of the picture that hold the person, with a margin in pixels."""
    rows, columns = np.flatnonzero((matte > 0.01).any(1)), np.flatnonzero((matte > 0.01).any(0))
    if not len(rows):
        return slice(0, matte.shape[0]), slice(0, matte.shape[1])
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + 1 + margin),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + 1 + margin),
    )
