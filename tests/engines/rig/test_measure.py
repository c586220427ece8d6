from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import arkit
from engines.api import Performance
from engines.errors import InputError
from engines.rig.fit import average_mesh
from engines.rig.measure import mouth_geometry, neutral_geometry
from engines.rig.solve import TOLERANCE, solve_mouth


def with_unit(name: str, value: float = 0.5) -> dict[str, float]:
    weights = np.zeros((1, 52))
    weights[:, list(arkit.indices(name))] = value
    return {key: float(v[0]) for key, v in mouth_geometry(average_mesh(), weights).items()}


def test_neutral_lips_are_closed_and_sizes_are_human() -> None:
    rest = neutral_geometry(average_mesh())
    assert rest["aperture"] < 0.003
    assert rest["area"] < 0.002
    assert 0.45 < rest["width"] < 0.68
    assert 0.8 < rest["jaw"] < 1.05
    assert rest["inwidth"] < rest["width"]


@pytest.mark.parametrize(
    ("unit", "measure", "sign"),
    [
        ("jawOpen", "aperture", 1), ("jawOpen", "jaw", 1), ("mouthPucker", "width", -1), ("mouthStretch", "width", 1),
        ("mouthSmile", "cornerY", 1), ("mouthFrown", "cornerY", -1), ("mouthUpperUp", "uplip", -1),
        ("mouthLowerDown", "aperture", 1), ("mouthRollLower", "lothick", -1), ("mouthFunnel", "aperture", 1),
    ],
)  # fmt: skip
def test_measures_follow_units(unit: str, measure: str, sign: int) -> None:
    assert (with_unit(unit)[measure] - neutral_geometry(average_mesh())[measure]) * sign > 0.008


def test_pose_changes_only_what_is_seen() -> None:
    performance = Performance.rest(2, Fraction(25)).with_(head=np.array([[0] * 6, [0.2, 0.4, 0.1, 0, 0, 0]]))
    found = mouth_geometry(average_mesh(), performance)
    assert found["width"][0] == found["width"][1]
    assert found["w2d"][1] < found["w2d"][0]
    assert found["yaw"][1] == pytest.approx(0.4)


def test_thousands_of_frames_are_one_product() -> None:
    weights = np.random.default_rng(0).uniform(0, 0.4, (5000, 52))
    found = mouth_geometry(average_mesh(), weights)
    single = mouth_geometry(average_mesh(), weights[1234:1235])
    assert all(np.allclose(found[name][1234], single[name][0], atol=1e-5) for name in found)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_solved_weights_measure_what_was_asked(seed: int) -> None:
    mesh = average_mesh()
    rng = np.random.default_rng(seed)
    rest = neutral_geometry(mesh)
    time = np.linspace(0, 8, 400)

    def track(low: float, high: float) -> np.ndarray:
        wave = sum(
            rng.uniform(0.3, 1) * np.sin(2 * np.pi * rng.uniform(0.4, 4) * time + rng.uniform(0, 6)) for _ in range(4)
        )
        return low + (high - low) * (wave - wave.min()) / np.ptp(wave)

    aperture = track(0, 0.19)
    targets = {
        "aperture": aperture,
        "width": rest["width"] + track(-0.07, 0.06),
        "jaw": rest["jaw"] + 0.35 * aperture + track(-0.005, 0.02),
    }
    weights = solve_mouth(mesh, targets)
    assert weights.shape == (400, 52)
    assert weights.min() >= 0
    assert weights.max() <= 1
    assert np.allclose(weights, weights[:, list(arkit.MIRROR)])
    assert (weights[:, arkit.INDEX["mouthClose"]] <= weights[:, arkit.INDEX["jawOpen"]] + 1e-6).all()
    found = mouth_geometry(mesh, weights)
    for name, least in (("aperture", 0.97), ("width", 0.95), ("jaw", 0.9)):
        assert np.corrcoef(found[name], targets[name])[0, 1] > least, name
    assert found["aperture"][targets["aperture"] < 0.004].max(initial=0) < 0.012


def test_neutral_measures_give_neutral_weights() -> None:
    mesh = average_mesh()
    rest = {name: np.full(5, value) for name, value in neutral_geometry(mesh).items() if name in TOLERANCE}
    assert solve_mouth(mesh, rest).max() < 0.02


def test_half_open_lips_with_a_high_jaw_use_the_lips() -> None:
    mesh = average_mesh()
    rest = neutral_geometry(mesh)
    weights = solve_mouth(mesh, {"aperture": np.array([0.10]), "jaw": np.array([rest["jaw"] + 0.004])})[0]
    assert weights[arkit.INDEX["jawOpen"]] < 0.12
    assert weights[arkit.INDEX["mouthLowerDownLeft"]] > 0.2


def test_narrow_lips_pucker() -> None:
    mesh = average_mesh()
    rest = neutral_geometry(mesh)
    weights = solve_mouth(mesh, {"aperture": np.array([0.02]), "width": np.array([rest["width"] - 0.08])})[0]
    assert weights[arkit.INDEX["mouthPucker"]] > 0.4


def test_bad_targets_are_named() -> None:
    mesh = average_mesh()
    with pytest.raises(InputError, match="at least one of"):
        solve_mouth(mesh, {"nose": np.zeros(3)})
    with pytest.raises(InputError, match="different lengths"):
        solve_mouth(mesh, {"aperture": np.zeros(3), "width": np.zeros(4)})
    with pytest.raises(InputError, match="not numbers"):
        solve_mouth(mesh, {"aperture": np.array([0.0, np.nan])})
