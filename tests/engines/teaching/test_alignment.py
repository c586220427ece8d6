"""The pose of a picture by alignment: found again, undone, and not taken in by what the face does."""

from __future__ import annotations

import numpy as np
import pytest

from engines import registry
from engines.api import Performance
from engines.blendshape.actor import BlendshapeActor
from engines.teaching.alignment import Alignment
from engines.teaching.banks import POSE, banks, motion
from engines.teaching.closed import EYES_PX, FACE_PX
from engines.teaching.lessons import lessons
from engines.teaching.lids import still_eyes
from engines.teaching.prior import Prior, outline
from engines.teaching.teacher import Teacher
from tests.engines.disentangled.conftest import demo

COUNT = 10


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    rig = registry.load("blendshape").prepare(demo(400))
    assert isinstance(rig, BlendshapeActor)
    return Teacher(rig, FACE_PX)


@pytest.fixture(scope="module")
def prior(teacher: Teacher) -> Prior:
    return outline(teacher, still_eyes(Teacher(teacher.actor, EYES_PX).painter, banks()), banks())


@pytest.fixture(scope="module")
def alignment(prior: Prior, teacher: Teacher) -> Alignment:
    return Alignment.of(prior, banks(), teacher.painter.photo, teacher.landmarks)


def poses(teacher: Teacher, course: Performance) -> np.ndarray:
    """What the rig draws of a performance's head : (T, 6)."""
    return banks().coordinates(motion(course, teacher.rest_weights, teacher.actor.head.rest_head))[:, POSE]


def test_the_portrait_has_no_pose(alignment: Alignment, teacher: Teacher) -> None:
    assert np.abs(alignment.pose(teacher.painter.photo)).max() < 1e-3


def test_poses_are_found_whatever_the_face_does(alignment: Alignment, teacher: Teacher) -> None:
    course = lessons(COUNT, seed=8)
    told = poses(teacher, course)
    frames = teacher.frames(course)
    found = np.stack([alignment.pose(f) for f in frames])
    assert np.corrcoef(found.ravel(), told.ravel())[0, 1] > 0.9
    assert np.abs(found - told)[:, :3].mean() < 0.25
    near = np.stack([alignment.pose(f, t) for f, t in zip(frames, told, strict=True)])
    assert np.square(near - told).mean() <= 1.1 * np.square(found - told).mean()


def test_another_exposure_is_no_pose(alignment: Alignment, teacher: Teacher) -> None:
    photo = teacher.painter.photo.astype(float)
    assert np.abs(alignment.pose(0.8 * photo + 12)).max() < 0.02


def test_a_face_that_moves_alone_has_no_pose(alignment: Alignment, teacher: Teacher) -> None:
    found = [alignment.pose(f) for f in teacher.frames(lessons(COUNT, seed=9, head=False))]
    assert np.sqrt(np.square(found).mean()) < 0.2  # a head that moves is at 0.9


def test_undone_pictures_look_like_the_portrait(prior: Prior, teacher: Teacher) -> None:
    course = lessons(COUNT, seed=10, mouth=False, expression=False)
    told = poses(teacher, course)
    photo = teacher.painter.photo[..., :3].astype(float)
    lips = prior.lips.box.slices
    for frame, pose in zip(teacher.frames(course), told, strict=True):
        undone = prior.relief.held_still(frame[..., :3].astype(np.float32), pose)
        moved = np.abs(frame[..., :3] - photo)[lips].mean()
        assert np.abs(undone - photo)[lips].mean() < max(0.35 * moved, 1.5)
