"""Lessons for the shipped base: what the rig draws of many people, cut to what each network sees."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Self
from zipfile import BadZipFile

import numpy as np

from engines.api import Portrait
from engines.blendshape.actor import BlendshapeActor
from engines.blendshape.eyes import EyePose, draw_eye
from engines.disentangled.patches import (
    EYE_SIZE,
    MOUTH_SIZE,
    eye_inputs,
    eye_numbers,
    eye_view,
    mirrored,
    mouth_inputs,
    mouth_view,
    read_patches,
    resized,
    upper_box,
)
from engines.errors import InputError
from engines.teaching.banks import MOUTH, POSE, banks, motion
from engines.teaching.closed import EYES_PX, FACE_PX
from engines.teaching.lessons import lessons
from engines.teaching.lids import eye_lessons, still_eyes
from engines.teaching.prior import face_features, outline
from engines.teaching.teacher import Teacher

_SPOKEN, _LOOKS, _WHOLE, _ALONE = 48, 36, 60, 24
"""Frames of the mouth, poses of each eye, frames of the whole head in which everything moves or one bank alone."""
_ERROR: Final = 0.03
"""Deviation of coordinates of a pose from what is undone: what `Alignment` leaves, as far as it can be seen."""


@dataclass(frozen=True, eq=False)
class Lessons(ABC):
    """Lessons of one person, in a file."""

    @classmethod
    @abstractmethod
    def draw(cls, portrait: Portrait, seed: int) -> Self:
        """What the rig draws of one portrait.

        Parameters
        ----------
        seed : of the motion

        Raises
        ------
        InputError
            If the portrait shows no face that can be used.
        """

    def save(self, path: Path) -> None:
        """Write them to a file."""
        unfinished = path.with_name(f".{path.name}")
        with unfinished.open("wb") as file:
            np.savez(file, **{f.name: getattr(self, f.name) for f in fields(self)})
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read them.

        Raises
        ------
        InputError
            If the file is not whole.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
                return cls(**{f.name: data[f.name] for f in fields(cls)})
        except (OSError, KeyError, ValueError, EOFError, BadZipFile) as error:
            raise InputError(
                f"The lessons {path} cannot be read ({error}). Delete the file; it is drawn anew."
            ) from error


@dataclass(frozen=True, eq=False)
class PainterLessons(Lessons):
    """What the painters learn from.

    Attributes
    ----------
    mouth : float16 (T, 8, 64, 64), what the mouth's painter sees
    mouth_numbers : float32 (T, 20)
    mouth_own : uint8 (T, 64, 64), how much is the mouth's
    mouth_drawn : uint8 (T, 3, 64, 64), what the rig draws there
    eye : float16 (N, 8, 32, 48), what the painter of eyes sees
    eye_numbers : float32 (N, 4)
    eye_change : float16 (N, 3, 32, 48), the change of colour that the rig draws, -1 to 1
    """

    mouth: np.ndarray
    mouth_numbers: np.ndarray
    mouth_own: np.ndarray
    mouth_drawn: np.ndarray
    eye: np.ndarray
    eye_numbers: np.ndarray
    eye_change: np.ndarray

    @classmethod
    def draw(cls, portrait: Portrait, seed: int) -> Self:
        """As `Lessons.draw` says."""
        teacher, near = _teachers(portrait)
        return cls(*_mouths(teacher, near, seed), *_eyes(near, seed))


@dataclass(frozen=True, eq=False)
class ReaderLessons(Lessons):
    """What the readers learn from: frames whose pose was undone.

    Attributes
    ----------
    photo_mouth, photo_expression : uint8 (3, 64, 64) and (3, 64, 96), the portrait about the mouth and its upper face
    seen_mouth, seen_expression : uint8 (K, 3, 64, 64) and (K, 3, 64, 96), the same of frames
    told : float32 (K, 36), their coordinates
    """

    photo_mouth: np.ndarray
    photo_expression: np.ndarray
    seen_mouth: np.ndarray
    seen_expression: np.ndarray
    told: np.ndarray

    @classmethod
    def draw(cls, portrait: Portrait, seed: int) -> Self:
        """As `Lessons.draw` says."""
        teacher, near = _teachers(portrait)
        prior = outline(teacher, still_eyes(near.painter, banks()), banks())
        photo = np.ascontiguousarray(teacher.painter.photo[..., :3])
        upper = upper_box(teacher.landmarks, teacher.crop.size)
        rng = np.random.default_rng([seed, 7])
        seen, told = [], []
        for number, bank in enumerate(("", "mouth", "head", "expression")):  # everything at once, then each bank alone
            moving = {name: bank in ("", name) for name in ("mouth", "head", "expression")}
            part = lessons(_ALONE if bank else _WHOLE, [1001 + 2 * seed, number], **moving)
            numbers = banks().coordinates(motion(part, teacher.rest_weights, teacher.actor.head.rest_head))
            for frame, own in zip(teacher.frames(part), numbers, strict=True):
                still = prior.relief.held_still(frame, own[POSE] + rng.normal(0, _ERROR, 6))
                seen.append(read_patches(still, prior.lips, upper))
            told.append(numbers)
        mouths, faces = (np.stack(part) for part in zip(*seen, strict=True))
        return cls(*read_patches(photo, prior.lips, upper), mouths, faces, np.concatenate(told))


def _teachers(portrait: Portrait) -> tuple[Teacher, Teacher]:
    """The rig with one portrait, at the size of an actor and of its eyes."""
    from engines import registry

    rig = registry.load("blendshape").prepare(portrait)
    assert isinstance(rig, BlendshapeActor)
    return Teacher(rig, FACE_PX), Teacher(rig, EYES_PX)


def _mouths(teacher: Teacher, near: Teacher, seed: int) -> tuple[np.ndarray, ...]:
    prior = outline(teacher, still_eyes(near.painter, banks()), banks())
    lips, photo = prior.lips, teacher.painter.photo
    performance = lessons(_SPOKEN, seed=1000 + 2 * seed, head=False, expression=False)
    moved = motion(performance, teacher.rest_weights, teacher.actor.head.rest_head)
    told = banks().coordinates(moved)
    features = face_features(told, moved.face)
    seen, own, drawn = [], [], []
    for i, frame in enumerate(teacher.frames(performance)):
        view = mouth_view(prior, photo, features[i], float(moved.speaks[i]))
        seen.append(mouth_inputs(lips, photo, view))
        own.append(resized(255 * view.own, MOUTH_SIZE))
        drawn.append(resized(frame[lips.box.slices], MOUTH_SIZE).transpose(2, 0, 1))
    return (
        np.asarray(seen, np.float16),
        told[:, MOUTH],
        np.clip(np.round(own), 0, 255).astype(np.uint8),
        np.clip(np.round(drawn), 0, 255).astype(np.uint8),
    )


def _eyes(near: Teacher, seed: int) -> tuple[np.ndarray, ...]:
    painter = near.painter
    seen, numbers, changes = [], [], []
    for number, eye in enumerate(painter.eyes):
        x, y, width, height = (int(v) for v in eye.box)
        rest = painter.person[y : y + height, x : x + width, :3]
        for row in eye_lessons(np.random.default_rng([seed, number]), _LOOKS):
            pose = EyePose(*map(float, row))
            change = draw_eye(painter.person, eye, pose)[..., :3] - rest
            seen.append(eye_inputs(eye, rest, eye_view(eye, rest, pose)))
            numbers.append(eye_numbers(eye, pose))
            changes.append(mirrored(resized(change / 255, EYE_SIZE).transpose(2, 0, 1), eye))
    return np.asarray(seen, np.float16), np.asarray(numbers, np.float32), np.asarray(changes, np.float16)
