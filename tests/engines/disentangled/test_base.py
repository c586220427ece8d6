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
from engines.disentangled.base_lessons import Lessons, PainterLessons, ReaderLessons
from engines.disentangled.patches import eye_inputs, eye_numbers, eye_view, mirrored, upper_box
from engines.errors import InputError, WeightsMissing
from engines.teaching.closed import EYES_PX
from engines.teaching.teacher import Teacher
from tests.engines.disentangled.conftest import demo

torch = pytest.importorskip("torch")

from engines.disentangled.net_base import EYE_INPUTS, EYE_PX, MOUTH_INPUTS, MOUTH_PX, UPPER_PX, Base  # noqa: E402
from engines.disentangled.train_base import (  # noqa: E402
    BANKS,
    PARTS,
    PICTURE,
    BaseLook,
    BasePlan,
    BaseTrainer,
    Part,
)
from engines.disentangled.train_ship import CARD, NETWORK, export  # noqa: E402

People = dict[Part, list[Path]]


@pytest.fixture(scope="module")
def near() -> Teacher:
    from engines import registry

    rig = registry.load("blendshape").prepare(demo(256))
    assert isinstance(rig, BlendshapeActor)
    return Teacher(rig, EYES_PX)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> People:
    """Lessons of a dozen people who are noise."""
    folder = tmp_path_factory.mktemp("lessons")
    rng = np.random.default_rng(2)
    count = 4
    found: People = {part: [] for part in PARTS}

    def bytes_of(*shape: int) -> np.ndarray:
        return rng.integers(0, 256, shape, dtype=np.uint8)

    for i in range(12):
        told = rng.normal(size=(count, 36)).astype(np.float32)
        for row, span in enumerate(BANKS.values()):
            told[row + 1] *= np.isin(np.arange(36), np.arange(36)[span])
        made = {
            "painters": PainterLessons(
                rng.uniform(-1, 1, (count, MOUTH_INPUTS, *MOUTH_PX)).astype(np.float16),
                rng.normal(size=(count, 20)).astype(np.float32),
                bytes_of(count, *MOUTH_PX),
                bytes_of(count, 3, *MOUTH_PX),
                rng.uniform(-1, 1, (count, EYE_INPUTS, *EYE_PX)).astype(np.float16),
                rng.normal(size=(count, 4)).astype(np.float32),
                rng.uniform(-0.2, 0.2, (count, 3, *EYE_PX)).astype(np.float16),
            ),
            "reader": ReaderLessons(
                bytes_of(3, *MOUTH_PX),
                bytes_of(3, *UPPER_PX),
                bytes_of(count, 3, *MOUTH_PX),
                bytes_of(count, 3, *UPPER_PX),
                told,
            ),
        }
        for part, lessons in zip(PARTS, (made["painters"], made["reader"]), strict=True):
            found[part].append(folder / f"{part}-{i:04d}.npz")
            lessons.save(found[part][-1])
    return found


def test_a_new_base_changes_nothing() -> None:
    base = Base()
    _, change = base.paint_mouth(torch.rand(2, MOUTH_INPUTS, *MOUTH_PX), torch.randn(2, 20))
    assert change.shape == (2, 3, *MOUTH_PX)
    assert not change.any()
    assert not base.paint_eye(torch.rand(2, EYE_INPUTS, *EYE_PX), torch.randn(2, 4)).any()
    assert sum(p.numel() for p in base.parameters()) < 3e6


def test_the_portrait_itself_reads_as_nothing() -> None:
    base = Base().eval()
    for name, size, count in (("mouth", MOUTH_PX, 20), ("expression", UPPER_PX, 10)):
        seen = torch.rand(2, 3, *size)
        codes = base.reader[name](seen, seen[:1])
        assert codes.shape == (2, count)
        assert codes[0].abs().max() < 1e-5
        assert codes[1].abs().max() > 1e-3


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


def test_the_upper_face_ends_above_the_mouth() -> None:
    from engines.face.landmarks import find_face

    portrait = demo(256)
    points = find_face(portrait).points
    box = upper_box(points, (portrait.rgb.shape[1], portrait.rgb.shape[0]))
    for i in (105, 334, 33, 263):  # brows and outer corners of the eyes
        assert box.left < points[i, 0] < box.left + box.width
        assert box.top < points[i, 1] < box.top + box.height
    assert box.top + box.height < points[[61, 291, 0], 1].min()
    assert upper_box(points - 200, (100, 100)).width == 1  # a face beyond the border: still a box


@pytest.mark.parametrize("kind", [PainterLessons, ReaderLessons])
def test_lessons_of_a_portrait(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: type[Lessons]) -> None:
    for name in ("_SPOKEN", "_LOOKS", "_WHOLE", "_ALONE"):
        monkeypatch.setattr(base_lessons, name, 3)
    found = kind.draw(demo(256), 5)
    if isinstance(found, PainterLessons):
        assert found.mouth.shape == (3, MOUTH_INPUTS, *MOUTH_PX)
        assert found.eye.shape == (6, EYE_INPUTS, *EYE_PX)
        assert not found.eye_change[0].any()  # the first lesson is the eye at rest
    else:
        assert isinstance(found, ReaderLessons)
        assert found.seen_mouth.shape == (12, 3, *MOUTH_PX)
        assert not found.told[3:6, 20:].any()  # after what moves everything, the mouth alone
        assert np.abs(found.told).max() > 0.3
        apart = [
            np.abs(s.astype(float) - p).mean((1, 2, 3))
            for s, p in ((found.seen_mouth, found.photo_mouth), (found.seen_expression, found.photo_expression))
        ]
        assert apart[0][6:9].mean() < 0.5 * apart[0][3:6].mean()  # the head that moves alone is held still again
    found.save(tmp_path / "a.npz")
    again = kind.load(tmp_path / "a.npz")
    assert all(np.array_equal(v, getattr(again, k)) for k, v in vars(found).items())
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"a\.npz cannot be read"):
        kind.load(tmp_path / "a.npz")


def test_who_has_no_face_gives_no_lessons() -> None:
    with pytest.raises(InputError):
        PainterLessons.draw(Portrait(np.full((200, 200, 3), 90, np.uint8)), 1)


@pytest.mark.parametrize("part", PARTS)
def test_training_goes_on_where_it_stopped(people: People, tmp_path: Path, part: Part) -> None:
    short, long = (BasePlan(part, n, people=2, mouths=1, eyes=1, heads=1, check_every=2) for n in (2, 4))
    first = BaseTrainer(people[part], tmp_path, short)
    before = {k: v.clone() for k, v in first.model.state_dict().items()}
    looks: list[BaseLook] = []
    first.run(tell=looks.append)
    assert [look.step for look in looks] == [2]
    changed = {k.split(".")[0] for k, v in first.model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed == ({"reader"} if part == "reader" else {"mouth", "eye"})
    on = BaseTrainer(people[part], tmp_path, long)
    assert on.step == 2
    assert all(torch.equal(v, first.learns.state_dict()[k]) for k, v in on.learns.state_dict().items())
    on.run()
    assert len((tmp_path / f"{part}.csv").read_text().splitlines()) == 3
    assert (tmp_path / PICTURE).exists() == (part == "painters")


def test_both_parts_are_shipped_together(people: People, tmp_path: Path) -> None:
    trainers = [
        BaseTrainer(people[part], tmp_path, BasePlan(part, 1, people=2, heads=1, mouths=1, eyes=1)) for part in PARTS
    ]
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
    assert {"unread, mouth", "unread, expression", "pose moves mouth"} < set(card["reader"]["figures on those"])
    # a part that was not taught again stays
    trainers[1].average.shadow_params = [p + 1 for p in trainers[1].average.shadow_params]
    export(trainers[1:], tmp_path, {"what": "another"})
    again = checkpoint.read(tmp_path / NETWORK)
    assert {k.split(".")[0] for k, v in again.items() if not torch.equal(v, state[k])} == {"reader"}
    assert json.loads((tmp_path / CARD).read_text())["painters"] == card["painters"]
    with pytest.raises(InputError, match="neither taught"):
        export(trainers[1:], tmp_path / "nowhere", {})


def test_what_is_not_its_state_is_refused(people: People, tmp_path: Path) -> None:
    torch.save({"step": 3}, tmp_path / "painters.pt")
    with pytest.raises(WeightsMissing, match="Delete it to begin anew"):
        BaseTrainer(people["painters"], tmp_path, BasePlan(people=2))
    with pytest.raises(InputError, match="too few"):
        BaseTrainer(people["painters"][:4], tmp_path / "b", BasePlan())
