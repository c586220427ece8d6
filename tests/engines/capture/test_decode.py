"""Parts of the way from landmarks to curves."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from engines import arkit
from engines.api import Portrait
from engines.capture import decode, flow
from engines.capture.explain import below_corrected, calibrated, resting
from engines.capture.flow import SIDE, FlowReference, laid_out, layout
from engines.capture.landmarker import BundledLandmarker
from engines.capture.pose import PoseSolver, turn_matrices
from engines.capture.smooth import OneEuro
from engines.capture.task import load_task
from engines.errors import EngineError, WeightsMissing
from engines.face.landmarks import find_face
from engines.face.portrait import load_portrait
from engines.rig.fit import FittedHead, fit_head
from tests.engines.capture.conftest import DEMO, KnownTake


@pytest.fixture(scope="module")
def fitted() -> FittedHead:
    portrait = load_portrait(DEMO)
    height, width = portrait.rgb.shape[:2]
    return fit_head(find_face(portrait), (width, height))


def test_rotations_of_vectors() -> None:
    turned = turn_matrices(np.array([[0, 0, np.pi / 2], [0, 0, 0]]))
    assert turned[0] @ [1, 0, 0] == pytest.approx([0, 1, 0], abs=1e-9)
    assert turned[1] == pytest.approx(np.eye(3))


def test_poses_come_back(fitted: FittedHead) -> None:
    solver = PoseSolver(fitted)
    turns = turn_matrices(np.array([[0.0, 0.0, 0.0], [0.2, 0.3, -0.2], [-0.25, -0.45, 0.3]]))
    places = np.array([[0, 0, -70.0], [3, -2, -60], [-4, 1, -90]])
    world = solver.neutral @ turns.transpose(0, 2, 1) + places[:, None]
    points = fitted.camera.project(world)
    points[..., 2] *= fitted.camera.focal_px / points[..., 2].mean(1, keepdims=True)  # as MediaPipe tells depth
    found = solver.solve(points)
    assert found.rotation == pytest.approx(turns, abs=2e-3)
    assert found.place == pytest.approx(places, abs=0.3)
    assert found.error.max() < 1e-3
    assert np.abs(solver.frontal(points, found)).max() < 5e-3
    assert solver.solve(points, held=turns).rotation == pytest.approx(turns)


def test_nothing_in_nothing_out(fitted: FittedHead) -> None:
    found = decode.Decoder(fitted).decode(np.zeros((0, 478, 3)))
    assert found.weights.shape == (0, arkit.COUNT)


def test_frames_do_not_lean_on_each_other(fitted: FittedHead) -> None:
    decoder = decode.Decoder(fitted)
    rng = np.random.default_rng(0)
    rest = fitted.camera.project(decoder.poses.neutral @ turn_matrices(np.zeros((1, 3)))[0].T + np.array([0, 0, -70.0]))
    points = rest + rng.normal(scale=2.0, size=(3, 478, 3))
    together = decoder.decode(points)
    alone = decoder.decode(points[1:2])
    assert together.weights[1] == pytest.approx(alone.weights[0], abs=1e-6)


def test_a_missing_readout_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(decode, "ASSET", tmp_path / "no.npz")
    decode.load_readout.cache_clear()
    with pytest.raises(EngineError, match="Install Soliloquy again"):
        decode.load_readout()
    decode.load_readout.cache_clear()


def test_the_picture_corrects_landmarks() -> None:
    """Landmarks that did not follow a shift of the skin are taken along by it."""
    portrait = load_portrait(DEMO)
    points = find_face(portrait).points.astype(float)
    reference = FlowReference(laid_out(portrait.rgb, points))
    eyes = np.hypot(*(points[33, :2] - points[263, :2]))
    shift = 0.03 * eyes
    late = points.copy()
    late[:, 0] -= shift  # the face is where it was, its landmarks are not
    corrected, alike = reference.refine(laid_out(portrait.rgb, late), late)
    inner = [4, 50, 280, 66, 296, 105, 334, 168]
    assert np.abs(corrected[inner, 0] - points[inner, 0]).mean() < 0.35 * shift
    assert alike > 0.9
    same, _ = reference.refine(laid_out(portrait.rgb, points), points)
    assert np.abs(same - points).max() < 0.01 * eyes


def test_lips_are_followed_to_the_pixel(known: KnownTake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the nose less is left between a pucker and rest than after the coarse flow alone."""
    plan, landmarker = layout(), BundledLandmarker()
    base = round(float(plan.places[2, 1]))
    first = find_face(Portrait(known.frames[0])).points.astype(float)
    faces = []
    for index in (0, 63):
        sight = landmarker.look(known.frames[index], first)
        assert sight is not None
        faces.append(laid_out(known.frames[index], sight.points))
    left = []
    for rounds in (0, flow._ROUNDS):
        monkeypatch.setattr(flow, "_ROUNDS", rounds)
        places = plan.grid + FlowReference(faces[0])._flow(faces[1])
        apart = np.abs(flow._sampled(faces[1], places).astype(float) - faces[0])
        left.append(apart[base:][plan.inside[base:]].mean())
    assert left[1] < 0.9 * left[0]


def test_plain_skin_does_not_drift() -> None:
    """Between mouth and chin noise moves no landmark."""
    portrait = load_portrait(DEMO)
    points = find_face(portrait).points.astype(float)
    face = laid_out(portrait.rgb, points)
    noise = np.random.default_rng(0).normal(0, 3, face.shape)
    same, _ = FlowReference(face).refine(np.clip(face + noise, 0, 255).astype(np.uint8), points)
    eyes = np.hypot(*(points[33, :2] - points[263, :2]))
    assert np.linalg.norm((same - points)[[18, 200, 199], :2], axis=1).max() < 0.003 * eyes


def test_another_picture_corrects_nothing() -> None:
    portrait = load_portrait(DEMO)
    points = find_face(portrait).points.astype(float)
    reference = FlowReference(laid_out(portrait.rgb, points))
    noise = np.random.default_rng(1).integers(0, 255, (SIDE, SIDE), dtype=np.uint8)
    corrected, alike = reference.refine(noise, points)
    assert alike < 0.1
    assert np.median(np.abs(corrected - points)[:, :2]) < 0.5
    assert layout().inside.mean() > 0.4


def test_live_filter_follows_without_delay_and_stills_tremble() -> None:
    filtered = OneEuro(np.array([2.0]), np.array([6.0]))
    rng = np.random.default_rng(0)
    still = [filtered(np.array([0.5 + 0.02 * rng.normal()]), i / 30)[0] for i in range(60)]
    assert np.std(still[10:]) < 0.012
    jump = [filtered(np.array([1.0]), 2 + i / 30)[0] for i in range(3)]
    assert jump[1] > 0.85


def test_what_is_no_task(tmp_path: Path) -> None:
    path = tmp_path / "face_landmarker.task"
    path.write_bytes(b"nothing")
    with pytest.raises(WeightsMissing, match="no face landmarker task"):
        load_task(path)
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("face_detector.tflite", b"1234TFL3")
    with pytest.raises(WeightsMissing, match="no network face_landmarks_detector"):
        load_task(path)


def test_only_below_the_nose_the_picture_is_believed_twice() -> None:
    detected = np.zeros((2, 478, 3))
    told = below_corrected(detected, np.ones((2, 478, 3)))[0, :, 0]
    chin, lips, lids, brows = [152], [0, 17, 61, 291], [159, 145], [105, 334]
    assert told[[*chin, *lips]].all()
    assert not told[[*lids, *brows]].any()
    assert not detected.any()


def test_low_brows_of_a_face_at_rest_are_no_frown() -> None:
    """Brows that lie lower than in the frame that was fitted nearly all the time are the person's own."""
    weights = np.zeros((100, arkit.COUNT))
    weights[:80, decode.BROWS_UP] = -0.4
    rest = resting(weights, np.ones(100, bool))
    assert rest[decode.BROWS_UP] == pytest.approx(-0.4)
    told = calibrated(weights, rest)
    assert told[:80].max() < 1e-6
    assert told[90, decode.BROWS_UP] == pytest.approx(0.4 / 1.4)
