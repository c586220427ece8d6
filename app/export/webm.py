"""A WebM's frame rate as other programs read it.

Matroska (RFC 9559) stores times in whole milliseconds and the length of a frame, *DefaultDuration*, in whole
nanoseconds. Readers built on FFmpeg turn that length into a fraction with terms up to 30000, which most film and video
rates survive (30000/1001 does), but 60000/1001 becomes 19001/317. Without the optional element they go by the times of
the frames and arrive at the exact rate.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

_READABLE_TERM: Final = 30_000
"""Largest numerator that FFmpeg's Matroska reader makes of a DefaultDuration."""
_SEGMENT, _TRACKS, _TRACK_ENTRY = 0x18538067, 0x1654AE6B, 0xAE
_DEFAULT_DURATION, _VOID = 0x23E383, 0xEC
_HEAD_BYTES: Final = 1 << 20


def exact_rate(path: Path, rate: Fraction) -> None:
    """Let readers arrive at ``rate`` exactly, in place; a rate that they read rightly anyway is left alone."""
    if rate.numerator <= _READABLE_TERM:
        return
    with path.open("r+b") as file:
        head = file.read(_HEAD_BYTES)
        for start, length in list(_found(head, (_SEGMENT, _TRACKS, _TRACK_ENTRY, _DEFAULT_DURATION), 0, len(head))):
            file.seek(start)
            # An element that readers skip, of the same length: one byte of name, one of size, the rest empty.
            file.write(bytes([_VOID, 0x80 | (length - 2)]) + bytes(length - 2))


def _found(data: bytes, names: tuple[int, ...], start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Place and length of the elements at the end of a path of names."""
    while start + 2 < stop:
        name, at = _number(data, start, keep_marker=True)
        size, at = _number(data, at, keep_marker=False)
        end = min(at + size, stop)
        if name == names[0]:
            if len(names) == 1:
                yield start, end - start
            else:
                yield from _found(data, names[1:], at, end)
        start = end


def _number(data: bytes, at: int, keep_marker: bool) -> tuple[int, int]:
    """A number of variable length, and where the next byte is; its first set bit tells the length (RFC 8794)."""
    first = data[at]
    length = 9 - first.bit_length()
    value = int.from_bytes(data[at : at + length], "big")
    return (value if keep_marker else value & ((1 << 7 * length) - 1)), at + length
