"""From text to words and phones: numbers spelt out, the CMU dictionary, letters to sounds for the rest."""

from __future__ import annotations

import bisect
import functools
import re
import unicodedata
from dataclasses import dataclass
from importlib.resources import files

from engines.speech import letters

_BELOW_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_ONES = tuple(_BELOW_TWENTY.split(" "))
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_SIGNS = {"%": " percent ", "&": " and ", "+": " plus ", "=": " equals ", "@": " at ", "$": " dollars ", "€": " euros "}
_TOKEN = re.compile(r"[\u3400-\u9fff]|(?:(?![\u3400-\u9fff])[^\W\d_])+(?:['’][^\W\d_]+)*['’]?|\d+(?:[.,]\d+)*")
"""A Chinese character, a word, or a number."""


@dataclass(frozen=True)
class Word:
    """A word to be said.

    Attributes
    ----------
    text : as written
    phones : ARPAbet without stress, likeliest pronunciation first; at least one, each with at least one phone
    spoken : the word as the dictionary spells it, empty if the dictionary does not know it
    """

    text: str
    phones: tuple[tuple[str, ...], ...]
    spoken: str = ""


def words(text: str, language: str = "en") -> list[Word]:
    """The words of a text with their pronunciations.

    Parameters
    ----------
    language : two-letter code. English uses the dictionary; every other language is read by its letters
        (`engines.speech.letters`), which knows no exceptions.

    Notes
    -----
    Text in brackets such as ``[laughs]`` or ``(music)`` is a stage direction and is left out. Numbers are spelt out in
    English; in other languages digits are skipped.
    """
    text = re.sub(r"\[[^\]]*\]|\([^)]*\)", " ", unicodedata.normalize("NFKC", text))
    english = language.lower().startswith("en")
    if english:
        for sign, name in _SIGNS.items():
            text = text.replace(sign, name)
    result: list[Word] = []
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token[0].isdigit():
            result.extend(_english(part, part) for part in (spell_number(token) if english else ()))
        elif english:
            result.append(_english(token, token.lower().replace("’", "'")))
        elif phones := letters.phones(token, language):
            result.append(Word(token, (phones,)))
    return [word for word in result if word.phones[0]]


def _english(written: str, spoken: str) -> Word:
    for form in (spoken, spoken.strip("'"), spoken.removesuffix("'s")):
        if known := pronunciations(form):
            ending = () if form.endswith("'s") or not spoken.endswith("'s") or form == spoken else ("Z",)
            variants = tuple(tuple(v.split(" ")) + ending for v in known)
            return Word(written, variants, form if not ending else "")
    if written.isupper() and len(written) <= 5:
        names = [pronunciations(letter) for letter in spoken]
        if spelt := tuple(phone for name in names if name for phone in name[0].split(" ")):
            return Word(written, (spelt,))
    stem = spoken.removesuffix("'s")
    return Word(written, (letters.phones(stem, "en") + (("Z",) if stem != spoken else ()),))


@functools.cache
def _entries() -> list[str]:
    """The lines of the CMU dictionary that pocketsphinx carries, sorted: a word, a blank, its phones."""
    path = files("pocketsphinx") / "model" / "en-us" / "cmudict-en-us.dict"
    return sorted(path.read_text(encoding="utf-8").splitlines())


def pronunciations(word: str) -> tuple[str, ...]:
    """How the dictionary says a word, likeliest first, phones joined by blanks; empty where it does not know it.

    Found by halving: a table of all 130,000 words would take longer to make than most voices have words to look up.
    """
    lines, found, head = _entries(), [], f"{word} "
    while (at := bisect.bisect_left(lines, head)) < len(lines) and lines[at].startswith(head):
        found.append(lines[at].removeprefix(head).strip())
        head = f"{word}({len(found) + 1}) "
    return tuple(found)


def spell_number(token: str) -> list[str]:
    """English words of a number such as ``1,250``, ``3.14`` or ``1984`` (a year is read in pairs)."""
    whole, _, decimals = token.replace(",", "").partition(".")
    value = int(whole)
    if len(whole) > 12 or (len(whole) > 1 and whole[0] == "0"):
        spoken = [_ONES[int(digit)] for digit in whole]
    elif "," not in token and 1100 <= value <= 2099 and value // 100 != 20 and not decimals:
        spoken = [*_cardinal(value // 100), *(_cardinal(value % 100) if value % 100 else ["hundred"])]
    else:
        spoken = _cardinal(value)
    if decimals:
        spoken += ["point", *(_ONES[int(digit)] for digit in decimals.replace(".", ""))]
    return spoken


def _cardinal(value: int) -> list[str]:
    if value < 20:
        return [_ONES[value]]
    if value < 100:
        return [_TENS[value // 10], *([_ONES[value % 10]] if value % 10 else [])]
    for size, name in _SCALES:
        if value >= size:
            rest = value % size
            return [*_cardinal(value // size), name, *(_cardinal(rest) if rest else [])]
    raise AssertionError(value)
