"""Recorded voices: any file that libsndfile or ffmpeg reads, streamed as mono 16 kHz.

The sound track of a video keeps to the video's clock: one that begins after the picture begins with silence.

A `Voice` only describes the file; sound is decoded when asked for, block by block, so an hour costs no more memory
than a second. The length is counted in samples of the file's own rate: that count, not the 16 kHz copy, decides how
many frames a performance has (`engines.timebase.frame_count`).
"""

from __future__ import annotations

import hashlib
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from engines.errors import InputError

ANALYSIS_RATE: Final = 16000
"""Samples a second of everything that listens to the voice."""

ON_THE_CLOCK: Final = "aresample=async=1:first_pts=0"
"""ffmpeg's filter that keeps a sound track on its file's clock: silence where a track starts late or has a gap."""

_BLOCK_S: Final = 10.0
_AU_HEADER: Final = struct.Struct(">4sIIIII")


@dataclass(frozen=True)
class Voice:
    """A recording on disk.

    Attributes
    ----------
    path : the file, absolute
    samples : length in samples per channel at ``sample_rate``
    sample_rate : of the file, samples a second
    channels : of the file
    digest : hash of the file's bytes
    decoder : ``sndfile`` or ``ffmpeg``, whichever reads the file
    """

    path: Path
    samples: int
    sample_rate: int
    channels: int
    digest: str
    decoder: str = "sndfile"

    @property
    def duration_s(self) -> float:
        return self.samples / self.sample_rate

    def blocks(self) -> Iterator[np.ndarray]:
        """The whole voice in order : float32 (N,) pieces, mono, `ANALYSIS_RATE`, values about -1 to 1.

        Channels are averaged; numbers that are not finite become 0.

        Raises
        ------
        InputError
            If the file has vanished or cannot be decoded any more.
        """
        yield from _resampled(self._raw(), self.sample_rate)

    def _raw(self) -> Iterator[np.ndarray]:
        if self.decoder == "ffmpeg":
            yield from _ffmpeg_blocks(self.path)
            return
        import soundfile

        try:
            with soundfile.SoundFile(self.path) as file:
                for block in file.blocks(round(_BLOCK_S * self.sample_rate), dtype="float32", always_2d=True):
                    yield _mono(block)
        except (soundfile.LibsndfileError, OSError) as error:
            raise InputError(f"The voice {self.path} is damaged or cannot be read any more: {error}.") from error


def load_voice(path: str | Path) -> Voice:
    """Open a voice: a sound file, or a video whose sound track is taken.

    Raises
    ------
    InputError
        If the file is missing, a folder, empty, no sound, or holds no sample.
    """
    path = Path(path).expanduser().absolute()
    if not path.exists():
        raise InputError(f"There is no voice file {path}. Check the path.")
    if path.is_dir():
        raise InputError(f"{path} is a folder. Give the recording itself, for example a WAV, MP3 or MP4 file.")
    try:
        if path.stat().st_size == 0:
            raise InputError(f"The voice file {path} is empty (0 bytes). Record or copy it again.")
        digest = _file_digest(path)
    except OSError as error:
        raise InputError(f"The voice file {path} cannot be opened: {error.strerror or error}.") from error
    voice = _open_sndfile(path, digest) or _open_ffmpeg(path, digest)
    if voice.samples == 0:
        raise InputError(f"The voice file {path} holds no sound: its length is 0 samples. Record or export it again.")
    return voice


def _file_digest(path: Path) -> str:
    h = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            h.update(chunk)
    return h.hexdigest()


def _open_sndfile(path: Path, digest: str) -> Voice | None:
    """The voice as libsndfile sees it, or None if that library cannot read it or does not know its length."""
    import soundfile

    try:
        info = soundfile.info(str(path))
    except (soundfile.LibsndfileError, OSError):
        return None
    if not 0 <= info.frames < 2**60 or info.format == "RAW":
        return None
    return Voice(path, int(info.frames), int(info.samplerate), int(info.channels), digest)


def _open_ffmpeg(path: Path, digest: str) -> Voice:
    samples = 0
    with _FfmpegDecoder(path) as decoder:
        for block in decoder.blocks():
            samples += len(block)
    return Voice(path, samples, decoder.sample_rate, decoder.channels, digest, "ffmpeg")


def _ffmpeg_blocks(path: Path) -> Iterator[np.ndarray]:
    with _FfmpegDecoder(path) as decoder:
        for block in decoder.blocks():
            yield _mono(block)


class _FfmpegDecoder:
    """The first sound track of a file, decoded by an ffmpeg process into a pipe.

    The pipe carries Sun AU, the one format with a fixed 24-byte header that names rate and channels.
    """

    def __init__(self, path: Path) -> None:
        from imageio_ffmpeg import get_ffmpeg_exe

        self._path = path
        command = [get_ffmpeg_exe(), "-v", "error", "-nostdin", "-i", str(path)]
        command += ["-map", "0:a:0", "-vn", "-af", ON_THE_CLOCK, "-c:a", "pcm_f32be", "-f", "au", "-"]
        # A damaged file can make ffmpeg say more than a pipe holds while nobody reads it.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the decoder
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._said)
        assert self._process.stdout is not None
        header = self._process.stdout.read(_AU_HEADER.size)
        if len(header) < _AU_HEADER.size:
            self._fail()
        _magic, offset, _size, _encoding, self.sample_rate, self.channels = _AU_HEADER.unpack(header)
        self._process.stdout.read(offset - _AU_HEADER.size)

    def __enter__(self) -> _FfmpegDecoder:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._said.close()

    def blocks(self) -> Iterator[np.ndarray]:
        """float32 (N, channels) pieces."""
        assert self._process.stdout is not None
        frame_bytes = 4 * self.channels
        while data := self._process.stdout.read(round(_BLOCK_S * self.sample_rate) * frame_bytes):
            whole = len(data) // frame_bytes * frame_bytes
            yield np.frombuffer(data[:whole], ">f4").astype(np.float32).reshape(-1, self.channels)

    def _fail(self) -> None:
        self._process.communicate()
        self._said.seek(0)
        message = self._said.read().decode(errors="replace").strip().splitlines()
        self._said.close()
        if any("matches no streams" in line for line in message):
            raise InputError(f"{self._path} has no sound track. Give a recording of the voice.")
        reason = message[-1].split(": ")[-1] if message else "unknown format"
        raise InputError(
            f"The voice {self._path} is not a sound or video file that can be read ({reason}). "
            "Convert it to WAV, FLAC, MP3 or MP4."
        )


def _mono(block: np.ndarray) -> np.ndarray:
    mono = block.mean(1, dtype=np.float32) if block.shape[1] > 1 else block[:, 0]
    return np.nan_to_num(mono, copy=False, nan=0.0, posinf=0.0, neginf=0.0)


def _resampled(blocks: Iterator[np.ndarray], sample_rate: int) -> Iterator[np.ndarray]:
    """Mono blocks at `ANALYSIS_RATE`, band-limited; the filter's state runs on across blocks."""
    if sample_rate == ANALYSIS_RATE:
        yield from blocks
        return
    import soxr

    stream = soxr.ResampleStream(sample_rate, ANALYSIS_RATE, 1, dtype="float32", quality="HQ")
    for block in blocks:
        out = stream.resample_chunk(block)
        if len(out):
            yield out
    tail = stream.resample_chunk(np.zeros(0, np.float32), last=True)
    if len(tail):
        yield tail
