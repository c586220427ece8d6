"""What footage teaches a portrait: a blush that the rig knows nothing of, found again on frames kept apart."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engines import arkit
from engines.api import Performance, RenderOptions
from engines.capture.footage import Footage, FootageClip, save_manifest
from engines.disentangled.actor import TaughtActor
from engines.disentangled.engine import DisentangledEngine
from engines.disentangled.footage import FILE
from engines.disentangled.workshop import PORTRAIT, teach_from
from engines.errors import InputError, WeightsMissing
from engines.face.portrait import load_portrait
from engines.teaching.lessons import lessons
from tests.engines.disentangled.conftest import demo

COUNT, SIZE = 130, 256
JAW = arkit.INDEX["jawOpen"]


def stain(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Where the blush lies: on both cheeks : (H, W, 1)."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    size = 0.12 * np.ptp(points[:468, 0])
    spots = [np.exp(-((x - points[i, 0]) ** 2 + (y - points[i, 1]) ** 2) / (2 * size**2)) for i in (50, 280)]
    return np.asarray(np.maximum(*spots)[..., None])


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory, engine: DisentangledEngine) -> Footage:
    """A clip drawn by the rig whose face blushes the more, the wider its mouth opens."""
    folder = tmp_path_factory.mktemp("footage")
    portrait = demo(SIZE)
    rig = engine.prepare(portrait).rig
    rgb = np.zeros((SIZE, SIZE, 3), np.uint8)
    course = lessons(COUNT, seed=41)
    awake = np.arange(COUNT)[:, None] > 0  # the first frame is at rest: it is the portrait
    course = course.with_(
        weights=awake * course.weights,
        head=0.3 * awake * course.head,
        gaze=awake * course.gaze,
        tongue=awake[:, 0] * course.tongue,
    )
    place = folder / "clips" / "one"
    (place / "frames").mkdir(parents=True)
    from engines import registry

    frames = list(registry.load("blendshape").render(rig, course, options=RenderOptions()))
    points = rig.landmarks.points[:, :2]
    blush = stain(points, frames[0].shape[:2]) * [40, -25, -15]
    for i, frame in enumerate(frames):
        seen = np.clip(frame + course.weights[i, JAW] * blush, 0, 255).astype(np.uint8)
        whole = rgb.copy()
        whole[: seen.shape[0], : seen.shape[1]] = seen
        Image.fromarray(whole).save(place / "frames" / f"{i:06d}.jpg", quality=95)
    moved = {n: getattr(course, n) for n in ("weights", "head", "gaze", "tongue")}
    np.savez(place / "performance.npz", **moved)
    track = np.repeat(rig.landmarks.points[None, :, :2], COUNT, 0).astype(np.float32)
    sure = np.ones(COUNT, np.float32)
    sure[5] = 0
    np.savez(place / "face.npz", landmarks=track, confidence=sure)
    clip = FootageClip(place, "one", COUNT, Fraction(25), SIZE, "clip.mp4", 0, "fixed")
    made = Footage(folder, SIZE, Fraction(25), "fixed", (clip,), ())
    save_manifest(made)
    return made


@pytest.fixture(scope="module")
def taught(
    footage: Footage, engine: DisentangledEngine, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, float]]:
    folder = tmp_path_factory.mktemp("taught")
    files, figures = teach_from(footage.folder, folder, engine.info)
    assert [f.name for f in files] == [PORTRAIT, FILE]
    return folder, figures


def test_unseen_frames_are_met_better_than_by_the_rig(taught: tuple[Path, dict[str, float]]) -> None:
    _, figures = taught
    assert figures["face_taught_db"] > figures["face_rig_db"] + 1
    assert figures["lips_taught_db"] > figures["lips_rig_db"]


def test_the_engine_finds_it_beside_the_portrait(
    taught: tuple[Path, dict[str, float]], engine: DisentangledEngine
) -> None:
    folder, _ = taught
    portrait = load_portrait(folder / PORTRAIT)
    actor = engine.prepare(portrait)
    assert isinstance(actor, TaughtActor)
    assert actor.seen is not None
    rest = Performance.rest(1, Fraction(25))
    assert np.array_equal(next(iter(engine.render(actor, rest))), portrait.rgb)
    weights = np.zeros((1, arkit.COUNT))
    weights[0, JAW] = 0.6
    opened, plain = (
        next(iter(engine.render(who, rest.with_(weights=weights)))).astype(float)
        for who in (actor, replace(actor, seen=None))
    )
    where = stain(actor.rig.landmarks.points[:, :2], portrait.rgb.shape[:2])[..., 0] > 0.6
    redder = (opened - plain)[where].mean(0)
    assert redder[0] > 8
    assert redder[1] < -4


def test_footage_gives_the_actor_another_fingerprint(
    taught: tuple[Path, dict[str, float]], engine: DisentangledEngine
) -> None:
    assert engine.fingerprint(demo(64)) == ""
    assert engine.fingerprint(load_portrait(taught[0] / PORTRAIT)) != ""


def test_what_was_learnt_otherwise_is_refused(
    taught: tuple[Path, dict[str, float]], engine: DisentangledEngine, tmp_path: Path
) -> None:
    Image.fromarray(demo(200).rgb).save(tmp_path / PORTRAIT)
    whole = (taught[0] / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole)
    portrait = load_portrait(tmp_path / PORTRAIT)
    with pytest.raises(WeightsMissing, match="learnt of another picture"):
        engine.prepare(portrait)
    (tmp_path / FILE).write_bytes(whole[:1000])
    with pytest.raises(WeightsMissing, match=r"taught\.safetensors is not what 'soliloquy teach' wrote"):
        engine.prepare(portrait)


def test_too_little_cannot_teach(footage: Footage, engine: DisentangledEngine, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        teach_from(tmp_path / "nothing.mp4", tmp_path / "a", engine.info)
    with pytest.raises(InputError, match="no footage"):
        teach_from(tmp_path, tmp_path / "a", engine.info)
    np.savez(footage.folder / "clips/one/face.npz", landmarks=footage.clips[0].landmarks(), confidence=np.zeros(COUNT))
    with pytest.raises(InputError, match="is sure"):
        teach_from(footage.folder, tmp_path / "b", engine.info)
