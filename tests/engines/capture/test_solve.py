"""Frames explained by a known head: what was put in comes out."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from engines import arkit
from engines.api import head_rotation
from engines.capture.capture import calibrated, resting
from engines.capture.smooth import fill, parabola, smooth_weights
from engines.capture.solve import FaceSolver
from engines.rig.camera import Camera
from engines.rig.fit import FittedHead
from engines.rig.head import load_head


@pytest.fixture(scope="module")
def fitted() -> FittedHead:
    """The average head 80 cm before a camera."""
    head = load_head()
    return FittedHead(
        head.mesh,
        np.zeros(52, np.float32),
        np.zeros_like(head.mesh.vertices),
        np.array([0, 0, 0, 0, 0, -80], np.float32),
        np.zeros(4, np.float32),
        Camera(1400.0, (255.5, 255.5)),
        (1.2, 1.2),
        np.zeros(len(head.identity_names), np.float32),
        0.0,
        0.0,
        1.0,
    )


def seen(fitted: FittedHead, weights: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Landmarks of the head under weights and pose (radians, centimetres)."""
    shape = load_head().landmarks(fitted.mesh.shaped(weights)).astype(float)
    world = shape @ head_rotation(pose[:3]).T + pose[3:]
    return fitted.camera.project(world)


@pytest.mark.parametrize("unit", ["jawOpen", "eyeBlinkLeft", "mouthSmileRight", "browInnerUp", "mouthPucker"])
def test_one_unit_comes_back(fitted: FittedHead, unit: str) -> None:
    solver = FaceSolver(fitted)
    weights = np.zeros(52)
    weights[arkit.INDEX[unit]] = 0.6
    pose = np.array([0.1, -0.15, 0.05, 1.0, -0.5, -78.0])
    for _ in range(4):
        found = solver.step(seen(fitted, weights, pose))
    assert found.weights[arkit.INDEX[unit]] == pytest.approx(0.6, abs=0.2)
    assert np.rad2deg(np.abs(found.head[:3] - pose[:3])).max() < 1.5
    assert found.error < 0.01


def test_a_moving_head_is_followed(fitted: FittedHead) -> None:
    solver = FaceSolver(fitted)
    times = np.linspace(0, 2, 24)
    yaw, jaw = 0.25 * np.sin(3 * times), 0.3 * (0.5 - 0.5 * np.cos(9 * times))
    rng = np.random.default_rng(0)
    found = []
    for a, j in zip(yaw, jaw, strict=True):
        weights = np.zeros(52)
        weights[arkit.INDEX["jawOpen"]] = j
        points = seen(fitted, weights, np.array([0.05, a, 0, 0, 0, -80.0]))
        points[:, :2] += rng.normal(scale=0.4, size=(478, 2))
        found.append(solver.step(points))
    assert np.rad2deg(np.std([f.head[1] for f in found] - yaw)) < 0.6
    assert np.corrcoef([f.weights[arkit.INDEX["jawOpen"]] for f in found], jaw)[0, 1] > 0.97


def test_rest_is_what_the_face_always_shows() -> None:
    weights = np.zeros((100, 52))
    smile = arkit.INDEX["mouthSmileLeft"]
    weights[:, smile] = 0.2
    weights[40:50, smile] = 0.8
    result = calibrated(weights, resting(weights, np.ones(100, bool)))
    assert result[0, smile] == 0
    assert result[45, smile] == pytest.approx(0.75)


def test_smoothing_has_no_delay_and_keeps_peaks() -> None:
    weights = np.zeros((101, 52))
    jaw = arkit.INDEX["jawOpen"]
    weights[:, jaw] = 0.5 * np.exp(-0.5 * ((np.arange(101) - 50) / 4) ** 2)
    result = smooth_weights(weights, Fraction(25))
    assert result[:, jaw].argmax() == 50
    assert result[50, jaw] > 0.42
    assert parabola(np.ones((3, 2)), 0.3, Fraction(25)).shape == (3, 2)


def test_gaps_are_led_over() -> None:
    values = np.array([[0.0], [9.0], [9.0], [3.0]])
    assert fill(values, np.array([True, False, False, True]))[:, 0].tolist() == [0, 1, 2, 3]
