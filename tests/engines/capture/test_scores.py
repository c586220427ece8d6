"""A small net that answers as the landmarker of the task file does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines import arkit
from engines.api import Portrait
from engines.capture import scores
from engines.capture.decode import Decoder
from engines.capture.scores import UNITS, load_scores, upright
from engines.errors import EngineError
from engines.face.landmarks import find_face
from engines.face.portrait import load_portrait
from engines.rig.fit import fit_head
from tests.benchmarks.judges import Landmarker
from tests.engines.capture.conftest import DEMO, KnownTake


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    return find_face(load_portrait(DEMO)).points.astype(float)


def test_place_size_and_roll_do_not_matter(points: np.ndarray) -> None:
    c, s = np.cos(0.4), np.sin(0.4)
    moved = 1.7 * points @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) + [30, -12, 0]
    read = load_scores().landmarks
    assert upright(moved[None], read) == pytest.approx(upright(points[None], read), abs=1e-5)
    told = load_scores()(np.stack([points, moved]))
    assert told.shape == (2, len(UNITS))
    assert told[1] == pytest.approx(told[0], abs=1e-4)
    assert told.min() >= 0
    assert told.max() <= 1


def test_a_calm_face_scores_little_and_an_open_mouth_much(known: KnownTake) -> None:
    rest, opened = (find_face(Portrait(known.frames[i])).points.astype(float) for i in (0, 33))
    told = load_scores()(np.stack([rest, opened]))[:, UNITS.index(arkit.INDEX["jawOpen"])]
    assert told[0] < 0.1
    assert told[1] > 0.2


def test_it_answers_as_the_task_file_does(known: KnownTake, samples: Path) -> None:
    """On the landmarks of the task file itself, frame by frame."""
    judge = Landmarker(samples / "judge" / "face_landmarker.task")
    seen = [judge.look(frame) for frame in known.frames]
    judge.close()
    told = load_scores()(np.stack([found[0] for found in seen if found]))
    asked = np.array([[found[1][arkit.NAMES[unit]] for unit in UNITS] for found in seen if found])
    for column, unit in enumerate(UNITS):
        if asked[:, column].std() > 0.05:
            assert np.corrcoef(told[:, column], asked[:, column])[0, 1] > 0.95, arkit.NAMES[unit]
    assert np.abs(told - asked).mean() < 0.03


def test_scores_decide_what_landmarks_leave_open(points: np.ndarray) -> None:
    """The same landmarks, once with the word that the jaw is open and once that the lower lip bares the teeth."""
    portrait = load_portrait(DEMO)
    decoder = Decoder(fit_head(find_face(portrait), (portrait.rgb.shape[1], portrait.rgb.shape[0])))
    lower = points.copy()
    lower[[14, 87, 317, 17, 84, 314], 1] += 0.05 * np.hypot(*(points[33, :2] - points[263, :2]))
    told = np.zeros((2, len(UNITS)))
    told[0, UNITS.index(arkit.INDEX["jawOpen"])] = 0.3
    told[1, [UNITS.index(unit) for unit in arkit.indices("mouthLowerDown")]] = 0.6
    both = decoder.decode(np.stack([lower, lower]), None, told).weights
    alone = decoder.decode(lower[None]).weights[0]
    jaw, lip = arkit.INDEX["jawOpen"], arkit.INDEX["mouthLowerDownLeft"]
    assert both[0, jaw] > alone[jaw] - 0.02
    assert both[0, jaw] > both[1, jaw] + 0.15
    assert both[1, lip] > both[0, lip] + 0.1


def test_a_missing_net_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(scores, "ASSET", tmp_path / "no.npz")
    load_scores.cache_clear()
    with pytest.raises(EngineError, match="Install Soliloquy again"):
        load_scores()
    np.savez(scores.ASSET, landmarks=np.zeros(3), weight0=np.zeros((6, 2)), bias0=np.zeros(2))
    with pytest.raises(EngineError, match="other units"):
        load_scores()
    load_scores.cache_clear()
