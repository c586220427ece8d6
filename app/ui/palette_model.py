"""Which commands fit what was typed, best first. No Qt."""

from __future__ import annotations

from collections.abc import Mapping


def score(query: str, text: str) -> float | None:
    """How well ``query`` fits ``text``; None if its letters do not occur in order.

    Words that begin with what was typed count most, letters in a row more than scattered ones.
    """
    wanted, where = query.casefold().replace(" ", ""), text.casefold()
    if not wanted:
        return 0.0
    if all(any(word.startswith(part) for word in where.replace(":", " ").split()) for part in query.casefold().split()):
        return 100.0 - len(text) / 100
    at, total, previous = 0, 0.0, -2
    for letter in wanted:
        found = where.find(letter, at)
        if found < 0:
            return None
        starts_word = found == 0 or not where[found - 1].isalnum()
        total += 3.0 if starts_word else 1.5 if found == previous + 1 else 0.2
        previous, at = found, found + 1
    return total - len(text) / 100


def rank(query: str, names: Mapping[str, str]) -> list[str]:
    """Ids of ``names`` whose text fits, best first; in the given order for an empty query."""
    scores = {key: score(query, text) for key, text in names.items()}
    fitting = [(value, key) for key, value in scores.items() if value is not None]
    return [key for _, key in sorted(fitting, key=lambda entry: -entry[0])]
