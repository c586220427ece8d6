"""Clips in, footage for training out, with the reasons for what was left out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engines.api import CancelToken
from engines.capture import footage_make
from engines.capture.footage import MANIFEST, Dropped, Footage, load_footage
from engines.capture.footage_make import Wanted, find_sources, fixed_crop, make_footage, others
from engines.capture.footage_survey import BLUNTEST, Survey, fault, sharpness
from engines.errors import Cancelled, InputError
from engines.face.landmarks import FaceLandmarks, detect_faces
from engines.face.portrait import load_portrait
from tests.engines.capture.test_capture import DEMO, video


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1.2 s of the demo sitter with a tone, then 0.8 s of grey."""
    path = tmp_path_factory.mktemp("clips") / "a sitter.mp4"
    return video(
        path, "-loop", "1", "-r", "25", "-t", "1.2", "-i", str(DEMO), "-f", "lavfi", "-t", "0.8", "-r", "25",
        "-i", "color=gray:s=320x320", "-f", "lavfi", "-t", "2", "-i", "sine=220", "-filter_complex",
        "[0:v]scale=320:320,setsar=1[a];[1:v]setsar=1[b];[a][b]concat=n=2:v=1[v]", "-map", "[v]", "-map", "2:a",
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Footage:
    return make_footage([clip], tmp_path_factory.mktemp("made") / "footage", Wanted(size=96, shortest_s=0.6))


def test_a_clip_lies_as_documented(made: Footage) -> None:
    assert load_footage(made.folder) == made
    (clip,) = made.clips
    assert clip.name == "a-sitter-00"
    assert clip.start == 0
    assert 24 <= len(clip) <= 30
    assert len(clip.performance()) == len(clip.confidence()) == len(clip.crops()) == len(clip)
    assert sum(1 for _ in clip.frames()) == len(clip)
    assert len(clip.voice()) == len(clip) * 640
    speech = clip.speech()
    assert speech is not None
    assert speech.samples == len(clip) * 640


def test_frames_are_aligned_and_landmarks_lie_in_them(made: Footage) -> None:
    (clip,) = made.clips
    eyes = clip.landmarks()[:, [33, 263]].mean(1)
    assert np.abs(eyes[:, 0] - 48).max() < 4
    assert np.ptp(eyes, axis=0).max() < 2
    face = load_portrait(DEMO).rgb
    assert clip.frame(3).mean() == pytest.approx(face[200:900, 200:900].mean(), abs=40)


def test_what_was_dropped_is_told(made: Footage) -> None:
    assert {d.reason for d in made.dropped} <= {"no face", "too short"}
    lost = sum(d.stop - d.start for d in made.dropped)
    assert lost + len(made) == 50


def test_more_clips_join_and_the_same_source_is_made_anew(made: Footage, clip: Path) -> None:
    with pytest.raises(InputError, match="Use the same"):
        make_footage([clip], made.folder, Wanted(size=128))
    again = make_footage([clip], made.folder, Wanted(size=96, shortest_s=0.6))
    assert again == made


def test_footage_without_sound_is_dropped_unless_wanted(tmp_path: Path) -> None:
    mute = video(tmp_path / "mute.mp4", "-f", "lavfi", "-t", "0.4", "-i", "color=gray:s=64x64")
    with pytest.raises(InputError, match="no sound"):
        make_footage([mute], tmp_path / "a")
    with pytest.raises(InputError, match="no face"):
        make_footage([mute], tmp_path / "b", Wanted(silent=True))
    assert load_footage(tmp_path / "b").dropped[0].reason == "no face"


def test_unreadable_files_do_not_end_the_rest(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    with pytest.raises(InputError, match="unreadable"):
        make_footage(find_sources([tmp_path]), tmp_path / "out")


def test_folders_that_hold_other_things_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="not empty"):
        make_footage([tmp_path / "a.mp4"], tmp_path)
    with pytest.raises(InputError, match="no footage"):
        find_sources([tmp_path / "nothing"])
    with pytest.raises(InputError, match="No video"):
        find_sources([tmp_path])


def test_cancel(clip: Path, tmp_path: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        make_footage([clip], tmp_path / "out", cancel=cancel)


@pytest.mark.parametrize("damage", ["{", '{"format": "other"}', '{"format": "soliloquy-footage", "version": 9}'])
def test_damaged_manifests_are_told(tmp_path: Path, damage: str) -> None:
    (tmp_path / MANIFEST).write_text(damage)
    with pytest.raises(InputError):
        load_footage(tmp_path)


def test_names_of_clips_stay_in_the_folder(tmp_path: Path) -> None:
    data = {"format": "soliloquy-footage", "version": 1, "size": 64, "rate": "25", "layout": "ffhq", "dropped": []}
    data["clips"] = [{"name": "../../etc", "count": 1, "source": "x", "start": 0}]
    (tmp_path / MANIFEST).write_text(json.dumps(data))
    with pytest.raises(InputError, match="no name"):
        load_footage(tmp_path)


def test_each_fault_is_named() -> None:
    import cv2

    rgb = cv2.resize(load_portrait(DEMO).rgb, (512, 512), interpolation=cv2.INTER_AREA)
    (face,) = detect_faces(rgb)
    assert fault(rgb, [face], 100) == ""
    assert fault(rgb, [], 100) == "no face"
    assert fault(rgb, [face], 400) == "too small"
    assert fault((rgb * 0.1).astype(np.uint8), [face], 100) == "too dark"
    assert fault(cv2.GaussianBlur(rgb, (0, 0), 0.06 * face.eye_distance), [face], 100) == "blur"
    bystander = FaceLandmarks(face.points * 0.7, face.spread, face.box, 1.0)
    assert fault(rgb, [face, bystander], 100) == "two people"
    small = FaceLandmarks(face.points * 0.3, face.spread, face.box, 1.0)
    assert fault(rgb, [face, small], 100) == ""


def test_sharpness_does_not_depend_on_light() -> None:
    grey = np.random.default_rng(1).normal(128, 20, (160, 160)).astype(np.float32)
    assert sharpness(grey) == pytest.approx(sharpness(0.3 * grey), rel=1e-3)
    assert sharpness(grey) > BLUNTEST


def test_only_the_person_seen_longest_is_kept() -> None:
    reasons = others(np.array([0, 0, 1, 1, 1, -1, 2]))
    assert reasons == ["another person"] * 2 + [""] * 4 + ["another person"]
    assert others(np.full(3, -1)) == [""] * 3


def test_looks_count_within_their_shot() -> None:
    seen = Survey({0: "", 5: "blur", 10: ""}, 13)
    assert seen.labels() == [""] * 3 + ["blur"] * 5 + [""] * 5
    assert seen.labels((0, 4, 9)) == [""] * 4 + ["blur"] * 5 + [""] * 4
    assert len(seen.labels((0, 6, 8))) == 13


def test_spans_end_at_cuts_and_faults() -> None:
    labels = [""] * 10 + ["blur"] * 3 + [""] * 20 + [""] * 2 + ["no face"] * 4 + [""] * 2
    spans, dropped = footage_make._spans("s", labels, (0, 33, 35), 5)
    assert spans == [(0, 10), (13, 33)]
    assert dropped == [
        Dropped("s", 10, 13, "blur"), Dropped("s", 33, 35, "cut"), Dropped("s", 35, 39, "no face"),
        Dropped("s", 39, 41, "too short"),
    ]  # fmt: skip


def test_the_fixed_square_stays_in_the_picture() -> None:
    points = np.random.default_rng(2).uniform((180, 20), (300, 140), (5, 478, 2))
    crop = fixed_crop(points, (400, 300))
    assert crop.side == pytest.approx(1.6 * 120, rel=0.1)
    assert crop.corners.min() >= -1e-9
    assert fixed_crop(points, (400, 150)).side == pytest.approx(150)
