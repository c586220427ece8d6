"""Speech to latent: learning, the pose as a control, long voices, and what comes from other speech models."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.diffusion_autoencoder.net_speech import SpeechConfig, SpeechToLatent, in_windows
from engines.diffusion_autoencoder.speech import (
    Heard,
    Mouthpiece,
    Speaker,
    features,
    hidden_layers,
    learn,
    load_speaker,
    mouth_of,
    save_speaker,
)
from engines.diffusion_autoencoder.train import half
from engines.errors import InputError, WeightsMissing
from engines.teaching import bridge

TINY = SpeechConfig(features=6, code_dim=4, width=16, heads=2, feed_forward=32, encoder_blocks=1, decoder_blocks=1)


def stretch(count: int, seed: int = 0) -> Heard:
    """Codes that follow the sound of the same moment, and the pose."""
    rng = np.random.default_rng(seed)
    smooth = np.cumsum(rng.normal(0, 0.3, (2 * count, 6)), 0)
    sound = (smooth - smooth.mean(0)).astype(np.float32) / smooth.std()
    pose = np.sin(np.arange(count) / 15)[:, None] * np.ones(6)
    codes = sound[::2, :4] + 0.5 * pose[:, :1]
    return Heard(sound, codes.astype(np.float32), pose.astype(np.float32))


def test_it_learns_to_speak_and_the_pose_acts() -> None:
    weights, figures = learn([stretch(240), stretch(200, 1)], TINY, steps=120)
    assert figures["unseen"] < 0.75 * figures["unseen_mean"]
    piece = Mouthpiece(Speaker(TINY.facts(), weights, np.zeros(4, np.float32), np.ones(4, np.float32)))
    hidden = piece.hear(stretch(60, 2).sound, Fraction(25))
    assert hidden.shape == (60, 16)
    left, right = (piece.speak(hidden, np.full((60, 6), v, np.float32), Fraction(25)) for v in (-1, 1))
    assert (right - left).mean() > 0.2
    assert piece.speak(hidden, None, Fraction(25)).shape == (60, 4)


def test_too_little_speech_is_refused() -> None:
    with pytest.raises(InputError, match="too few"):
        learn([stretch(40)], TINY)


def test_windows_join_without_a_seam() -> None:
    track = torch.sin(torch.arange(500.0) / 20)[:, None]
    seen = []

    def act(start: int, stop: int) -> torch.Tensor:
        seen.append((start, stop))
        return track[start:stop]

    assert torch.allclose(in_windows(act, 500, 120, 30), track, atol=1e-6)
    assert seen[0] == (0, 120)
    assert all(a[1] - b[0] == 30 for a, b in pairwise(seen))
    assert torch.equal(in_windows(act, 80, 120, 30), track[:80])


def test_layers_of_a_speech_model_are_mixed_by_learnt_shares() -> None:
    torch.manual_seed(0)
    config = SpeechConfig(6, 3, 4, 16, 2, 32, encoder_blocks=1, decoder_blocks=1)
    model = SpeechToLatent(config).eval()
    layers = torch.randn(1, 3, 20, 6)
    with torch.no_grad():
        mean = SpeechToLatent.hear(model, layers)
        model.shares[1] = 50.0  # type: ignore[index]
        second = model.hear(layers)
        model.shares = None
        assert torch.allclose(model.hear(layers[:, 1]), second, atol=1e-5)
        assert torch.allclose(model.hear(layers.mean(1)), mean, atol=1e-5)


def test_hidden_layers_of_a_model_that_the_user_brings(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, conv_dim=(8,) * 7,
        num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2,
    )  # fmt: skip
    transformers.Wav2Vec2Model(config).save_pretrained(tmp_path / "model")
    sound = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    found = hidden_layers(sound, tmp_path / "model", Fraction(25), 25)
    assert found.shape == (3, 50, 16)
    assert np.isfinite(found).all()
    with pytest.raises(WeightsMissing, match="no speech model"):
        hidden_layers(sound, tmp_path, Fraction(25), 25)


def test_speakers_are_kept_beside_the_network(tmp_path: Path) -> None:
    torch.manual_seed(0)
    speaker = Speaker(TINY.facts(), half(SpeechToLatent(TINY)), np.ones(4, np.float32), np.ones(4, np.float32))
    path = tmp_path / "speech.safetensors"
    assert load_speaker(path) is None
    save_speaker(speaker, path)
    back = load_speaker(path)
    assert back is not None
    assert back.config == speaker.config
    assert np.array_equal(back.weights["out.weight"], speaker.weights["out.weight"])
    path.write_bytes(b"nothing at all")
    with pytest.raises(WeightsMissing, match="Train it again"):
        load_speaker(path)


def test_only_the_mouth_is_taken_from_what_was_heard() -> None:
    known = np.ones((3, bridge.COUNT), np.float32)
    spoken = np.full((3, 64), 5, np.float32)
    mixed = mouth_of(spoken, known, np.array([0.0, 0.5, 1.0]))
    assert np.allclose(mixed[:, bridge.MOUTH], np.array([1, 3, 5])[:, None])
    assert np.allclose(mixed[:, bridge.HEAD], 1)
    assert np.allclose(mixed[:, bridge.FACE], 1)


def test_features_have_two_moments_a_frame() -> None:
    from engines.speech.analysis import SpeechAnalysis
    from engines.speech.readout import GEOMETRY, PHONES
    from engines.speech.segment import Segment

    zeros = np.zeros(50, np.float32)
    mouth = {name: np.linspace(0, 1, 50, dtype=np.float32) for name in GEOMETRY}
    speech = SpeechAnalysis(
        16000, 16000, "x", "", "en", zeros.copy(), zeros.copy(), zeros > 1, mouth, phones=(Segment(0.5, 1.0, "AA"),)
    )
    found = features(np.zeros(16000, np.float32), speech, Fraction(25), 25)
    assert found.shape == (50, 80 + len(PHONES) + len(GEOMETRY))
    spoken = found[:, 80 + PHONES.index("AA")]
    assert not spoken[:24].any()
    assert spoken[26:].all()
    assert np.all(np.diff(found[:, -1]) >= 0)
