"""A portrait that moves in closed form, as the rig taught it: where engines that learn from the rig start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from engines.api import CancelToken, Performance, Progress, no_progress
from engines.blendshape.actor import BlendshapeActor, Crop
from engines.rig.fit import FittedHead
from engines.rig.mesh import HeadMesh, effective_weights
from engines.teaching.banks import Banks, Motion, banks, motion
from engines.teaching.draw import LAYERS, OPEN_PX, draw_frame
from engines.teaching.lids import Eye
from engines.teaching.prior import Prior, enlarged, face_features, fit, still_layers
from engines.teaching.teacher import Teacher

FACE_PX: Final = 128
"""Width of the face that an actor is taught at: about that of the official networks' 256 pixel pictures."""
EYES_PX: Final = 400
"""The same for the eyes, whose lashes a smaller size would smear."""
FADE_PX: Final = 10
"""Pixels of the actor over which motion dies away inside the border of its crop."""
_TRUST: Final = 8.0
"""Change of colour (of 255) around which an eye's finer detail in the photo gives way."""


@dataclass(eq=False)
class ClosedForm:
    """The closed form of one portrait, and where it stands in frames.

    Attributes
    ----------
    rig : the portrait as the rig prepared it; it gives the photo, its matte and what lies behind
    crop : the part of the portrait that moves, and the size it was taught at
    banks : from a Performance to the 36 coordinates
    prior : the closed form
    eye_crop : the part of the portrait, and its size, that the eyes were learnt in
    """

    rig: BlendshapeActor
    crop: Crop
    banks: Banks
    prior: Prior
    eye_crop: Crop

    @property
    def head(self) -> FittedHead:
        """The person's head, fitted."""
        return self.rig.head

    def head_mesh(self) -> HeadMesh:
        """The person's head with its texture, for export."""
        return self.rig.head_mesh()

    @property
    def rest_weights(self) -> np.ndarray:
        """The photo's own expression, effective : (52,)."""
        return effective_weights(self.rig.head.rest_weights)

    def motion(self, performance: Performance) -> Motion:
        """What the rig draws of a performance on this photo."""
        return motion(performance, self.rest_weights, self.rig.head.rest_head)

    def layers(self, motion: Motion, coordinates: np.ndarray, first: int, last: int) -> np.ndarray:
        """What the face does on the still head : float32 (N, H, W, `LAYERS`) for frames ``first`` to ``last``."""
        width, height = self.prior.size
        features = face_features(coordinates[first:last])
        result = np.empty((last - first, height, width, LAYERS), np.float32)
        mouth, skin = self.prior.mouth, self.prior.skin
        assert mouth is not None
        assert skin is not None
        for k, i in enumerate(range(first, last)):
            speaks = float(motion.speaks[i])
            out = still_layers(self.prior, features[k], coordinates[i], speaks)
            out[..., 2:5] = enlarged(skin.colours(features[k]), skin.stride, (height, width))
            if speaks > 0:
                out[mouth.box.slices][..., 2:5] += speaks * mouth.colours(features[k])
            result[k] = out
        return result

    def eyes(self, motion: Motion, coordinates: np.ndarray, i: int) -> tuple[np.ndarray | None, np.ndarray | None]:
        """What the eyes change in the photo in frame ``i`` : (h, w, 3) each, None for one that is still."""
        left, right = (
            share * eye.colours(coordinates[i]) if share > 0 else None
            for eye, share in zip(self.prior.eyes, motion.looks[i], strict=True)
        )
        return left, right

    def moved(
        self, motion: Motion, coordinates: np.ndarray, i: int
    ) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray | None, np.ndarray | None]]:
        """Frame ``i`` as `Stage.draw` takes it: the flow of the pose, the face's `layers` and the `eyes`."""
        face = self.layers(motion, coordinates, i, i + 1)[0]
        return self.prior.pose_flow(coordinates[i]), face, self.eyes(motion, coordinates, i)

    def stage(self, size: tuple[int, int] | None, draft: bool) -> Stage:
        """The place where frames of ``size`` (width, height) are drawn."""
        return self.stage_in(self.rig.painter(size, draft), self.rig.crop(size))

    def stage_in(self, painter: Any, shown: Crop) -> Stage:
        """The same in frames that show the part ``shown`` of the portrait, with a painter of that part."""
        scale = shown.scale / self.crop.scale
        offset = (np.array([self.crop.left - shown.left, self.crop.top - shown.top])) * shown.scale
        shift = 0.5 * scale - 0.5 + offset
        width, height = self.prior.size
        low = np.floor(shift).astype(int)
        high = np.ceil(shift + scale * np.array([width - 1, height - 1])).astype(int) + 1
        whole_h, whole_w = self.rig.portrait.rgb.shape[:2]
        inside = np.array(
            [
                self.crop.left > 0,
                self.crop.top > 0,
                self.crop.left + width / self.crop.scale < whole_w - 2,
                self.crop.top + height / self.crop.scale < whole_h - 2,
            ]
        )
        box = np.array([*np.maximum(low, 0), min(painter.width, high[0]), min(painter.height, high[1])], np.int64)
        for k, at_edge in enumerate(~inside):  # where the picture ends the actor does, to the last pixel
            if at_edge:
                box[k] = (0, 0, painter.width, painter.height)[k]
        fade = np.where(inside, FADE_PX * scale, 0).astype(np.float32)
        eyes = tuple(EyeSpot.of(eye, self._eye_box(eye, shown), painter.person) for eye in self.prior.eyes)
        return Stage(painter, float(scale), shift, box, fade, eyes)

    def frames(self, stage: Stage, performance: Performance, alone: bool = False) -> Iterator[np.ndarray]:
        """What the closed form shows of a performance : uint8 (H, W, 3), or (H, W, 4) of the person alone."""
        moved = self.motion(performance)
        coordinates = self.banks.coordinates(moved)
        for i in range(len(performance)):
            yield stage.draw(*self.moved(moved, coordinates, i), alone)

    def _eye_box(self, eye: Eye, shown: Crop) -> tuple[int, int, int, int]:
        """Where an eye lies in a frame: left, top, right, bottom."""
        learnt = self.eye_crop
        scale = shown.scale / learnt.scale
        x, y, width, height = eye.box
        left = ((x / learnt.scale + learnt.left) - shown.left) * shown.scale
        top = ((y / learnt.scale + learnt.top) - shown.top) * shown.scale
        low = round(left), round(top)
        return *low, low[0] + max(1, round(width * scale)), low[1] + max(1, round(height * scale))


def teach(rig: BlendshapeActor, *, progress: Progress = no_progress, cancel: CancelToken | None = None) -> ClosedForm:
    """Learn from the rig how a portrait moves; 5 to 10 seconds of one core.

    Parameters
    ----------
    rig : the portrait, prepared by the rig
    """
    cancel = cancel or CancelToken()
    teacher = Teacher(rig, FACE_PX)
    cancel.check()
    eyes = teacher if teacher.crop.scale == 1 else Teacher(rig, EYES_PX)
    cancel.check()
    learnt = fit(teacher, eyes.painter, banks(), progress=lambda p, what: progress(0.1 + 0.9 * p, what), cancel=cancel)
    return ClosedForm(rig, teacher.crop, banks(), learnt, eyes.crop)


@dataclass(frozen=True, eq=False)
class EyeSpot:
    """Where an eye lies in frames of one size.

    Attributes
    ----------
    box : left, top, right, bottom
    detail : float32 (h, w, 3), what the photo has there, inside the picture, beyond the one that the eye was learnt in
    """

    box: tuple[int, int, int, int]
    detail: np.ndarray

    @classmethod
    def of(cls, eye: Eye, box: tuple[int, int, int, int], person: np.ndarray) -> EyeSpot:
        """The spot of an eye in a picture of the person, (H, W, 4)."""
        where, coarse = _placed(eye.rest, box, person.shape)
        return cls(box, person[where][..., :3] - coarse)

    def apply(self, change: np.ndarray, person: np.ndarray) -> tuple[tuple[slice, slice], np.ndarray]:
        """Where the eye lies and its colours there (h, w, 3), with a change (H, W, 3) of the size it was learnt at.

        The photo's finer detail stays where little changes and goes where something else is seen: a lid over an iris.
        """
        import cv2

        where, part = _placed(change, self.box, person.shape)
        amount = cv2.blur(np.abs(change).mean(-1), (5, 5)) / _TRUST - 0.5
        doubt = np.clip(_placed(amount, self.box, person.shape)[1], 0, 1)[..., None]
        return where, np.clip(person[where][..., :3] + part - doubt * self.detail, 0, 255)


@dataclass(frozen=True, eq=False)
class Stage:
    """Where an actor stands in frames of one size."""

    painter: Any
    scale: float
    shift: np.ndarray
    box: np.ndarray
    fade: np.ndarray
    eyes: tuple[EyeSpot, ...]

    def draw(
        self, pose: np.ndarray, face: np.ndarray, eyes: tuple[np.ndarray | None, np.ndarray | None], alone: bool
    ) -> np.ndarray:
        """One frame : uint8 (H, W, 3), or (H, W, 4) of the person alone."""
        painter = self.painter
        base = painter.cut_out if alone else painter.photo
        out = np.ascontiguousarray(base).copy()
        person = painter.person
        active = np.zeros((2, 4), np.int64)
        kept: list[tuple[tuple[slice, slice], np.ndarray]] = []
        try:
            for k, (spot, change) in enumerate(zip(self.eyes, eyes, strict=True)):
                if change is not None:
                    where, colours = spot.apply(change, person)
                    active[k] = (where[1].start, where[0].start, where[1].stop, where[0].stop)
                    kept.append((where, person[where].copy()))
                    person[where][..., :3] = colours
            draw_frame(
                base,
                person,
                painter.plate,
                pose,
                face,
                acting(face),
                np.float32(self.scale),
                np.float32(self.shift[0]),
                np.float32(self.shift[1]),
                self.box,
                self.fade,
                active,
                painter.sharp,
                out,
            )
        finally:
            for where, before in kept:
                person[where] = before
        return out


def acting(face: np.ndarray) -> np.ndarray:
    """Where layers (H, W, `LAYERS`) do anything: left, top, right, bottom in pixels, float32 (4,)."""
    does = (np.abs(face[..., :5]).max(-1) > 1e-3) | (face[..., 8] > -OPEN_PX)
    rows, columns = np.flatnonzero(does.any(1)), np.flatnonzero(does.any(0))
    if not len(rows):
        return np.array([1, 1, 0, 0], np.float32)
    last_y, last_x = face.shape[0] - 1, face.shape[1] - 1
    left, top, right, bottom = columns[0] - 1, rows[0] - 1, columns[-1] + 1, rows[-1] + 1
    return np.array([max(left, 0), max(top, 0), min(right, last_x), min(bottom, last_y)], np.float32)


def _placed(
    change: np.ndarray, box: tuple[int, int, int, int], shape: tuple[int, ...]
) -> tuple[tuple[slice, slice], np.ndarray]:
    """Where a patch (h, w, ...) goes that fills a box (left, top, right, bottom), and its part inside the picture."""
    import cv2

    left, top, right, bottom = box
    size = (right - left, bottom - top)
    if size != change.shape[1::-1]:
        smaller = size[0] < change.shape[1]
        change = cv2.resize(change, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(right, shape[1]), min(bottom, shape[0])
    return (slice(y0, y1), slice(x0, x1)), change[y0 - top : y1 - top, x0 - left : x1 - left]
