import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from engines.api import Portrait
from engines.errors import InputError
from engines.face import mediapipe_runtime
from engines.face.landmarks import detect_faces, find_face
from engines.face.matte import person_matte
from engines.face.portrait import load_portrait
from tests.engines.rig.faces import drawn_face

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def face_picture() -> np.ndarray:
    return drawn_face()


def test_drawn_face_is_found(face_picture: np.ndarray) -> None:
    (face,) = detect_faces(face_picture)
    assert face.points.shape == (478, 3)
    left, top, right, bottom = face.box
    assert left < face.points[1, 0] < right
    assert top < face.points[1, 1] < bottom
    assert face.points[263, 0] > face.points[33, 0]  # the subject's left eye is on the right
    assert face.points[152, 1] > face.points[10, 1]  # chin below forehead
    assert np.median(face.spread) < 0.02 * face.eye_distance


def test_mirrored_picture_gives_mirrored_landmarks(face_picture: np.ndarray) -> None:
    (face,) = detect_faces(face_picture)
    (mirrored,) = detect_faces(np.ascontiguousarray(face_picture[:, ::-1]))
    width = face_picture.shape[1]
    assert abs(width - 1 - mirrored.points[263, 0] - face.points[33, 0]) < 0.03 * face.eye_distance


def test_small_face_in_a_big_picture(face_picture: np.ndarray) -> None:
    big = np.full((1600, 2200, 3), 120, np.uint8)
    big[900:1100, 1500:1700] = cv2.resize(face_picture, (200, 200), interpolation=cv2.INTER_AREA)
    faces = detect_faces(big)
    assert len(faces) == 1
    assert 1500 < faces[0].points[1, 0] < 1700
    assert 900 < faces[0].points[1, 1] < 1100


def test_face_that_fills_the_frame(face_picture: np.ndarray) -> None:
    (face,) = detect_faces(face_picture)
    left, top, right, bottom = (int(v) for v in face.box)
    faces = detect_faces(np.ascontiguousarray(face_picture[top + 10 : bottom - 5, left + 8 : right - 8]))
    assert len(faces) == 1


def test_several_faces_come_largest_first(face_picture: np.ndarray) -> None:
    canvas = np.full((640, 1300, 3), 110, np.uint8)
    canvas[100:500, 20:420] = cv2.resize(face_picture, (400, 400))
    canvas[:640, 560:1200] = cv2.resize(face_picture, (640, 640))
    faces = detect_faces(canvas)
    assert len(faces) == 2
    assert faces[0].points[1, 0] > 560 > faces[1].points[1, 0]
    chosen = find_face(Portrait(canvas, face=1))
    assert chosen.points[1, 0] < 560
    with pytest.raises(InputError, match="2 faces"):
        find_face(Portrait(canvas, face=2))


@pytest.mark.parametrize("kind", ["flat", "noise", "stripes"])
def test_picture_without_a_face_is_refused(kind: str) -> None:
    rng = np.random.default_rng(0)
    rgb = {
        "flat": np.full((300, 400, 3), 128, np.uint8),
        "noise": rng.integers(0, 255, (300, 400, 3), np.uint8),
        "stripes": np.repeat(np.tile([0, 255], (300, 200))[..., None], 3, 2).astype(np.uint8),
    }[kind]
    with pytest.raises(InputError, match="no face"):
        find_face(Portrait(rgb, source=Path("x.png")))


@pytest.mark.samples
def test_picture_upside_down_is_told_apart(samples: Path) -> None:
    portrait = load_portrait(samples / "portraits" / "cmet_ai_woman_256.png")
    with pytest.raises(InputError, match="upside down"):
        find_face(Portrait(np.ascontiguousarray(portrait.rgb[::-1, ::-1])))


def test_tiny_face_is_refused(face_picture: np.ndarray) -> None:
    small = np.full((200, 200, 3), 120, np.uint8)
    small[60:120, 60:120] = cv2.resize(face_picture, (60, 60), interpolation=cv2.INTER_AREA)
    with pytest.raises(InputError, match=r"too small|no face"):
        find_face(Portrait(small))


def test_models_serve_several_threads(face_picture: np.ndarray) -> None:
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(detect_faces(face_picture)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1, 1, 1]


def test_models_come_back_after_close(face_picture: np.ndarray) -> None:
    mediapipe_runtime.close()
    assert len(detect_faces(face_picture)) == 1


def test_matte_covers_the_face_only(face_picture: np.ndarray) -> None:
    (face,) = detect_faces(face_picture)
    matte = person_matte(face_picture, face)
    assert matte.shape == face_picture.shape[:2]
    assert matte.dtype == np.float32
    assert 0 <= matte.min() <= matte.max() <= 1
    x, y = face.points[1, :2].astype(int)
    assert matte[y, x] > 0.95
    assert matte[:20, :20].max() < 0.2
    alpha = np.zeros(matte.shape, np.uint8)
    assert person_matte(face_picture, face, alpha).max() == 0


@pytest.mark.samples
def test_every_sample_portrait_has_one_face(samples: Path) -> None:
    for path in sorted((samples / "portraits").iterdir()):
        faces = detect_faces(load_portrait(path).rgb)
        assert len(faces) == 1, path.name
