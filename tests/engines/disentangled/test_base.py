"""The shipped base: its networks, what they see, lessons, and training that goes on where it stopped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engines import checkpoint
from engines.api import Portrait
from engines.blendshape.actor import BlendshapeActor
from engines.blendshape.eyes import EyePose
from engines.disentangled import base_lessons
from engines.disentangled.base_lessons import BaseLessons, draw_lessons
from engines.disentangled.patches import (
    HEAD_SIZE,
    eye_inputs,
    eye_numbers,
    eye_view,
    head_matrix,
    head_picture,
    mirrored,
)
from engines.errors import InputError, WeightsMissing
from engines.teaching.closed import EYES_PX
from engines.teaching.teacher import Teacher
from tests.engines.disentangled.conftest import demo

torch = pytest.importorskip("torch")

from engines.disentangled.net_base import EYE_INPUTS, EYE_PX, HEAD_PX, MOUTH_INPUTS, MOUTH_PX, Base  # noqa: E402
from engines.disentangled.train_base import (  # noqa: E402
    PARTS,
    PICTURE,
    BaseLook,
    BasePlan,
    BaseTrainer,
    Part,
    export,
)


@pytest.fixture(scope="module")
def near() -> Teacher:
    from engines import registry

    rig = registry.load("blendshape").prepare(demo(256))
    assert isinstance(rig, BlendshapeActor)
    return Teacher(rig, EYES_PX)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Lessons of a dozen people who are noise."""
    folder = tmp_path_factory.mktemp("lessons")
    rng = np.random.default_rng(2)
    count, found = 3, []
    for i in range(12):

        def bytes_of(*shape: int) -> np.ndarray:
            return rng.integers(0, 256, shape, dtype=np.uint8)

        made = BaseLessons(
            rng.uniform(-1, 1, (count, MOUTH_INPUTS, *MOUTH_PX)).astype(np.float16),
            rng.normal(size=(count, 20)).astype(np.float32),
            bytes_of(count, *MOUTH_PX),
            bytes_of(count, 3, *MOUTH_PX),
            rng.uniform(-1, 1, (count, EYE_INPUTS, *EYE_PX)).astype(np.float16),
            rng.normal(size=(count, 4)).astype(np.float32),
            rng.uniform(-0.2, 0.2, (count, 3, *EYE_PX)).astype(np.float16),
            bytes_of(3, HEAD_PX, HEAD_PX),
            bytes_of(count, 3, HEAD_PX, HEAD_PX),
            rng.normal(size=(count, 36)).astype(np.float32),
        )
        found.append(folder / f"{i:04d}.npz")
        made.save(found[-1])
    return found


def test_a_new_base_changes_nothing() -> None:
    base = Base()
    _, change = base.paint_mouth(torch.rand(2, MOUTH_INPUTS, *MOUTH_PX), torch.randn(2, 20))
    assert change.shape == (2, 3, *MOUTH_PX)
    assert not change.any()
    assert not base.paint_eye(torch.rand(2, EYE_INPUTS, *EYE_PX), torch.randn(2, 4)).any()
    seen = torch.rand(2, 3, HEAD_PX, HEAD_PX)
    codes = base.eval().reader(seen, seen[:1])
    assert codes.shape == (2, 36)
    assert codes[0].abs().max() < 1e-5
    assert codes[1].abs().max() > 1e-3
    assert sum(p.numel() for p in base.parameters()) < 3e6


def test_a_shut_eye_has_no_opening(near: Teacher) -> None:
    for eye in near.painter.eyes:
        x, y, width, height = (int(v) for v in eye.box)
        rest = near.painter.person[y : y + height, x : x + width, :3]
        still, shut, aside = (eye_view(eye, rest, EyePose(*p)) for p in ((0, 0, 0, 0), (1, 0, 0, 0), (0, 0, 0.3, 0)))
        assert np.abs(still.moved - rest).mean() < 0.1
        assert still.open.sum() > 40
        assert shut.open.sum() < 0.15 * still.open.sum()
        columns = np.arange(width)
        middles = [(v.iris.sum(0) * columns).sum() / v.iris.sum() for v in (still, aside)]
        assert abs(middles[1] - middles[0]) > 0.4 * float(eye.iris_px[2])
        assert eye_inputs(eye, rest, shut).shape == (EYE_INPUTS, *EYE_PX)


def test_the_right_eye_is_shown_mirrored(near: Teacher) -> None:
    left, right = near.painter.eyes
    pose = EyePose(0.1, 0.05, 0.3, 0.1)
    assert eye_numbers(left, pose)[2] == -eye_numbers(right, pose)[2]
    assert np.array_equal(eye_numbers(left, pose)[[0, 1, 3]], eye_numbers(right, pose)[[0, 1, 3]])
    patch = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(mirrored(patch, left), patch)
    assert np.array_equal(mirrored(mirrored(patch, right), right), patch)


def test_the_reader_sees_the_face_in_the_middle() -> None:
    points = np.random.default_rng(1).uniform([300, 200], [500, 420], (478, 2))
    matrix = head_matrix(points)
    centre = matrix[:, :2] @ ((points[:468].min(0) + points[:468].max(0)) / 2) + matrix[:, 2]
    assert centre == pytest.approx([HEAD_SIZE / 2 - 0.5] * 2, abs=0.01)
    picture = np.zeros((600, 800, 3), np.uint8)
    picture[:, :400] = 255
    seen = head_picture(picture, matrix)
    assert seen.shape == (HEAD_SIZE, HEAD_SIZE, 3)
    assert seen[:, :40].min() == 255
    assert seen[:, -40:].max() == 0


def test_lessons_of_a_portrait(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("_SPOKEN", "_LOOKS", "_WHOLE", "_ALONE"):
        monkeypatch.setattr(base_lessons, name, 3)
    found = draw_lessons(demo(256), 5)
    assert found.mouth.shape == (3, MOUTH_INPUTS, *MOUTH_PX)
    assert found.eye.shape == (6, EYE_INPUTS, *EYE_PX)
    assert found.heads.shape == (12, 3, HEAD_PX, HEAD_PX)
    assert not found.told[3:6, 20:].any()  # after what moves everything, the mouth alone
    assert not found.eye_change[0].any()  # the first lesson is the eye at rest
    assert np.abs(found.told).max() > 0.3
    found.save(tmp_path / "a.npz")
    again = BaseLessons.load(tmp_path / "a.npz")
    assert all(np.array_equal(v, getattr(again, k)) for k, v in vars(found).items())
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"a\.npz cannot be read"):
        BaseLessons.load(tmp_path / "a.npz")


def test_who_has_no_face_gives_no_lessons() -> None:
    with pytest.raises(InputError):
        draw_lessons(Portrait(np.full((200, 200, 3), 90, np.uint8)), 1)


@pytest.mark.parametrize("part", PARTS)
def test_training_goes_on_where_it_stopped(people: list[Path], tmp_path: Path, part: Part) -> None:
    short, long = (BasePlan(part, n, people=2, mouths=1, eyes=1, heads=1, check_every=2) for n in (2, 4))
    first = BaseTrainer(people, tmp_path, short)
    before = {k: v.clone() for k, v in first.model.state_dict().items()}
    looks: list[BaseLook] = []
    first.run(tell=looks.append)
    assert [look.step for look in looks] == [2]
    changed = {k.split(".")[0] for k, v in first.model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed == ({"reader"} if part == "reader" else {"mouth", "eye"})
    on = BaseTrainer(people, tmp_path, long)
    assert on.step == 2
    assert all(torch.equal(v, first.learns.state_dict()[k]) for k, v in on.learns.state_dict().items())
    on.run()
    assert len((tmp_path / f"{part}.csv").read_text().splitlines()) == 3
    assert (tmp_path / PICTURE).exists() == (part == "painters")


def test_both_parts_are_shipped_together(people: list[Path], tmp_path: Path) -> None:
    trainers = [BaseTrainer(people, tmp_path, BasePlan(part, 1, people=2, heads=1, mouths=1, eyes=1)) for part in PARTS]
    for trainer in trainers:
        trainer.run()
    files = export(trainers, tmp_path, {"what": "a try"})
    state = checkpoint.read(files[0])
    whole = Base()
    whole.load_state_dict({k: v.float() for k, v in state.items()})
    with trainers[1].averaged():
        own = trainers[1].model.reader.state_dict()
        assert all(torch.allclose(v, own[k], atol=1e-3) for k, v in whole.reader.state_dict().items())
    card = json.loads(files[1].read_text())
    assert card["what"] == "a try"
    assert card["painters"]["people kept apart"] == 1
    assert set(card["reader"]["figures on those"]) == {"unread, mouth", "unread, pose", "unread, expression"}


def test_what_is_not_its_state_is_refused(people: list[Path], tmp_path: Path) -> None:
    torch.save({"step": 3}, tmp_path / "painters.pt")
    with pytest.raises(WeightsMissing, match="Delete it to begin anew"):
        BaseTrainer(people, tmp_path, BasePlan(people=2))
    with pytest.raises(InputError, match="too few"):
        BaseTrainer(people[:4], tmp_path / "b", BasePlan())
