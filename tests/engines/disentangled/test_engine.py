"""The taught actor against the rig that taught it, on motion it has not seen."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from engines import arkit, registry
from engines.api import CancelToken, Performance, Portrait, RenderOptions
from engines.disentangled.actor import NAMES, TaughtActor
from engines.disentangled.engine import DisentangledEngine
from engines.errors import Cancelled, EngineError, InputError
from engines.teaching.lessons import lessons

SIZE = RenderOptions(size=(320, 320))


def decibel(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, np.square(a.astype(float) - b.astype(float)).mean())))


def one(**units: float) -> Performance:
    weights = np.zeros((1, 52), np.float32)
    for name, value in units.items():
        weights[0, list(arkit.indices(name))] = value
    return Performance.rest(1, Fraction(25)).with_(weights=weights)


def drawn(engine: DisentangledEngine, actor: TaughtActor, performance: Performance, **options: object) -> np.ndarray:
    chosen = RenderOptions(size=(320, 320), **options)  # type: ignore[arg-type]
    return np.stack(list(engine.render(actor, performance, options=chosen)))


def lip_box(actor: TaughtActor) -> tuple[slice, slice]:
    points = actor.rig.crop((320, 320)).places(actor.rig.landmarks.points[:, :2])
    x0, x1, y0, y1 = points[61, 0], points[291, 0], points[2, 1], points[152, 1]
    return slice(int(y0), int(y1) + 8), slice(int(x0) - 6, int(x1) + 6)


def test_listed_by_the_registry() -> None:
    info = registry.info("disentangled")
    assert {"emotion", "pose", "gaze", "curves", "phones", "blink"} <= info.honours
    assert not info.needs


def test_still_performance_is_the_photo(engine: DisentangledEngine, actor: TaughtActor) -> None:
    frame = drawn(engine, actor, Performance.rest(1, Fraction(25)))[0]
    assert np.array_equal(frame, actor.rig.painter((320, 320)).photo)


def test_close_to_the_rig_on_unseen_motion(engine: DisentangledEngine, actor: TaughtActor) -> None:
    performance = lessons(8, seed=77)
    performance = performance.with_(head=0.6 * performance.head)
    ours = drawn(engine, actor, performance)
    rig = np.stack(list(registry.load("blendshape").render(actor.rig, performance, options=SIZE)))
    lips = (slice(None), *lip_box(actor))
    photo = actor.rig.painter((320, 320)).photo
    assert decibel(ours, rig) > 35
    assert decibel(ours[lips], rig[lips]) > 24
    moved, wanted = (np.abs(f[lips].astype(float) - photo[lips[1:]]).mean() for f in (ours, rig))
    assert 0.85 < moved / wanted < 1.2


def test_banks_stay_in_their_regions(engine: DisentangledEngine, actor: TaughtActor) -> None:
    photo = actor.rig.painter((320, 320)).photo.astype(float)
    points = actor.rig.crop((320, 320)).places(actor.rig.landmarks.points[:, :2])
    upper = slice(0, int(points[168, 1]))  # above the root of the nose
    talk = np.abs(drawn(engine, actor, one(jawOpen=0.6, mouthPucker=0.3))[0] - photo)
    assert talk[lip_box(actor)].mean() > 5
    assert talk[upper].mean() < 0.02
    blink = np.abs(drawn(engine, actor, one(eyeBlink=1.0, browInnerUp=0.6))[0] - photo)
    assert blink[upper].mean() > 0.3
    assert blink[lip_box(actor)].mean() < 0.05


def curve(**values: float) -> Performance:
    """A still performance with the artist's curves on coordinates."""
    return Performance.rest(1, Fraction(25)).with_(extras={n: np.array([[0.0, v]]) for n, v in values.items()})


def test_curves_move_single_coordinates(engine: DisentangledEngine, actor: TaughtActor) -> None:
    assert tuple(c.name for c in engine.info.coordinates) == NAMES
    moved, coordinates = actor.directed(curve(mouth_2=1.5, pose_5=-1.0))
    assert coordinates[0, 1] == 1.5
    assert coordinates[0, 24] == -1
    assert np.count_nonzero(coordinates) == 2
    assert moved.speaks[0] == 1
    photo = actor.rig.painter((320, 320)).photo.astype(float)
    talk = np.abs(drawn(engine, actor, curve(mouth_1=2.0))[0] - photo)
    assert talk[lip_box(actor)].mean() > 2
    assert talk[: lip_box(actor)[0].start // 2].mean() < 0.02
    assert np.abs(drawn(engine, actor, curve(pose_2=1.0))[0] - photo).mean() > 1
    plain = lessons(2, seed=8)
    replaced = plain.with_(extras={"mouth_1": np.zeros((2, 2))})
    assert np.array_equal(actor.directed(replaced)[1][:, 1:], actor.directed(plain)[1][:, 1:])


def test_background_stays_still(engine: DisentangledEngine, actor: TaughtActor) -> None:
    performance = Performance.rest(1, Fraction(25)).with_(head=np.array([[0.05, 0.2, 0.05, 0.5, 0, 0]]))
    frame = drawn(engine, actor, performance)[0].astype(float)
    photo = actor.rig.painter((320, 320)).photo
    corner = (slice(0, 60), slice(250, 320))
    assert np.abs(frame[corner] - photo[corner]).mean() < 0.5
    assert np.abs(frame - photo).mean() > 1


def test_frame_depends_on_its_index_only(engine: DisentangledEngine, actor: TaughtActor) -> None:
    performance = lessons(7, seed=5)
    whole = drawn(engine, actor, performance)
    part = np.stack(list(engine.render(actor, performance, options=SIZE, start=3, stop=6)))
    assert np.array_equal(whole[3:6], part)


def test_the_head_alone_has_alpha(engine: DisentangledEngine, actor: TaughtActor) -> None:
    frame = drawn(engine, actor, one(jawOpen=0.5), alpha=True)[0]
    assert frame.shape == (320, 320, 4)
    assert frame[4, 4, 3] == 0
    assert frame[(*lip_box(actor), 3)].min() > 250


def test_refuses_what_it_cannot_do(engine: DisentangledEngine, actor: TaughtActor) -> None:
    with pytest.raises(EngineError, match="another engine"):
        engine.render(actor.rig, one(jawOpen=0.5))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="outside the performance"):
        engine.render(actor, one(jawOpen=0.5), stop=2)
    with pytest.raises(InputError, match="face"):
        engine.prepare(Portrait(np.full((200, 200, 3), 128, np.uint8)))


def test_cancel_stops_teaching_and_drawing(engine: DisentangledEngine, actor: TaughtActor) -> None:
    token = CancelToken()
    frames = engine.render(actor, lessons(4, seed=5), options=SIZE, cancel=token)
    next(frames)
    token.cancel()
    with pytest.raises(Cancelled):
        next(frames)
    with pytest.raises(Cancelled):
        engine.prepare(actor.rig.portrait, cancel=token)


def test_an_actor_is_made_of_plain_parts(actor: TaughtActor) -> None:
    """Arrays and dataclasses only, so that it can be kept on disk without pickle."""
    from dataclasses import fields, is_dataclass

    def plain(value: object) -> bool:
        if is_dataclass(value):
            return all(plain(getattr(value, f.name)) for f in fields(value))
        if isinstance(value, tuple):
            return all(map(plain, value))
        return value is None or isinstance(value, np.ndarray | np.generic | int | float | str)

    assert plain(actor)
