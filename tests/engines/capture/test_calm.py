"""Which frame of a clip shows the face at rest."""

from __future__ import annotations

import numpy as np
import pytest

from engines import arkit
from engines.api import head_rotation
from engines.capture.calm import calmest, rareness, upright_shapes
from engines.capture.scores import load_scores
from engines.capture.track import Track
from engines.rig.head import load_head

REST, COUNT = slice(40, 52), 80


def seen(weights: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Landmarks (T, 478, 3) in pixels of the head with these weights (T, 52) and angles (T, 3)."""
    head = load_head()
    shapes = head.landmarks(head.mesh.vertices) + np.tensordot(weights, head.landmarks(head.mesh.units), 1)
    turned = shapes @ head_rotation(angles).transpose(0, 2, 1)
    return 20.0 * turned * [1, -1, -1] + [256.0, 256.0, 0.0]


def track(weights: np.ndarray, angles: np.ndarray) -> Track:
    points = seen(weights, angles).astype(np.float32)
    return Track(points, np.zeros(len(points), np.float32), (0,), (512, 512), load_scores()(points))


@pytest.fixture
def moving() -> tuple[np.ndarray, np.ndarray]:
    """A face that never does the same twice but comes to rest once, with its head in motion all the time."""
    rng = np.random.default_rng(0)
    weights = np.zeros((COUNT, arkit.COUNT))
    busy = list(arkit.indices("browInnerUp", "browOuterUp", "browDown", "mouthPucker", "mouthSmile", "mouthFrown"))
    weights[:, busy] = rng.uniform(0.1, 0.9, (COUNT, len(busy)))
    weights[REST] = 0
    return weights, rng.normal(0, 0.08, (COUNT, 3))


def test_rest_is_where_looks_are_densest(moving: tuple[np.ndarray, np.ndarray]) -> None:
    """Lips are together in all frames: only rest looks the same again and again."""
    chosen = calmest(track(*moving), np.arange(COUNT))
    assert REST.start <= chosen < REST.stop


def test_only_the_given_frames_are_chosen(moving: tuple[np.ndarray, np.ndarray]) -> None:
    frames = np.arange(30)
    assert calmest(track(*moving), frames) in frames


def test_what_was_read_tells_rest_where_looks_do_not() -> None:
    """Frames that look alike, but in which units are found; that one is up at rest, too, does not matter."""
    still = track(np.zeros((COUNT, arkit.COUNT)), np.zeros((COUNT, 3)))
    read = np.random.default_rng(3).uniform(0, 0.6, (COUNT, arkit.COUNT))
    read[:, arkit.INDEX["mouthStretchLeft"]] = 0.5
    read[:, list(arkit.indices("eyeBlink"))] = 0
    read[REST] = 0.1 * read[REST] + 0.1 * (np.arange(arkit.COUNT) % 2)
    assert REST.start <= calmest(still, np.arange(COUNT), read) < REST.stop
    read[7] = np.percentile(read, 25, axis=0)
    read[7, list(arkit.indices("eyeBlink"))] = 1  # lids tell nothing about rest
    assert calmest(still, np.arange(COUNT), read) == 7


def test_the_head_does_not_change_the_shape(moving: tuple[np.ndarray, np.ndarray]) -> None:
    weights, angles = moving
    still, turned = (upright_shapes(seen(weights, a)) for a in (0 * angles, angles))
    assert np.abs(still - turned).max() < 0.02
    assert np.abs(still[0] - still[REST.start]).max() > 0.05


def test_rare_looks_are_far_from_a_tenth_of_all() -> None:
    looks = np.concatenate(
        [np.random.default_rng(1).normal(0, 0.01, (90, 4)), np.full((10, 4), 3.0) * np.arange(10)[:, None]]
    )
    rare = rareness(looks)
    assert rare[:90].max() < 0.1
    assert rare[92:].min() > 1
    assert rareness(np.zeros((1, 4))) == pytest.approx([0])
