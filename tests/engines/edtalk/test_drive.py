"""Coordinates from voices and videos: rates, lengths, long sounds."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.api import CancelToken
from engines.disentangled import mel
from engines.disentangled.net_audio import Audio2Lip, smooth
from engines.disentangled.net_fast import Animator
from engines.edtalk import drive
from engines.edtalk.drive import coordinates_of_video, coordinates_of_voice, spectrogram
from engines.errors import Cancelled, InputError
from tests.engines.edtalk.conftest import steady


@pytest.fixture(scope="module")
def network() -> Audio2Lip:
    model = steady(Audio2Lip())
    assert isinstance(model, Audio2Lip)
    return model


def sound(seconds: float) -> np.ndarray:
    n = round(16000 * seconds)
    return (0.3 * np.sin(np.arange(n) / 20) * np.sin(np.arange(n) / 3000)).astype(np.float32)


def test_a_part_of_a_spectrogram_equals_the_whole() -> None:
    samples = sound(3.0)
    whole = mel.mel_spectrogram(samples)
    for first, last in ((0, 30), (7, 100), (200, len(whole))):
        np.testing.assert_allclose(spectrogram(samples, first, last), whole[first:last], atol=1e-4)


def test_a_voice_gives_the_official_coordinates_at_its_own_rate(network: Audio2Lip) -> None:
    samples = sound(2.0)
    alpha = coordinates_of_voice(network, samples, Fraction(25), 50)
    windows = mel.windows(mel.mel_spectrogram(samples), 50)
    np.testing.assert_allclose(alpha, smooth(network(torch.from_numpy(windows))), atol=1e-5)


def test_long_voices_are_heard_in_pieces(network: Audio2Lip, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = coordinates_of_voice(network, sound(2.0), Fraction(25), 50)
    monkeypatch.setattr(drive, "_CHUNK", 13)
    np.testing.assert_allclose(coordinates_of_voice(network, sound(2.0), Fraction(25), 50), whole, atol=1e-4)


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(30000, 1001), Fraction(60)])
def test_every_rate_is_resampled(network: Audio2Lip, rate: Fraction) -> None:
    count = int(2 * rate)
    base = coordinates_of_voice(network, sound(2.0), Fraction(25), 50)
    alpha = coordinates_of_voice(network, sound(2.0), rate, count)
    assert alpha.shape == (count, 20)
    at = np.minimum(np.arange(count) / float(rate) * 25, 49)
    np.testing.assert_allclose(alpha[:, 0], np.interp(at, np.arange(50), base[:, 0]), atol=1e-4)


def test_too_short_a_voice_is_refused(network: Audio2Lip) -> None:
    with pytest.raises(InputError, match="at least 800"):
        coordinates_of_voice(network, np.zeros(300, np.float32), Fraction(25), 1)


def test_a_video_drives_at_any_rate(animator: Animator, samples: Path) -> None:
    path = samples / "video" / "edtalk_expression_source_256_30fps_13s.mp4"
    token = CancelToken()
    seen: list[float] = []

    def stop(part: float, what: str) -> None:
        seen.append(part)
        if part > 0.05:
            token.cancel()

    with pytest.raises(Cancelled):
        coordinates_of_video(animator, path, Fraction(30), 60, progress=stop, cancel=token)
    assert seen
    assert seen == sorted(seen)


def test_a_video_without_a_face_says_so(animator: Animator, tmp_path: Path) -> None:
    import subprocess

    from imageio_ffmpeg import get_ffmpeg_exe

    path = tmp_path / "grey.mp4"
    source = ["-f", "lavfi", "-i", "color=gray:s=96x96:r=25:d=0.2", "-pix_fmt", "yuv420p"]
    subprocess.run([get_ffmpeg_exe(), "-v", "error", *source, str(path)], check=True)
    with pytest.raises(InputError, match=r"grey\.mp4 shows no face"):
        coordinates_of_video(animator, path, Fraction(25), 5)
