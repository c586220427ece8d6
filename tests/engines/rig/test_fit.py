from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import arkit
from engines.api import Performance
from engines.face.landmarks import detect_faces
from engines.face.portrait import load_portrait
from engines.rig import personal, solver
from engines.rig.camera import Camera
from engines.rig.fit import FittedHead, average_mesh, fit_head
from engines.rig.head import load_head
from tests.engines.rig.faces import projected

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def person(seed: int, strength: float = 0.6) -> np.ndarray:
    """Coefficients of a random person."""
    basis = solver.basis(load_head())
    count = len(basis.sigma) - len(basis.units)
    values = np.random.default_rng(seed).normal(0, 1, count) * basis.sigma[:count] * strength
    return basis.to_coefficients @ values


def expression(**units: float) -> np.ndarray:
    weights = np.zeros(52)
    for name, value in units.items():
        weights[list(arkit.indices(name))] = value
    return weights


def drawn(seed: int = 1, angles: tuple[float, float, float] = (0.05, 0.12, -0.06), **units: float):
    head = load_head()
    return projected(head.shape(person(seed)) + np.tensordot(expression(**units), head.mesh.units, 1), angles)


def closes(fitted: FittedHead) -> None:
    """Lids meet at a blink, lips meet at rest and under a mended jaw."""
    mesh = fitted.mesh
    for side, name in enumerate(("eyeBlinkLeft", "eyeBlinkRight")):
        pair = personal.lids(side)
        width = np.linalg.norm(mesh.vertices[pair.upper[0]] - mesh.vertices[pair.upper[-1]])
        assert pair.gap(mesh.vertices + mesh.units[arkit.INDEX[name]]) < 0.02 * width
        assert pair.gap(mesh.vertices) > 0.10 * width
    lips = personal.lips()
    assert lips.gap(mesh.vertices) < 0.03
    for weights in (
        expression(jawOpen=0.3, mouthClose=0.3),
        expression(mouthPress=0.5, mouthRollLower=0.3, mouthRollUpper=0.3),
        expression(mouthPucker=0.7),
        expression(mouthSmile=0.7),
        expression(jawOpen=0.08, mouthClose=0.08, mouthPress=0.25, mouthRollLower=0.15, mouthRollUpper=0.15),
    ):
        assert lips.gap(mesh.shaped(weights)) < 0.04


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.floats(-0.25, 0.25), st.floats(-0.4, 0.4), st.floats(-0.3, 0.3))
def test_pose_and_landmarks_are_recovered(seed: int, pitch: float, yaw: float, roll: float) -> None:
    face = drawn(seed, (pitch, yaw, roll))
    fitted = fit_head(face, (512, 512))
    assert fitted.fit_error < 0.03
    assert fitted.error < 0.007
    away = np.abs(fitted.rest_head[:3] - [pitch, yaw, roll])
    assert away[0] < 0.2  # one picture hardly tells a long chin from a raised one
    assert away[1:].max() < 0.13
    found = fitted.camera.project(load_head().landmarks(fitted.rest_vertices()))[:468, :2]
    assert np.linalg.norm(found - face.points[:468, :2], axis=1).mean() < 0.01 * face.eye_distance
    closes(fitted)


@pytest.mark.parametrize(
    ("unit", "value"),
    [("mouthSmile", 0.6), ("jawOpen", 0.3), ("eyeBlink", 0.7), ("mouthPucker", 0.6), ("browDown", 0.6)],
)
def test_expression_is_not_taken_for_identity(unit: str, value: float) -> None:
    fitted = fit_head(drawn(3, **{unit: value}), (512, 512))
    found = fitted.rest_weights[list(arkit.indices(unit))]
    assert np.abs(found - value).max() < 0.25
    others = np.delete(
        fitted.rest_weights, list(arkit.indices(unit, "eyeLookDown", "eyeLookUp", "eyeLookIn", "eyeLookOut"))
    )
    assert others.max() < 0.3


def test_toothy_smile_closes_when_neutral() -> None:
    face = drawn(5, mouthSmile=0.6, mouthUpperUp=0.5, mouthLowerDown=0.3, jawOpen=0.1)
    fitted = fit_head(face, (512, 512))
    assert personal.lips().gap(fitted.mesh.vertices) < 0.03
    assert personal.lips().gap(fitted.rest_vertices() @ np.eye(3)) > 0.4
    assert fitted.rest_weights[arkit.INDEX["mouthSmileLeft"]] > 0.3


def test_mirrored_face_gives_mirrored_head() -> None:
    head = load_head()
    face = drawn(2, (0.0, 0.2, 0.05), mouthLeft=0.3)
    points = face.points[head.landmark_mirror].copy()
    points[:, 0] = 511 - points[:, 0]
    mirrored = fit_head(type(face)(points, face.spread, face.box, face.score), (512, 512))
    fitted = fit_head(face, (512, 512))
    assert np.allclose((mirrored.rest_head * [1, -1, -1, -1, 1, 1])[:5], fitted.rest_head[:5], atol=0.05)
    assert mirrored.rest_head[5] == pytest.approx(fitted.rest_head[5], rel=0.08)
    assert np.allclose(mirrored.rest_weights[list(arkit.MIRROR)], fitted.rest_weights, atol=0.12)
    assert np.allclose(mirrored.rest_gaze[[2, 3, 0, 1]] * [-1, 1, -1, 1], fitted.rest_gaze, atol=0.05)


def test_rest_performance_turned_moves_the_nose_as_said() -> None:
    fitted = fit_head(drawn(4, (0, 0, 0)), (512, 512))
    head = load_head()

    def nose(*angles: float) -> np.ndarray:
        posed = fitted.posed(np.zeros(52), np.array([*angles, 0, 0, 0]), np.zeros(4))
        return fitted.camera.project(head.landmarks(posed))[1]

    rest = nose(0, 0, 0)
    assert nose(0, 0.2, 0)[0] > rest[0] + 5  # yaw turns to the picture's right
    assert nose(0.2, 0, 0)[1] < rest[1] - 5  # pitch looks up
    mesh_frame = fitted.mesh.posed(np.zeros(52), np.zeros(6), np.zeros(4))
    assert np.allclose(fitted.place(mesh_frame), fitted.posed(np.zeros(52), np.zeros(6), np.zeros(4)), atol=1e-3)


def test_gaze_is_found() -> None:
    mesh = average_mesh()
    vertices = mesh.posed(np.zeros(52), np.zeros(6), np.array([0.2, 0.1, 0.2, 0.1], np.float32))
    fitted = fit_head(projected(vertices), (512, 512))
    assert fitted.rest_gaze[0] == pytest.approx(fitted.rest_gaze[2], abs=0.03)
    straight = fit_head(projected(mesh.vertices), (512, 512))
    assert fitted.rest_gaze[0] - straight.rest_gaze[0] == pytest.approx(0.2, abs=0.08)
    assert fitted.rest_gaze[1] - straight.rest_gaze[1] == pytest.approx(0.1, abs=0.08)


def test_eyeball_stays_behind_the_lids() -> None:
    fitted = fit_head(drawn(6), (512, 512))
    for side, bone in ((0, 2), (1, 3)):
        centre, radius = fitted.mesh.pivots[bone], fitted.eye_radius[side]
        margin = fitted.mesh.vertices[personal.lids(side).chain]
        away = np.linalg.norm(margin - centre, axis=1)
        assert away.min() > 0.99 * radius
        assert np.median(away) < 1.15 * radius


def visible_eye(fitted: FittedHead, weights: np.ndarray, side: int) -> int:
    """Pixels (a quarter of a millimetre) of an eyeball that the skin leaves in sight, seen from the front."""
    mesh = fitted.mesh
    points = mesh.shaped(weights).astype(float) - mesh.pivots[2 + side]
    corners = points[mesh.triangles]
    near = (np.abs(corners[..., :2]) < 2.0).all((1, 2)) & ((mesh.parts == 0) | (mesh.parts == 1 + side))
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] > 0
    depth, part = np.full((160, 160), -np.inf), np.full((160, 160), -1)
    for (a, b, c), kind in zip(corners[near & facing], mesh.parts[near & facing], strict=True):
        low = np.floor((np.minimum.reduce([a, b, c])[:2] + 2) * 40).astype(int).clip(0, 159)
        high = np.ceil((np.maximum.reduce([a, b, c])[:2] + 2) * 40).astype(int).clip(0, 159)
        y, x = np.mgrid[low[1] : high[1] + 1, low[0] : high[0] + 1]
        px, py = (x + 0.5) / 40 - 2, (y + 0.5) / 40 - 2
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        u = ((b[0] - px) * (c[1] - py) - (b[1] - py) * (c[0] - px)) / area
        v = ((c[0] - px) * (a[1] - py) - (c[1] - py) * (a[0] - px)) / area
        z = u * a[2] + v * b[2] + (1 - u - v) * c[2]
        window = np.s_[low[1] : high[1] + 1, low[0] : high[0] + 1]
        hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (z > depth[window])
        depth[window] = np.where(hit, z, depth[window])
        part[window] = np.where(hit, kind, part[window])
    return int((part == 1 + side).sum())


def test_closed_lids_leave_nothing_of_the_eye() -> None:
    fitted = fit_head(drawn(11, (0, 0, 0)), (512, 512))
    for side in (0, 1):
        assert visible_eye(fitted, np.zeros(52), side) > 800
        assert visible_eye(fitted, expression(eyeBlink=1), side) < 5
        assert 100 < visible_eye(fitted, expression(eyeBlink=0.5), side) < 0.7 * visible_eye(fitted, np.zeros(52), side)


def test_camera_projects_and_back() -> None:
    camera = Camera(800.0, (255.5, 200.0))
    points = np.array([[1.0, 2.0, -50.0], [-3.0, 0.5, -80.0]])
    pixels = camera.project(points)
    assert pixels[0, 0] > 255.5
    assert pixels[0, 1] < 200
    assert np.allclose(camera.unproject(pixels[:, :2], pixels[:, 2]), points)
    assert np.allclose(camera.scaled(2).project(points)[:, :2], pixels[:, :2] * 2 + 0.5)


def test_same_input_same_head() -> None:
    face = drawn(8)
    one, other = fit_head(face, (512, 512)), fit_head(face, (512, 512))
    assert np.array_equal(one.mesh.vertices, other.mesh.vertices)
    assert np.array_equal(one.rest_weights, other.rest_weights)


@pytest.mark.samples
def test_sample_portraits(samples: Path) -> None:
    for path in sorted((samples / "portraits").iterdir()):
        portrait = load_portrait(path)
        face = detect_faces(portrait.rgb)[0]
        fitted = fit_head(face, (portrait.rgb.shape[1], portrait.rgb.shape[0]))
        assert fitted.fit_error < 0.03, path.name
        assert fitted.error < 0.007, path.name
        assert np.abs(fitted.rest_head[:3]).max() < 0.5, path.name
        closes(fitted)
        rest = fitted.posed(Performance.rest(1, 25).weights[0], np.zeros(6), np.zeros(4))
        assert np.isfinite(rest).all()
