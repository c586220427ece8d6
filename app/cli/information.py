"""The commands that tell something: analyse, inspect, engines, presets."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from app.cli.report import Report
from app.core import consent, own_head, project_file
from app.core import presets as preset_store
from app.core.folders import write_atomic
from app.core.project import Project, Speech
from engines.api import CancelToken
from engines.errors import InputError, StudioError


def analyse(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy analyse``."""
    from app.cli.render import _text
    from app.core.studio import Studio

    speech = Speech(text=_text(options.text), language=options.language)
    project = Project(voice=str(options.voice.absolute()), speech=speech)
    found = Studio().analyse(project, progress=report.progress, cancel=cancel)
    for warning in found.warnings:
        report.note(warning)
    facts = {
        "duration_s": round(found.duration_s, 3),
        "text": found.text,
        "language": found.language,
        "source": found.source,
        "words": [asdict(w) for w in found.words],
        "phones": [asdict(p) for p in found.phones],
        "pauses": [[p.start_s, p.end_s] for p in found.pauses],
        "accents": [asdict(a) for a in found.accents],
    }
    if options.output is not None:
        write_atomic(options.output, project_file.dumps(facts))
        return [options.output]
    print(project_file.dumps(facts), end="")
    return []


def inspect(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy inspect``."""
    found = [describe(path) for path in options.files]
    if options.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return []
    for facts in found:
        print(facts.pop("file"))
        for name, value in facts.items():
            print(f"  {name.replace('_', ' '):<14} {value}")
    return []


def describe(path: Path) -> dict[str, Any]:
    """What a file is to Soliloquy.

    Raises
    ------
    InputError
        If it is none of the things it can use; the message says why.
    """
    from app.cli.render import CURVES

    if not path.exists():
        raise InputError(f"There is no file {path}. Check the path.")
    facts: dict[str, Any] = {"file": str(path)}
    suffix = path.suffix.lower()
    if suffix == project_file.SUFFIX:
        project = project_file.load(path)
        missing = [str(p) for p in project_file.missing_media(project).values()]
        return facts | {
            "kind": "project", "name": project.name, "portrait": project.portrait, "voice": project.voice,
            "engine": project.engine, "rate": project.rate, "emotions": len(project.emotions),
            "styles": len(project.styles), "curves": len(project.curves),
            "consent": "; ".join(map(consent.describe, project.consents)) or "no record",
            "missing": ", ".join(missing) or "nothing",
        }  # fmt: skip
    if own_head.is_head(path) and own_head.meant_as_head(path, has_portrait=True):
        from app.export import read_head

        head = read_head(path)
        return facts | {
            "kind": "head", "vertices": len(head.vertices), "arkit_units": int(head.units.any((1, 2)).sum()),
            "texture": "none" if head.texture is None else f"{head.texture.shape[1]} x {head.texture.shape[0]}",
        }  # fmt: skip
    if suffix in CURVES:
        from app.export import read_curves

        motion = read_curves(path)
        moving = int((np.ptp(motion.weights, axis=0) > 1e-3).sum())
        return facts | {
            "kind": "curves", "frames": len(motion), "rate": str(motion.rate), "moving_units": moving,
            "head_moves": bool(np.ptp(motion.head) > 1e-3),
        }  # fmt: skip
    if suffix in (".mp4", ".m4v", ".mov", ".webm"):
        from app.export.provenance import inspect as origin

        return facts | {"kind": "video", **origin(path)}
    try:
        from PIL import Image

        with Image.open(path):
            return facts | describe_portrait(path)
    except (OSError, Image.DecompressionBombError):
        pass
    from engines.speech.audio import load_voice

    voice = load_voice(path)
    return facts | {
        "kind": "voice", "duration_s": round(voice.duration_s, 3), "sample_rate": voice.sample_rate,
        "channels": voice.channels,
    }  # fmt: skip


def describe_portrait(path: Path) -> dict[str, Any]:
    """Size and faces of a picture."""
    from engines.face.landmarks import detect_faces
    from engines.face.portrait import load_portrait

    portrait = load_portrait(path)
    height, width = portrait.rgb.shape[:2]
    try:
        faces = len(detect_faces(portrait.rgb))
    except StudioError:
        faces = 0
    return {"kind": "portrait", "size": f"{width} x {height}", "alpha": portrait.alpha is not None, "faces": faces}


def engines(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy engines``."""
    from engines import registry

    infos = registry.engines()
    if options.json:
        print(json.dumps([{**asdict(i), "honours": sorted(i.honours)} for i in infos.values()], indent=2))
        return []
    for info in infos.values():
        default = " (default)" if info.id == registry.DEFAULT else ""
        print(f"{info.id}{default}: {info.name}\n  {info.summary}")
        print(f"  honours  {', '.join(sorted(info.honours))}")
        if info.needs:
            print(f"  needs    {', '.join(n.replace('weights:', 'weights ') for n in info.needs)}")
        print(f"  licence  {info.licence}")
    return []


def presets(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy presets``."""
    if options.install is not None:
        if options.kind is None:
            raise ValueError("say what kind of preset it is: soliloquy presets KIND --install FILE")
        print(preset_store.install(options.kind, options.install))
        return []
    if options.id is not None:
        print(preset_store.dumps(preset_store.load(options.kind, options.id)), end="")
        return []
    for kind in [options.kind] if options.kind else list(preset_store.KINDS):
        print(kind)
        for preset_id, preset in preset_store.load_all(kind).items():
            print(f"  {preset_id:<18} {preset.summary}")
    return []


def weights(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy weights``."""
    from engines import weights as store

    if options.action == "import":
        if options.path.startswith("hub:"):
            owner, name, *file = options.path.removeprefix("hub:").split("/")
            if not file:
                raise ValueError("write hub:OWNER/NAME/FILE")
            found = [store.import_hub(f"{owner}/{name}", "/".join(file), options.entry, report.progress, cancel)]
        else:
            found = store.import_path(Path(options.path), options.entry, report.progress, cancel)
    elif options.action == "verify":
        chosen = [options.entry] if options.entry else [s.entry.id for s in store.statuses() if s.state != "missing"]
        found = [store.verify(entry_id, report.progress, cancel) for entry_id in chosen]
    elif options.action == "remove":
        store.remove(options.entry)
        found = [store.status(options.entry)]
    else:
        found = store.statuses()
    for line in store.table(found):
        print(line)
    return []
