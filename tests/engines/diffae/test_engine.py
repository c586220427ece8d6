"""Portrait to frames through a small DiffAE with made-up weights, as official ones would go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engines import registry
from engines.api import CancelToken, Performance, Portrait, RenderOptions
from engines.diffae import checkpoints, net_animator
from engines.diffae.actor import DiffAEActor
from engines.diffae.crop import aligned_crop
from engines.diffae.engine import DiffAEEngine
from engines.diffae.net_animator import Animator, Source, between, chance
from engines.diffusion_autoencoder.net import Config, DiffusionAutoencoder
from engines.diffusion_autoencoder.net_sampling import alphas_cumprod
from engines.errors import Cancelled, EngineError, InputError, WeightsMissing
from engines.latent import bridge
from engines.latent.pictures import to_tensor
from engines.stylegan.align import align, crop_of
from engines.teaching.lessons import lessons
from tests.engines.edtalk.conftest import DEMO, store

RATE = Fraction(25)
TINY = Config(32, 8, (1, 2), (1, 2), style_dim=24, res_blocks=1, groups=4, dropout=0.0)


def made_up() -> DiffusionAutoencoder:
    torch.manual_seed(5)
    return DiffusionAutoencoder(TINY).eval()


def knowing(picture: np.ndarray) -> DiffusionAutoencoder:
    """A network that has learnt to denoise a single picture (32, 32, 3), for what only taught networks do."""
    model = made_up().train()
    clean = to_tensor(picture[None]).expand(4, -1, -1, -1)
    alphas = torch.from_numpy(alphas_cumprod()).float()
    optimiser = torch.optim.Adam(model.parameters(), 2e-3)
    generator = torch.Generator().manual_seed(1)
    for _ in range(150):
        step = torch.randint(0, 1000, (4,), generator=generator)
        alpha = alphas[step][:, None, None, None]
        noise = torch.randn(clean.shape, generator=generator)
        said = model(alpha.sqrt() * clean + (1 - alpha).sqrt() * noise, step, model.encode(clean))
        optimiser.zero_grad()
        (said - noise).square().mean().backward()
        optimiser.step()
    return model.eval()


def still(count: int, **extras: float | np.ndarray) -> Performance:
    """A performance at rest with the artist's curves or a source's on the engine's numbers."""
    pairs = {n: np.stack([np.zeros(count), np.broadcast_to(v, (count,))], 1) for n, v in extras.items()}
    return Performance.rest(count, RATE).with_(extras=pairs)


def drawn(engine: DiffAEEngine, actor: DiffAEActor, performance: Performance, **options: object) -> np.ndarray:
    chosen = RenderOptions(size=(160, 160), **options)  # type: ignore[arg-type]
    return np.stack(list(engine.render(actor, performance, options=chosen)))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, portrait: Portrait) -> Iterator[Path]:
    """A store that holds a checkpoint, whose network is small; the loader is tested with the official shapes."""
    from engines.face.landmarks import detect_faces

    folder = tmp_path_factory.mktemp("diffae")
    network = knowing(aligned_crop(detect_faces(portrait.rgb)[0].points, TINY.size).cut(portrait.rgb))
    store(folder, "diffae-64", "last.ckpt", network.state_dict())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOLILOQUY_HOME", str(folder))
        patch.setattr(checkpoints, "load", lambda chosen: network)
        patch.setattr(net_animator, "INVERSION_STEPS", 20)
        patch.setattr(bridge, "LESSONS", {"mouth": 6, "pose": 6, "expression": 6})
        patch.setattr(bridge, "EXAMS", 2)
        yield folder


@pytest.fixture(autouse=True)
def stored(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store for every test."""
    monkeypatch.setenv("SOLILOQUY_HOME", str(home))


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    image = Image.open(DEMO / "portrait.jpg").convert("RGB")
    image.thumbnail((240, 240), Image.Resampling.LANCZOS)
    return Portrait(np.array(image))


@pytest.fixture(scope="module")
def engine() -> DiffAEEngine:
    return DiffAEEngine(registry.info("diffae"))


@pytest.fixture(scope="module")
def actor(engine: DiffAEEngine, portrait: Portrait, home: Path) -> DiffAEActor:
    return engine.prepare(portrait)


def test_the_portrait_comes_back_from_its_code_and_noise(
    engine: DiffAEEngine, actor: DiffAEActor, portrait: Portrait
) -> None:
    frame = drawn(engine, actor, still(1))[0]
    picture = actor.crop.cut(portrait.rgb).astype(float)
    shown = actor.rig.crop((160, 160))
    again = actor.crop.seen_in(shown.left, shown.top, shown.scale).cut(frame)
    assert 10 * np.log10(255**2 / np.square(again - picture).mean()) > 20
    photo = actor.rig.painter((160, 160)).photo
    assert np.array_equal(frame[-4:], photo[-4:])  # below the crop nothing changes


def test_the_portraits_noise_can_give_way_to_chance(engine: DiffAEEngine, actor: DiffAEActor) -> None:
    frames = drawn(engine, actor, still(3, detail=np.array([1, 1, 0]))).astype(int)
    assert np.array_equal(frames[0], frames[1])
    assert np.abs(frames[2] - frames[0]).max() > 5


def test_noise_on_the_way_stays_as_strong() -> None:
    a, b = (torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(i)) for i in (1, 2))
    mixed = between(a, b, torch.tensor([0.0, 0.5, 1.0]))
    assert torch.allclose(mixed[0], a[0], atol=1e-5)
    assert torch.allclose(mixed[2], b[0], atol=1e-5)
    assert abs(mixed[1].std().item() - 1) < 0.05
    assert torch.allclose(between(a, a, torch.tensor([0.5])), a)
    assert torch.equal(chance(a), chance(b))


def test_a_video_moves_the_code_from_its_first_frame_on(actor: DiffAEActor) -> None:
    seen = {f"seen_{i + 1}": np.array([3.0, 4.0]) for i in range(TINY.style_dim)}
    np.testing.assert_allclose(actor.codes(still(2, **seen)), np.stack([actor.start, actor.start + 1]), atol=1e-5)
    half = actor.codes(still(2, **seen, video=0.5))
    np.testing.assert_allclose(half[1], actor.start + 0.5, atol=1e-5)


def test_codes_of_a_video(engine: DiffAEEngine, actor: DiffAEActor, portrait: Portrait, tmp_path: Path) -> None:
    from tests.benchmarks.dae import film

    film(np.repeat(portrait.rgb[None], 6, 0), tmp_path / "still.mp4")
    found = engine.sources(actor, None, tmp_path / "still.mp4", RATE, 6)
    codes = np.stack([found[f"seen_{i + 1}"] for i in range(TINY.style_dim)], 1)
    assert codes.shape == (6, TINY.style_dim)
    assert np.abs(codes - codes[:1]).max() < 0.05 * np.abs(actor.start).max() + 0.02
    assert engine.sources(actor, None, None, RATE, 6) == {}


def test_drafts_take_fewer_passes(engine: DiffAEEngine, actor: DiffAEActor, monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[int] = []
    forward = DiffusionAutoencoder.forward

    def counted(self: DiffusionAutoencoder, noisy: torch.Tensor, *rest: object, **more: object) -> torch.Tensor:
        passes.append(len(noisy))
        return forward(self, noisy, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(DiffusionAutoencoder, "forward", counted)
    drawn(engine, actor, still(1), draft=True)
    assert len(passes) == net_animator.DRAFT_STEPS
    drawn(engine, actor, still(1))
    assert len(passes) == net_animator.DRAFT_STEPS + net_animator.STEPS


def test_the_crop_is_ffhqs(actor: DiffAEActor, portrait: Portrait) -> None:
    points = actor.rig.landmarks.points
    expected = align(portrait.rgb, crop_of(points), 64)
    assert np.abs(aligned_crop(points, 64).cut(portrait.rgb).astype(int) - expected).max() <= 1


def test_alone_on_disk_and_cancelled(engine: DiffAEEngine, actor: DiffAEActor, tmp_path: Path) -> None:
    from app.core import actor_store

    assert drawn(engine, actor, still(1), alpha=True, draft=True).shape == (1, 160, 160, 4)
    actor_store.save(actor, tmp_path / "actor.npz")
    back = actor_store.load(tmp_path / "actor.npz")
    assert np.array_equal(drawn(engine, back, still(1), draft=True), drawn(engine, actor, still(1), draft=True))
    token = CancelToken()
    frames = engine.render(actor, lessons(3, seed=1), options=RenderOptions(size=(160, 160), draft=True), cancel=token)
    next(frames)
    token.cancel()
    with pytest.raises(Cancelled):
        list(frames)


def test_refuses_what_it_cannot_do(
    engine: DiffAEEngine, actor: DiffAEActor, portrait: Portrait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = engine.fingerprint(portrait)
    with pytest.raises(EngineError, match="another engine"):
        engine.render(actor.rig, still(1))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="face"):
        engine.prepare(replace(portrait, rgb=np.full((200, 200, 3), 128, np.uint8)))
    monkeypatch.setenv("SOLILOQUY_HOME", str(tmp_path))
    assert engine.fingerprint(portrait) != before
    with pytest.raises(WeightsMissing, match="soliloquy weights import"):
        engine.prepare(portrait)


def test_one_bank_holds_the_whole_code() -> None:
    animator = Animator(made_up())
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    code = animator.drive(image)
    source = animator.invert(image, code)
    assert isinstance(source, Source)
    assert code.shape == (1, TINY.style_dim)
    assert animator.banks == {"all": slice(0, TINY.style_dim)}
