from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from imageio_ffmpeg import get_ffmpeg_exe

from engines.errors import InputError
from engines.speech.audio import ANALYSIS_RATE, load_voice
from tests.engines.speech.conftest import babble


def ffmpeg(*arguments: str | Path) -> None:
    subprocess.run([get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)], check=True, stdin=subprocess.DEVNULL)


def whole(path: Path) -> np.ndarray:
    return np.concatenate(list(load_voice(path).blocks()))


@pytest.mark.parametrize(("rate", "channels", "kind"), [(8000, 1, "PCM_16"), (44100, 2, "PCM_24"), (96000, 6, "FLOAT")])
def test_any_rate_channels_and_depth_become_mono_16k_with_exact_length(
    tmp_path: Path, rate: int, channels: int, kind: str
) -> None:
    sound = babble(3.3, rate)
    path = tmp_path / "voice.wav"
    soundfile.write(path, np.repeat(sound[:, None], channels, 1), rate, subtype=kind)
    voice = load_voice(path)
    assert (voice.samples, voice.sample_rate, voice.channels) == (len(sound), rate, channels)
    heard = whole(path)
    assert heard.dtype == np.float32
    assert abs(len(heard) - 3.3 * ANALYSIS_RATE) <= 1
    reference = babble(3.3)
    lag = np.argmax(np.correlate(heard[8000:24000], reference[8000:23000], "valid"))
    assert np.corrcoef(heard[8000 + lag : 23000 + lag], reference[8000:23000])[0, 1] > 0.98
    assert lag <= 1


def test_blocks_do_not_show_in_resampled_sound(tmp_path: Path) -> None:
    rate = 44100
    t = np.arange(25 * rate) / rate
    path = tmp_path / "tone.wav"
    soundfile.write(path, (0.5 * np.sin(2 * np.pi * 440 * t)).astype(np.float32), rate, subtype="FLOAT")
    heard = whole(path)
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(heard)) / ANALYSIS_RATE)
    assert np.abs(heard - expected)[200:-200].max() < 1e-3


@pytest.mark.parametrize("suffix", ["mp3", "flac", "ogg"])
def test_compressed_sound(tmp_path: Path, voice_file: Path, suffix: str) -> None:
    path = tmp_path / f"voice.{suffix}"
    ffmpeg("-i", voice_file, path)
    assert load_voice(path).duration_s == pytest.approx(4.0, abs=0.1)


def test_sound_of_a_video_is_read_by_ffmpeg(tmp_path: Path, voice_file: Path) -> None:
    path = tmp_path / "take.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=size=64x64:rate=25:duration=4", "-i", voice_file, "-c:a", "aac", path)
    voice = load_voice(path)
    assert voice.decoder == "ffmpeg"
    assert voice.sample_rate == 16000
    heard = whole(path)
    assert abs(len(heard) - 64000) < 2100
    assert np.corrcoef(heard[16000:48000], whole(voice_file)[16000:48000])[0, 1] > 0.9


@pytest.mark.parametrize(("late_s", "suffix"), [(0.8, "mp4"), (0.37, "mkv"), (-0.3, "mp4")])
def test_a_sound_track_keeps_to_the_clock_of_its_video(
    tmp_path: Path, voice_file: Path, late_s: float, suffix: str
) -> None:
    path = tmp_path / f"take.{suffix}"
    picture = ["-f", "lavfi", "-i", "color=size=64x64:rate=25:duration=5"]
    # A negative offset delays the picture instead: the sound is then the first thing in the file.
    offsets = [["-itsoffset", str(max(0.0, -late_s))], ["-itsoffset", str(max(0.0, late_s))]]
    ffmpeg(*offsets[0], *picture, *offsets[1], "-i", voice_file, "-map", "0:v", "-map", "1:a", "-c:a", "aac", path)
    heard, original = whole(path), whole(voice_file)
    shift = round(max(0.0, late_s) * ANALYSIS_RATE)
    assert abs(len(heard) - len(original) - shift) < 2100
    assert np.abs(heard[: max(0, shift - 800)]).max(initial=0) < 0.01
    lags = np.correlate(heard[shift + 15_000 : shift + 45_000], original[16_000:44_000], "valid")
    assert abs(int(np.argmax(lags)) - 1000) <= 16


def test_not_a_number_is_silence(tmp_path: Path) -> None:
    path = tmp_path / "voice.wav"
    soundfile.write(path, np.array([0.1, np.nan, np.inf, 0.2] * 4000, np.float32), 16000, subtype="FLOAT")
    assert np.isfinite(whole(path)).all()


def test_digest_follows_the_content(tmp_path: Path, voice_file: Path) -> None:
    other = tmp_path / "other.wav"
    other.write_bytes(voice_file.read_bytes())
    assert load_voice(other).digest == load_voice(voice_file).digest
    soundfile.write(other, babble(4.0, pitch_hz=130), 16000)
    assert load_voice(other).digest != load_voice(voice_file).digest


def test_bad_voices_say_what_is_wrong(tmp_path: Path) -> None:
    empty, text, short = tmp_path / "empty.wav", tmp_path / "notes.mp3", tmp_path / "short.wav"
    empty.touch()
    text.write_text("this is no sound\n" * 50)
    soundfile.write(short, np.zeros(0, np.float32), 16000)
    for path, message in (
        (tmp_path / "gone.wav", "no voice file"),
        (tmp_path, "is a folder"),
        (empty, "is empty"),
        (text, "not a sound or video file"),
        (short, "holds no sound"),
    ):
        with pytest.raises(InputError, match=message):
            load_voice(path)


def test_video_without_sound(tmp_path: Path) -> None:
    path = tmp_path / "silent.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=size=64x64:rate=25:duration=1", path)
    with pytest.raises(InputError, match="no sound track"):
        load_voice(path)


def test_a_voice_that_vanishes_says_so(voice_file: Path) -> None:
    voice = load_voice(voice_file)
    voice_file.unlink()
    with pytest.raises(InputError, match="cannot be read any more"):
        list(voice.blocks())
