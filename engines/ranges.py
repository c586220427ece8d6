"""What every engine asks before it draws."""

from __future__ import annotations

from typing import Any

from engines.api import EngineInfo, Performance
from engines.errors import EngineError, InputError


def checked_range(info: EngineInfo, actor: Any, performance: Performance, start: int, stop: int | None) -> int:
    """The end of the frames to draw: ``stop``, or the performance's own.

    Raises
    ------
    EngineError
        When the actor was made by another engine.
    InputError
        When the range lies outside the performance.
    """
    stop = len(performance) if stop is None else stop
    if getattr(actor, "engine_id", None) != info.id:
        raise EngineError("This actor was prepared by another engine. Prepare the portrait again.")
    if not 0 <= start <= stop <= len(performance):
        raise InputError(f"Frames {start} to {stop} lie outside the performance, which has {len(performance)} frames.")
    return stop
