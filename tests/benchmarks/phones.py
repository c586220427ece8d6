"""Phone times on espeak-ng speech, whose times are exact.

    python -m tests.benchmarks.phones

Prints, for English with its text, without it, and for six languages without text: how many phones were found at their
place (same class, in order), the onset error of those, and the share of 20 ms frames whose class is right. Phones are
compared in 15 classes by lips and tongue, since the phone sets differ. Needs the system's espeak-ng.
"""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile

from engines.speech.analysis import SpeechAnalysis, analyse
from engines.speech.audio import load_voice
from tests.benchmarks.espeak import Espeak, Utterance

ENGLISH = (
    "She had your dark suit in greasy wash water all year.",
    "Don't ask me to carry an oily rag like that.",
    "A large size in stockings is hard to sell.",
    "My mother's paper bag was blown up by the wind. People came to help before long.",
    "Seven years ago we bought a home near the beach, and every summer the whole family meets there.",
    "Why were you away a year, Roy?",
    "Please put the brown box below the table, but move the lamp first.",
    "The quick brown fox jumps over the lazy dog.",
    "Bob built a big wooden bridge from pieces of the old barn.",
    "Have you ever thought about how much voices tell us of a face we have never seen?",
)
OTHERS = {
    "es": "El perro pequeño come pan bajo la mesa. Mi madre me compró un abrigo muy bonito por la tarde.",
    "fr": "Le petit bateau bleu part avant le matin. Ma mère prépare un bon repas pour toute la famille.",
    "de": "Meine Mutter bäckt am Montag frisches Brot. Der Papagei sitzt oben auf dem alten Baum.",
    "it": "Il bambino beve molta acqua prima di pranzo. Mia madre compra sempre pane e pomodori.",
    "pt": "O menino bebe muita água pela manhã. Minha mãe comprou um bolo para a festa.",
    "pl": "Mała babcia piecze bardzo dobre bułki. Mój przyjaciel mieszka pod miastem.",
}
_CLASSES = {
    "P": "p b m", "F": "f v ɱ", "W": "w ʍ ɥ β̞", "R": "ɹ r ɾ ɻ ʁ ʀ ɚ ɝ ɜ", "U": "u ʊ o ʉ y ø œ ɵ ɔ ʏ õ", "S": "s z",
    "C": "ʃ ʒ ɕ ʑ ç t͡ʃ", "T": "t d n ɲ", "D": "θ ð", "L": "l ɫ ʎ ɭ", "K": "k ɡ g ŋ x ɣ χ", "H": "h ʔ ɦ",
    "A": "a ɑ ɐ æ ã ɒ", "E": "e ɛ ə ʌ ɘ ɪ ẽ", "I": "i j ɨ",
}  # fmt: skip
_ARPABET = {
    "P": "P B M", "F": "F V", "W": "W", "R": "R ER", "U": "UW UH OW AO OY", "S": "S Z", "C": "SH ZH CH JH",
    "T": "T D N", "D": "TH DH", "L": "L", "K": "K G NG", "H": "HH", "A": "AA AE AW AY", "E": "EH EY AH IH", "I": "IY Y",
}  # fmt: skip
_OF_IPA = {symbol: name for name, symbols in _CLASSES.items() for symbol in symbols.split()}
_OF_ARPABET = {symbol: name for name, symbols in _ARPABET.items() for symbol in symbols.split()}


def truth(utterance: Utterance) -> list[tuple[float, str]]:
    """(onset s, class) of each phone, pauses as a blank class."""
    found = []
    for onset, ipa in utterance.phones:
        symbol = "ʃ" if ipa.startswith(("tʃ", "dʒ")) else next((c for c in ipa if c in _OF_IPA), "")
        found.append((onset, _OF_IPA.get(symbol, "")))
    return found


def matched(heard: list[tuple[float, str]], true: list[tuple[float, str]]) -> list[tuple[int, int]]:
    """Pairs of equal class in the cheapest edit of one sequence into the other; distance in time breaks ties."""
    n, m = len(heard), len(true)
    cost = np.zeros((n + 1, m + 1))
    cost[:, 0], cost[0] = np.arange(n + 1), np.arange(m + 1)
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            far = min(1.0, abs(heard[i - 1][0] - true[j - 1][0]))
            swap = far if heard[i - 1][1] == true[j - 1][1] else 1.5 + far
            cost[i, j] = min(cost[i - 1, j] + 1, cost[i, j - 1] + 1, cost[i - 1, j - 1] + swap)
    pairs, i, j = [], n, m
    while i and j:
        same = heard[i - 1][1] == true[j - 1][1]
        swap = min(1.0, abs(heard[i - 1][0] - true[j - 1][0])) + (0 if same else 1.5)
        if np.isclose(cost[i, j], cost[i - 1, j - 1] + swap):
            i, j = i - 1, j - 1
            if same:
                pairs.append((i, j))
        elif np.isclose(cost[i, j], cost[i - 1, j] + 1):
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def frames(phones: list[tuple[float, float, str]], count: int) -> list[str]:
    """Class of each 20 ms."""
    labels = [""] * count
    for start, stop, name in phones:
        for frame in range(max(0, round(start * 50)), min(count, round(stop * 50))):
            labels[frame] = name
    return labels


def score(analysis: SpeechAnalysis, utterance: Utterance) -> tuple[list[float], int, int, int, int]:
    """Onset errors in s, phones matched, true phones, frames right, frames of speech."""
    spoken = [(t, c) for t, c in truth(utterance) if c]
    heard = [(p.start_s, _OF_ARPABET[p.label]) for p in analysis.phones if p.label in _OF_ARPABET]
    pairs = matched(heard, spoken)
    errors = [heard[i][0] - spoken[j][0] for i, j in pairs]
    events = [*truth(utterance), (len(utterance.sound) / utterance.sample_rate, "")]
    real = frames([(a[0], b[0], a[1]) for a, b in pairwise(events)], len(analysis))
    guess = frames([(p.start_s, p.end_s, _OF_ARPABET.get(p.label, "")) for p in analysis.phones], len(analysis))
    right = sum(a == b for a, b in zip(real, guess, strict=True) if a)
    return errors, len(pairs), len(spoken), right, sum(bool(a) for a in real)


def run(espeak: Espeak, name: str, voice: str, texts: tuple[str, ...], language: str, with_text: bool) -> None:
    """Score some sentences of one voice and print a line."""
    totals, errors, sources = np.zeros(4, int), [], set()
    with tempfile.TemporaryDirectory() as folder:
        for text in texts:
            utterance = espeak.say(text, voice)
            path = Path(folder) / "voice.wav"
            soundfile.write(path, utterance.sound, utterance.sample_rate)
            analysis = analyse(load_voice(path), text if with_text else "", language)
            sources.add(analysis.source)
            found, *counts = score(analysis, utterance)
            errors += found
            totals += counts
    error = np.array(errors)
    print(
        f"{name:22s} {'/'.join(sorted(sources)):18s} phones found {totals[0] / totals[1]:4.0%}  onset error median "
        f"{1000 * np.median(abs(error)):3.0f} mean {1000 * abs(error).mean():3.0f} p90 "
        f"{1000 * np.percentile(abs(error), 90):3.0f} ms (bias {1000 * np.median(error):+3.0f})  "
        f"frames right {totals[2] / totals[3]:4.0%}",
        flush=True,
    )


def main() -> None:
    espeak = Espeak()
    run(espeak, "English, text", "en-us", ENGLISH, "en", True)
    run(espeak, "British, text", "en", ENGLISH, "en", True)
    run(espeak, "English, no text", "en-us", ENGLISH, "en", False)
    for language, text in OTHERS.items():
        run(espeak, f"{language}, no text", language, (text,), language, False)
    for language, text in OTHERS.items():
        run(espeak, f"{language}, text", language, (text,), language, True)


if __name__ == "__main__":
    main()
