"""Portrait to frames, with nothing imported and through a small generator with made-up weights."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from app.core import actor_store
from engines import registry
from engines.api import CancelToken, Performance, Portrait, RenderOptions
from engines.errors import Cancelled, EngineError, InputError, WeightsMissing
from engines.latent.bridge import Exam
from engines.stylegan import generators, numbers
from engines.stylegan.actor import StyleGANActor
from engines.stylegan.align import STABLE
from engines.stylegan.engine import StyleGANEngine
from engines.stylegan.taught import TaughtActor
from engines.teaching.lessons import lessons
from tests.benchmarks.stylegan_jitter import trembling
from tests.engines.edtalk.conftest import store
from tests.engines.stylegan.conftest import ENTRY, FILE, made_up

RATE = Fraction(25)
SIZE = RenderOptions(size=(160, 160))


def still(count: int, **extras: float | np.ndarray) -> Performance:
    """A performance at rest with the artist's curves on the engine's numbers."""
    pairs = {n: np.stack([np.zeros(count), np.broadcast_to(v, (count,))], 1) for n, v in extras.items()}
    return Performance.rest(count, RATE).with_(extras=pairs)


def drawn(engine: StyleGANEngine, actor: object, performance: Performance, options: RenderOptions = SIZE) -> np.ndarray:
    return np.stack(list(engine.render(actor, performance, options=options)))  # type: ignore[arg-type]


def passed(actor: StyleGANActor) -> StyleGANActor:
    """The actor as if its generator had passed all exams."""
    exams = tuple(Exam(part, 1, 1, 0, 0, 1) for part in ("mouth", "pose", "expression"))
    return replace(actor, bridge=replace(actor.bridge, exams=exams))


def test_its_numbers_are_declared() -> None:
    names = [c.name for c in registry.info("stylegan").coordinates]
    assert [n for n in names if n in numbers.NAMES] == list(numbers.NAMES)
    assert registry.info("stylegan").needs == ()


# --- with nothing imported ---


def test_taught_portrait_at_rest_is_the_photo(engine: StyleGANEngine, taught: TaughtActor) -> None:
    frame = drawn(engine, taught, still(1))[0]
    assert np.abs(frame.astype(int) - taught.rig.painter((160, 160)).photo).max() <= 1


def test_taught_portrait_follows_the_rig_by_35_numbers(engine: StyleGANEngine, taught: TaughtActor) -> None:
    asked = lessons(6, 5)
    ours = drawn(engine, taught, asked).astype(float)
    rig = registry.load("blendshape")
    theirs = np.stack(list(rig.render(taught.rig, asked, options=SIZE))).astype(float)
    photo = taught.rig.painter((160, 160)).photo.astype(float)
    assert np.square(ours - theirs).mean() < 0.12 * np.square(photo - theirs).mean()


def test_taught_frames_hold_nothing_but_the_numbers(taught: TaughtActor) -> None:
    asked = lessons(6, 5)
    kept = numbers.from_bytes(numbers.to_bytes(taught.numbers(asked)))
    assert len(numbers.to_bytes(taught.numbers(asked))) == 70 * 6
    moved, coordinates = numbers.to_motion(kept, taught.motion(asked).head[:, 3:], taught.banks)
    again, others = taught.told(asked)
    np.testing.assert_allclose(coordinates, others, atol=0.02)
    np.testing.assert_allclose(moved.speaks, again.speaks, atol=1e-3)


def test_curve_on_a_number_of_a_taught_portrait(engine: StyleGANEngine, taught: TaughtActor) -> None:
    values = taught.numbers(still(2, yaw=np.array([0.0, 9.0]), mouth_1=1.5))
    np.testing.assert_allclose(values[:, 1], [0, 9])
    np.testing.assert_allclose(values[:, 3], 1.5)
    frames = drawn(engine, taught, still(2, yaw=np.array([0.0, 9.0])))
    assert np.abs(frames[1].astype(int) - frames[0]).mean() > 1


# --- with the user's generator ---


def test_generator_draws_the_face_and_the_rig_the_rest(
    engine: StyleGANEngine, generated: StyleGANActor, stored: Path
) -> None:
    frame = drawn(engine, passed(generated), still(1))[0]
    photo = generated.rig.painter((160, 160)).photo
    assert np.array_equal(frame[-20:], photo[-20:])
    assert np.abs(frame.astype(int) - photo).max() > 15  # made-up weights do not draw her well


def test_what_failed_its_exam_is_drawn_by_the_rig(
    engine: StyleGANEngine, generated: StyleGANActor, stored: Path
) -> None:
    assert not generated.bridge.used("mouth")  # made-up weights draw nonsense
    asked = lessons(3, 8, head=False, expression=False)
    theirs = np.stack(list(registry.load("blendshape").render(generated.rig, asked, options=SIZE)))
    box = generated.rig.crop((160, 160)).places(generated.rig.landmarks.points[[61, 291, 13], :2]).round().astype(int)
    x, y = box[:, 0].mean().astype(int), box[2, 1]
    ours = drawn(engine, generated, asked)
    lips = np.s_[:, y - 2 : y + 3, x - 4 : x + 5]
    assert np.abs(ours[lips].astype(int) - theirs[lips]).mean() < 2


def test_channels_are_of_their_parts_and_differ(generated: StyleGANActor) -> None:
    assert generated.parts[:20] == ("mouth",) * 20
    assert set(generated.parts[20:]) <= {"eyes", "brows", "cheeks"}
    moved = np.abs(generated.basis[:32]).argmax(1)
    assert len(set(moved.tolist())) == 32


def test_curve_on_a_channel_moves_the_picture(engine: StyleGANEngine, generated: StyleGANActor, stored: Path) -> None:
    actor = passed(generated)
    values = actor.numbers(still(2, mouth_3=np.array([0.0, 3.0])))
    np.testing.assert_allclose(values[:, 5], [0, 3])
    frames = drawn(engine, actor, still(3, mouth_3=np.array([0.0, 0.3, 3.0]))).astype(int)
    little, much = (np.abs(frames[i] - frames[0]).mean() for i in (1, 2))
    assert 0.01 < little < 0.4 * much


def test_nothing_trembles_where_nothing_moves(
    engine: StyleGANEngine, generated: StyleGANActor, taught: TaughtActor, stored: Path
) -> None:
    pose, weights = np.array([0.1, -0.15, 0.05, 0.6, -0.4, 1.0]), lessons(1, 4).weights
    held = still(4).with_(head=np.tile(pose, (4, 1)), weights=np.repeat(weights, 4, 0))
    for actor in (taught, generated, passed(generated)):
        frames = drawn(engine, actor, held)
        assert np.abs(frames[0].astype(int) - drawn(engine, actor, still(1))[0]).max() > 20
        np.testing.assert_array_equal(frames, np.repeat(frames[:1], 4, 0))


def test_slow_motion_bends_no_more_than_the_rigs(engine: StyleGANEngine, taught: TaughtActor) -> None:
    t = np.linspace(0, 1, 30)
    head = np.stack([0.05 * np.sin(5 * t), 0.3 * t - 0.15, 0.06 * t, t, 0.5 * t, 0 * t], 1)
    options = replace(SIZE, size=(320, 320))
    asked = still(30).with_(head=head)
    ours = trembling(drawn(engine, taught, asked, options))[0]
    rig = trembling(registry.load("blendshape").render(taught.rig, asked, options=options))[0]
    for measure in ("rigid", "whole", "wobble", "head", "fast"):
        assert ours[measure] < 1.05 * rig[measure], measure
    assert ours["way"] == pytest.approx(rig["way"], rel=0.03)


def test_the_crop_is_laid_by_points_of_the_face(generated: StyleGANActor) -> None:
    depth = dict(zip(STABLE, generated.follower.points[:, 2], strict=True))
    for left, right in ((33, 263), (127, 356), (234, 454), (54, 284)):
        assert depth[left] == pytest.approx(depth[right], abs=1.5)
    assert depth[1] > depth[33] > depth[127]  # the tip of the nose, the eyes, the temples


def test_roll_turns_the_crop(generated: StyleGANActor) -> None:
    head = np.zeros((2, 6))
    head[1, 2] = np.radians(10)
    before, after = generated.follower.crops(head)
    turned = np.degrees(np.arctan2(after.axis[1], after.axis[0]) - np.arctan2(before.axis[1], before.axis[0]))
    assert turned == pytest.approx(-10, abs=0.6)  # anticlockwise, y down
    np.testing.assert_allclose(before.axis, generated.follower.crop.axis, rtol=1e-6)


def test_frames_do_not_depend_on_where_drawing_starts(
    engine: StyleGANEngine, generated: StyleGANActor, stored: Path
) -> None:
    asked, actor = lessons(4, 3), passed(generated)
    whole = drawn(engine, actor, asked)
    last = next(engine.render(actor, asked, options=SIZE, start=3))
    assert np.abs(whole[3].astype(int) - last).max() <= 1


def test_alpha_and_range(engine: StyleGANEngine, generated: StyleGANActor, stored: Path) -> None:
    assert drawn(engine, generated, still(1), replace(SIZE, alpha=True)).shape == (1, 160, 160, 4)
    with pytest.raises(InputError, match="outside"):
        engine.render(generated, still(2), start=1, stop=5)
    with pytest.raises(EngineError, match="another engine"):
        engine.render(replace(generated, engine_id="x"), still(2))


def test_actor_survives_the_disk(generated: StyleGANActor, taught: TaughtActor, tmp_path: Path) -> None:
    for actor in (generated, taught):
        actor_store.save(actor, tmp_path / "actor.npz")
        again = actor_store.load(tmp_path / "actor.npz")
        np.testing.assert_array_equal(again.numbers(lessons(2, 1)), actor.numbers(lessons(2, 1)))


# --- what can go wrong ---


def test_other_weights_make_another_actor(
    engine: StyleGANEngine, portrait: Portrait, generated: StyleGANActor, home: Path, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.setenv("SOLILOQUY_HOME", str(tmp_path))
    assert engine.fingerprint(portrait) == "taught"
    engine.unload()
    with pytest.raises(WeightsMissing, match="no longer in use"):
        drawn(engine, generated, still(1))
    monkeypatch.setenv("SOLILOQUY_HOME", str(home))
    assert engine.fingerprint(portrait).startswith(ENTRY)


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ({"g_ema": {"conv.weight": torch.zeros(3)}}, "no StyleGAN2 generator"),
        ({"g_ema": {k: v.half() * float("nan") for k, v in made_up().state_dict().items()}}, "not finite"),
    ],
)
def test_other_architecture_and_nan_are_named(
    engine: StyleGANEngine, portrait: Portrait, contents: object, said: str, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    store(tmp_path, ENTRY, FILE, contents)
    monkeypatch.setenv("SOLILOQUY_HOME", str(tmp_path))
    with pytest.raises(WeightsMissing, match=said):
        engine.prepare(portrait)


def test_truncated_and_hostile_files_are_refused(
    engine: StyleGANEngine, portrait: Portrait, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = store(tmp_path, ENTRY, FILE, {"g_ema": made_up().state_dict()})
    monkeypatch.setenv("SOLILOQUY_HOME", str(tmp_path))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsMissing, match="bytes"):
        engine.prepare(portrait)
    bad = b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR."
    path.write_bytes((b"\x80\x02" + bad).ljust(len(whole), b"\0"))
    with pytest.raises(WeightsMissing, match="hostile"):
        engine.prepare(portrait)
    assert not (tmp_path / "ran").exists()


def test_preparing_can_be_cancelled(engine: StyleGANEngine, portrait: Portrait, stored: Path, little: None) -> None:
    cancel = CancelToken()

    def progress(part: float, what: str) -> None:
        if part > 0.2:
            cancel.cancel()

    with pytest.raises(Cancelled):
        engine.prepare(portrait, progress=progress, cancel=cancel)


def test_first_of_the_known_generators_draws(stored: Path) -> None:
    chosen = generators.choose()
    assert chosen is not None
    assert chosen.entry == ENTRY
