"""Teaching a portrait from footage, from start to end: what lies in its folder, and what that is worth."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from PIL import Image

from engines.api import CancelToken, EngineInfo, Progress, no_progress
from engines.capture.footage import MANIFEST, Footage, load_footage
from engines.disentangled.engine import DisentangledEngine
from engines.disentangled.footage import FILE, figures, learn, save, see
from engines.errors import InputError
from engines.face.portrait import load_portrait
from engines.teaching.footage import calmest

PORTRAIT: Final = "portrait.png"
_FOOTAGE: Final = "footage"
_SIZE: Final = 512


def teach_from(
    source: Path,
    folder: Path,
    info: EngineInfo,
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> tuple[list[Path], dict[str, float]]:
    """Choose a portrait out of footage and learn from the rest of it how that face looks when it moves.

    Parameters
    ----------
    source : a video, or a folder of footage (`engines.capture.footage`)
    folder : takes the portrait, what was learnt, and, of a video, its footage
    info : of the engine

    Returns
    -------
    the portrait and what was learnt; `engines.disentangled.footage.figures`

    Raises
    ------
    InputError
        If there is too little footage, or its person's face cannot be used.
    """
    footage = _footage(source, folder, lambda p, what: progress(0.5 * p, what), cancel)
    chosen = calmest(footage)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / PORTRAIT
    (folder / FILE).unlink(missing_ok=True)
    Image.fromarray(chosen[0].frame(chosen[1])).save(path)
    portrait = load_portrait(path)
    engine = DisentangledEngine(info)
    actor = engine.prepare(portrait, progress=lambda p, what: progress(0.5 + 0.1 * p, what), cancel=cancel)
    moments = see(actor, footage, chosen, progress=lambda p, what: progress(0.6 + 0.38 * p, what), cancel=cancel)
    progress(0.98, "Learning what the frames show")
    seen = learn(actor, moments)
    told = figures(actor, moments, seen)
    return [path, save(folder, portrait, seen, told)], told


def _footage(source: Path, folder: Path, progress: Progress, cancel: CancelToken | None) -> Footage:
    if source.is_dir():
        return load_footage(source)
    from engines.capture.footage_make import Wanted, make_footage

    if not source.is_file():
        raise InputError(f"There is no file {source}.")
    place = folder / _FOOTAGE
    if (place / MANIFEST).is_file():
        raise InputError(f"{folder} holds footage already. Give {place} instead of the video, or another folder.")
    shutil.rmtree(place, ignore_errors=True)
    wanted = Wanted(size=_SIZE, layout="fixed", silent=True)
    return make_footage([source], place, wanted, progress=progress, cancel=cancel)
