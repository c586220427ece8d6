from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.errors import WeightsMissing
from engines.speech import readout
from engines.speech.corpus import Clip, Example, example, save_readout
from engines.speech.readout import FEATURES, GEOMETRY, PHONES
from engines.speech.segment import Segment
from engines.speech.train import Net, Options, fit


def made_up(rng: np.random.Generator, name: str) -> tuple[Clip, list[Example]]:
    """A clip whose mouth is a fixed mix of its features."""
    fixed = np.random.default_rng(0)
    # Like the encoder's, the features lie in far fewer directions than there are numbers.
    spread = fixed.standard_normal((200, FEATURES))
    mix = spread.T @ fixed.standard_normal((200, len(GEOMETRY))) / 28 / FEATURES**0.5
    features = (rng.standard_normal((300, 200)) @ spread / 14).astype(np.float32)
    geometry = 0.1 + 0.03 * features @ mix
    phones = (Segment(0.5, 1.0, "AA"), Segment(1.0, 1.2, "M"))
    clip = Clip(name, name, 50.0, geometry, np.ones(300, bool), 0.0, phones, "", Path("none"))
    return clip, [example(clip, features)]


@pytest.fixture(scope="module")
def fitted() -> readout.Readout:
    rng = np.random.default_rng(1)
    corpus = dict(made_up(rng, f"clip{i}") for i in range(3))
    data = {clip.name: e for clip, e in corpus.items()}
    nets = (Net(0, True, 16, 0.2), Net(1, False, 24, 0.5))
    options = Options(nets=nets, steps=20, dilations=(1, 2), crop=60, batch=4, ridge_share=0.5, directions=300)
    return fit(list(corpus), data, options, log=lambda _: None)


def test_the_readout_learns_a_linear_mouth(fitted: readout.Readout) -> None:
    arrays = {**fitted.arrays, "blend": np.array(1.0, np.float32)}
    clip, (seen,) = made_up(np.random.default_rng(1), "clip0")
    geometry, _ = readout.Readout(arrays)(seen.features)
    assert np.corrcoef(geometry[:, 0], clip.geometry[:, 0])[0, 1] > 0.5


def test_moods_that_the_voice_does_not_tell_leave_the_ridge_as_it_is() -> None:
    corpus = [made_up(np.random.default_rng(i), f"clip{i}") for i in range(3)]
    (clean, (seen,)), moody = corpus[0], []
    for number, (clip, (e,)) in enumerate(corpus):
        mood = 0.2 * np.cos(np.arange(300) / 40 + number)[:, None]
        moody.append((replace(clip, geometry=clip.geometry + mood), e))
    data = {clip.name: [example(clip, e.features)] for clip, e in moody}
    options = Options(nets=(), directions=300)
    geometry, _ = fit([clip for clip, _ in moody], data, options, log=lambda _: None)(seen.features)
    assert np.corrcoef(geometry[:, 0], clean.geometry[:, 0])[0, 1] > 0.5


def test_outputs_have_their_shapes_and_phones_are_probabilities(fitted: readout.Readout) -> None:
    geometry, phones = fitted(np.zeros((7, FEATURES), np.float32))
    assert geometry.shape == (7, len(GEOMETRY))
    assert phones.shape == (7, len(PHONES))
    assert np.allclose(phones.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize(("number", "width"), [(0, 2 * 384), (1, FEATURES)])
def test_numpy_and_torch_agree(fitted: readout.Readout, number: int, width: int) -> None:
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    x = np.random.default_rng(2).standard_normal((40, FEATURES)).astype(np.float32)
    a = {k: torch.from_numpy(np.asarray(v)) for k, v in fitted.arrays.items()}
    seen = torch.from_numpy(x[:, -width:])
    h = functional.gelu(seen @ a[f"{number}/in/weight"].T + a[f"{number}/in/bias"])
    for block, dilation in enumerate((1, 2)):
        weight, bias = a[f"{number}/block{block}/weight"].permute(2, 1, 0), a[f"{number}/block{block}/bias"]
        mixed = functional.conv1d(h.T[None], weight, bias, padding=2 * dilation, dilation=dilation)
        h = h + functional.gelu(mixed[0].T)
    expected = h @ a[f"{number}/out/weight"].T + a[f"{number}/out/bias"]
    assert np.allclose(fitted._net(x, number), expected.numpy(), atol=1e-4)


def test_what_is_far_away_does_not_matter(fitted: readout.Readout) -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((200, FEATURES)).astype(np.float32)
    part = fitted(x[40:160])[0]
    assert np.allclose(
        part[readout.REACH : -readout.REACH], fitted(x)[0][40 + readout.REACH : 160 - readout.REACH], atol=1e-4
    )


def test_saved_in_half_precision_and_read_back(fitted: readout.Readout, tmp_path: Path) -> None:
    again = save_readout(tmp_path / "r.npz", fitted.arrays)
    x = np.random.default_rng(4).standard_normal((20, FEATURES)).astype(np.float32)
    assert np.allclose(again(x)[0], fitted(x)[0], atol=0.02)


def test_a_damaged_readout_says_so(tmp_path: Path) -> None:
    path = tmp_path / "r.npz"
    with pytest.raises(WeightsMissing, match="absent or damaged"):
        readout.read(path)
    path.write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(WeightsMissing, match="absent or damaged"):
        readout.read(path)


def test_the_one_that_ships_is_small_and_complete() -> None:
    assert readout.ASSET.stat().st_size < 3_000_000
    shipped = readout.default()
    assert shipped.nets >= 1
    width = np.argmax(shipped.arrays["unit/mean"])
    assert GEOMETRY[width] == "jaw"
    assert 0.03 < shipped.arrays["unit/sd"][GEOMETRY.index("aperture")] < 0.08


def test_delay_moves_the_target_not_the_sound() -> None:
    geometry = np.zeros((50, len(GEOMETRY)))
    geometry[20:22] = 1
    geometry += 1e-3 * np.random.default_rng(0).standard_normal(geometry.shape)
    clip = Clip("c", "c", 25.0, geometry, np.ones(50, bool), 0.2, (), "", Path("none"))
    shown = example(clip, np.zeros((100, FEATURES), np.float32))
    assert np.argmax(shown.target[:, 0]) in range(50, 54)
    assert not shown.valid[:9].any()
