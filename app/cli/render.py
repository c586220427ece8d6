"""The commands that make something: render, demo, preview, convert, init."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.cli import direction
from app.cli.report import Report
from app.core import commands, consent, own_presets, presets, project_file
from app.core.project import Project
from app.core.puppet import hears
from app.core.safety import save_project
from engines.api import CancelToken, RenderOptions
from engines.errors import ExportError, InputError
from engines.timebase import parse_rate

if TYPE_CHECKING:
    from app.core.studio import Studio
    from app.export import ExportOptions

CURVES = (".csv", ".npz", ".fbx", ".glb", ".gltf", ".json", ".usd", ".usda", ".usdc", ".usdz")
DEMO = Path(__file__).resolve().parents[2] / "assets" / "demo" / "demo.soliloquy"


def render(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy render``."""
    from app.core.studio import Studio

    check_outputs(options.output)
    studio = Studio()
    project = consented(project_of(options), options, report, studio)
    if options.save_project is not None:
        save_project(project, options.save_project)
    return export(project, options.output, options, report, cancel, studio)


def consented(project: Project, options: argparse.Namespace, report: Report, studio: Studio) -> Project:
    """The project with the record that ``--consent`` gives; without any, one line says how to give it."""
    if options.consent is None:
        if options.consent_evidence is not None:
            raise ValueError('--consent-evidence proves a consent: give it too, as in --consent "Ann Lee: has agreed"')
        if (
            options.progress == "bar"
            and consent.shows_person(options.output, export_options(options))
            and consent.unasked(studio, project)
        ):
            report.note('Nobody\'s consent is on record for this portrait; --consent "WHO: SCOPE" records it.')
        return project
    who, scope = consent.parse(options.consent)
    evidence = "" if options.consent_evidence is None else str(options.consent_evidence)
    return commands.record_consent(project, consent.granted(studio.portrait_digest(project), who, scope, evidence))


def demo(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy demo``: the portrait and the voice that Soliloquy made itself."""
    project = apply_drawing(project_file.load(DEMO), options)
    outputs = options.output or [Path("demo.mp4"), Path("demo.fbx"), Path("demo.csv")]
    return export(project, outputs, options, report, cancel)


def check_outputs(outputs: list[Path]) -> None:
    """Refuse folders where files are expected."""
    for path in outputs:
        if path.is_dir():
            raise ExportError(f"{path} is a folder. Give the name of a file, such as {path / 'talk.mp4'}.")


def export(
    project: Project, outputs: list[Path], options: argparse.Namespace, report: Report, cancel: CancelToken,
    studio: Studio | None = None,
) -> list[Path]:  # fmt: skip
    """Write a project's shot to files."""
    from app.core.studio import Studio, scaled
    from app.export import format_of
    from app.export.codecs import hardware_note

    check_outputs(outputs)
    chosen = export_options(options)
    for path in outputs:
        format_of(path, chosen)
    studio = studio or Studio()
    project = sized(project, studio)
    settings = RenderOptions(size=project.size, alpha=getattr(options, "alpha", False), device=options.device)
    for path in outputs:
        if (kind := format_of(path, chosen)).kind == "video" and chosen.hardware:
            report.note(hardware_note(kind.id, chosen, studio.output_size(project, project.size)))
    if hears(project):
        drawn = any("frames" in format_of(path, chosen).needs for path in outputs)
        heard = scaled(report.progress, 0.0, 0.1)
        studio.perform(project, render=settings if drawn else None, progress=heard, cancel=cancel)
        for warning in studio.analyse(project).warnings:
            report.note(warning)
    return studio.export(
        project, outputs, options=chosen, render=settings, progress=scaled(report.progress, 0.1, 1.0), cancel=cancel
    )


def export_options(options: argparse.Namespace) -> ExportOptions:
    """The choices about the files, from a preset and from options."""
    from app.export import ExportOptions

    values: dict[str, Any] = {}
    preset_id = getattr(options, "preset", None)
    if preset_id:
        preset = presets.export_preset(preset_id)
        values.update(preset.options)
        options.alpha = options.alpha or preset.alpha
    for name in ("quality", "codec", "names"):
        if getattr(options, name, None) is not None:
            values[name] = getattr(options, name)
    if getattr(options, "no_sign", False):
        values["sign"] = False
    values |= ExportOptions.parse(getattr(options, "option", None) or ())
    return ExportOptions.from_dict(values)


def preview(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy preview``: single frames side by side."""
    from PIL import Image

    from app.core.studio import Studio

    project = project_of(options)
    studio = Studio()
    project = sized(project if project.size else project.with_(size=(0, 512)), studio)
    performance = studio.perform(project, progress=report.progress, cancel=cancel)
    if options.strip:
        at = np.linspace(0, len(performance) - 1, max(1, options.strip)).round().astype(int).tolist()
    else:
        rate = parse_rate(project.rate)
        seconds = [float(part) for part in options.at.split(",")]
        at = [min(round(s * rate), len(performance) - 1) for s in seconds]
    settings = RenderOptions(size=project.size, device=options.device)
    pictures = []
    for number, frame in enumerate(at):
        cancel.check()
        pictures += list(studio.frames(project, performance, frame, frame + 1, settings, cancel))
        report.progress((number + 1) / len(at), "Drawing")
    columns = max(1, round(len(pictures) ** 0.5)) if options.strip and len(pictures) > 6 else len(pictures)
    blank = [np.zeros_like(pictures[0])] * (-len(pictures) % columns)
    rows = [np.hstack((pictures + blank)[i : i + columns]) for i in range(0, len(pictures), columns)]
    try:
        Image.fromarray(np.vstack(rows)).save(options.output)
    except (OSError, ValueError) as error:
        raise ExportError(f"{options.output} could not be written: {error}.") from error
    return [options.output]


def convert(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy convert``."""
    from app.core.media import VIDEOS
    from app.core.studio import Studio
    from app.export import Take, read_curves, write

    chosen = export_options(options)
    watch: dict[str, Any] = {"progress": report.progress, "cancel": cancel}
    if options.input.suffix.lower() in VIDEOS:
        motion = Studio().imported(Project(performance=str(options.input.absolute())), **watch)
        assert motion is not None
        performance = motion
    else:
        performance = read_curves(options.input, chosen)
    rate = parse_rate(options.fps) if options.fps else performance.rate
    written: list[Path] = []
    for number, path in enumerate(options.output):
        take = Take(performance=performance, rate=rate, name=options.input.stem, head=_head_for(path))
        report.progress(number / len(options.output), f"Writing {path.name}")
        written += write(take, path, replace(chosen), report.progress, cancel)
    return written


def _head_for(path: Path) -> Any:
    """The average head, for formats that carry a mesh."""
    from app.export import format_of

    if format_of(path).kind != "scene":
        return None
    from engines.rig.head import load_head

    return load_head().mesh


def init(options: argparse.Namespace, report: Report, cancel: CancelToken) -> list[Path]:
    """``soliloquy init``."""
    path = options.file
    if path.suffix != project_file.SUFFIX:
        path = path.with_name(path.name + project_file.SUFFIX)
    if path.exists() and not options.force:
        raise InputError(f"{path} exists already. Choose another name, or replace it with --force.")
    options.project, options.face = None, None
    project = project_of(options, complete=False)
    from app.core.studio import Studio

    save_project(sized(project.with_(name=path.stem), Studio()), path)
    return [path]


def sized(project: Project, studio: Studio) -> Project:
    """The project with a size that was given by one side completed by the portrait's shape."""
    if project.size is None or 0 not in project.size:
        return project
    if not project.portrait:
        raise InputError("A size with one side needs a portrait. Give it as WIDTHxHEIGHT.")
    return project.with_(size=studio.output_size(project, project.size))


def project_of(options: argparse.Namespace, complete: bool = True) -> Project:
    """The project that the options describe, on top of ``--project``.

    Parameters
    ----------
    complete : ask for what a render needs
    """
    project = project_file.load(options.project) if options.project else Project()
    if options.project:
        own_presets.arrive(project, options.project.absolute().parent)
    if options.portrait is not None and options.voice is None and options.project and not project.voice:
        raise InputError("Give the voice too: soliloquy render PORTRAIT VOICE -o OUT.")
    if options.portrait is not None:
        project = commands.set_portrait(project, str(options.portrait.absolute()), project.face)
    if getattr(options, "unit_names", None) is not None:
        project = commands.set_unit_names(project, str(options.unit_names))
    if options.voice is not None:
        if options.voice.suffix.lower() in CURVES:
            project = commands.set_performance(project, str(options.voice.absolute()))
        else:
            project = commands.set_voice(project, str(options.voice.absolute()))
    if getattr(options, "drive", None) is not None:
        project = commands.set_performance(project, str(options.drive.absolute()))
        project = _with_own_sound(project)
    if options.face is not None:
        project = project.with_(face=options.face - 1)
    if options.project is None and options.portrait is not None:
        project = project.with_(name=(options.voice or options.portrait).stem)
    project = apply_direction(apply_drawing(project, options), options)
    if complete:
        if not (project.voice or project.performance):
            raise InputError("Give a portrait and a voice: soliloquy render PORTRAIT VOICE -o OUT.")
        for name, path in project_file.missing_media(project).items():
            raise InputError(f"There is no {name} at {path}. Check the path.")
    return project


def _with_own_sound(project: Project) -> Project:
    """The project with the sound of the video that drives it, where it has no voice yet."""
    from app.core.media import VIDEOS
    from app.core.puppet import has_sound

    clip = Path(project.performance)
    if project.voice or clip.suffix.lower() not in VIDEOS or not clip.is_file() or not has_sound(clip):
        return project
    return commands.set_performance(commands.set_voice(project, str(clip)), str(clip))


def apply_drawing(project: Project, options: argparse.Namespace) -> Project:
    """Rate, size and engine."""
    preset = presets.export_preset(options.preset) if getattr(options, "preset", None) else None
    rate = options.fps or (preset.rate if preset else "")
    if rate:
        project = commands.set_rate(project, rate)
    if options.size:
        project = project.with_(size=direction.parse_size(options.size))
    elif preset and preset.size != (0, 0):
        project = project.with_(size=preset.size)
    if options.engine:
        from engines import registry

        project = project.with_(engine=registry.info(options.engine).id)
    return project


def apply_direction(project: Project, options: argparse.Namespace) -> Project:
    """Text, emotion, style, pose, gaze, automatic motion and range."""
    if options.text is not None or options.language is not None:
        text = project.speech.text if options.text is None else _text(options.text)
        project = commands.set_text(project, text, options.language)
    project = direction.set_puppet(
        project, options.drive_parts, options.drive_relative, options.dub, options.drive_voice
    )
    if options.emotion:
        project = direction.add_emotions(project, direction.parse_items(options.emotion))
    if options.auto_emotion is not None:
        project = project.with_(auto_emotion=float(np.clip(options.auto_emotion, 0, 1)))
    if options.style:
        project = direction.add_styles(project, direction.parse_items(options.style))
    if options.pose:
        project = direction.add_keys(project, "pose", direction.parse_items(options.pose))
    if options.gaze:
        project = direction.add_keys(project, "gaze", direction.parse_items(options.gaze))
    if options.auto:
        project = direction.set_auto(project, direction.parse_items(options.auto))
    if options.seed is not None:
        project = commands.set_auto(project, seed=abs(options.seed))
    if getattr(options, "range", None):
        first, last = direction.parse_range(options.range, parse_rate(project.rate))
        project = project.with_(in_frame=first, out_frame=last)
    for emotion in project.emotions:
        presets.emotion(emotion.emotion)
    for style in project.styles:
        presets.style(style.style)
    presets.head(project.auto.character)
    return project


def _text(argument: str) -> str:
    try:
        return direction.read_text(argument)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The text {argument[1:]} cannot be read: {error}.") from error
