"""Words and phones of a voice with their times: from the text, else recognised, else from the sound alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from engines.api import CancelToken, Progress
from engines.speech import align, lexicon
from engines.speech.align import AlignedWord
from engines.speech.audio import ANALYSIS_RATE
from engines.speech.prosody import HOP, RATE, runs
from engines.speech.readout import PHONES
from engines.speech.recognise import Transcript
from engines.speech.segment import Segment
from engines.speech.sphinx import Aligner, Listener

_CHUNK_S: Final = 9.0
_MARGIN_S: Final = 0.15
_STRAY_S: Final = 0.3
_GUESS: Final = 0.5
"""Share of probability that a phone heard by pocketsphinx leaves to the others."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """Part of a voice between two pauses, as the encoder heard it.

    Attributes
    ----------
    start, stop : half-open span of frames at `RATE`
    transcript : what was recognised, None if nobody tried
    """

    start: int
    stop: int
    transcript: Transcript | None = None


@dataclass(frozen=True)
class Spoken:
    """Result of `find`: text as given or recognised, words, phones, where they come from, and what to tell the user."""

    text: str
    words: tuple[Segment, ...]
    phones: tuple[Segment, ...]
    source: str
    warnings: tuple[str, ...] = ()


def find(
    sound: np.ndarray,
    posteriors: np.ndarray,
    speaking: np.ndarray,
    stretches: list[Stretch],
    text: str,
    language: str,
    progress: Progress,
    cancel: CancelToken,
) -> Spoken:
    """Words and phones of a whole voice.

    Parameters
    ----------
    sound : float32 (N,), mono 16 kHz
    posteriors : (T, P) probabilities of `readout.PHONES` at `RATE`
    speaking : bool (T,)
    text : what is said, empty if unknown
    language : two-letter code
    """
    english = language.lower().startswith("en")
    if text.strip():
        words = lexicon.words(text, language)
        aligned = align.align(words, posteriors, speaking)
        if aligned:
            aligned = [replace(w, confidence=1.0) for w in aligned]
            aligned = _refined(sound, aligned, _part(progress, 0, 1), cancel) if english else aligned
            return Spoken(text, tuple(w.segment() for w in aligned), _phones(aligned), "text")
        warning = (
            "The text holds no word that can be spoken; the phones come from the sound."
            if not words
            else "The text is longer than the recording can hold, so it was left aside; the phones come from the sound."
        )
        heard = align.loop(posteriors, speaking)
        return Spoken(text, (), heard, "sound", (warning,))
    texts, all_words, phones = [], [], []
    for number, stretch in enumerate(stretches):
        cancel.check()
        report = _part(progress, number, len(stretches))
        report(0.0)
        span = slice(stretch.start, stretch.stop)
        aligned = []
        if stretch.transcript is not None and stretch.transcript.trusted:
            words = lexicon.words(stretch.transcript.text, language)
            aligned = align.align(words, posteriors[span], speaking[span], stretch.start / RATE)
        if aligned and stretch.transcript is not None:
            texts.append(stretch.transcript.text)
            sure = stretch.transcript.confidence
            aligned = _refined(sound, [replace(w, confidence=round(sure, 3)) for w in aligned], report, cancel)
            all_words += [w.segment() for w in aligned]
            phones += [replace(p, confidence=w.confidence) for w in aligned for p in w.phones]
        else:
            phones += align.loop(posteriors[span], speaking[span], stretch.start / RATE)
    source = "recognised" if texts else "sound" if phones else "none"
    return Spoken(" ".join(texts), tuple(all_words), tuple(phones), source)


def find_without_encoder(
    sound: np.ndarray, speaking: np.ndarray, text: str, language: str, progress: Progress, cancel: CancelToken
) -> Spoken:
    """As `find`, for installations without the speech encoder: what pocketsphinx hears stands for the probabilities."""
    heard: list[Segment] = []
    spans = runs(speaking)
    listener = Listener()
    for number, (start, stop) in enumerate(spans):
        cancel.check()
        progress(0.1 + 0.75 * number / len(spans), "Listening")
        part = listener.hear(sound[start * HOP : stop * HOP])
        heard += _later(part, start / RATE)
    if text.strip():
        posteriors = np.full((len(speaking), len(PHONES)), _GUESS / len(PHONES), np.float32)
        for phone in heard:
            span = slice(round(phone.start_s * RATE), round(phone.end_s * RATE))
            posteriors[span, PHONES.index(phone.label)] += 1 - _GUESS
        spoken = find(sound, posteriors, speaking, [], text, language, progress, cancel)
        if spoken.source == "text":
            return spoken
    return Spoken(text, (), tuple(heard), "sound" if heard else "none")


def _part(progress: Progress, number: int, count: int) -> Callable[[float], None]:
    """The progress of one part of ``count``, within the last 15 % of the analysis."""
    return lambda part: progress(0.85 + 0.15 * (number + part) / count, "Placing the phones")


def _later(phones: Iterable[Segment], by_s: float) -> tuple[Segment, ...]:
    return tuple(replace(p, start_s=p.start_s + by_s, end_s=p.end_s + by_s) for p in phones)


def _phones(aligned: list[AlignedWord]) -> tuple[Segment, ...]:
    return tuple(replace(phone, confidence=word.confidence) for word in aligned for phone in word.phones)


def _refined(
    sound: np.ndarray, aligned: list[AlignedWord], report: Callable[[float], None], cancel: CancelToken
) -> list[AlignedWord]:
    """The same words with phones placed by pocketsphinx wherever it agrees about the words."""
    aligner = Aligner()
    result: list[AlignedWord] = []
    chunks = chunked(aligned)
    for number, chunk in enumerate(chunks):
        cancel.check()
        report(number / len(chunks))
        start_s = max(0.0, chunk[0].start_s - _MARGIN_S)
        span = slice(round(start_s * ANALYSIS_RATE), round((chunk[-1].end_s + _MARGIN_S) * ANALYSIS_RATE))
        found = aligner.align(sound[span], [w.word for w in chunk])
        placed = [replace(w, phones=_later(p, start_s)) for w, p in zip(chunk, found or (), strict=False)]
        strays = [abs(new.start_s - old.start_s) for new, old in zip(placed, chunk, strict=False)]
        result += placed if placed and np.median(strays) < _STRAY_S else chunk
    return _ordered(result)


def chunked(aligned: list[AlignedWord]) -> list[list[AlignedWord]]:
    """Words in runs of at most 9 s, divided again and again at the longest gap."""
    if len(aligned) < 2 or aligned[-1].end_s - aligned[0].start_s <= _CHUNK_S:
        return [aligned] if aligned else []
    gaps = np.array([b.start_s - a.end_s for a, b in itertools.pairwise(aligned)])
    # Among gaps of equal length the middle one divides best.
    centre = np.abs(np.arange(len(gaps)) - (len(gaps) - 1) / 2) / len(gaps)
    cut = int(np.argmax(gaps - 0.2 * centre)) + 1
    return chunked(aligned[:cut]) + chunked(aligned[cut:])


def _ordered(aligned: list[AlignedWord]) -> list[AlignedWord]:
    """Words that do not overlap: where two placements meet, the later word gives way."""
    result: list[AlignedWord] = []
    for word in aligned:
        floor = result[-1].end_s if result else 0.0
        if word.start_s < floor:
            phones = tuple(replace(p, start_s=max(p.start_s, floor), end_s=max(p.end_s, floor)) for p in word.phones)
            word = replace(word, phones=phones)
        result.append(word)
    return result
