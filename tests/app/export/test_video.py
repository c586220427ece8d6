"""Videos, judged by ffprobe."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from app.export import ExportOptions, Take, codecs, ffmpeg, write
from engines.api import CancelToken, Performance
from engines.errors import Cancelled, ExportError, InputError
from engines.timebase import RATES, frame_count
from tests.app.export.conftest import picture_take

FFPROBE = shutil.which("ffprobe")
needs_ffprobe = pytest.mark.skipif(FFPROBE is None, reason="ffprobe is not installed")


def probe(path: Path) -> dict[str, dict[str, Any]]:
    """Stream descriptions by type."""
    command = [str(FFPROBE), "-v", "error", "-show_streams", "-count_frames", "-of", "json", str(path)]
    streams = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]
    return {stream["codec_type"]: stream for stream in streams}


def decoded(path: Path, width: int, height: int, layout: str = "rgba", codec: str = "") -> np.ndarray:
    """All pictures of a video : uint8 (T, height, width, channels)."""
    inputs = ["-c:v", codec] if codec else []
    command = [ffmpeg.program(), "-v", "error", *inputs, "-i", str(path), "-f", "rawvideo", "-pix_fmt", layout, "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, len(layout))


@needs_ffprobe
@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
@pytest.mark.parametrize("samples_16k", [3200, 12_345])
def test_rate_is_exact_and_sound_keeps_its_length(tmp_path: Path, rate: Fraction, samples_16k: int) -> None:
    voice = tmp_path / "voice.wav"
    sf.write(voice, np.random.default_rng(0).normal(0, 0.05, samples_16k), 16_000)
    count = frame_count(samples_16k, 16_000, rate)
    take = picture_take(Performance.rest(count, rate), voice=voice)
    write(take, tmp_path / "a.mp4", ExportOptions(sign=False))
    streams = probe(tmp_path / "a.mp4")
    assert Fraction(streams["video"]["r_frame_rate"]) == rate
    assert Fraction(streams["video"]["avg_frame_rate"]) == rate
    assert int(streams["video"]["nb_read_frames"]) == count
    assert float(streams["video"]["duration"]) == pytest.approx(float(count / rate), abs=2e-6)
    assert float(streams["audio"]["duration"]) == pytest.approx(samples_16k / 16_000, abs=1 / 48_000)


@needs_ffprobe
@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
@pytest.mark.parametrize("frames", [12, 40])
def test_webm_is_read_at_its_exact_rate(tmp_path: Path, rate: Fraction, frames: int) -> None:
    take = picture_take(Performance.rest(frames, rate), channels=4)
    write(take, tmp_path / "a.webm", ExportOptions(sign=False))
    video = probe(tmp_path / "a.webm")["video"]
    assert Fraction(video["r_frame_rate"]) == rate
    assert Fraction(video["avg_frame_rate"]) == rate
    assert int(video["nb_read_frames"]) == frames


@needs_ffprobe
def test_a_range_takes_its_part_of_the_voice(tmp_path: Path) -> None:
    voice = tmp_path / "voice.wav"
    sound = np.zeros(32_000)
    sound[16_000:] = 0.5 * np.sin(np.arange(16_000) * 0.2)
    sf.write(voice, sound, 16_000)
    take = replace(picture_take(Performance.rest(10, Fraction(25)), voice=voice), start=20)
    write(take, tmp_path / "a.mov", ExportOptions(sign=False))
    command = [ffmpeg.program(), "-v", "error", "-i", str(tmp_path / "a.mov"), "-f", "f32le", "-ac", "1", "-"]
    heard = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)
    assert len(heard) == 19_200
    onset = np.flatnonzero(np.abs(heard) > 0.05)[0] / 48_000
    assert onset == pytest.approx(0.2, abs=0.002)


@pytest.mark.parametrize("suffix", [".mov", ".wav"])
@pytest.mark.parametrize("start", [0, 10])
def test_a_late_sound_track_stays_late(tmp_path: Path, suffix: str, start: int) -> None:
    sound, clip, out = tmp_path / "sound.wav", tmp_path / "clip.mkv", tmp_path / f"a{suffix}"
    sf.write(sound, 0.5 * np.sin(np.arange(48_000) * 0.06), 48_000)
    make = [ffmpeg.program(), "-v", "error", "-f", "lavfi", "-i", "color=size=64x64:rate=25:duration=2"]
    make += ["-itsoffset", "0.6", "-i", str(sound), "-map", "0:v", "-map", "1:a", "-c:a", "pcm_s16le", str(clip)]
    subprocess.run(make, check=True, stdin=subprocess.DEVNULL)
    take = replace(picture_take(Performance.rest(30, Fraction(25)), voice=clip), start=start)
    write(take, out, ExportOptions(sign=False))
    command = [ffmpeg.program(), "-v", "error", "-i", str(out), "-f", "f32le", "-ar", "48000", "-ac", "1", "-"]
    heard = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)
    assert len(heard) == pytest.approx(48_000 * 1.2, abs=1)
    assert np.flatnonzero(np.abs(heard) > 0.05)[0] / 48_000 == pytest.approx(0.6 - start / 25, abs=0.002)


@pytest.mark.parametrize(("suffix", "codec"), [(".webm", "libvpx-vp9"), (".mov", "")])
def test_alpha_survives(tmp_path: Path, performance: Performance, suffix: str, codec: str) -> None:
    take = picture_take(performance, channels=4)
    write(take, tmp_path / f"a{suffix}", ExportOptions(sign=False))
    pictures = decoded(tmp_path / f"a{suffix}", 66, 48, codec=codec)
    assert len(pictures) == len(performance)
    assert pictures[:, :, :30, 3].min() > 250
    assert pictures[:, :, 36:, 3].max() < 5
    np.testing.assert_allclose(pictures[3, 10, 10, :3].astype(int), (55, 55, 90), atol=4)


def test_alpha_is_laid_over_the_background_where_the_format_has_none(tmp_path: Path, performance: Performance) -> None:
    options = ExportOptions(sign=False, background=(0, 200, 0), quality=100)
    write(picture_take(performance, channels=4), tmp_path / "a.mp4", options)
    raw = decoded(tmp_path / "a.mp4", 66, 48)
    np.testing.assert_allclose(raw[0, 20, 60, :3].astype(int), (0, 200, 0), atol=6)


@needs_ffprobe
def test_crop_and_odd_sizes(tmp_path: Path, performance: Performance) -> None:
    write(picture_take(performance), tmp_path / "a.mp4", ExportOptions(sign=False, crop=(3, 5, 31, 21)))
    video = probe(tmp_path / "a.mp4")["video"]
    assert (video["width"], video["height"]) == (32, 22)
    with pytest.raises(InputError, match="does not fit the picture of 66 x 48"):
        write(picture_take(performance), tmp_path / "b.mp4", ExportOptions(crop=(40, 0, 40, 20)))
    assert not list(tmp_path.glob("*b.*"))


@needs_ffprobe
def test_hevc_where_the_encoder_is_there(tmp_path: Path, performance: Performance) -> None:
    if "libx265" not in ffmpeg.encoders():
        pytest.skip("this ffmpeg has no libx265")
    write(picture_take(performance), tmp_path / "a.mp4", ExportOptions(sign=False, codec="hevc", hardware=True))
    video = probe(tmp_path / "a.mp4")["video"]
    assert (video["codec_name"], video["codec_tag_string"]) == ("hevc", "hvc1")


@needs_ffprobe
@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_graphics_card_is_used_where_it_works_and_else_not_missed(
    tmp_path: Path, performance: Performance, monkeypatch: pytest.MonkeyPatch, codec: str
) -> None:
    stand_in = {"h264": "libopenh264", "hevc": "libkvazaar"}[codec]
    if stand_in not in ffmpeg.encoders():
        pytest.skip(f"this ffmpeg has no {stand_in}")

    def family(codec: str, family: str, quality: int) -> codecs.Codec:
        broken = codecs.Codec(stand_in, ("-no-such-option", "1"))
        return codecs.Codec(stand_in, ("-b:v", "1M", "-pix_fmt", "yuv420p")) if family == "qsv" else broken

    options = ExportOptions(sign=False, codec=codec, hardware=True)
    monkeypatch.setattr(codecs, "_hardware", family)
    codecs.hardware.cache_clear()
    write(picture_take(performance, size=(64, 48)), tmp_path / "a.mp4", options)
    assert stand_in in probe(tmp_path / "a.mp4")["video"]["tags"]["encoder"]
    assert "The graphics card encodes" in codecs.hardware_note("mp4", options, (64, 48))
    monkeypatch.setattr(codecs, "_HARDWARE", ("nvenc",))
    codecs.hardware.cache_clear()
    write(picture_take(performance, size=(64, 48)), tmp_path / "b.mp4", options)
    assert {"h264": "libx264", "hevc": "libx265"}[codec] in probe(tmp_path / "b.mp4")["video"]["tags"]["encoder"]
    assert "the processor encodes instead" in codecs.hardware_note("mp4", options, (64, 48))
    assert "MP4 only" in codecs.hardware_note("webm", options, (64, 48))
    assert codecs.hardware_note("mp4", ExportOptions(), (64, 48)) == ""
    codecs.hardware.cache_clear()


def failing_take(performance: Performance, error: BaseException) -> Take:
    take = picture_take(performance)

    def frames() -> Iterator[np.ndarray]:
        assert take.frames is not None
        for i, picture in enumerate(take.frames()):
            if i == 5:
                raise error
            yield picture

    return replace(take, frames=frames)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ExportError("engine broke"), MemoryError()])
def test_nothing_is_left_when_drawing_stops(tmp_path: Path, performance: Performance, error: BaseException) -> None:
    with pytest.raises(type(error)):
        write(failing_take(performance, error), tmp_path / "a.mp4", ExportOptions(sign=False))
    assert list(tmp_path.iterdir()) == []


def test_a_cancel_stops_between_frames_and_keeps_the_older_file(tmp_path: Path, performance: Performance) -> None:
    (tmp_path / "a.mp4").write_bytes(b"the last good export")
    cancel = CancelToken()

    def progress(part: float, what: str) -> None:
        if part > 0.4:
            cancel.cancel()

    with pytest.raises(Cancelled):
        write(picture_take(performance), tmp_path / "a.mp4", ExportOptions(sign=False), progress, cancel)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    assert (tmp_path / "a.mp4").read_bytes() == b"the last good export"


def encode(arguments: list[str]) -> None:
    with ffmpeg.Encoder(64, 64, "rgb24", Fraction(25), arguments) as encoder:
        for _ in range(50):
            encoder.add(np.zeros((64, 64, 3), np.uint8))
        encoder.finish()


def test_an_encoder_that_dies_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="encoder stopped"):
        encode(["-c:v", "nonsense", str(tmp_path / "a.mp4")])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_says_what_to_do() -> None:
    with pytest.raises(ExportError, match="Free some space"):
        encode(["-f", "rawvideo", "/dev/full"])


def test_too_few_pictures_are_an_error(tmp_path: Path) -> None:
    take = picture_take(Performance.rest(4, Fraction(25)))
    with pytest.raises(ExportError, match="after 4 of 8 frames"):
        write(replace(take, performance=Performance.rest(8, Fraction(25))), tmp_path / "a.mp4")


@needs_ffprobe
@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(60)], ids=str)
def test_quicktime_carries_timecode(tmp_path: Path, rate: Fraction) -> None:
    write(replace(picture_take(Performance.rest(5, rate)), start=3 * round(rate) + 7), tmp_path / "a.mov")
    command = [
        str(FFPROBE),
        "-v",
        "error",
        "-show_entries",
        "stream_tags=timecode",
        "-of",
        "json",
        str(tmp_path / "a.mov"),
    ]
    streams = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]
    assert "00:00:03:07" in [stream.get("tags", {}).get("timecode") for stream in streams]
