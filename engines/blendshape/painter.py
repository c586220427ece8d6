"""Draws frames of one actor at one size: sheet, eyes, mouth, background."""

from __future__ import annotations

from typing import Final

import numpy as np

from engines import arkit
from engines.blendshape.background import clean_plate, person_colours, refined_matte
from engines.blendshape.composite import composite, to_bytes
from engines.blendshape.eye_parts import take_apart
from engines.blendshape.eyes import EyePose, draw_eye, eye_poses
from engines.blendshape.mouth import blend_mouth, build_mouth, inner_shade, raise_tongue
from engines.blendshape.palette import read_palette
from engines.blendshape.placement import Placement
from engines.blendshape.raster import NOTHING, raster
from engines.blendshape.sheet import BODY_SHARE, build_sheet

_MOUTH_UNITS: Final = np.array([i for i, n in enumerate(arkit.NAMES) if arkit.REGION[n] in ("lips", "jaw", "tongue")])
_LID_UNITS: Final = [arkit.INDEX[n] for n in arkit.NAMES if n.startswith(("eyeBlink", "eyeLook", "eyeWide"))]
_STILL_PX: Final = 0.004


class Painter:
    """Everything that frames of one size share.

    Parameters
    ----------
    rgb : uint8 (H, W, 3), the photo at the size of the frames
    matte : float32 (H, W)
    placement : the fitted head in that photo
    draft : bilinear sampling, one sample a pixel
    """

    def __init__(self, rgb: np.ndarray, matte: np.ndarray, placement: Placement, draft: bool = False) -> None:
        self.photo = np.ascontiguousarray(rgb)
        self.height, self.width = rgb.shape[:2]
        self.placement = placement
        self.sharp = not draft
        face = placement.landmarks
        face_px = placement.face_px
        plate = clean_plate(rgb, matte, 0.02 * face_px)
        matte = refined_matte(rgb, matte, plate)
        colours = person_colours(rgb, matte, plate, 0.05 * face_px)
        self.plate = np.clip(plate + 0.5, 0, 255).astype(np.uint8)
        self.person = np.ascontiguousarray(
            np.clip(np.concatenate([colours, 255 * matte[..., None]], -1) + 0.5, 0, 255).astype(np.uint8)
        )
        self.eyes = take_apart(self.photo, face)
        sclera = np.mean([np.median(e.sclera.reshape(-1, 3), 0) for e in self.eyes], 0)
        self.palette = read_palette(rgb, face, sclera)

        units = placement.units.copy()
        units[_LID_UNITS] = 0  # lids are drawn by the eyes
        mesh = placement.mesh
        skin = mesh.triangles[mesh.parts == 0]
        low, high = face[:468].min(0), face[:468].max(0)
        self.sheet = build_sheet(
            (self.width, self.height),
            matte,
            (float(low[0]), float(low[1]), float(high[0]), float(high[1])),
            placement.screen,
            placement.points,
            skin,
            units,
            placement.head_share,
            placement.eye_regions,
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
            placement.px_per_cm,
            placement.lip_height_px,
            self.palette,
        )
        span = float(np.ptp(placement.screen[placement.rims[0], 0]))
        self.samples = 1 if draft else int(np.clip(round(220 / max(span, 1.0)), 2, 4))

    def draw(
        self,
        weights: np.ndarray,
        activity: float,
        own: np.ndarray,
        head: np.ndarray,
        gaze: np.ndarray,
        tongue: float,
        alone: bool = False,
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
        """
        place = self.placement
        change = np.append(weights - place.rest_weights, -activity).astype(np.float32)
        amounts = np.append(weights, 1 - activity).astype(np.float32)
        turn = place.turned(head[:3])
        places, nearness = self._sheet_places(change, turn, head[3:])
        poses = eye_poses(own, gaze)
        speak = self._mouth_strength(change, activity, tongue)

        base = self.person if alone else self.photo
        out = base.copy()
        box = self._window(places)
        if box is None and poses[0].still and poses[1].still and speak == 0:
            return out
        box = self._grown(box, poses, speak > 0)
        left, top, right, bottom = box
        frame = np.empty((self.height, self.width, 4 if alone else 3), np.float32)
        depth = np.full((bottom - top, right - left), NOTHING, np.float32)
        uv = np.zeros((bottom - top, right - left, 2), np.float32)
        raster(places, nearness, self.sheet.places, self.sheet.triangles, left, top, depth, uv, True)
        boxes = np.zeros((2, 4), np.int64)
        patches = []
        for k, (eye, pose) in enumerate(zip(self.eyes, poses, strict=True)):
            if pose.still:
                patches.append(np.zeros((4, 4, 3), np.float32))
            else:
                boxes[k] = eye.box
                patches.append(draw_eye(self.photo, eye, pose))
        composite(
            self.photo, self.person, self.plate, uv, depth, left, top, boxes, patches[0], patches[1], self.sharp, frame
        )
        if speak > 0:
            self._draw_mouth(amounts, turn, head[3:], tongue, speak, frame)
        to_bytes(frame, left, top, right, bottom, out)
        return out

    def _carried(self, points: np.ndarray, share: np.ndarray, turn: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """Points moved by their share of the head's motion, about the head's pivot : (N, 3)."""
        pivot = self.placement.pivot
        offset = points - pivot
        moved = offset @ (turn - np.eye(3)).T.astype(np.float32) + shift.astype(np.float32)
        body = (BODY_SHARE * shift).astype(np.float32)
        return np.asarray(points + share[:, None] * moved + (1 - share[:, None]) * body)

    def _sheet_places(self, change: np.ndarray, turn: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        points = self.sheet.points
        active = np.flatnonzero(np.abs(change) > 1e-6)
        if len(active):
            points = points + np.tensordot(change[active], self.sheet.units[active], 1)
        carried = self._carried(points, self.sheet.turn, turn, shift)
        moved = self.placement.project(carried) - self.sheet_rest
        return np.asarray(self.sheet.places + moved, np.float32), np.ascontiguousarray(carried[:, 2])

    def _window(self, places: np.ndarray) -> tuple[int, int, int, int] | None:
        moved = np.abs(places - self.sheet.places).max(1) > _STILL_PX
        triangles = self.sheet.triangles[moved[self.sheet.triangles].any(1)]
        if not len(triangles):
            return None
        index = np.unique(triangles)
        both = np.concatenate([places[index], self.sheet.places[index]])
        low, high = np.floor(both.min(0)).astype(int), np.ceil(both.max(0)).astype(int) + 1
        left, top = max(0, int(low[0])), max(0, int(low[1]))
        return left, top, max(left + 1, min(self.width, int(high[0]))), max(top + 1, min(self.height, int(high[1])))

    def _grown(
        self, box: tuple[int, int, int, int] | None, poses: tuple[EyePose, EyePose], speak: bool
    ) -> tuple[int, int, int, int]:
        boxes = [] if box is None else [box]
        for eye, pose in zip(self.eyes, poses, strict=True):
            if not pose.still:
                left, top, width, height = eye.box
                boxes.append((left, top, left + width, top + height))
        if speak:
            seen = self.placement.screen[self.mouth.rows[self.mouth.cover > 0]]
            low, high = seen.min(0) - 3, seen.max(0) + 4
            boxes.append((int(low[0]), int(low[1]), int(high[0]), int(high[1])))
        array = np.array(boxes)
        left, top = np.maximum(array[:, :2].min(0), 0)
        right, bottom = np.minimum(array[:, 2:].max(0), [self.width, self.height])
        return int(left), int(top), int(right), int(bottom)

    def _mouth_strength(self, change: np.ndarray, activity: float, tongue: float) -> float:
        amount = (float(np.abs(change[_MOUTH_UNITS]).sum()) + tongue) / 0.06 + activity
        amount = min(1.0, amount)
        return amount * amount * (3 - 2 * amount)

    def _draw_mouth(
        self,
        amounts: np.ndarray,
        turn: np.ndarray,
        shift: np.ndarray,
        tongue: float,
        strength: float,
        frame: np.ndarray,
    ) -> None:
        mouth, place = self.mouth, self.placement
        active = np.flatnonzero(np.abs(amounts) > 1e-6)
        points = mouth.points + np.tensordot(amounts[active], mouth.units[active], 1)
        up, out = place.head_axes[:, 1], place.head_axes[:, 2]
        raise_tongue(mouth, points, tongue, up, out)
        shade = inner_shade(mouth, points, up, out)
        carried = self._carried(points, mouth.turn, turn, shift)
        screen = place.project(carried)
        seen = screen[(mouth.cover > 0.002) & (mouth.photo == 1)]
        low = np.maximum(np.floor(seen.min(0)).astype(int) - 1, 0)
        high = np.minimum(np.ceil(seen.max(0)).astype(int) + 2, [self.width, self.height])
        if (high <= low).any():
            return
        samples = self.samples
        size = (high - low) * samples
        xy = ((screen - low + 0.5) * samples - 0.5).astype(np.float32)
        attributes = np.concatenate(
            [mouth.uv, mouth.photo[:, None], mouth.cover[:, None], mouth.colour * shade[:, None]], 1
        ).astype(np.float32)
        nearness = np.asarray(carried[:, 2] - mouth.recess, np.float32)
        layers = []
        for triangles, both_sides, values in (
            (mouth.skin, False, attributes),
            (mouth.inner, False, attributes),
            (mouth.window, True, attributes[:, :0]),
        ):
            depth = np.full((size[1], size[0]), NOTHING, np.float32)
            drawn = np.zeros((size[1], size[0], values.shape[1]), np.float32)
            raster(xy, nearness, values, triangles, 0, 0, depth, drawn, both_sides)
            layers.append((drawn, depth))
        (skin, skin_depth), (inner, inner_depth), (_, window) = layers
        left, top = int(low[0]), int(low[1])
        blend_mouth(
            self.photo,
            skin,
            skin_depth,
            inner,
            inner_depth,
            window,
            samples,
            left,
            top,
            np.float32(strength),
            self.sharp,
            frame,
        )
