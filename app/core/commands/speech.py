"""What the artist can do to words and phones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

from app.core.project import (
    Phone,
    Project,
)

SpeechRow = Literal["words", "phones"]

MIN_PHONE_S = 0.01
"""A word or phone never gets shorter than this."""


def set_text(project: Project, text: str, language: str | None = None) -> Project:
    """What is said; times edited for another text go."""
    speech = replace(project.speech, text=text, language=language or project.speech.language)
    if speech != project.speech:
        speech = replace(speech, words=(), phones=())
    return project.with_(speech=speech)


def adopt_speech(project: Project, words: Iterable[Phone], phones: Iterable[Phone]) -> Project:
    """Make what the analysis found the artist's own, so that it can be edited; rows already edited stay."""
    speech = project.speech
    return project.with_(
        speech=replace(speech, words=speech.words or tuple(words), phones=speech.phones or tuple(phones))
    )


def _with_row(project: Project, row: SpeechRow, items: Iterable[Phone]) -> Project:
    fields: dict[str, Any] = {row: tuple(items)}
    return project.with_(speech=replace(project.speech, **fields))


def set_label(project: Project, row: SpeechRow, index: int, label: str) -> Project:
    """Another phone or word in the same place, now certain."""
    items = list(getattr(project.speech, row))
    items[index] = replace(items[index], label=label, confidence=1.0)
    return _with_row(project, row, items)


def move_boundary(project: Project, row: SpeechRow, index: int, t_s: float, edge: Literal["start", "end"]) -> Project:
    """Move one edge of a word or phone; a neighbour that touches it follows, and none gets shorter than 10 ms."""
    items = list(getattr(project.speech, row))
    item = items[index]
    if edge == "start":
        before = items[index - 1] if index else None
        touching = before is not None and abs(before.end_s - item.start_s) < 1e-3
        low = 0.0 if before is None else (before.start_s + MIN_PHONE_S if touching else before.end_s)
        t_s = max(low, min(t_s, item.end_s - MIN_PHONE_S))
        items[index] = replace(item, start_s=t_s)
        if touching and before is not None:
            items[index - 1] = replace(before, end_s=t_s)
    else:
        after = items[index + 1] if index + 1 < len(items) else None
        touching = after is not None and abs(after.start_s - item.end_s) < 1e-3
        high = float("inf") if after is None else (after.end_s - MIN_PHONE_S if touching else after.start_s)
        t_s = min(high, max(t_s, item.start_s + MIN_PHONE_S))
        items[index] = replace(item, end_s=t_s)
        if touching and after is not None:
            items[index + 1] = replace(after, start_s=t_s)
    return _with_row(project, row, items)


def split_speech(project: Project, row: SpeechRow, index: int, t_s: float, labels: tuple[str, str]) -> Project:
    """Cut a word or phone in two at ``t_s``."""
    items = list(getattr(project.speech, row))
    item = items[index]
    if not item.start_s + MIN_PHONE_S <= t_s <= item.end_s - MIN_PHONE_S:
        return project
    items[index : index + 1] = [
        replace(item, end_s=t_s, label=labels[0], confidence=1.0),
        replace(item, start_s=t_s, label=labels[1], confidence=1.0),
    ]
    return _with_row(project, row, items)


def insert_speech(project: Project, row: SpeechRow, item: Phone) -> Project:
    """Put a word or phone in a free place, in time order."""
    items = sorted([*getattr(project.speech, row), item], key=lambda p: p.start_s)
    return _with_row(project, row, items)


def delete_speech(project: Project, row: SpeechRow, indices: Iterable[int]) -> Project:
    """Remove words or phones; the gap is silence."""
    chosen = set(indices)
    return _with_row(project, row, (p for i, p in enumerate(getattr(project.speech, row)) if i not in chosen))
