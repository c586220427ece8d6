"""Words and phones from and to subtitle files and Praat TextGrids."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from app.core.folders import write_atomic
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
    for (begin, name), (stop, _) in zip(starts, [*starts[1:], (len(text), "")], strict=True):
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


def write(path: Path, words: Sequence[Phone], phones: Sequence[Phone], duration_s: float) -> None:
    """Words as SRT (one cue a phrase) or words and phones as TextGrid, by the file's ending.

    Raises
    ------
    ProjectError
        If it cannot be written.
    """
    if path.suffix.lower() == ".textgrid":
        write_atomic(path, _grid(words, phones, duration_s))
    else:
        write_atomic(path, _srt(words))


def phrases(words: Sequence[Phone], pause_s: float = 0.35, longest: int = 8) -> list[tuple[Phone, ...]]:
    """Words in groups that end at pauses or after ``longest`` words."""
    groups: list[list[Phone]] = []
    for word in words:
        if groups and len(groups[-1]) < longest and word.start_s - groups[-1][-1].end_s < pause_s:
            groups[-1].append(word)
        else:
            groups.append([word])
    return [tuple(group) for group in groups]


def _clock(seconds: float) -> str:
    whole = round(seconds * 1000)
    return f"{whole // 3600000:02d}:{whole // 60000 % 60:02d}:{whole // 1000 % 60:02d},{whole % 1000:03d}"


def _srt(words: Sequence[Phone]) -> str:
    blocks = []
    for number, group in enumerate(phrases(words), 1):
        line = " ".join(word.label for word in group)
        blocks.append(f"{number}\n{_clock(group[0].start_s)} --> {_clock(group[-1].end_s)}\n{line}\n")
    return "\n".join(blocks)


def _grid(words: Sequence[Phone], phones: Sequence[Phone], duration_s: float) -> str:
    end = max([duration_s, *(p.end_s for p in (*words, *phones))])
    lines = [
        'File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end:.6f}",
        "tiers? <exists>", "size = 2", "item []:",
    ]  # fmt: skip
    for number, (name, segments) in enumerate((("words", words), ("phones", phones)), 1):
        filled = _filled(segments, end)
        lines += [
            f"    item [{number}]:", '        class = "IntervalTier"', f'        name = "{name}"', "        xmin = 0",
            f"        xmax = {end:.6f}", f"        intervals: size = {len(filled)}",
        ]  # fmt: skip
        for i, segment in enumerate(filled, 1):
            label = segment.label.replace('"', '""')
            lines += [
                f"        intervals [{i}]:", f"            xmin = {segment.start_s:.6f}",
                f"            xmax = {segment.end_s:.6f}", f'            text = "{label}"',
            ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _filled(segments: Sequence[Phone], end: float) -> list[Phone]:
    """Segments with empty ones in the gaps, as interval tiers need."""
    result: list[Phone] = []
    at = 0.0
    for segment in segments:
        if segment.start_s > at + 1e-4:
            result.append(Phone(at, segment.start_s, ""))
        result.append(segment)
        at = segment.end_s
    if end > at + 1e-4 or not result:
        result.append(Phone(at, end, ""))
    return result
