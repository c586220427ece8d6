"""Voices and videos that an engine reads itself, beside the performance that all engines draw."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from app.core.cache import code_digest, content_key, engine_digest
from app.core.project import Project
from engines import registry, weights
from engines.api import CancelToken, Performance, Progress, no_progress

if TYPE_CHECKING:
    from app.core.cache import DiskCache
    from engines.speech.audio import Voice


def driven(
    engine: Any,
    project: Project,
    actor: Any,
    performance: Performance,
    voice: Callable[[], Voice],
    video: Path | None,
    stamp: Any,
    cache: DiskCache,
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Performance:
    """The performance with what the project's engine reads from voice and video in its ``extras``; kept on disk.

    Parameters
    ----------
    voice : opens the project's voice
    video : the footage that the project's motion comes from, if it does
    stamp : changes when that file does
    """
    info = registry.info(project.engine)
    heard = voice() if "voice" in info.sources and project.voice else None
    video = video if "video" in info.sources else None
    if heard is None and video is None:
        return performance
    count, rate = len(performance), performance.rate
    brought = [found.sha256 for found in weights.statuses()]
    key = content_key(
        actor.digest,
        heard.digest if heard else "",
        stamp if video else "",
        rate,
        count,
        brought,
        engine_digest(info),
        code_digest("engines.capture"),
    )
    values: dict[str, np.ndarray] | None = None
    if (path := cache.get("sources", key, ".npz")) is not None:
        with (
            contextlib.suppress(OSError, ValueError, KeyError, BadZipFile),
            path.open("rb") as file,
            np.load(file, allow_pickle=False) as data,
        ):
            values = {name: data[name] for name in data.files}
    if values is None:
        values = engine.sources(actor, heard, video, rate, count, progress=progress, cancel=cancel)

        def save(path: Path) -> None:
            with path.open("wb") as file:
                np.savez(file, **values)

        cache.put("sources", key, save, ".npz")
    read = {name: np.stack([np.zeros(count, np.float32), column], 1) for name, column in values.items()}
    return performance.with_(extras={**performance.extras, **read})
