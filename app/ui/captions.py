"""Words and phones from subtitle files and Praat TextGrids; writing them is `app.export`'s work."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from app.core.project import Phone
from engines.errors import InputError

_TIME = r"(?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
_CUE = re.compile(rf"{_TIME}\s*-->\s*{_TIME}")
_INTERVAL = re.compile(r'xmin\s*=\s*([\d.eE+-]+)\s*xmax\s*=\s*([\d.eE+-]+)\s*text\s*=\s*"((?:[^"]|"")*)"', re.DOTALL)
_TIER = re.compile(r'name\s*=\s*"([^"]*)"')
Rows = tuple[tuple[Phone, ...], tuple[Phone, ...]]


def read(path: Path) -> Rows:
    """Words and phones of an SRT, VTT or TextGrid file.

    A cue of several words is divided by the length of the words, since subtitles time lines, not words.

    Raises
    ------
    InputError
        If the file cannot be read or holds no words.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", errors="replace")
    words, phones = _read_grid(text) if path.suffix.lower() == ".textgrid" else (_read_cues(text), ())
    if not words and not phones:
        raise InputError(f"{path} holds no words. Use an SRT, VTT or TextGrid file with times.")
    return words, phones


def _seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")


def _read_cues(text: str) -> tuple[Phone, ...]:
    words: list[Phone] = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        found = _CUE.search(block)
        if found is None:
            continue
        start, end = _seconds(found.groups()[:4]), _seconds(found.groups()[4:])
        said = re.sub(r"<[^>]*>", "", block[found.end() :]).split()
        weights = [len(word) + 1 for word in said]
        at = start
        for word, weight in zip(said, weights, strict=True):
            length = (end - start) * weight / sum(weights)
            words.append(Phone(round(at, 4), round(at + length, 4), word))
            at += length
    return tuple(words)


def _read_grid(text: str) -> Rows:
    tiers: dict[str, tuple[Phone, ...]] = {}
    starts = [(m.start(), m.group(1).lower()) for m in _TIER.finditer(text)]
    stops = [begin for begin, _ in starts[1:]] + [len(text)]
    for (begin, name), stop in zip(starts, stops, strict=False):
        intervals = _INTERVAL.findall(text[begin:stop])
        tiers[name] = tuple(
            Phone(float(a), float(b), label.replace('""', '"').strip()) for a, b, label in intervals if label.strip()
        )
    words = next((tier for name, tier in tiers.items() if "word" in name), ())
    phones = next((tier for name, tier in tiers.items() if "phone" in name or "seg" in name), ())
    if not words and not phones and tiers:
        words = next(iter(tiers.values()))
    upper = tuple(Phone(p.start_s, p.end_s, p.label.upper().rstrip("012")) for p in phones)
    return words, upper
