"""Lay known words onto the sound.

A Viterbi search through the phone probabilities of the readout places every word, however long the recording and
whatever the language; where the language is English, `engines.speech.sphinx` then places the phones of stretches of a
few seconds more exactly.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.speech.lexicon import Word
from engines.speech.prosody import RATE
from engines.speech.readout import PHONES
from engines.speech.segment import SILENCE, Segment

_INDEX: Final = {label: number for number, label in enumerate(PHONES)}
_FLOOR = 1e-4
_SWITCH = -1.0
"""Log cost of entering an optional silence between words."""
_LOOP_SWITCH = -2.0
"""Log cost of a change of phone where the words are not known."""
_BAND = 900
"""States searched at once: about a minute and a half of speech either side of a steady reading."""


@dataclass(frozen=True)
class AlignedWord:
    """A word with its phones in place; ``confidence`` is the mean probability of its phones."""

    word: Word
    phones: tuple[Segment, ...]
    confidence: float

    @property
    def start_s(self) -> float:
        return self.phones[0].start_s

    @property
    def end_s(self) -> float:
        return self.phones[-1].end_s

    def segment(self) -> Segment:
        return Segment(self.start_s, self.end_s, self.word.text, self.confidence)


def align(words: list[Word], posteriors: np.ndarray, speaking: np.ndarray, start_s: float = 0.0) -> list[AlignedWord]:
    """Words in time.

    Parameters
    ----------
    words : in the order they are said, each by its first pronunciation
    posteriors : (T, P) probabilities of `PHONES` at `RATE`
    speaking : bool (T,)
    start_s : second of the recording at which ``posteriors`` begins

    Returns
    -------
    One entry per word, in order; empty if there are more phones than frames
    """
    labels, owner = [_INDEX[SILENCE]], [-1]
    for number, word in enumerate(words):
        for phone in word.phones[0]:
            labels.append(_INDEX[phone])
            owner.append(number)
        labels.append(_INDEX[SILENCE])
        owner.append(-1)
    if not words or len(labels) - len(words) - 1 > len(posteriors):
        return []
    state, owner_of = np.array(labels), np.array(owner)
    score = np.log(np.maximum(posteriors, _FLOOR)).astype(np.float32)
    # Where a quiet frame is certain, silence is likely whatever the phone head thinks of room noise.
    score[:, _INDEX[SILENCE]] = np.maximum(score[:, _INDEX[SILENCE]], np.where(speaking, -np.inf, -0.5))
    path = _viterbi(score, state, owner_of < 0, speaking)
    result = []
    first = np.searchsorted(path, np.arange(len(state)), "left")
    last = np.searchsorted(path, np.arange(len(state)), "right")
    for number, word in enumerate(words):
        phones, sure = [], []
        for s in np.flatnonzero(owner_of == number):
            p = float(posteriors[first[s] : last[s], state[s]].mean())
            sure.append(p)
            span = (start_s + _edge_s(first[s], len(path)), start_s + _edge_s(last[s], len(path)))
            phones.append(Segment(*span, PHONES[state[s]], round(min(1.0, p), 3)))
        result.append(AlignedWord(word, tuple(phones), float(np.mean(sure))))
    return result


def _edge_s(frame: int, count: int) -> float:
    """Second at which ``frame`` takes over from the one before it.

    Half a frame later than the middle between them: on speech with exact times the readout's change of mind comes
    that much too early. The ends of the stretch stay ends.
    """
    return min(frame, count) / RATE


def loop(posteriors: np.ndarray, speaking: np.ndarray, start_s: float = 0.0) -> tuple[Segment, ...]:
    """Phones heard where nobody knows the words: the best path through a loop of all phones.

    Parameters
    ----------
    posteriors : (T, P) probabilities of `PHONES` at `RATE`
    speaking : bool (T,)
    start_s : second of the recording at which ``posteriors`` begins

    Returns
    -------
    Phones in order, silences left out; ``confidence`` is the mean probability over the span
    """
    score = np.log(np.maximum(posteriors, _FLOOR)).astype(np.float64)
    silence = _INDEX[SILENCE]
    score[~speaking] = -10.0
    score[~speaking, silence] = 0.0
    count, size = score.shape
    back = np.zeros((count, size), np.int64)
    best = score[0].copy()
    for t in range(1, count):
        leader = int(best.argmax())
        switch = best[leader] + _LOOP_SWITCH
        back[t] = np.where(best >= switch, np.arange(size), leader)
        best = np.maximum(best, switch) + score[t]
    path = np.zeros(count, np.int64)
    path[-1] = int(best.argmax())
    for t in range(count - 1, 0, -1):
        path[t - 1] = back[t, path[t]]
    edges = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), count]
    return tuple(
        Segment(
            start_s + _edge_s(a, count),
            start_s + _edge_s(b, count),
            PHONES[path[a]],
            round(float(posteriors[a:b, path[a]].mean()), 3),
        )
        for a, b in itertools.pairwise(edges)
        if path[a] != silence
    )


def _viterbi(score: np.ndarray, state: np.ndarray, optional: np.ndarray, speaking: np.ndarray) -> np.ndarray:
    """The best monotonous path: state number per frame : int64 (T,).

    States marked ``optional`` may be passed over. Searched in a band around the reading that advances with speech.
    """
    count, size = len(score), len(state)
    width = min(size, 2 * _BAND)
    done = np.cumsum(speaking) / max(1, speaking.sum())
    low = np.clip((done * size).astype(int) - width // 2, 0, size - width)
    back = np.zeros((count, width), np.int8)
    best = np.full(size + 2, -np.inf, np.float32)
    best[2] = score[0, state[0]]
    if size > 1:
        best[3] = score[0, state[1]]
    entry = np.where(optional, _SWITCH, 0).astype(np.float32)
    # A phone that skips an optional silence comes from two states back.
    may_skip = np.concatenate([[False, False], optional[1:-1]]) & ~optional
    for t in range(1, count):
        a = low[t]
        window = slice(a, a + width)
        stay = best[a + 2 : a + width + 2]
        step = best[a + 1 : a + width + 1] + entry[window]
        skip = np.where(may_skip[window], best[a : a + width], -np.inf)
        choices = np.stack([stay, step, skip])
        move = choices.argmax(0)
        back[t] = move
        fresh = np.full(size + 2, -np.inf, np.float32)
        fresh[a + 2 : a + width + 2] = choices[move, np.arange(width)] + score[t, state[window]]
        best = fresh
    path = np.zeros(count, np.int64)
    here = size - 1 if size < 2 or best[size + 1] >= best[size] else size - 2
    for t in range(count - 1, -1, -1):
        path[t] = here
        if t:
            here -= int(back[t, here - low[t]])
    return path
