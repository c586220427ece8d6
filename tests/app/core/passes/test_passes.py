"""Passes: seeded, bounded, natural in their statistics, and closures survive."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from app.core import commands
from app.core import perform as performing
from app.core.passes import blink, closure, curves, emotion, gaze, head, heard, limits, mouth, regions, style
from app.core.passes.scene import Scene, unrest
from app.core.presets import Emotion
from app.core.project import AutoMotion, EmotionClip, Key, Phone, Project, RegionSettings, StyleClip
from engines import arkit
from engines.api import Performance
from engines.speech.analysis import SpeechAnalysis
from engines.speech.prosody import Accent
from engines.speech.readout import GEOMETRY

RATE = Fraction(25)
SECONDS = 60


def make_speech(seconds: float = SECONDS) -> SpeechAnalysis:
    """Phrases of 3 s with pauses of 0.6 s, stressed every 0.7 s."""
    count = round(seconds * 50)
    t = np.arange(count) / 50
    speaking = (t % 3.6) < 3.0
    wave = np.sin(2 * np.pi * 4 * t)
    return SpeechAnalysis(
        samples=round(seconds * 16000), sample_rate=16000, voice_digest="x", text="", language="en",
        loudness_db=np.where(speaking, -20 + 6 * wave, -70).astype(np.float32),
        pitch_hz=np.where(speaking, 180 + 30 * np.sin(t), 0).astype(np.float32),
        speaking=speaking, mouth={name: np.zeros(count, np.float32) for name in GEOMETRY},
        accents=tuple(Accent(float(a), 0.3 + 0.7 * (i % 3) / 2) for i, a in enumerate(np.arange(0.3, seconds, 0.7))
                      if (a % 3.6) < 3.0),
    )  # fmt: skip


SPEECH = make_speech()


def make(project: Project | None = None, speech: SpeechAnalysis = SPEECH) -> tuple[Performance, Scene]:
    count = round(speech.samples / 16000 * RATE)
    project = project or Project()
    return Performance.rest(count, RATE), performing.make_scene(project, count, speech)


def direct(project: Project) -> Performance:
    return performing.direct(*make(project))


def test_the_same_seed_gives_the_same_motion_and_another_seed_another() -> None:
    assert direct(Project()) == direct(Project())
    assert direct(Project()) != direct(commands.another_take(Project()))


def test_each_automatic_motion_can_be_switched_off() -> None:
    still = AutoMotion(head=0, blink=0, gaze=0, breath=0, micro=0)
    assert direct(Project(auto=still)) == make()[0]
    only_blinks = direct(Project(auto=replace(still, blink=1.0)))
    assert not only_blinks.head.any()
    assert only_blinks.channel("eyeBlinkLeft").max() == 1


def test_switching_one_motion_leaves_the_others_as_they_were() -> None:
    both, one = direct(Project()), direct(Project(auto=AutoMotion(blink=0)))
    assert np.array_equal(both.head, one.head)
    assert np.array_equal(both.gaze, one.gaze)


@pytest.mark.parametrize("seed", range(5))
def test_blinks_come_as_in_people(seed: int) -> None:
    performance, scene = make(Project(auto=AutoMotion(seed=seed)))
    times = blink.blink_times(performance, scene)
    assert 12 <= len(times) * 60 / SECONDS <= 28
    shown = blink.with_blinks(performance, scene, times).channel("eyeBlinkRight")
    for t in times:
        assert shown[round(t * RATE)] == pytest.approx(1.0, abs=1e-6)
    lengths = np.diff(np.flatnonzero(np.diff((shown > 0.1).astype(int))))[::2]
    assert np.median(lengths) / float(RATE) < 0.35


def test_head_motion_is_subtle_and_smooth() -> None:
    performance, scene = make()
    angles = np.degrees(head.apply(performance, scene).head[:, :3])
    assert np.all(angles.std(0) > 0.4)
    assert np.all(np.percentile(np.abs(angles), 99, axis=0) < 8)
    speed = np.abs(np.diff(angles, axis=0)) * float(RATE)
    assert np.percentile(speed, 99) < 35
    assert np.abs(np.diff(angles, 2, axis=0)).max() < 1.5


def test_nods_reach_their_depth_on_the_stress() -> None:
    _, scene = make()
    scene = replace(scene, character=replace(scene.character, sway_deg=0, yaw_deg=0, pitch_deg=0, roll_deg=0,
                                             nod_share=1.0, nod_deg=4.0))  # fmt: skip
    pitch = np.degrees(head.head_motion(scene)[0][:, 0])
    at = np.array([round((a + 0.02) * RATE) for a, s in scene.accents if 1 < a < SECONDS - 1 and s > 0.9])
    before = pitch[at - 6]
    assert np.mean(pitch[at] < before - 0.5) > 0.6


def test_a_livelier_character_moves_more() -> None:
    amounts = [
        np.std(direct(Project(auto=AutoMotion(character=c))).head[:, :3]) for c in ("still", "natural", "lively")
    ]
    assert amounts[0] < 0.7 * amounts[1] < amounts[1] < amounts[2]


def test_eyes_hold_the_camera_while_the_head_turns() -> None:
    performance, scene = make(commands.set_keys(Project(), "pose.yaw_deg", [Key(0, 0.0), Key(50, 12.0)]))
    turned = curves.pose(performance, scene)
    still = replace(scene, emotions=())
    looked = gaze.apply(turned, still)
    line_of_sight = np.degrees(turned.head[60:, 1] + looked.gaze[60:, 0])
    assert abs(np.median(line_of_sight)) < 3


def test_soft_limit_is_identity_inside_and_bounded_outside() -> None:
    x = np.linspace(-3, 3, 601)
    y = gaze.soft_limit(x, 0.5)
    inside = np.abs(x) <= 0.3
    assert np.array_equal(y[inside], x[inside])
    assert np.abs(y).max() <= 0.5
    assert np.all(np.diff(y) >= 0)


def test_emotion_adds_and_never_overshoots() -> None:
    performance, scene = make(Project(emotions=(EmotionClip(0, None, "happy", 1.0),)))
    scene = replace(scene, emotions=(Emotion("Test", weights={"mouthSmile": 0.6, "browDown": 1.0}),))
    full = performance.with_(weights=np.full((len(performance), 52), 0.9, np.float32))
    for start in (performance, full):
        result = emotion.apply(start, scene).weights
        assert np.all(result >= start.weights - 1e-6)
        assert result.max() <= 1
    smile = emotion.apply(performance, scene).channel("mouthSmileLeft")
    assert 0.5 < smile.mean() < 0.7


def test_emotion_changes_posture_gaze_and_habits() -> None:
    sad, neutral = direct(Project(emotions=(EmotionClip(0, None, "sad", 1.0),))), direct(Project())
    assert np.degrees(sad.head[:, 0].mean() - neutral.head[:, 0].mean()) < -2
    assert sad.head[:, 1].std() < neutral.head[:, 1].std()


def test_jaw_and_lips_are_independent_axes() -> None:
    performance, scene = make(Project(styles=(StyleClip(0, None, "loose-jawed"),)))
    talking = performance.with_(weights=np.full((len(performance), 52), 0.3, np.float32))
    result = style.apply(talking, scene)
    assert result.channel("jawOpen")[100] == pytest.approx(0.42, abs=0.01)
    assert result.channel("mouthPucker")[100] == pytest.approx(0.18, abs=0.01)


def test_style_never_weakens_a_closure() -> None:
    performance, scene = make(Project(styles=(StyleClip(0, None, "mumbled"),)))
    shut = np.zeros(len(performance))
    shut[50] = 1.0
    scene = replace(scene, shut=shut)
    weights = np.zeros((len(performance), 52), np.float32)
    weights[:, arkit.INDEX["mouthPressLeft"]] = 0.3
    result = style.apply(performance.with_(weights=weights), scene).channel("mouthPressLeft")
    assert result[50] == pytest.approx(0.3, abs=0.02)
    assert result[100] < 0.2


def test_closures_survive_any_emotion() -> None:
    performance, scene = make()
    opening = np.zeros(52)
    for name, slope in (("jawOpen", 0.45), ("mouthClose", -0.45), ("mouthLowerDownLeft", 0.04), ("mouthFunnel", 0.16)):
        opening[arkit.INDEX[name]] = slope
    shut = np.zeros(len(performance))
    shut[10:13] = 1.0
    scene = replace(scene, shut=shut, opening=opening, spoken_opening=np.full(len(performance), 0.002))
    weights = np.zeros((len(performance), 52), np.float32)
    weights[:, arkit.indices("mouthSmile", "mouthLowerDown", "jawOpen")] = 0.4
    weights[:, arkit.INDEX["mouthClose"]] = 0.1
    result = closure.apply(performance.with_(weights=weights), scene)
    assert (result.weights @ opening)[10:13] == pytest.approx(0.002, abs=1e-6)
    assert np.array_equal(result.weights[20:], weights[20:])
    assert np.array_equal(result.channel("mouthSmileLeft"), weights[:, arkit.INDEX["mouthSmileLeft"]])
    assert np.all(result.channel("jawOpen") >= result.channel("mouthClose") - 1e-6)


def test_a_closure_between_two_frames_is_not_skipped() -> None:
    _, scene = make()
    shut, opening = np.zeros(3000, np.float32), np.zeros(52)
    opening[arkit.INDEX["jawOpen"]] = 0.45
    weights = np.full((3000, 52), 0.2, np.float32)
    weights[:, arkit.INDEX["mouthClose"]] = 0.0
    shut[101], weights[101, arkit.INDEX["jawOpen"]] = 1.0, 0.0  # 2.02 s: the middle between frames 50 and 51
    found, spoken = mouth.closures(mouth.Mouth(weights, shut, np.zeros(3000, np.float32)), opening, scene)
    assert found.max() == 1
    assert spoken[int(np.argmax(found))] == 0


def test_curves_add_multiply_and_replace() -> None:
    project = Project()
    for channel, mode in (("jawOpen", "add"), ("mouthPucker", "multiply"), ("cheekPuff", "replace"), ("blink", "add")):
        project = commands.set_curve(commands.set_keys(project, channel, [Key(0, 0.5)]), channel, mode=mode)
    performance, scene = make(project)
    start = performance.with_(weights=np.full((len(performance), 52), 0.4, np.float32))
    result = curves.units(start, scene)
    for name, value in (("jawOpen", 0.9), ("mouthPucker", 0.2), ("cheekPuff", 0.5), ("eyeBlinkLeft", 0.9)):
        assert result.channel(name)[3] == pytest.approx(value)


def test_regions_scale_and_shift() -> None:
    performance, scene = make()
    ramp = np.linspace(0, 1, len(performance), dtype=np.float32)
    weights = np.tile(ramp[:, None], (1, 52))
    settings = {"brows": RegionSettings(0.5, 0.0), "jaw": RegionSettings(1.0, 0.4)}
    scene = replace(scene, controls=replace(scene.controls, regions=settings))
    result = regions.apply(performance.with_(weights=weights), scene)
    assert result.channel("browInnerUp") == pytest.approx(0.5 * ramp)
    assert result.channel("jawOpen")[10:] == pytest.approx(ramp[:-10])
    assert np.array_equal(result.channel("mouthPucker"), weights[:, 0])


def test_limits_leave_possible_faces_alone_and_are_idempotent() -> None:
    performance, scene = make()
    rng = np.random.default_rng(1)
    wild = performance.with_(
        weights=rng.uniform(-1, 2, performance.weights.shape), head=rng.normal(0, 2, performance.head.shape)
    )
    once = limits.apply(wild, scene)
    assert once.weights.min() >= 0
    assert once.weights.max() <= 1
    assert np.all(np.abs(once.head) <= np.array(limits.HEAD_LIMIT) + 1e-6)
    modest = performance.with_(weights=np.full((len(performance), 52), 0.0, np.float32), head=0.01 + performance.head)
    assert limits.apply(modest, scene) == modest


def test_unrest_does_not_depend_on_the_frame_rate() -> None:
    slow, fast = (unrest(np.random.default_rng(3), np.arange(n) / r, 0.5)[:, 0] for n, r in ((250, 25), (500, 50)))
    assert fast[::2] == pytest.approx(slow)
    assert 0.6 < np.std(unrest(np.random.default_rng(0), np.arange(20000) / 25, 0.5)) < 1.4


def test_an_imported_performance_keeps_what_it_has() -> None:
    base = Performance.rest(250, RATE)
    moving = base.with_(head=0.1 * np.sin(np.arange(250) / 20)[:, None] * np.ones((1, 6)))
    result = performing.perform(Project(), None, base=moving)
    assert np.allclose(result.head, moving.head, atol=1e-6)
    assert result.channel("eyeBlinkLeft").max() == 1  # it had no blinks: automatic ones are added


def test_emotion_heard_in_the_voice_fills_what_the_artist_left() -> None:
    project = Project(auto_emotion=1.0, emotions=(EmotionClip(0, 250, "sad", 1.0, 0, 0),))
    _, scene = make(project)
    assert set(scene.controls.emotions) == {"sad", *heard.EMOTIONS}
    assert scene.controls.emotion[100:200, 1:].max() < 1e-6
    assert scene.controls.emotion[300:, 1:].max() > 0.05


def test_an_edited_phone_solves_only_its_stretch(monkeypatch: pytest.MonkeyPatch) -> None:
    from engines.rig import solve
    from engines.rig.head import load_head

    calls: list[int] = []
    original = solve.solve_mouth

    def counted(mesh: Any, targets: Any) -> np.ndarray:
        calls.append(len(targets["aperture"]))
        return original(mesh, targets)

    monkeypatch.setattr(solve, "solve_mouth", counted)
    mesh, solved = load_head().mesh, {}
    phones = [Phone(t, t + 0.1, "AA") for t in np.arange(0.2, 59, 0.5)]
    before = mouth.speak(SPEECH, phones, mesh, solved)
    assert len(calls) == 6
    phones[62] = replace(phones[62], label="M")
    after = mouth.speak(SPEECH, phones, mesh, solved)
    assert len(calls) == 7
    changed = np.flatnonzero(np.abs(after.weights - before.weights).max(1) > 1e-6)
    assert 1500 <= changed.min() <= changed.max() < 2000
    assert np.array_equal(after.weights, mouth.speak(SPEECH, phones, mesh).weights)
