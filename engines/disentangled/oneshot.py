"""An actor in one shot: the fitted head moves the photo, the shipped base paints what the photo does not show.

Nothing is learnt from the portrait but where its head's parts go; see `engines.disentangled.net_base`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engines.api import CancelToken, Progress, no_progress
from engines.blendshape.actor import BlendshapeActor
from engines.blendshape.eyes import EyePose
from engines.disentangled.actor import TaughtActor
from engines.disentangled.patches import (
    eye_inputs,
    eye_numbers,
    eye_view,
    mirrored,
    mouth_inputs,
    mouth_view,
    put_mouth,
    read_patches,
    resized,
    upper_box,
)
from engines.errors import WeightsMissing
from engines.teaching.alignment import Alignment
from engines.teaching.banks import FACE_UNITS, MOUTH, Motion, banks
from engines.teaching.closed import EYES_PX, FACE_PX
from engines.teaching.lids import still_eyes
from engines.teaching.prior import face_features, outline
from engines.teaching.teacher import Box, Teacher

if TYPE_CHECKING:
    from engines.disentangled.net_base import Base

WEIGHTS: Final = Path(__file__).parents[2] / "assets/disentangled/base.safetensors"


@cache
def base() -> Base:
    """The shipped networks.

    Raises
    ------
    WeightsMissing
        If their file is absent, damaged or of another version.
    """
    from engines import checkpoint
    from engines.disentangled.net_base import Base

    found = Base()
    state = checkpoint.read(WEIGHTS)
    try:
        found.load_state_dict({k: v.float() for k, v in state.items()})
    except (AttributeError, RuntimeError) as error:
        raise WeightsMissing(
            f"{WEIGHTS} does not hold the base of this version ({str(error).splitlines()[0]}). Install Soliloquy again."
        ) from error
    return found.eval().requires_grad_(False)


_GREY: Final = 3.0
"""Mean difference of red, green and blue (of 255) below which a photo has no colour."""
_BUSY: Final = threading.Lock()


def _asked(network: Any, inputs: np.ndarray, numbers: np.ndarray) -> list[np.ndarray]:
    """What a network answers for one patch, without its first axis."""
    import torch

    with _BUSY, torch.inference_mode():
        found = network(torch.from_numpy(inputs[None]), torch.from_numpy(np.asarray(numbers, np.float32)[None]))
    return [part[0].numpy() for part in (found if isinstance(found, tuple) else (found,))]


@dataclass(eq=False)
class OneShotActor(TaughtActor):
    """A portrait that the base moves.

    Attributes
    ----------
    eye_parts : both eyes as the rig took them apart; their geometry alone is used
    """

    eye_parts: tuple[Any, Any] = (None, None)
    engine_id: str = "oneshot"

    @cached_property
    def photo(self) -> np.ndarray:
        """The portrait at the actor's size : uint8 (H, W, 3)."""
        return np.asarray(self.crop.picture(self.rig.portrait.rgb))

    @cached_property
    def upper(self) -> Box:
        """Where the upper face lies in the photo."""
        return upper_box(self._points, self.crop.size)

    @cached_property
    def alignment(self) -> Alignment:
        """What finds the pose of a picture."""
        return Alignment.of(self.prior, self.banks, self.photo, self._points)

    @property
    def _points(self) -> np.ndarray:
        return self.crop.places(self.rig.landmarks.points[:, :2])

    def framed(self, picture: np.ndarray) -> np.ndarray:
        """What a picture (H, W, C), framed as the portrait, shows of the actor, as large as the `photo`."""
        import cv2

        shown = self.rig.crop((picture.shape[1], picture.shape[0]))
        step = shown.scale / self.crop.scale
        low = shown.places(np.array([self.crop.left, self.crop.top]) + 0.5 / self.crop.scale - 0.5)
        if step > 1.5:  # an area average first, so that nothing aliases
            picture = cv2.blur(picture, (round(step), round(step)))
        matrix = np.array([[step, 0, low[0]], [0, step, low[1]]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(
            cv2.warpAffine(picture[..., :3], matrix, self.crop.size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        )

    @cached_property
    def grey(self) -> bool:
        """Whether the face has no colour: a black-and-white photo."""
        face = self.photo[self.prior.lips.box.slices].astype(np.float32)
        return bool(np.ptp(face, axis=-1).mean() < _GREY)

    def _painted(self, network: Any, inputs: np.ndarray, numbers: np.ndarray) -> list[np.ndarray]:
        """What a painter answers, without colour where the photo has none."""
        found = _asked(network, inputs, numbers)
        return [np.broadcast_to(p.mean(0), p.shape) for p in found] if self.grey else found

    def layers(self, motion: Motion, coordinates: np.ndarray, first: int, last: int) -> np.ndarray:
        """What the face does on the still head, as `engines.teaching.closed.ClosedForm.layers` says."""
        photo, lips = self.photo, self.prior.lips
        features = face_features(coordinates[first:last])
        found = []
        for k, i in enumerate(range(first, last)):
            speaks = float(motion.speaks[i])
            view = mouth_view(self.prior, photo, features[k], speaks)
            if speaks > 0:
                inputs = mouth_inputs(lips, photo, view)
                inner, change = self._painted(base().paint_mouth, inputs, coordinates[i, MOUTH])
                put_mouth(view, lips, inner, change)
            found.append(view.layers)
        return np.stack(found)

    def eyes(self, motion: Motion, coordinates: np.ndarray, i: int) -> tuple[np.ndarray | None, np.ndarray | None]:
        """What the eyes change in the photo in frame ``i`` : (h, w, 3) each, None for one that is still."""
        found: list[np.ndarray | None] = []
        for number, (parts, eye) in enumerate(zip(self.eye_parts, self.prior.eyes, strict=True)):
            share = float(motion.looks[i, number])
            if not share > 0:
                found.append(None)
                continue
            first = len(FACE_UNITS) + 4 * number
            pose = EyePose(*map(float, motion.face[i, first : first + 4]))
            view = eye_view(parts, eye.rest, pose)
            change = self._painted(base().paint_eye, eye_inputs(parts, eye.rest, view), eye_numbers(parts, pose))[0]
            size = (eye.rest.shape[1], eye.rest.shape[0])
            added = resized(np.ascontiguousarray(mirrored(255 * change, parts).transpose(1, 2, 0)), size)
            found.append(share * (view.moved + added - eye.rest))
        return found[0], found[1]


def one_shot(
    rig: BlendshapeActor, digest: str, *, progress: Progress = no_progress, cancel: CancelToken | None = None
) -> OneShotActor:
    """An actor that the base moves, from a portrait that the rig prepared; 1 to 2 seconds of one core.

    Raises
    ------
    WeightsMissing
        If the base is not there.
    """
    cancel = cancel or CancelToken()
    base()
    progress(0.3, "Finding where the head's parts go")
    teacher = Teacher(rig, FACE_PX)
    near = teacher if teacher.crop.scale == 1 else Teacher(rig, EYES_PX)
    cancel.check()
    prior = outline(teacher, still_eyes(near.painter, banks()), banks())
    progress(1.0, "Ready")
    parts = tuple(near.painter.eyes)
    return OneShotActor(rig, teacher.crop, banks(), prior, near.crop, digest, eye_parts=(parts[0], parts[1]))


def read_coordinates(actor: OneShotActor, pictures: list[np.ndarray]) -> np.ndarray:
    """What is seen in pictures of a head, against the portrait : float32 (T, 36).

    The pose is found by alignment, the base's readers read mouth and expression from the head held still.

    Parameters
    ----------
    pictures : uint8 (H, W, >=3) each, framed as the portrait, of any size
    """
    import torch

    lips, upper, alignment = actor.prior.lips, actor.upper, actor.alignment
    poses, seen = [], [read_patches(actor.photo, lips, upper)]
    for picture in pictures:
        frame = actor.framed(picture)
        poses.append(alignment.pose(frame))
        seen.append(read_patches(actor.prior.relief.held_still(frame, poses[-1]), lips, upper))
    codes = {}
    for name, patches in zip(("mouth", "expression"), zip(*seen, strict=True), strict=True):
        tensor = torch.from_numpy(np.stack(patches).astype(np.float32) / 127.5 - 1)
        with torch.inference_mode():
            found = [base().reader[name](part, tensor[:1]) for part in tensor[1:].split(32)]
        codes[name] = torch.cat(found).numpy()
    return np.concatenate([codes["mouth"], np.stack(poses), codes["expression"]], 1)
