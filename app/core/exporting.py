"""From a project to files: what is drawn, in which range, with which provenance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.core import project_file, resume
from app.core.cache import content_key, engine_digest
from app.core.project import Phone, Project
from app.core.puppet import hears
from app.core.studio import scaled
from engines import registry
from engines.api import CancelToken, Progress, RenderOptions, no_progress

if TYPE_CHECKING:
    from app.core.studio import Studio
    from app.export import ExportOptions, Take

Draw = Callable[[int, int], Iterator[np.ndarray]]
"""Draws frames from the first to the end (exclusive), counted from the first of the take."""


def export(
    studio: Studio,
    project: Project,
    outputs: list[Path],
    options: ExportOptions | None = None,
    render: RenderOptions | None = None,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> list[Path]:
    """Write the shot to every path in ``outputs``, the format of each by its suffix; resumes where it was killed.

    Nothing is drawn if only curves are asked for. The project's in and out frames limit the range.

    Raises
    ------
    ExportError
        If a file cannot be written; none is then half there.
    Cancelled
        If ``cancel`` was set.
    """
    from app.export import ExportOptions, format_of, write

    options = options or ExportOptions()
    chosen = {path: format_of(path, options) for path in outputs}
    drawn = [path for path, f in chosen.items() if "frames" in f.needs]
    rest = [path for path in chosen if path not in drawn]
    model = any("head" in f.needs or f.kind == "scene" for f in chosen.values())
    ready = scaled(progress, 0.0, 0.1)
    take, draw = make_take(studio, project, bool(drawn), model, render, ready, cancel)
    written: list[Path] = []
    middle = 0.1 if draw is None else 0.1 + 0.9 * 20 / (20 + len(rest))
    if draw is not None:
        key, part = take_key(take, render), scaled(progress, 0.1, middle)
        written += resume.write_drawn(take, draw, drawn, options, key, part, cancel)
    take = replace(take, film=next((path for path in drawn if chosen[path].kind == "video"), None))
    for number, path in enumerate(rest):
        step = (1.0 - middle) / len(rest)
        written += write(take, path, options, scaled(progress, middle + step * number, middle + step), cancel)
    progress(1.0, "Finished")
    return written


def make_take(
    studio: Studio,
    project: Project,
    drawn: bool,
    model: bool,
    render: RenderOptions | None = None,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> tuple[Take, Draw | None]:
    """What `app.export.write` writes, the project's range of the performance with all that goes with it; what draws it.

    Parameters
    ----------
    drawn, model : whether pictures and the textured head are wanted
    """
    from app.export import Take

    options = render or RenderOptions(size=project.size)
    performance = studio.perform(
        project, render=options if drawn else None, progress=scaled(progress, 0.0, 0.8), cancel=cancel
    )
    start, stop = studio.frame_range(project)
    voice = Path(project.voice) if project.voice else None
    speech = studio.analyse(project) if hears(project) else None
    take = Take(
        performance=performance.slice(start, stop),
        rate=performance.rate,
        voice=voice,
        head=studio.textured_head(project) if model else None,
        provenance=provenance(studio, project),
        name=project.name,
        start=start,
        words=_phones(project.speech.words or (speech.words if speech else ())),
        phones=_phones(project.speech.phones or (speech.phones if speech else ())),
        markers=project.markers,
        project=project,
    )
    if not drawn:
        return take, None
    studio.prepare(project, progress=scaled(progress, 0.8, 1.0), cancel=cancel)
    options = replace(options, size=studio.output_size(project, options.size))

    def draw(first: int, end: int) -> Iterator[np.ndarray]:
        # Of the whole performance, so that a frame is the same whatever range it is exported in.
        return studio.frames(project, performance, start + first, start + end, options, cancel)

    return replace(take, size=options.size, frames=lambda: draw(0, stop - start)), draw


def take_key(take: Take, render: RenderOptions | None) -> str:
    """Names everything that decides the pixels of a take."""
    facts = {k: take.provenance.get(k) for k in ("software", "engine", "weights", "portrait", "voice")}
    facts["code"] = engine_digest(registry.info(str(facts["engine"])))
    return content_key(facts, take.performance.digest(), take.rate, take.start, take.size, render)


def provenance(studio: Studio, project: Project) -> dict[str, Any]:
    """What made the result: engine, weights, hash of the project, consent."""
    info = registry.info(project.engine)
    try:
        release = version("soliloquy")
    except PackageNotFoundError:
        release = "unpackaged"
    facts: dict[str, Any] = {
        "software": f"Soliloquy {release}",
        "engine": info.id,
        "engine_licence": info.licence,
        "weights": [n.removeprefix("weights:") for n in info.needs if n.startswith("weights:")],
        "project": content_key(project_file.dumps(project_file.to_data(project.with_(portrait="", voice="")))),
    }
    if project.portrait:
        digest = studio.portrait_digest(project)
        facts["portrait"] = digest
        facts["consent"] = [
            {"who": c.who, "scope": c.scope, "date": c.date, "granted": c.granted}
            # Of the evidence only the name: where it lies is nobody's business.
            | {"evidence": Path(c.evidence).name}
            for c in project.consents
            if c.portrait_digest == digest
        ]
    if project.voice:
        facts["voice"] = studio.voice(project).digest
    return facts


def _phones(items: Any) -> tuple[Phone, ...]:
    """The project's own type of words and phones."""
    return tuple(Phone(p.start_s, p.end_s, p.label, p.confidence) for p in items)
