"""Two models that find landmarks, behind one interface."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines import weights
from engines.capture.landmarker import BundledLandmarker, TaskLandmarker, make_landmarker
from engines.capture.video import open_video
from engines.errors import InputError, WeightsMissing
from engines.face.landmarks import detect_faces, find_face
from engines.face.portrait import load_portrait
from tests.benchmarks.capture import brow_height
from tests.engines.capture.conftest import DEMO


def test_which_landmarker(samples: Path) -> None:
    assert isinstance(make_landmarker(), BundledLandmarker)
    with pytest.raises(WeightsMissing, match="face_landmarker"):
        make_landmarker("task")
    with pytest.raises(InputError, match="no landmarker"):
        make_landmarker("other")
    weights.import_path(samples / "judge" / "face_landmarker.task")
    chosen = make_landmarker()
    assert isinstance(chosen, TaskLandmarker)
    portrait = load_portrait(DEMO)
    face = find_face(portrait)
    sights = [one.look(portrait.rgb, face.points.astype(float)) for one in (chosen, BundledLandmarker())]
    for sight in sights:
        assert sight is not None
        assert np.abs(sight.points - face.points)[:, :2].mean() < 0.04 * face.eye_distance
    assert chosen.look(np.zeros_like(portrait.rgb), face.points.astype(float)) is None
    chosen.close()


def test_brows_stay_on_raised_brows_while_lids_are_shut(samples: Path) -> None:
    """A woman who leans back, brows up and eyes shut: the task file by itself finds the brows on her lids."""
    clip = next((samples / "video").glob("edtalk_expression_source_*"))
    frames = list(open_video(clip).frames())
    calm, raised = frames[60], frames[214]
    landmarker = TaskLandmarker(samples / "judge" / "face_landmarker.task")
    heights = []
    for frame in (calm, raised):
        sight = landmarker.look(frame, detect_faces(frame)[0].points.astype(float))
        assert sight is not None
        heights.append(float(brow_height(sight.points[None])[0]))
    landmarker.close()
    assert heights[1] > 1.25 * heights[0]
