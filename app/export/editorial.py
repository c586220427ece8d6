"""Words, phones and markers for editors and phoneticians: SRT, TextGrid, OpenTimelineIO and EDL."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from app.core.project import Marker, Phone
from app.export.files import atomic, write_bytes
from app.export.options import ExportOptions
from app.export.take import Take
from engines.api import CancelToken, Progress
from engines.timebase import timecode

_LINE_LETTERS: Final = 42
_LINE_PAUSE_S: Final = 0.6
_OTIO_COLORS: Final = {
    "RED",
    "PINK",
    "ORANGE",
    "YELLOW",
    "GREEN",
    "CYAN",
    "BLUE",
    "PURPLE",
    "MAGENTA",
    "BLACK",
    "WHITE",
}


def _span(take: Take) -> tuple[float, float]:
    """Seconds of the recording that the take covers."""
    return float(take.start / take.rate), float((take.start + len(take)) / take.rate)


def inside(items: Sequence[Phone], start_s: float, end_s: float) -> list[Phone]:
    """The words or phones of a range, cut to it and timed from its start, in order and without overlap."""
    result: list[Phone] = []
    for item in sorted(items, key=lambda p: p.start_s):
        begin, end = max(item.start_s, start_s) - start_s, min(item.end_s, end_s) - start_s
        if result:
            begin = max(begin, result[-1].end_s)
        if end > begin:
            result.append(dataclasses.replace(item, start_s=begin, end_s=end))
    return result


def _srt_time(t_s: float) -> str:
    thousandths = round(t_s * 1000)
    seconds, rest = divmod(thousandths, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d},{rest:03d}"


def captions(words: Sequence[Phone]) -> list[Phone]:
    """Words joined into lines: a new one after a pause or a sentence's end; longer runs in lines of like length."""
    runs: list[list[Phone]] = []
    for word in words:
        last = runs[-1][-1] if runs else None
        if last is None or word.start_s - last.end_s > _LINE_PAUSE_S or last.label[-1:] in ".!?。！？":
            runs.append([word])
        else:
            runs[-1].append(word)
    return [line for run in runs for line in _balanced(run)]


def _balanced(words: Sequence[Phone]) -> list[Phone]:
    """A run of words in as few lines as possible, none of which is left with a single short word."""
    fewest = len(_filled(words, _LINE_LETTERS))
    letters = sum(len(word.label) + 1 for word in words)
    limits = range(letters // fewest, _LINE_LETTERS)
    return next((lines for n in limits if len(lines := _filled(words, n)) == fewest), _filled(words, _LINE_LETTERS))


def _filled(words: Sequence[Phone], letters: int) -> list[Phone]:
    """Words joined into lines of at most so many letters."""
    lines: list[Phone] = []
    for word in words:
        last = lines[-1] if lines else None
        if last is None or len(last.label) + 1 + len(word.label) > letters:
            lines.append(word)
        else:
            lines[-1] = dataclasses.replace(last, end_s=word.end_s, label=f"{last.label} {word.label}")
    return lines


def write_srt(take: Take, path: Path, options: ExportOptions, progress: Progress, cancel: CancelToken) -> list[Path]:
    """Write the words as subtitles, timed from the start of the take."""
    lines = captions(inside(take.words, *_span(take)))
    blocks = [
        f"{i}\n{_srt_time(line.start_s)} --> {_srt_time(line.end_s)}\n{' '.join(line.label.split())}\n"
        for i, line in enumerate(lines, 1)
    ]
    return write_bytes(path, "\n".join(blocks).encode())


def _tier(number: int, name: str, items: Sequence[Phone], length_s: float) -> list[str]:
    """One IntervalTier; empty intervals fill the gaps, as Praat wants."""
    intervals: list[tuple[float, float, str]] = []
    at = 0.0
    for item in items:
        if item.start_s > at + 1e-9:
            intervals.append((at, item.start_s, ""))
        intervals.append((max(item.start_s, at), item.end_s, item.label))
        at = item.end_s
    if at < length_s - 1e-9 or not intervals:
        intervals.append((at, length_s, ""))
    lines = [
        f"    item [{number}]:",
        '        class = "IntervalTier"',
        f'        name = "{name}"',
        "        xmin = 0",
        f"        xmax = {length_s:.9g}",
        f"        intervals: size = {len(intervals)}",
    ]
    for i, (start, end, label) in enumerate(intervals, 1):
        text = label.replace('"', '""')
        lines += [
            f"        intervals [{i}]:",
            f"            xmin = {start:.9g}",
            f"            xmax = {end:.9g}",
            f'            text = "{text}"',
        ]
    return lines


def write_textgrid(
    take: Take, path: Path, options: ExportOptions, progress: Progress, cancel: CancelToken
) -> list[Path]:
    """Write words and phones as Praat's TextGrid, timed from the start of the take."""
    start, end = _span(take)
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end - start:.9g}"]
    lines += ["tiers? <exists>", "size = 2", "item []:"]
    for number, (name, items) in enumerate((("words", take.words), ("phones", take.phones)), 1):
        lines += _tier(number, name, inside(items, start, end), end - start)
    return write_bytes(path, ("\n".join(lines) + "\n").encode())


def _markers(take: Take) -> list[Marker]:
    """The markers of the range, counted from its first frame."""
    shown = [m for m in take.markers if take.start <= m.frame < take.start + len(take)]
    return [dataclasses.replace(m, frame=m.frame - take.start) for m in sorted(shown, key=lambda m: m.frame)]


def write_edl(take: Take, path: Path, options: ExportOptions, progress: Progress, cancel: CancelToken) -> list[Path]:
    """Write one CMX 3600 event for the take, with its markers as locators; it names the video written beside."""
    base, first = round(take.rate), _first_of_film(take)
    source = [timecode(first, take.rate), timecode(first + len(take), take.rate)]
    hour = 3600 * base
    record = [timecode(hour, take.rate), timecode(hour + len(take), take.rate)]
    name = take.project.name if take.project is not None else take.name
    lines = [f"TITLE: {_one_line(name)}", "FCM: NON-DROP FRAME", ""]
    lines.append(f"001  AX       AA/V  C        {' '.join(source)} {' '.join(record)}")
    clip = take.name if take.film is None else take.film.name
    lines.append(f"* FROM CLIP NAME: {_one_line(clip)}")
    for marker in _markers(take):
        code = timecode(hour + marker.frame, take.rate)
        lines.append(f"* LOC: {code} {_color(marker.color):<7} {_one_line(marker.name)}")
    return write_bytes(path, ("\n".join(lines) + "\n").encode())


def _first_of_film(take: Take) -> int:
    """Number of the first frame in the clip's own count: QuickTime carries the take's timecode, other videos none."""
    return take.start if take.film is None or take.film.suffix.lower() == ".mov" else 0


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _color(name: str) -> str:
    return name.upper() if name.upper() in _OTIO_COLORS else "BLUE"


def write_otio(take: Take, path: Path, options: ExportOptions, progress: Progress, cancel: CancelToken) -> list[Path]:
    """Write the take as a timeline: picture and voice tracks, one track for each kind of clip, markers, metadata.

    The picture is the video written beside, or the portrait where there is none.
    """
    import opentimelineio as otio

    rate = float(take.rate)

    def span(start: int, count: int) -> Any:
        return otio.opentime.TimeRange(otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(count, rate))

    facts = json.loads(take.provenance_json())
    exact = f"{take.rate.numerator}/{take.rate.denominator}"
    name = take.project.name if take.project is not None else take.name
    timeline = otio.schema.Timeline(name=name, metadata={"soliloquy": {"rate": exact, "provenance": facts}})
    timeline.global_start_time = otio.opentime.RationalTime(take.start, rate)

    def track(title: str, kind: str) -> Any:
        made = otio.schema.Track(name=title, kind=kind)
        timeline.tracks.append(made)
        return made

    def reference(file: str | Path | None, available: Any) -> Any:
        if not file:
            return otio.schema.MissingReference()
        return otio.schema.ExternalReference(Path(file).resolve().as_uri(), available)

    kinds = otio.schema.TrackKind
    portrait = take.project.portrait if take.project is not None else None
    first, whole = _first_of_film(take), span(0, take.start + len(take))
    shown = span(first, len(take))
    media = reference(portrait, whole) if take.film is None else reference(take.film, shown)
    picture = otio.schema.Clip(take.name, media, shown)
    track("Picture", kinds.Video).append(picture)
    if take.voice is not None:
        voice = otio.schema.Clip(take.voice.name, reference(take.voice, whole), span(take.start, len(take)))
        track("Voice", kinds.Audio).append(voice)
    for marker in _markers(take):
        picture.markers.append(otio.schema.Marker(marker.name, span(first + marker.frame, 1), _color(marker.color)))
    for title, clips in _direction(take):
        target, at = track(title, kinds.Video), 0
        target.enabled = False
        for start, end, label, metadata in clips:
            if start > at:
                target.append(otio.schema.Gap(source_range=span(0, start - at)))
            clip = otio.schema.Clip(
                label, otio.schema.MissingReference(), span(0, end - start), {"soliloquy": metadata}
            )
            target.append(clip)
            at = end
    with atomic(path) as temporary:
        temporary.write_text(otio.adapters.write_to_string(timeline, "otio_json"), encoding="utf-8")
    return [path]


_Clips = list[tuple[int, int, str, dict[str, Any]]]


def _direction(take: Take) -> list[tuple[str, _Clips]]:
    """Emotion and style clips and words of the range in frames; overlapping clips go to tracks of their own."""
    kinds: dict[str, _Clips] = {"Words": []}
    rate = take.rate
    for word in inside(take.words, *_span(take)):
        start = round(Fraction(word.start_s) * rate)
        end = max(round(Fraction(word.end_s) * rate), start + 1)
        kinds["Words"].append((start, end, word.label, {"confidence": word.confidence}))
    if take.project is not None:
        for title, attribute, clips in (
            ("Emotion", "emotion", take.project.emotions),
            ("Style", "style", take.project.styles),
        ):
            rows: _Clips = []
            for clip in clips:
                start = max(clip.start - take.start, 0)
                end = min(clip.end - take.start if clip.end is not None else len(take), len(take))
                if end > start:
                    rows.append((start, end, str(getattr(clip, attribute)), dataclasses.asdict(clip)))
            kinds[title] = rows
    return [(title, layer) for title, rows in kinds.items() for layer in _layers(rows)]


def _layers(rows: _Clips) -> list[_Clips]:
    """Clips spread over as few tracks as they need not to overlap."""
    layers: list[_Clips] = []
    for row in sorted(rows, key=lambda r: r[0]):
        layer = next((x for x in layers if x[-1][1] <= row[0]), None)
        if layer is None:
            layers.append([row])
        else:
            layer.append(row)
    return layers
