"""Named directions: published files are read safely, kept beside the generator, and act as curves over time."""

from __future__ import annotations

import pickle
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from app.cli import main
from engines import registry
from engines.api import Performance, Portrait, RenderOptions
from engines.errors import InputError, WeightsMissing
from engines.face.landmarks import detect_faces
from engines.stylegan import edits, generators
from engines.stylegan.actor import StyleGANActor
from engines.stylegan.convert import LoadedGenerator
from engines.stylegan.edits import Edit
from engines.stylegan.engine import StyleGANEngine
from engines.stylegan.net_edits import ATTRIBUTES, attributes, axes, fitted, laid, scaled
from engines.stylegan.net_reach import faces
from tests.engines.stylegan.conftest import SMALL, made_up
from tests.engines.stylegan.test_engine import drawn, still

LAYERS, DIM = SMALL.layers, SMALL.style_dim


@pytest.fixture
def chosen(home: Path, monkeypatch: pytest.MonkeyPatch) -> generators.Chosen:
    """The made-up generator in its store, without edits before and after."""
    monkeypatch.setenv("SOLILOQUY_HOME", str(home))
    found = generators.choose()
    assert found is not None
    for name in edits.names(found):
        edits.remove(found, name)
    return found


@pytest.fixture
def loaded() -> LoadedGenerator:
    return LoadedGenerator(made_up(), None)


def direction(seed: int = 1, rows: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, DIM)).astype(np.float32)


# --- published files ---


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((DIM,), {"age": (1, DIM)}),
        ((1, DIM), {"age": (1, DIM)}),
        ((LAYERS, DIM), {"age": (LAYERS, DIM)}),
        ((1, LAYERS, DIM), {"age": (LAYERS, DIM)}),
        ((3, DIM), {f"age_{i}": (1, DIM) for i in (1, 2, 3)}),
        ((30, 1, DIM), {f"age_{i}": (1, DIM) for i in range(1, 11)}),
    ],
)
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt"])
def test_published_shapes_and_files(
    shape: tuple[int, ...], expected: dict[str, tuple[int, int]], suffix: str, tmp_path: Path
) -> None:
    values = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    path = tmp_path / f"Age{suffix}"
    if suffix == ".npy":
        np.save(path, values)
    elif suffix == ".npz":
        np.savez(path, values)
    else:
        torch.save(torch.from_numpy(values), path)
    found = edits.read(path, LAYERS, DIM)
    assert {name: rows.shape for name, rows in found.items()} == expected
    np.testing.assert_array_equal(np.concatenate(list(found.values())), values.reshape(-1, DIM)[:10])


def test_a_file_of_principal_axes_gives_its_axes(tmp_path: Path) -> None:
    content = {"comp": torch.randn(80, 1, DIM), "mean": torch.randn(1, DIM), "std": torch.rand(80)}
    torch.save(content, tmp_path / "ffhq_pca.pt")
    found = edits.read(tmp_path / "ffhq_pca.pt", LAYERS, DIM)
    assert list(found) == [f"ffhq_pca_{i}" for i in range(1, 11)]


class Hostile:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt"])
def test_hostile_files_are_refused_and_not_run(suffix: str, tmp_path: Path) -> None:
    bad, ran = tmp_path / f"age{suffix}", tmp_path / "ran"
    if suffix == ".npz":
        np.savez(bad, age=np.array([Hostile(ran)], object))
    elif suffix == ".npy":
        np.save(bad, np.array([Hostile(ran)], object), allow_pickle=True)
    else:
        torch.save({"age": Hostile(ran)}, bad)
    with pytest.raises((InputError, WeightsMissing), match="run"):
        edits.read(bad, LAYERS, DIM)
    bad.write_bytes(pickle.dumps(Hostile(ran)))
    with pytest.raises((InputError, WeightsMissing)):
        edits.read(bad, LAYERS, DIM)
    assert not ran.exists()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.ones((1, DIM + 1)), "another generator"),
        (np.full((1, DIM), np.nan), "not numbers"),
        (np.zeros((1, DIM)), "zeros"),
        (np.array(["a"]), "no array of numbers"),
    ],
)
def test_what_is_no_direction_is_named(values: np.ndarray, said: str, tmp_path: Path) -> None:
    np.save(tmp_path / "age.npy", values)
    with pytest.raises(InputError, match=said):
        edits.read(tmp_path / "age.npy", LAYERS, DIM)
    whole = (tmp_path / "age.npy").read_bytes()
    (tmp_path / "age.npy").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be read"):
        edits.read(tmp_path / "age.npy", LAYERS, DIM)


# --- kept beside the generator ---


def test_edits_come_and_go_as_numbers_of_the_engine(chosen: generators.Chosen) -> None:
    info = registry.info("stylegan")
    assert [c.name for c in edits.offered()[0]] == ["video"]
    assert "soliloquy edits find" in registry.more(info)[1]
    edits.keep(chosen, Edit("age", direction(), "a test"))
    assert [c.name for c in registry.coordinates(info)][-2:] == ["edit_age", "video"]
    (kept,) = edits.kept(chosen)
    assert (kept.name, kept.source) == ("age", "a test")
    np.testing.assert_array_equal(kept.rows, direction())
    with pytest.raises(InputError, match="There are: age"):
        edits.remove(chosen, "smile")
    (edits.folder(chosen) / "age.npz").write_bytes(b"PK broken")
    with pytest.raises(WeightsMissing, match="soliloquy edits remove age"):
        edits.kept(chosen)
    edits.remove(chosen, "age")
    assert edits.names(chosen) == ()


def test_without_a_generator_there_are_none_and_the_artist_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOLILOQUY_HOME", str(tmp_path))
    found, word = edits.offered()
    assert found == ()
    assert "taught by the rig" in word
    assert main(["edits", "find"]) != 0


def test_curve_on_an_edit_acts_over_time_even_where_the_rig_drew(
    engine: StyleGANEngine, generated: StyleGANActor, chosen: generators.Chosen
) -> None:
    assert not generated.bridge.used("mouth")
    before = drawn(engine, generated, still(1))[0].astype(int)
    edits.keep(chosen, Edit("age", direction(), "a test"))
    frames = drawn(engine, generated, still(3, edit_age=np.array([0.0, 0.3, 0.8])))
    assert np.abs(frames[0] - before).max() <= 1
    apart = [np.abs(f - before).mean() for f in frames]
    assert apart[2] > 1.2 * apart[1] > 1
    # a curve on an edit that is gone does nothing
    edits.remove(chosen, "age")
    again = drawn(engine, generated, still(1, edit_age=2.0))[0]
    assert np.abs(again - before).max() <= 1


def test_commands(chosen: generators.Chosen, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "Old Age.npy", direction())
    assert main(["edits", "import", str(tmp_path / "Old Age.npy")]) == 0
    assert main(["edits", "find", "--axes", "2"]) == 0
    capsys.readouterr()
    assert main(["edits"]) == 0
    told = capsys.readouterr().out
    assert [line.split()[0] for line in told.splitlines()] == ["axis_1", "axis_2", "old_age"]
    assert main(["edits", "find", "--pictures", "50"]) != 0  # made-up weights draw no faces
    assert "show a face" in capsys.readouterr().err
    assert main(["edits", "remove", "old_age"]) == 0
    assert edits.names(chosen) == ("axis_1", "axis_2")


# --- what they do to a generator ---


def test_a_unit_is_one_deviation_of_faces(loaded: LoadedGenerator) -> None:
    rows = scaled(loaded, 37 * direction())
    codes = faces(loaded, 512, seed=13, psi=1.0)[:, 0].numpy()
    unit = rows[0] / np.linalg.norm(rows[0])
    assert np.linalg.norm(rows[0]) == pytest.approx(float((codes @ unit).std()), rel=1e-3)
    repeated = scaled(loaded, np.repeat(37 * direction(), LAYERS, 0))
    np.testing.assert_allclose(repeated[0], rows[0], rtol=1e-4)


def test_laid_out_edits_are_what_w_plus_does(loaded: LoadedGenerator) -> None:
    generator = loaded.generator
    code = faces(loaded, 1, seed=2)
    for rows in (direction(), direction(2, LAYERS)):
        (change,) = laid(generator, [Edit("age", rows, "")])
        wanted = generator(code + torch.from_numpy(rows))
        from engines.stylegan.net_reach import Layout

        layout = Layout(generator)
        given = generator.synthesis(layout.split(layout.flat(generator.styles(code)) + change))
        torch.testing.assert_close(given, wanted, atol=1e-4, rtol=1e-4)


def test_axes_change_pictures_more_than_chance(loaded: LoadedGenerator) -> None:
    found = axes(loaded, 3)
    assert [e.name for e in found] == ["axis_1", "axis_2", "axis_3"]
    weight = torch.cat([c.modulation.weight for c, _ in loaded.generator.modulated().values()])

    def moved(rows: np.ndarray) -> float:
        return float((weight @ torch.from_numpy(rows[0] / np.linalg.norm(rows[0]))).norm())

    assert moved(found[0].rows) > 1.1 * max(moved(direction(seed)) for seed in range(8))


def test_attributes_follow_the_face(portrait: Portrait) -> None:
    from engines import arkit

    rig = registry.load("blendshape")
    actor = rig.prepare(portrait)
    asked = Performance.rest(6, Fraction(25))
    weights, head = asked.weights.copy(), asked.head.copy()
    for frame, names in ((1, ("mouthSmileLeft", "mouthSmileRight")), (2, ("jawOpen",)),
                         (3, ("eyeBlinkLeft", "eyeBlinkRight")),
                         (4, ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"))):  # fmt: skip
        weights[frame, [arkit.INDEX[n] for n in names]] = 0.7
    head[5, 1] = 0.25
    frames = rig.render(actor, asked.with_(weights=weights, head=head), options=RenderOptions(size=(320, 320)))
    rows = np.stack([attributes(detect_faces(f)[0].points.astype(float)) for f in frames])
    change = dict(zip(ATTRIBUTES, (rows[1:] - rows[0]).T, strict=True))
    assert change["smile"][0] == change["smile"].max() > 0.02
    assert change["mouth_open"][1] == change["mouth_open"].max() > 0.05
    assert change["eyes_open"][2] == change["eyes_open"].min() < -0.05
    assert change["brows_up"][3] == change["brows_up"].max() > 0.02
    assert abs(change["yaw"][4]) == np.abs(change["yaw"]).max() > 0.1


def test_a_generator_without_faces_says_what_can_be_done(loaded: LoadedGenerator) -> None:
    with pytest.raises(InputError, match="--axes"):
        fitted(loaded, 8)
