from __future__ import annotations

import numpy as np
import pytest

from engines.speech import align
from engines.speech.lexicon import Word
from engines.speech.readout import PHONES
from engines.speech.transcribe import chunked


def heard(*spans: tuple[str, int], sure: float = 0.7) -> np.ndarray:
    """Probabilities of a sequence of (phone, frames)."""
    rows = [PHONES.index(label) for label, count in spans for _ in range(count)]
    posteriors = np.full((len(rows), len(PHONES)), (1 - sure) / (len(PHONES) - 1), np.float32)
    posteriors[np.arange(len(rows)), rows] = sure
    return posteriors


SPANS = (("SIL", 10), ("M", 5), ("AA", 8), ("SIL", 6), ("P", 4), ("IY", 9), ("T", 3), ("SIL", 12))
WORDS = [Word("ma", (("M", "AA"),)), Word("Pete", (("P", "IY", "T"),))]


def test_words_and_phones_land_on_what_is_heard() -> None:
    posteriors = heard(*SPANS)
    speaking = posteriors[:, 0] < 0.5
    ma, pete = align.align(WORDS, posteriors, speaking, start_s=2.0)
    assert (ma.start_s, ma.end_s) == pytest.approx((2.2, 2.46), abs=0.011)
    assert [p.label for p in pete.phones] == ["P", "IY", "T"]
    assert [p.start_s for p in pete.phones] == pytest.approx([2.58, 2.66, 2.84], abs=0.011)
    assert ma.confidence == pytest.approx(0.7, abs=0.01)


def test_silence_between_words_is_optional() -> None:
    posteriors = heard(("M", 5), ("AA", 8), ("P", 4), ("IY", 9), ("T", 3))
    words = align.align(WORDS, posteriors, np.ones(29, bool))
    assert words[0].end_s == pytest.approx(words[1].start_s)
    assert words[-1].end_s == pytest.approx(29 / 50)


def test_more_phones_than_frames_cannot_be_aligned() -> None:
    assert align.align(WORDS, heard(("M", 3)), np.ones(3, bool)) == []
    assert align.align([], heard(("M", 3)), np.ones(3, bool)) == []


def test_the_band_of_a_long_text_finds_its_end() -> None:
    posteriors = np.concatenate([heard(*SPANS)] * 300)
    speaking = posteriors[:, 0] < 0.5
    words = align.align(WORDS * 300, posteriors, speaking)
    each = len(heard(*SPANS)) / 50
    errors = [abs(words[2 * i].start_s - (i * each + 0.2)) for i in range(300)]
    assert max(errors) < 0.03


def test_the_loop_hears_phones_without_words() -> None:
    posteriors = heard(*SPANS)
    phones = align.loop(posteriors, posteriors[:, 0] < 0.5, start_s=1.0)
    assert [p.label for p in phones] == ["M", "AA", "P", "IY", "T"]
    assert phones[0].start_s == pytest.approx(1.2, abs=0.011)
    assert phones[0].confidence == pytest.approx(0.7, abs=0.01)


def test_long_speech_is_divided_at_its_longest_gaps() -> None:
    pieces = []
    for _ in range(12):
        pieces += [("M", 20), ("AA", 20), ("SIL", 10), ("P", 20), ("IY", 20), ("T", 20), ("SIL", 40)]
    posteriors = heard(*pieces)
    words = align.align(WORDS * 12, posteriors, posteriors[:, 0] < 0.5)
    chunks = chunked(words)
    assert [w for chunk in chunks for w in chunk] == words
    assert all(chunk[-1].end_s - chunk[0].start_s <= 9 for chunk in chunks)
    assert all(chunk[0].word.text == "ma" for chunk in chunks)
