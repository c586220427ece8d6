import numpy as np
import pytest

from engines import arkit
from engines.errors import EngineError
from engines.rig.fit import average_mesh
from engines.rig.head import load_head
from engines.rig.mesh import PARTS, effective_weights


def moved(name: str, landmark: int, weight: float = 1.0) -> np.ndarray:
    """How far a landmark moves under a unit (both sides), in centimetres : (3,)."""
    head, mesh = load_head(), average_mesh()
    weights = np.zeros(52)
    weights[list(arkit.indices(name))] = weight
    return (head.landmarks(mesh.shaped(weights)) - head.landmarks(mesh.vertices))[landmark]


def test_shapes_and_ranges() -> None:
    head = load_head()
    mesh = head.mesh
    assert mesh.units.shape == (52, len(mesh.vertices), 3)
    assert head.identity.shape == (len(head.identity_names), len(mesh.vertices), 3)
    assert mesh.triangles.max() < len(mesh.vertices)
    assert mesh.uv_triangles.max() < len(mesh.uv)
    assert mesh.uv.min() >= 0
    assert mesh.uv.max() <= 1
    assert set(np.unique(mesh.parts)) == set(range(len(PARTS)))
    assert np.allclose(mesh.bone_weights.sum(1), 1, atol=2e-3)
    assert np.allclose(head.landmark_bary.sum(1), 1, atol=1e-4)


def test_size_is_that_of_a_head() -> None:
    head = load_head()
    eyes = head.mesh.pivots[3] - head.mesh.pivots[2]
    assert 5.5 < np.linalg.norm(eyes) < 7.0
    assert head.mesh.pivots[2, 0] > 0 > head.mesh.pivots[3, 0]  # the subject's left is +X


def test_every_unit_moves_something_and_no_eyeball() -> None:
    mesh = load_head().mesh
    strongest = np.linalg.norm(mesh.units, axis=2).max(1)
    assert (strongest > 0.05).all(), [arkit.NAMES[i] for i in np.flatnonzero(strongest <= 0.05)]
    eyes = np.union1d(mesh.part_vertices("eyeLeft"), mesh.part_vertices("eyeRight"))
    assert not mesh.units[:, eyes].any()
    assert not mesh.units[:, mesh.part_vertices("teethUpper")].any()


@pytest.mark.parametrize(
    ("name", "landmark", "axis", "least"),
    [
        ("jawOpen", 152, 1, -2.0),
        ("mouthSmile", 61, 1, 0.4),
        ("mouthSmile", 291, 0, 0.3),
        ("mouthSmile", 61, 0, -0.3),
        ("mouthFrown", 61, 1, -0.3),
        ("mouthPucker", 61, 0, 0.3),
        ("mouthStretch", 291, 0, 0.3),
        ("mouthUpperUp", 0, 1, 0.2),
        ("mouthLowerDown", 14, 1, -0.3),
        ("mouthFunnel", 14, 1, -0.3),
        ("mouthLeft", 13, 0, 0.3),
        ("mouthRight", 13, 0, -0.3),
        ("jawLeft", 152, 0, 0.3),
        ("jawForward", 152, 2, 0.3),
        ("eyeBlink", 159, 1, -0.4),
        ("eyeWide", 159, 1, 0.05),
        ("browInnerUp", 107, 1, 0.3),
        ("browDown", 105, 1, -0.2),
        ("noseSneer", 48, 1, 0.1),
        ("cheekPuff", 50, 2, 0.1),
    ],
)
def test_units_do_what_their_names_say(name: str, landmark: int, axis: int, least: float) -> None:
    value = moved(name, landmark)[axis]
    assert value * np.sign(least) >= abs(least), value


def test_units_of_both_sides_mirror_each_other() -> None:
    head, mesh = load_head(), average_mesh()
    rest = head.landmarks(mesh.vertices)[:468]
    mirror = head.landmark_mirror[:468]
    assert np.array_equal(mirror[mirror], np.arange(468))
    for i, j in enumerate(arkit.MIRROR):
        one = head.landmarks(mesh.vertices + mesh.units[i])[:468] - rest
        other = head.landmarks(mesh.vertices + mesh.units[j])[:468] - rest
        difference = np.linalg.norm(one * [-1, 1, 1] - other[mirror], axis=1)
        assert np.quantile(difference, 0.95) < 0.08, arkit.NAMES[i]


def test_landmarks_lie_where_they_belong() -> None:
    head = load_head()
    points = head.landmarks(head.mesh.vertices)
    eyes = head.mesh.pivots[2:]
    assert np.linalg.norm(points[473] - eyes[0]) < 2.0
    assert points[473, 0] > 0 > points[468, 0]
    assert points[1, 2] > points[[33, 263, 61, 291, 152], 2].max()  # the tip of the nose is foremost
    assert points[152, 1] < points[17, 1] < points[14, 1] <= points[13, 1] + 0.2
    mirrored = points[head.landmark_mirror] * [-1, 1, 1]
    assert np.linalg.norm(mirrored - points, axis=1)[:468].mean() < 0.05


def test_mouth_close_acts_no_further_than_jaw_open() -> None:
    weights = np.zeros((3, 52))
    weights[:, arkit.INDEX["mouthClose"]] = (0.0, 0.5, 0.5)
    weights[:, arkit.INDEX["jawOpen"]] = (0.0, 0.2, 0.8)
    acting = effective_weights(weights)
    assert np.allclose(acting[:, arkit.INDEX["mouthClose"]], (0.0, 0.2, 0.5))
    alone = np.zeros(52)
    alone[arkit.INDEX["mouthClose"]] = 1
    assert np.array_equal(average_mesh().shaped(alone), average_mesh().vertices)


def test_blink_closes_whatever_else_the_lids_do() -> None:
    mesh = average_mesh()
    weights = np.zeros(52)
    weights[list(arkit.indices("eyeBlink"))] = 1
    closed = mesh.shaped(weights)
    weights[list(arkit.indices("eyeWide", "eyeSquint", "eyeLookUp"))] = 0.8
    assert np.array_equal(mesh.shaped(weights), closed)


def test_missing_asset_is_named(tmp_path) -> None:
    with pytest.raises(EngineError, match=r"head\.npz is missing"):
        load_head(tmp_path / "head.npz")
